package main

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/hearback/hearback/dispatcher"
)

func TestAnExportIsTakenInWholeElsewhere(t *testing.T) {
	t.Parallel()
	h := install(t, plain)
	h.run("subscriber", "add", "u-1", "Ann@example.org", "--name", "Ann", "--time-zone", "Asia/Tokyo", "--author-id", "a-1,a-2", "--quiet-hours", "22:00-07:00", "--confirmed").ok()
	h.run("subscriber", "add", "guest-1", "ann@example.org").ok()
	h.run("subscriber", "add", "u-2", "ben@example.org", "--schedule", "daily").ok()
	h.run("subscription", "add", "u-1", "thread:post-7", "--schedule", "daily").ok()
	h.run("subscription", "add", "u-1", "replies:any").ok()
	h.run("subscription", "add", "u-1", "author:troll", "--mute").ok()
	h.run("subscription", "add", "u-1", "site").ok()
	h.run("subscription", "remove", "u-1", "site").ok()
	h.run("subscription", "add", "u-2", "thread:post-7").ok()
	h.run("suppression", "add", "bad@example.org", "--detail", "asked by phone").ok()
	first := h.run("export").ok()
	if n := strings.Count(first, "\n"); n != 9 {
		t.Errorf("the export has %d lines, want 9:\n%s", n, first)
	}

	to := install(t, plain)
	to.in = first
	to.run("import", "--dry-run").says("a dry run", "8 new, 1 known before, 0 rejected")
	if left := to.run("export").ok(); left != "" {
		t.Errorf("the dry run left %s", left)
	}
	to.in = first
	to.run("import").says("8 new, 1 known before, 0 rejected")
	if again := to.run("export").ok(); sorted(again) != sorted(first) {
		t.Errorf("what was taken in is not what was written:\n%s\nwas\n%s", again, first)
	}
	to.in = first
	to.run("import", "-").says("0 new, 9 known before, 0 rejected")
	to.run("message", "list").says("no m")
}

func sorted(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		for j := i; j > 0 && lines[j] < lines[j-1]; j-- {
			lines[j], lines[j-1] = lines[j-1], lines[j]
		}
	}
	return strings.Join(lines, "\n")
}

func TestADryRunKnowsTheReadersOfEarlierBatches(t *testing.T) {
	t.Parallel()
	h := install(t, plain)
	var in strings.Builder
	const n = importBatch + 20
	for i := range n {
		fmt.Fprintf(&in, `{"subscriber":{"id":"u-%d","email":"u%d@example.org","confirmed":true}}`+"\n", i, i)
	}
	for i := range n {
		fmt.Fprintf(&in, `{"subscription":{"subscriber":"u-%d","target":{"type":"thread","id":"t"}}}`+"\n", i)
	}
	h.in = in.String()
	h.run("import", "--dry-run").says(fmt.Sprintf("%d new, 0 known before, 0 rejected", 2*n))
	h.in = in.String()
	h.run("import").says(fmt.Sprintf("%d new, 0 known before, 0 rejected", 2*n))
}

func TestBadRecordsAreListedWithLineAndMendAndTheOthersAreTaken(t *testing.T) {
	t.Parallel()
	h := install(t, plain)
	h.in = `{"subscriber":{"id":"u-1","email":"ann@example.org","confirmed":true}}

{"subscriber":{"id":"u-2","mail":"ben@example.org"}}
{"subscription":{"subscriber":"nobody","target":{"type":"thread","id":"t"}}}
{"subscriber":{"email":"c@example.org"}}
{"suppression":{"address":"d@example.org","reason":"bonce"}}
{}
no JSON
{"subscription":{"subscriber":"u-1","target":{"type":"thread","id":"t"}}}
`
	r := h.run("import")
	if r.code != exitFailed {
		t.Errorf("exit %d, want %d", r.code, exitFailed)
	}
	for _, want := range []string{"2 new, 0 known before, 6 rejected", `line 3: subscriber.mail:`, `did you mean "email"?`, `line 4: `, `"nobody"`, "line 5: subscriber.id: is missing",
		"line 6: suppression.reason:", "did you mean bounce?", "line 7: ", "neither a subscriber nor", "line 8: "} {
		if !strings.Contains(r.out, want) {
			t.Errorf("the answer does not say %q:\n%s", want, r.out)
		}
	}
	h.in = "{}"
	if v := value(t, h.run("import", "--json").out); v["created"] != 0.0 || len(v["rejected"].([]any)) != 1 {
		t.Errorf("the JSON is %v", v)
	}
	h.run("import", "nowhere.ndjson").fails(exitInvalid, "FILE", "nowhere.ndjson")
}

func TestATableIsTakenIn(t *testing.T) {
	t.Parallel()
	h := install(t, plain)
	file := h.write("readers.CSV", "\ufeffEmail,Name,Confirmed,Follow,author_ids\n"+
		"Ann@example.org,\"Ann, of the bakery\",yes,thread:post-7,u-1 u-2\n"+
		"ann@example.org,,,replies,\n"+
		"ben@example.org,Ben,no,,\n"+
		"cy@example.org,Cy,perhaps,,\n"+
		"dee@example.org,Dee,yes,tread:7,\n"+
		"short,row\n"+
		",Nobody,yes,,\n")
	r := h.run("import", file)
	if r.code != exitFailed {
		t.Errorf("exit %d, want %d", r.code, exitFailed)
	}
	for _, want := range []string{"5 new, 1 known before, 4 rejected", `line 5: confirmed: "perhaps" is neither (write yes or no)`, `line 6: follow: "tread:7" is no target`,
		"line 7: the row has 2 cells", "line 8: email: is missing"} {
		if !strings.Contains(r.out, want) {
			t.Errorf("the answer does not say %q:\n%s", want, r.out)
		}
	}
	h.run("subscriber", "show", "ann@example.org").says("Ann, of the bakery", "u-1, u-2", "thread:post-7", "replies")
	h.in = "email;name;follow\nexcel@example.org;Ex;site\nbad;Bad;site\n"
	r = h.run("import", "--csv")
	if !strings.HasPrefix(r.out, "2 new, 0 known before, 1 rejected\nline 3: email: ") || strings.Count(r.out, "\n") != 2 {
		t.Errorf("a spreadsheet's table is answered:\n%s", r.out)
	}
	h.in = "email\tname\ntab@example.org\tTab\n"
	h.run("import", "--csv").says("1 new")
	for text, words := range map[string]string{"mail,name\n": "did you mean email?", "id,name\n": "no column email", "email,email\n": "stands twice"} {
		h.in = text
		h.run("import", "--csv").fails(exitInvalid, words)
	}
}

func FuzzReadRecords(f *testing.F) {
	for _, s := range []string{"", `{"subscriber":{"id":"u-1","email":"ann@example.org"}}`, "email,follow\nann@example.org,thread:post-7\n", "\ufeffEmail\n\"a\"\"b\"\n\"", "{}\n\x00\n[", "email\n,\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		for _, read := range []func(io.Reader, func(moved) error) error{readRecords, readTable} {
			err := read(strings.NewReader(in), func(m moved) error {
				if m.line < 1 || m.line > strings.Count(in, "\n")+1 {
					t.Fatalf("line %d of %q", m.line, in)
				}
				if m.err != nil && dispatcher.CodeOf(m.err) == dispatcher.CodeInternal {
					t.Fatalf("line %d of %q has no reason for people: %v", m.line, in, m.err)
				}
				if r := m.record; m.err == nil && r.Subscriber == nil && r.Subscription == nil && r.Suppression == nil {
					t.Fatalf("line %d of %q is %+v", m.line, in, r)
				}
				return nil
			})
			if err != nil && dispatcher.CodeOf(err) != dispatcher.CodeInvalid {
				t.Fatalf("%q cannot be read: %v", in, err)
			}
		}
	})
}
