package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hearback/hearback/dispatcher"
)

// event writes a comment's publication as one line of JSON.
func event(n int) string {
	return fmt.Sprintf(`{"id":"e-%d","type":"comment.published","time":"2026-06-08T09:00:00Z","thread":{"id":"post-7"},"comment":{"id":"c-%d","text":"Hello"}}`, n, n)
}

// receipt is what enqueue --json gives.
func receipt(t *testing.T, r result) enqueueJSON {
	t.Helper()
	var e enqueueJSON
	if r.errs != "" {
		t.Fatalf("%v: %s", r.args, r.errs)
	}
	if err := json.Unmarshal([]byte(r.out), &e); err != nil {
		t.Fatalf("%v in %q", err, r.out)
	}
	if wantCode := min(len(e.Rejected), 1); r.code != wantCode {
		t.Errorf("exit %d with %d rejected", r.code, len(e.Rejected))
	}
	return e
}

func TestEventsComeInEveryForm(t *testing.T) {
	t.Parallel()
	pretty := strings.NewReplacer(`,"type"`, ",\n  \"type\"", `{"id":"e`, "{\n  \"id\":\"e", `"}}`, "\"}\n}").Replace(event(1))
	for name, input := range map[string]string{
		"array":             "[" + event(1) + ",\n" + event(2) + "]",
		"wrapped":           `{ "events": [` + event(1) + "," + event(2) + "] }\n",
		"NDJSON":            event(1) + "\n\n" + event(2) + "\n",
		"NDJSON, no end":    event(1) + "\n" + event(2),
		"NDJSON of Windows": "\xef\xbb\xbf" + event(1) + "\r\n" + event(2) + "\r\n",
		"several lines":     pretty + "\n" + strings.ReplaceAll(pretty, "-1", "-2"),
		"blanks before":     "\n \n\t" + event(1) + "\n" + event(2),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := install(t, plain)
			h.t, h.in = t, input
			if e := receipt(t, h.run("enqueue", "--json")); e.Accepted != 2 || len(e.Rejected) != 0 {
				t.Errorf("%+v", e)
			}
			h.in = input
			if e := receipt(t, h.run("enqueue", "-", "--json")); e.Accepted != 0 || e.Duplicates != 2 {
				t.Errorf("the second time: %+v", e)
			}
		})
	}
}

func TestASingleEventAndNothingAreTaken(t *testing.T) {
	t.Parallel()
	h := install(t, plain)
	h.in = published
	h.run("enqueue").says("1 accepted, 0 duplicates, 0 rejected")
	for _, in := range []string{"", " \n\n", "[]", `{"events":[]}`} {
		h.in = in
		h.run("enqueue").says("0 accepted, 0 duplicates, 0 rejected")
	}
}

func TestRejectedEventsAreListedWithLineAndMendAndTheOthersAreTaken(t *testing.T) {
	t.Parallel()
	h := install(t, plain)
	lines := []string{
		event(1),
		`{"id":"e-2","type":"comment.published"}`, // no time
		`{broken}`, //
		strings.Replace(event(4), `"text"`, `"txet"`, 1),          // unknown key
		strings.Replace(event(5), `Hello`, `nul\u0000`, 1),        // NUL, escaped
		strings.Replace(event(6), `Hello`, "nul\x00", 1),          // NUL, raw
		strings.Replace(event(7), `"c-7"`, `7`, 1),                // a number for a text
		strings.Replace(event(8), `{"id"`, `{"site":"x","id"`, 1), // another site
		strings.Replace(event(1), "Hello", "Other", 1),            // the id again
		`{"id":"e-10","text":"` + strings.Repeat("x", dispatcher.MaxPayload) + `"}`,
		strings.Replace(event(11), "2026-06-08T09:00:00Z", "yesterday", 1),
		`[1]`,
		event(13),
	}
	file := h.write("events.ndjson", strings.Join(lines, "\n"))
	r := h.run("enqueue", file, "--json")
	e := receipt(t, r)
	if e.Accepted != 2 || e.Duplicates != 0 {
		t.Errorf("%d accepted, %d duplicates", e.Accepted, e.Duplicates)
	}
	var at []int
	for _, no := range e.Rejected {
		at = append(at, no.Line)
		if no.Error.Message == "" || no.Error.Code == dispatcher.CodeInternal {
			t.Errorf("line %d is rejected without a reason: %+v", no.Line, no)
		}
	}
	if want := []int{2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}; !slices.Equal(at, want) {
		t.Errorf("rejected lines %v, want %v", at, want)
	}
	golden(t, "enqueue.json", r.out)
	text := h.run("enqueue", file)
	if text.code != exitFailed {
		t.Errorf("exit %d", text.code)
	}
	golden(t, "enqueue.txt", text.out)
}

func TestBrokenJSONEndsTheReadingOnlyWhereNobodyKnowsTheNextEvent(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		input          string
		accepted, line int
	}{
		"array":       {"[" + event(1) + ",\n{\"id\":}\n," + event(2) + "]", 1, 2},
		"cut element": {"[" + event(1) + ",\n\n{\"id\":", 1, 3},
		"cut array":   {"[" + event(1) + ",\n" + event(2), 2, 2},
		"cut wrapped": {`{"events":[` + event(1) + "]", 1, 1},
		"beside":      {`{"events":[` + event(1) + `],"more":1}`, 1, 1},
		"first line":  {"{broken}\n" + event(1), 1, 1},
		"no JSON":     {"hello", 0, 1},
		"stream":      {"{\n\"id\":1\n", 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := install(t, plain)
			h.t, h.in = t, tc.input
			e := receipt(t, h.run("enqueue", "--json"))
			if e.Accepted != tc.accepted || len(e.Rejected) != 1 || e.Rejected[0].Line != tc.line {
				t.Errorf("%+v, want %d accepted and line %d rejected", e, tc.accepted, tc.line)
			}
		})
	}
}

func TestManyEventsGoInBatches(t *testing.T) {
	t.Parallel()
	h := install(t, plain)
	var b strings.Builder
	for i := range 1203 {
		b.WriteString(event(i) + "\n")
	}
	h.in = b.String()
	if e := receipt(t, h.run("enqueue", "--json", "--site", "blog")); e.Accepted != 1203 {
		t.Errorf("%d accepted", e.Accepted)
	}
	if v := value(t, h.run("event", "list", "--json").ok()); v["waiting"] != 1203.0 {
		t.Errorf("waiting: %v", v["waiting"])
	}
}

func TestSeveralFilesAreNamedInTheReceipt(t *testing.T) {
	t.Parallel()
	h := install(t, plain)
	a, b := h.write("a.json", "["+event(1)+"]"), h.write("b.json", "{}")
	e := receipt(t, h.run("enqueue", a, b, "--json"))
	if e.Accepted != 1 || len(e.Rejected) != 1 || !strings.HasSuffix(e.Rejected[0].File, "b.json") {
		t.Errorf("%+v", e)
	}
	h.run("enqueue", h.path("none.json")).fails(exitInvalid, "FILE", "none.json")
	h.run("enqueue", a, "--site", "x").fails(exitNotFound, `no site "x"`, "blog")
}

func TestAnEventMayNameItsOwnSite(t *testing.T) {
	t.Parallel()
	h := install(t, strings.Replace(plain, "schedules:", "  - key: shop\n    base_url: https://shop.example.org\n    from: shop@example.org\nschedules:", 1))
	h.in = strings.Replace(event(1), `{"id"`, `{"site":"shop","id"`, 1) + "\n" + strings.Replace(event(2), `{"id"`, `{"site":"blog","id"`, 1) + "\n" + event(3)
	e := receipt(t, h.run("enqueue", "--json"))
	if e.Accepted != 2 || len(e.Rejected) != 1 || e.Rejected[0].Line != 3 || !strings.Contains(e.Rejected[0].Error.Message, "several sites") {
		t.Errorf("%+v", e)
	}
}

func TestRejectedEventsAreKeptAndCanBeHandedInAgain(t *testing.T) {
	t.Parallel()
	h := install(t, plain)
	h.in = `{"id":"bad","type":"comment.publisht","time":"2026-06-08T09:00:00Z"}`
	h.run("enqueue", "--json")
	golden(t, "event_list.json", h.run("event", "list", "--rejected", "--json").ok())
	h.run("event", "list").says("0 events wait in the inbox, 1 rejected one listed", "comment.publisht")
	golden(t, "event_show.json", h.run("event", "show", "1", "--json").ok())
	h.run("event", "show", "1").says("cli+vouch", `"id":"bad"`)
	h.run("event", "show", "9").fails(exitNotFound, `"9"`)
	h.run("event", "retry").fails(exitInvalid, "--all")
	h.run("event", "retry", "9").fails(exitNotFound)
	h.run("event", "retry", "1").says("1 event is back in the inbox")
	h.intake(h.store()) // which rejects it again
	h.run("event", "retry", "--all", "--json").says(`"retried": 1`)
}

func FuzzReadEvents(f *testing.F) {
	for _, s := range []string{"", "[", `{"events":[1,{}]}`, "{\n}\n{", event(1) + "\n" + event(2), "{\"a\":1}\n\x00\n", `[{"a":"]"}]x`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		line := 1
		err := readEvents(strings.NewReader(in), func(e entry) error {
			if e.line < line || e.line > strings.Count(in, "\n")+1 {
				t.Fatalf("line %d after %d of %q", e.line, line, in)
			}
			line = e.line
			if _, err := parseEvent(e.raw); e.err == nil && err != nil && dispatcher.CodeOf(err) == dispatcher.CodeInternal {
				t.Fatalf("%q has no reason for people: %v", e.raw, err)
			}
			return nil
		})
		if err != nil {
			t.Fatalf("a string cannot fail to be read: %v", err)
		}
	})
}
