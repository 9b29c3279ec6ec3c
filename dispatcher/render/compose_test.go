package render

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"mime"
	"net/mail"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

func compose(t *testing.T, r *Renderer, m *Mail) ([]byte, Info) {
	t.Helper()
	out, info, err := r.Compose(context.Background(), nil, m)
	if err != nil {
		t.Fatal(err)
	}
	return out, info
}

func TestTheSameMailHasTheSameBytesInEveryProcess(t *testing.T) {
	m := twenty()
	first, _ := compose(t, newRenderer(t, Options{}), m)
	second, _ := compose(t, newRenderer(t, Options{CacheBytes: 1}), m)
	if !bytes.Equal(first, second) {
		t.Error(firstDifference(first, second))
	}
}

func TestComposeAppendsAndLeavesWhatIsThere(t *testing.T) {
	r := newRenderer(t, Options{})
	out, _, err := r.Compose(context.Background(), []byte("before"), twenty())
	if err != nil || !bytes.HasPrefix(out, []byte("beforeFrom: ")) {
		t.Errorf("%.40q %v", out, err)
	}
	bad := twenty()
	bad.MessageID = "no id"
	out, _, err = r.Compose(context.Background(), []byte("before"), bad)
	if string(out) != "before" || dispatcher.CodeOf(err) != dispatcher.CodeInvalid {
		t.Errorf("%q %v", out, err)
	}
}

func TestHeadersOfADigest(t *testing.T) {
	m := Sample(dispatcher.KindDigest, "de", 4)
	m.References = []string{"<series.1@werkbank.example>", "last.2@werkbank.example"}
	raw, info := compose(t, newRenderer(t, Options{}), m)
	h := parseMail(t, raw).header
	want := map[string]string{
		"From":                     "Kleine Werkbank <comments@workshop.example>",
		"To":                       "Jana Berger <jana@reader.example>",
		"Date":                     "Mon, 08 Jun 2026 11:15:00 +0000",
		"Message-Id":               "<sample.1@workshop.example>",
		"In-Reply-To":              "<last.2@werkbank.example>",
		"References":               "<series.1@werkbank.example> <last.2@werkbank.example>",
		"List-Id":                  "Kleine Werkbank <comments.workshop.example>",
		"List-Unsubscribe":         "<https://workshop.example/hearback/leave/sample>",
		"List-Unsubscribe-Post":    "List-Unsubscribe=One-Click",
		"Precedence":               "list",
		"Auto-Submitted":           "auto-generated",
		"X-Auto-Response-Suppress": "OOF, AutoReply",
		"Feedback-Id":              "digest:workshop:hearback",
		"X-Hearback-Site":          "workshop",
		"X-Hearback-Kind":          "digest",
		"X-Hearback-Reason":        "reply",
		"Content-Language":         "de",
		"Mime-Version":             "1.0",
	}
	for key, value := range want {
		if got := h.Get(key); got != value {
			t.Errorf("%s: %q, want %q", key, got, value)
		}
		if n := len(h[key]); n != 1 {
			t.Errorf("%s stands there %d times", key, n)
		}
	}
	if info.Subject != "4 neue Kommentare auf Kleine Werkbank" || info.Locale != "de" || info.UTF8 {
		t.Errorf("info %+v", info)
	}
	body := raw[bytes.Index(raw, []byte("Content-Type: text/plain")):]
	body = body[bytes.Index(body, []byte("\r\n\r\n"))+4 : bytes.Index(body, []byte("\r\n--=_hb_"))+2]
	sum := sha256.Sum256(append([]byte(info.Subject+"\n"), body...))
	if want := hex.EncodeToString(sum[:8]); info.ContentHash != want {
		t.Errorf("content hash %s, from the bytes %s", info.ContentHash, want)
	}
}

func TestAReplyNamesItsThread(t *testing.T) {
	raw, _ := compose(t, newRenderer(t, Options{}), Sample(dispatcher.KindReply, "en", 1))
	h := parseMail(t, raw).header
	if h.Get("List-Archive") != "<https://workshop.example/posts/sharpening>" || h.Get("X-Hearback-Thread") != "post-1" {
		t.Errorf("%v", h)
	}
	if h.Get("Subject") != "Re: How I sharpen chisels without a machine" {
		t.Errorf("subject %q must stay the same for all mails of a thread", h.Get("Subject"))
	}
}

func TestMailsWithoutSubscriptionOfferNoUnsubscribeHeader(t *testing.T) {
	r := newRenderer(t, Options{})
	for _, kind := range []dispatcher.Kind{dispatcher.KindConfirm, dispatcher.KindTest, dispatcher.KindNotice} {
		raw, _ := compose(t, r, Sample(kind, "en", 0))
		h := parseMail(t, raw).header
		if h.Get("List-Unsubscribe") != "" || h.Get("List-Unsubscribe-Post") != "" || h.Get("Precedence") != "" {
			t.Errorf("%s: %v", kind, h)
		}
	}
}

func TestWhatCannotBeAHeaderIsRefused(t *testing.T) {
	r := newRenderer(t, Options{})
	for field, change := range map[string]func(*Mail){
		"message_id": func(m *Mail) { m.MessageID = "a@b\r\nBcc: x@example.org" },
		"references": func(m *Mail) { m.References = []string{"a@b> <c@d"} },
		"to":         func(m *Mail) { m.To = "ann@example.org>\r\nBcc: <x@example.org" },
		"site.from":  func(m *Mail) { m.Site.From = "nobody" },
		"items":      func(m *Mail) { m.Groups = nil },
	} {
		m := twenty()
		change(m)
		_, _, err := r.Compose(context.Background(), nil, m)
		e, ok := err.(*dispatcher.Error)
		if !ok || e.Code != dispatcher.CodeInvalid || e.Field != field || e.Mend == "" {
			t.Errorf("%s: %v", field, err)
		}
	}
	for _, to := range []string{"", "a", "@b", "a@", "a b@c.de", `"a b"@c.de`, "a@b@c", "a@[1.2.3.4]", "a,b@c.de", "a@b_\x00.de", "a\u202e@b.de"} {
		m := twenty()
		if m.To = to; to == "a@b@c" {
			m.To = "a@b@c.de"
		}
		if _, _, err := r.Compose(context.Background(), nil, m); err == nil {
			t.Errorf("%q was taken as a recipient", m.To)
		}
	}
}

func TestAddressesOutsideOfASCII(t *testing.T) {
	r := newRenderer(t, Options{})
	m := Sample(dispatcher.KindTest, "en", 0)
	m.To, m.ToName = "jana@bücher.example", ""
	raw, info := compose(t, r, m)
	if got := parseMail(t, raw).header.Get("To"); got != "<jana@xn--bcher-kva.example>" || info.UTF8 {
		t.Errorf("domain: %q, UTF8 %v", got, info.UTF8)
	}
	m.To = "jürgen@example.org"
	if _, info = compose(t, r, m); !info.UTF8 {
		t.Error("a local part outside of ASCII needs SMTPUTF8")
	}
}

func TestItemsThatDoNotFitAreCutWeakestFirst(t *testing.T) {
	r := newRenderer(t, Options{HTMLLimit: 24 << 10})
	m := Sample(dispatcher.KindDigest, "en", 40)
	m.More = 3
	raw, info := compose(t, r, m)
	if info.HTMLSize > 24<<10 {
		t.Errorf("the HTML part has %d bytes", info.HTMLSize)
	}
	if len(info.Placed)+info.More != 43 || len(info.Placed) == 0 || info.More <= 3 {
		t.Fatalf("%d placed, %d more", len(info.Placed), info.More)
	}
	placed := map[int64]bool{}
	for _, id := range info.Placed {
		placed[id] = true
	}
	var weakestIn, strongestOut dispatcher.Reason = 0, 9
	page := parseMail(t, raw).parts[1]
	for _, g := range m.Groups {
		for _, it := range g.Items {
			shown := strings.Contains(page, it.Comment.URL+`"`)
			if shown != placed[it.Comment.ID] {
				t.Errorf("comment %d: shown %v, in the list %v", it.Comment.ID, shown, placed[it.Comment.ID])
			}
			if placed[it.Comment.ID] {
				weakestIn = max(weakestIn, it.Reason)
			} else {
				strongestOut = min(strongestOut, it.Reason)
			}
		}
	}
	if weakestIn > strongestOut {
		t.Errorf("reason %s was placed while %s was cut", weakestIn, strongestOut)
	}
	if !strings.Contains(page, fmt.Sprintf("and %d more", info.More)) {
		t.Error("the mail does not say how many are missing")
	}
	if !strings.Contains(info.Subject, fmt.Sprint(len(info.Placed))) {
		t.Errorf("subject %q counts what is not there", info.Subject)
	}
}

func TestTheLastItemIsNeverCut(t *testing.T) {
	r := newRenderer(t, Options{HTMLLimit: 100})
	_, info := compose(t, r, Sample(dispatcher.KindDigest, "en", 6))
	if len(info.Placed) != 1 || info.More != 5 {
		t.Errorf("%+v", info)
	}
}

func TestFiftyOrdinaryItemsFit(t *testing.T) {
	r := newRenderer(t, Options{})
	_, info := compose(t, r, Sample(dispatcher.KindDigest, "en", 50))
	if len(info.Placed) != 50 {
		t.Errorf("%d of 50 placed in %d bytes", len(info.Placed), info.HTMLSize)
	}
}

func TestNothingThatStrangersWriteGetsOutOfItsPlace(t *testing.T) {
	r := newRenderer(t, Options{})
	for _, kind := range Kinds() {
		raw, _ := compose(t, r, hostile(kind, "en"))
		p := parseMail(t, raw)
		for key := range p.header {
			if key == "Bcc" {
				t.Errorf("%s: a header was injected", kind)
			}
		}
		page := strings.ToLower(p.parts[1])
		for _, bad := range []string{"<script", "<img", "onclick", "onerror", "javascript:", "position:fixed", "\u202e", "\x00", "\u2066"} {
			if strings.Contains(page, bad) || strings.Contains(p.parts[0], "\u202e") {
				t.Errorf("%s: %q got into the page", kind, bad)
			}
		}
		if len(raw) > 120<<10 {
			t.Errorf("%s: %d bytes", kind, len(raw))
		}
	}
}

func TestARemovedParentIsNotQuoted(t *testing.T) {
	r := newRenderer(t, Options{})
	m := Sample(dispatcher.KindReply, "en", 1)
	m.Groups[0].Items[0].Parent.State = dispatcher.Removed
	raw, _ := compose(t, r, m)
	for _, part := range parseMail(t, raw).parts {
		if strings.Contains(part, "I never get the back") || strings.Contains(part, "Jana had written") {
			t.Error("the mail quotes what the site no longer shows")
		}
	}
}

func TestAParentRightAboveIsNotQuotedAgain(t *testing.T) {
	r := newRenderer(t, Options{})
	m := Sample(dispatcher.KindDigest, "en", 2)
	raw, _ := compose(t, r, m)
	text := parseMail(t, raw).parts[0]
	if !strings.Contains(text, "answers the\ncomment above") || strings.Contains(text, "Patrick Lindqvist had written") {
		t.Errorf("the parent stands above and is quoted:\n%s", text)
	}
	m.Groups[0].Items = m.Groups[0].Items[1:]
	raw, _ = compose(t, r, m)
	if text = parseMail(t, raw).parts[0]; !strings.Contains(text, "> Patrick Lindqvist had written") {
		t.Errorf("the parent is not above and not quoted:\n%s", text)
	}
}

func TestAnItemChangesWithItsRevisionsAndTheReadersOffset(t *testing.T) {
	r := newRenderer(t, Options{})
	m := Sample(dispatcher.KindReply, "en", 1)
	shows := func(what string) {
		t.Helper()
		raw, _ := compose(t, r, m)
		if text := parseMail(t, raw).parts[0]; !strings.Contains(text, what) {
			t.Errorf("%q is missing:\n%s", what, text)
		}
	}
	it := &m.Groups[0].Items[0]
	shows("Patrick Lindqvist, Mon 8 June, 04:32")
	m.Zone = time.FixedZone("", 5*3600+1800)
	shows("Patrick Lindqvist, Mon 8 June, 10:02")
	it.Comment.HTML, it.Comment.Revision = "<p>Changed my mind.</p>", 2
	shows("Changed my mind.")
	it.Parent.HTML, it.Parent.Revision = "<p>Another question.</p>", 2
	shows("> Another question.")
	it.Reason = dispatcher.ReasonSite
	shows("new on The Small Workshop")
}

func TestWritingDirectionAndLanguageStandOnPageAndWrapper(t *testing.T) {
	r := newRenderer(t, Options{Stored: stored{"/digest/he": {ID: "v1", Parts: Parts{Subject: "שלום"}}}})
	raw, info := compose(t, r, Sample(dispatcher.KindDigest, "he", 2))
	page := parseMail(t, raw).parts[1]
	if n := strings.Count(page, `lang=he dir=rtl role=article`) + strings.Count(page, `<html lang="he" dir="rtl">`); n != 2 || info.Locale != "he" {
		t.Errorf("found %d times, locale %s", n, info.Locale)
	}
}

func TestTheDefaultPagesAreMadeForMailPrograms(t *testing.T) {
	r := newRenderer(t, Options{})
	tables := regexp.MustCompile(`<table[^>]*>`)
	for _, kind := range Kinds() {
		raw, _ := compose(t, r, Sample(kind, "en", 4))
		page := parseMail(t, raw).parts[1]
		for _, want := range []string{"<!DOCTYPE html>", `<meta name="color-scheme" content="light dark"`, "@media (prefers-color-scheme:dark)", "@media (max-width:520px)",
			"<!--[if mso]><table", "<![endif]-->", `<html lang="en" dir="ltr">`, "<div lang=en dir=ltr ", "max-width:600px"} {
			if !strings.Contains(page, want) {
				t.Errorf("%s: %q is missing", kind, want)
			}
		}
		for _, table := range tables.FindAllString(strings.ReplaceAll(page, `"`, ""), -1) {
			if !strings.Contains(table, "role=presentation") {
				t.Errorf("%s: %s is read out as a table", kind, table)
			}
		}
		for _, never := range []string{"<img", "<script", "<link", "url(", "hbaction", "hbbegin", "[[", "{{", "ZgotmplZ", "data-premailer"} {
			if strings.Contains(page, never) {
				t.Errorf("%s: %q stands in the page", kind, never)
			}
		}
		if n := strings.Count(page, "<h1"); n != 1 {
			t.Errorf("%s: %d first headings", kind, n)
		}
	}
}

func TestTheTextPartIsALetter(t *testing.T) {
	r := newRenderer(t, Options{})
	for _, kind := range Kinds() {
		raw, _ := compose(t, r, Sample(kind, "de", 6))
		text := parseMail(t, raw).parts[0]
		for line := range strings.SplitSeq(text, "\n") {
			if columns([]byte(line)) > 76 && !strings.HasPrefix(line, "https://") {
				t.Errorf("%s: a line of %d columns: %s", kind, columns([]byte(line)), line)
			}
			if i := strings.Index(line, "https://"); i > 0 && kind != dispatcher.KindTest {
				t.Errorf("%s: a link shares its line: %s", kind, line)
			}
		}
		for _, never := range []string{"\n\n\n\n", "<p", "&amp;", "[[", "{{"} {
			if strings.Contains(text, never) {
				t.Errorf("%s: %q stands in the text", kind, never)
			}
		}
	}
}

func FuzzHeaderValues(f *testing.F) {
	for _, s := range fragments() {
		f.Add(s, s, s)
	}
	r := newRenderer(f, Options{})
	f.Fuzz(func(t *testing.T, name, title, id string) {
		m := Sample(dispatcher.KindReply, "en", 1)
		m.ToName, m.ReaderName, m.Groups[0].Thread.Title, m.Groups[0].Thread.ExternalID = name, name, title, id
		m.Links.OneClick, m.FeedbackID, m.ListID, m.Site.Name, m.Site.Key = "https://example.org/"+id, id, id, title, name
		raw, info, err := r.Compose(context.Background(), nil, m)
		if err != nil {
			t.Fatal(err)
		}
		checkBytes(t, raw)
		head, _, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
		for line := range strings.SplitSeq(string(head), "\r\n") {
			if len(line) > 78 && !strings.HasPrefix(line, "List-") && !strings.HasPrefix(line, "Feedback-ID") {
				t.Errorf("a header line of %d bytes: %q", len(line), line)
			}
		}
		h := parseMail(t, raw).header
		var dec mime.WordDecoder
		if got, err := dec.DecodeHeader(h.Get("Subject")); err != nil || got != info.Subject {
			t.Errorf("subject %q reads as %q (%v)", info.Subject, got, err)
		}
		if a, err := mail.ParseAddress(h.Get("To")); err != nil || a.Name != clip(cleanLine(name), 150) {
			t.Errorf("name %q reads as %v (%v)", name, a, err)
		}
	})
}
