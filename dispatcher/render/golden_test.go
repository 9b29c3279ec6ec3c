package render

import (
	"bytes"
	"context"
	"flag"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"

	gomail "github.com/wneessen/go-mail"

	"github.com/hearback/hearback/dispatcher"
)

// update rewrites the golden mails: go test ./dispatcher/render -run Golden -update
var update = flag.Bool("update", false, "rewrite the golden mails")

// goldens gives the mails that are kept as files.
func goldens() map[string]*Mail {
	out := map[string]*Mail{}
	for _, locale := range []string{"en", "de"} {
		for _, kind := range Kinds() {
			n := 5
			if kind == dispatcher.KindReply {
				n = 2
			}
			out[string(kind)+"."+locale] = Sample(kind, locale, n)
		}
	}
	for _, locale := range []string{"ar", "es", "fr", "uk"} {
		out["digest."+locale] = Sample(dispatcher.KindDigest, locale, 3)
		out["confirm."+locale] = Sample(dispatcher.KindConfirm, locale, 0)
	}
	storm := Sample(dispatcher.KindReply, "en", 3)
	storm.Storm, storm.More = true, 4
	out["reply-storm.en"] = storm
	out["hostile.en"] = hostile(dispatcher.KindDigest, "en")
	rtl := Sample(dispatcher.KindDigest, "en", 2)
	rtl.Groups = sampleGroups(hebrewTalks(), 2, 0)
	out["right-to-left.en"] = rtl
	return out
}

func TestGoldenMails(t *testing.T) {
	r := newRenderer(t, Options{})
	for name, m := range goldens() {
		t.Run(name, func(t *testing.T) {
			got, _, err := r.Compose(context.Background(), nil, m)
			if err != nil {
				t.Fatal(err)
			}
			checkBytes(t, got)
			file := filepath.Join("testdata", name+".eml")
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s changed; look at it and run with -update:\n%s", file, firstDifference(got, want))
			}
		})
	}
}

// parsed is a mail taken apart by the standard library.
type parsed struct {
	header mail.Header
	types  []string
	parts  []string
}

func parseMail(t *testing.T, raw []byte) parsed {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	out := parsed{header: m.Header}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	out.types = append(out.types, kind)
	mr := multipart.NewReader(m.Body, params["boundary"])
	for {
		p, err := mr.NextPart() // decodes quoted-printable
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(p)
		if err != nil {
			t.Fatal(err)
		}
		partType, partParams, err := mime.ParseMediaType(p.Header.Get("Content-Type"))
		if err != nil {
			t.Fatal(err)
		}
		out.types = append(out.types, partType+";"+strings.ToLower(partParams["charset"]))
		out.parts = append(out.parts, strings.TrimRight(strings.ReplaceAll(string(body), "\r\n", "\n"), "\n"))
	}
}

// TestGoMailWritesTheSameMail builds each golden mail with go-mail too and
// compares what a reader's program makes of both.
func TestGoMailWritesTheSameMail(t *testing.T) {
	r := newRenderer(t, Options{})
	for name, m := range goldens() {
		t.Run(name, func(t *testing.T) {
			raw, info, err := r.Compose(context.Background(), nil, m)
			if err != nil {
				t.Fatal(err)
			}
			ours := parseMail(t, raw)
			theirs := parseMail(t, throughGoMail(t, m, info, ours))
			for i, want := range theirs.types {
				if i >= len(ours.types) || ours.types[i] != want {
					t.Errorf("parts are %v, go-mail's %v", ours.types, theirs.types)
				}
			}
			for i := range theirs.parts {
				if ours.parts[i] != theirs.parts[i] {
					t.Errorf("part %d differs: %s", i, firstDifference([]byte(ours.parts[i]), []byte(theirs.parts[i])))
				}
			}
			var dec mime.WordDecoder
			for key, values := range theirs.header {
				if key == "Content-Type" || key == "Content-Transfer-Encoding" {
					continue
				}
				want, err := dec.DecodeHeader(values[0])
				if err != nil {
					t.Fatal(err)
				}
				got, err := dec.DecodeHeader(ours.header.Get(key))
				if err != nil {
					t.Fatal(err)
				}
				if key == "To" || key == "From" { // go-mail quotes every name
					got, want = mailbox(t, ours.header.Get(key)), mailbox(t, values[0])
				}
				if got != want {
					t.Errorf("%s is %q, go-mail's %q", key, got, want)
				}
			}
		})
	}
}

func mailbox(t *testing.T, s string) string {
	t.Helper()
	a, err := mail.ParseAddress(s)
	if err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return a.Name + " " + a.Address
}

func throughGoMail(t *testing.T, m *Mail, info Info, ours parsed) []byte {
	t.Helper()
	g := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	from, err := mail.ParseAddress(m.Site.From)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{g.FromFormat(from.Name, from.Address), g.AddToFormat(strings.ReplaceAll(clip(cleanLine(m.ToName), 150), `"`, `\"`), m.To)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	g.Subject(info.Subject)
	g.SetDateWithValue(m.Date)
	g.SetMessageIDWithValue(m.MessageID)
	if n := len(m.References); n > 0 {
		g.SetGenHeader("In-Reply-To", "<"+m.References[n-1]+">")
		g.SetGenHeader("References", "<"+strings.Join(m.References, "> <")+">")
	}
	if m.Links.OneClick != "" {
		g.SetListUnsubscribe("<" + m.Links.OneClick + ">")
		g.SetGenHeader("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
	}
	if needsItems(m.Kind) {
		g.SetGenHeader("Precedence", "list")
	}
	g.SetGenHeader("Auto-Submitted", "auto-generated")
	g.SetGenHeader("Content-Language", info.Locale)
	g.SetBodyString(gomail.TypeTextPlain, strings.ReplaceAll(ours.parts[0], "\n", "\r\n"))
	g.AddAlternativeString(gomail.TypeTextHTML, strings.ReplaceAll(ours.parts[1], "\n", "\r\n"))
	var buf bytes.Buffer
	if _, err := g.WriteTo(&buf); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}
