package render

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/hearback/hearback/dispatcher"
)

func TestTheDocumentedTemplatePassesAndAllFieldsAreDocumented(t *testing.T) {
	raw, err := os.ReadFile("../../docs/templates.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(raw)
	fenced := func(kind string) string {
		_, rest, ok := strings.Cut(page, "```"+kind+"\n")
		code, _, ok2 := strings.Cut(rest, "```")
		if !ok || !ok2 {
			t.Fatalf("there is no %s example", kind)
		}
		return code
	}
	r := newRenderer(t, Options{})
	parts := Parts{Text: fenced("text"), HTML: fenced("html")}
	for _, kind := range []dispatcher.Kind{dispatcher.KindReply, dispatcher.KindDigest} {
		report, err := r.Check(kind, "en", parts)
		if err != nil || len(report.Warnings) > 0 {
			t.Errorf("%v %+v", err, report)
		}
	}
	for _, view := range []any{MailView{}, SiteView{}, ReaderView{}, LinksView{}, GroupView{}, ThreadView{}, ItemView{}, CommentView{}, ParentView{}} {
		for _, name := range fieldNames(reflect.TypeOf(view)) {
			if !strings.Contains(page, name) {
				t.Errorf("%T%s is not documented", view, name)
			}
		}
	}
	for _, name := range callable() {
		if !strings.Contains(page, "`"+name) {
			t.Errorf("the function %s is not documented", name)
		}
	}
}
