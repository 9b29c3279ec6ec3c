package render

import (
	"testing"

	"github.com/hearback/hearback/dispatcher"
)

// TestWhatIsListedCanBeUsed writes each variable into a template where it says
// that it may stand.
func TestWhatIsListedCanBeUsed(t *testing.T) {
	r := newRenderer(t, Options{})
	list := Variables()
	if len(list) < 30 {
		t.Errorf("only %d variables are listed", len(list))
	}
	for _, v := range list {
		use := "{{if " + v.Path + "}}x{{end}}"
		item := "{{range .Items}}{{template \"item\" .}}{{end}}"
		block := map[string]string{"mail": use + "{{range .Groups}}" + item + "{{end}}", "group": "{{range .Groups}}" + use + item + "{{end}}",
			"parent": "{{range .Groups}}{{range .Items}}{{with .Parent}}" + use + "{{end}}{{template \"item\" .}}{{end}}{{end}}",
			"item":   "{{range .Groups}}{{range .Items}}" + use + "{{template \"item\" .}}{{end}}{{end}}"}[v.Where]
		text := "{{define \"mail\"}}" + block + "\n{{.Links.Unsubscribe}}\n{{end}}{{define \"item\"}}x{{end}}"
		if _, err := r.Check(dispatcher.KindDigest, "en", Parts{Text: text}); err != nil {
			t.Errorf("%s in the %s: %v", v.Path, v.Where, err)
		}
	}
}
