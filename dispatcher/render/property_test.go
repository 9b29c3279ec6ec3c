package render

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"mime/quotedprintable"
	"strings"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// newRenderer makes a renderer that fails the test on any report.
func newRenderer(t testing.TB, opt Options) *Renderer {
	t.Helper()
	if opt.Report == nil {
		opt.Report = func(b Broken) { t.Errorf("broken template reported: %+v", b) }
	}
	r, err := New(opt)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// stored is a [Stored] of fixed versions by "site/kind/locale".
type stored map[string]Version

func (s stored) Active(_ context.Context, site string, kind dispatcher.Kind, locale string) (Version, bool, error) {
	v, ok := s[site+"/"+string(kind)+"/"+locale]
	return v, ok, nil
}

// fragments of what people and attackers write.
func fragments() []string {
	return []string{
		"plain words", "a", "", " ", "Größe und Maß", "日本語の長い文章、改行なし。", "שלום עולם", "emoji 👩‍🔧🔥", "tab\there", "=3D=20=\r\n", "trailing   ",
		"<b>bold", "</p></div>", "<p>one<p>two", "<blockquote>q<blockquote>q</blockquote>", "<ul><li>x<li>y</ul>", "<ol start=7><li>z", "<pre>  a\n\n    b</pre>",
		`<a href="https://example.org/?a=1&b=2+3">link</a>`, `<a href="javascript:x()">bad</a>`, "<script>alert('x')</script>", "<img src=x onerror=y>", "{{.Reader}}", "[[greeting]]",
		"line\nbreak", "cr\rlf\r\nend", "\x00\x01\x7f", "\u202eevil\u2066", "\xff\xfe", "+'\"&<>", "https://example.org/a_b?c=d#e", "http://[::1", ". dot", "..", "From me", "--=_hb_", strings.Repeat("x", 300),
		strings.Repeat("word ", 400), "<!-- c -->", "<style>p{color:red}</style>", "<table><tr><td>1<td>2</table>", "hbaction1x", "&nbsp;&amp;&#39;",
	}
}

func randomText(rnd *rand.Rand) string {
	f := fragments()
	var b strings.Builder
	for range rnd.IntN(5) {
		b.WriteString(f[rnd.IntN(len(f))])
		if rnd.IntN(2) == 0 {
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// randomMail makes a mail whose every text may be anything.
func randomMail(rnd *rand.Rand) *Mail {
	kinds := Kinds()
	m := Sample(kinds[rnd.IntN(len(kinds))], []string{"en", "de", "de-AT", "fr", "he", ""}[rnd.IntN(6)], 0)
	zones := []*time.Location{nil, time.UTC, time.FixedZone("", 19800), time.FixedZone("", -34200)}
	m.Zone = zones[rnd.IntN(len(zones))]
	m.ReaderName, m.ToName, m.Schedule, m.Links.Scope = randomText(rnd), randomText(rnd), randomText(rnd), randomText(rnd)
	m.Storm, m.More, m.MoreURL = rnd.IntN(3) == 0, rnd.IntN(3), []string{"", "https://example.org/more?x=1&y=2"}[rnd.IntN(2)]
	for key := range m.Data {
		m.Data[key] = randomText(rnd)
	}
	if !needsItems(m.Kind) {
		return m
	}
	id := int64(rnd.IntN(40)) * 100
	for range 1 + rnd.IntN(4) {
		g := Group{Thread: dispatcher.Thread{ID: id, Title: randomText(rnd), URL: randomURL(rnd), ExternalID: randomText(rnd), Revision: rnd.Int64()}, MuteURL: randomURL(rnd)}
		var last *dispatcher.Comment
		for range 1 + rnd.IntN(5) {
			id++
			at := sampleTime().Add(-time.Duration(rnd.IntN(100000)) * time.Second)
			c := dispatcher.Comment{ID: id, AuthorName: randomText(rnd), HTML: randomText(rnd) + randomText(rnd), Plain: rnd.IntN(4) == 0, URL: randomURL(rnd),
				State: dispatcher.Visible, PublishedAt: at, WrittenAt: at.Add(-time.Duration(rnd.IntN(40)) * time.Hour), Revision: rnd.Int64()}
			if rnd.IntN(4) == 0 {
				c.EditedAt = at
			}
			it := Item{Comment: &c, Reason: dispatcher.Reason(1 + rnd.IntN(5))}
			switch rnd.IntN(4) {
			case 0:
				it.Parent = last
			case 1:
				it.Parent = &dispatcher.Comment{ID: id + 50, AuthorName: randomText(rnd), HTML: randomText(rnd), State: []dispatcher.Visibility{dispatcher.Visible, dispatcher.Removed}[rnd.IntN(2)]}
			}
			last = &c
			g.Items = append(g.Items, it)
		}
		m.Groups = append(m.Groups, g)
	}
	return m
}

func randomURL(rnd *rand.Rand) string {
	return []string{"", "https://example.org/x", "https://example.org/?a=b&c='d'+é", "javascript:alert(1)", "https://example.org/\r\nBcc: x"}[rnd.IntN(5)]
}

// oddTemplates are overrides that place items and use actions in ways the
// built-in ones do not.
func oddTemplates() []Parts {
	return []Parts{
		{},
		{ // an item inside a line, blocks in blocks, all functions
			Subject: `{{if and .Groups (gt .Count 1)}}{{.Count}}{{else}}one{{end}} {{cut .Thread.Title 30}} {{len .Groups}}{{if not .Storm}}!{{end}}`,
			Text: `{{define "mail"}}{{$all := .Count}}[{{range .Groups}}{{with .Thread}}<{{or .Title "none"}}>{{end}} {{range .Items}}({{template "item" .}}){{else}}none{{end}}{{$all}}{{end}}]
{{template "end" .}}{{.Links.Unsubscribe}}
{{end}}{{define "end"}}{{with .First}}{{.Comment.Author}}{{end}}{{if ne .More 0}} +{{.More}}{{end}}
{{$.Reader.Address}}
{{end}}{{define "item"}}{{.Comment.Author}}: {{.Comment.Lead}}{{end}}`,
			HTML: `{{define "mail"}}<div lang="[[lang]]"><p title="{{.Schedule}}">{{range .Groups}}<b>{{.Thread.Title}}</b>{{range .Items}}{{template "item" .}},{{end}}{{end}}</p>
<a href="{{.Links.Unsubscribe}}?x={{.Count}}">leave {{.Reader.Name}}</a></div>{{end}}{{define "item"}}<i>{{.Comment.Author}}</i> {{.Comment.HTML}}
 tail {{end}}`,
		},
		{ // what no program can do: it falls back to plain execution
			Subject: `{{range $i, $g := .Groups}}{{$i}}{{$g.Thread.Title}}{{end}}`,
			Text:    "{{define \"mail\"}}{{range $i, $g := .Groups}}{{$i}}{{range $g.Items}}{{template \"item\" .}}{{end}}{{end}}\n{{.Links.Unsubscribe}}\n{{end}}",
			HTML:    `{{define "mail"}}<p>{{range .Groups}}{{range .Items}}<span title={{.Comment.Author}}>{{template "item" .}}</span>{{end}}{{end}}<a href={{.Links.Unsubscribe}}>x</a></p>{{end}}{{define "item"}}<b>{{.Comment.Text}}</b>{{end}}`,
		},
		{ // items within the blocks of others, at odd columns
			Text: "{{define \"mail\"}}  {{range .Groups}}{{template \"group\" .}}{{end}}{{.Links.Unsubscribe}}{{end}}{{define \"group\"}}> {{range .Items}}{{template \"item\" .}}\n> {{end}}{{end}}{{define \"item\"}}\n{{.Comment.Text}}\n\n{{with .Parent}}{{.Excerpt}}{{end}}   {{end}}",
		},
	}
}

func TestQuickAndPlainRenderingGiveTheSameBytes(t *testing.T) {
	ctx := context.Background()
	for n, parts := range oddTemplates() {
		store := stored{}
		for _, kind := range []dispatcher.Kind{dispatcher.KindReply, dispatcher.KindDigest} {
			for _, locale := range []string{"en", "de", "fr"} {
				store["/"+string(kind)+"/"+locale] = Version{ID: fmt.Sprintf("v%d-%s-%s", n, kind, locale), Parts: parts}
			}
		}
		quick, plain := newRenderer(t, Options{Stored: store, HTMLLimit: 30000}), newRenderer(t, Options{Stored: store, HTMLLimit: 30000, CacheBytes: 1})
		rnd := rand.New(rand.NewPCG(7, uint64(n)))
		for i := range 50 {
			m := randomMail(rnd)
			for pass := range 2 { // the second finds the items in the cache
				got, gotInfo, err := quick.compose(ctx, nil, m, false)
				if err != nil {
					t.Fatalf("template %d, mail %d: %v", n, i, err)
				}
				want, wantInfo, err := plain.compose(ctx, nil, m, true)
				if err != nil {
					t.Fatalf("template %d, mail %d, plainly: %v", n, i, err)
				}
				if !bytes.Equal(got, want) {
					t.Fatalf("template %d, mail %d, pass %d differs:\n%s", n, i, pass, firstDifference(got, want))
				}
				if fmt.Sprint(gotInfo) != fmt.Sprint(wantInfo) {
					t.Fatalf("infos differ: %+v, %+v", gotInfo, wantInfo)
				}
				checkBytes(t, got)
			}
		}
	}
}

func firstDifference(got, want []byte) string {
	i := 0
	for i < len(got) && i < len(want) && got[i] == want[i] {
		i++
	}
	from := max(0, i-200)
	return fmt.Sprintf("got  …%q\nwant …%q", got[from:min(len(got), i+100)], want[from:min(len(want), i+100)])
}

// checkBytes checks what holds for every mail on the wire.
func checkBytes(t *testing.T, mail []byte) {
	t.Helper()
	if !bytes.HasSuffix(mail, []byte("\r\n")) {
		t.Error("the mail does not end with CRLF")
	}
	for i, line := range bytes.Split(mail, []byte("\r\n")) {
		if bytes.ContainsAny(line, "\r\n\x00") {
			t.Fatalf("line %d holds a bare line break or NUL: %q", i, line)
		}
		if len(line) > 998 {
			t.Fatalf("line %d has %d bytes", i, len(line))
		}
		for _, c := range line {
			if c >= 0x80 {
				t.Fatalf("line %d is not 7-bit: %q", i, line)
			}
		}
	}
}

func TestTheBuiltInTemplatesHaveProgramsWhereItMatters(t *testing.T) {
	r := newRenderer(t, Options{})
	for _, kind := range []dispatcher.Kind{dispatcher.KindReply, dispatcher.KindDigest, dispatcher.KindTest} {
		for _, locale := range r.Locales() {
			p, err := r.compileFor(Sample(kind, locale, 1).Site, kind, locale, Version{})
			if err != nil {
				t.Fatal(err)
			}
			for name, part := range map[string]part{"subject": p.subject, "text": p.text, "html": p.html} {
				if part.quick == nil && kind != dispatcher.KindTest {
					t.Errorf("%s.%s: the %s part is executed plainly", kind, locale, name)
				}
			}
		}
	}
}

func TestQuotedPrintableIsThatOfTheStandardLibrary(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		line := make([]byte, rnd.IntN(400))
		for i := range line {
			switch rnd.IntN(4) {
			case 0:
				line[i] = byte(rnd.IntN(256))
			default:
				line[i] = byte(' ' + rnd.IntN(95))
			}
		}
		compareQuoted(t, line)
	}
}

func FuzzQuotedPrintable(f *testing.F) {
	for _, s := range fragments() {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) { compareQuoted(t, line) })
}

func compareQuoted(t *testing.T, line []byte) {
	t.Helper()
	line = bytes.TrimRight(bytes.ReplaceAll(bytes.ReplaceAll(line, []byte("\n"), nil), []byte("\r"), nil), " \t")
	var want bytes.Buffer
	w := quotedprintable.NewWriter(&want)
	_, _ = w.Write(append(line, "\r\n"...))
	_ = w.Close()
	if got := appendQuoted(nil, line); !bytes.Equal(got, want.Bytes()) {
		t.Fatalf("%q:\ngot  %q\nwant %q", line, got, want.Bytes())
	}
}

func TestWrappingKeepsWordsAndWidth(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	prefixes := []string{"", "> ", "> > ", "- ", "  12. ", "    ", strings.Repeat("> ", 60)}
	for range 3000 {
		var line strings.Builder
		line.WriteString(prefixes[rnd.IntN(len(prefixes))])
		for range rnd.IntN(40) {
			line.WriteString([]string{"word", "ein", "längeres", "日本語。", "https://example.org/" + strings.Repeat("a", 90), "x"}[rnd.IntN(6)] + " ")
		}
		source := strings.TrimRight(line.String(), " ")
		var words []string
		wrapLine(nil, []byte(source), func(l []byte) {
			words = append(words, strings.Fields(string(l))...)
			if columns(l) > textWidth && !strings.Contains(string(l), "https://") && len(l) < 140 {
				t.Fatalf("a line of %d columns: %q", columns(l), l)
			}
		})
		strip := strings.NewReplacer(" ", "", ">", "")
		if got, want := strip.Replace(strings.Join(words, "")), strip.Replace(source); got != want {
			t.Fatalf("words changed:\n%q\n%q", got, want)
		}
	}
}
