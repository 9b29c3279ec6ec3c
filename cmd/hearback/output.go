package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"golang.org/x/term"
)

// print shows a command's result: with --json the value as one JSON value,
// else what people writes.
func (r *root) print(v any, people func(p *page)) error {
	if r.json {
		enc := json.NewEncoder(r.out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(v)
	}
	p := &page{tab: tabwriter.NewWriter(r.out, 0, 8, 2, ' ', 0)}
	people(p)
	if p.err != nil {
		return p.err
	}
	return p.tab.Flush()
}

// page is text for people: rows of cells that line up, and plain lines.
type page struct {
	tab *tabwriter.Writer
	err error // the first; nothing is written after it
}

// row writes cells that line up with those of the rows above and below.
func (p *page) row(cells ...any) {
	for len(cells) > 1 && cells[len(cells)-1] == "" {
		cells = cells[:len(cells)-1] // nothing follows that would have to line up
	}
	text := make([]string, len(cells))
	for i, c := range cells {
		text[i] = shown(c)
	}
	p.write(strings.TrimRight(strings.Join(text, "\t"), "\t ") + "\n")
}

// line writes a line that lines up with nothing.
func (p *page) line(format string, args ...any) {
	for i := range args {
		if s, ok := args[i].(string); ok {
			args[i] = visible(s)
		}
	}
	if p.err == nil {
		p.err = p.tab.Flush()
	}
	p.write(fmt.Sprintf(format, args...) + "\n")
	if p.err == nil {
		p.err = p.tab.Flush()
	}
}

// block writes lines as they are, but for what a terminal would obey.
func (p *page) block(text string) {
	for l := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		p.line("%s", strings.TrimRight(l, "\r"))
	}
}

func (p *page) write(s string) {
	if p.err == nil {
		_, p.err = io.WriteString(p.tab, s)
	}
}

// shown is a cell's text.
func shown(c any) string {
	switch v := c.(type) {
	case time.Time:
		return when(v)
	case bool:
		if v {
			return "yes"
		}
		return "no"
	case []string:
		c = strings.Join(v, ", ")
	}
	s := visible(fmt.Sprint(c))
	if s == "" {
		return "-"
	}
	return s
}

// when shows a time to the second, in UTC; "-" for none.
func when(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}

// visible replaces what a terminal would obey instead of showing it: names and
// texts come from strangers.
func visible(s string) string {
	if !strings.ContainsFunc(s, unsafeRune) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if unsafeRune(r) {
			return '�'
		}
		return r
	}, strings.NewReplacer("\r\n", " ", "\n", " ", "\t", " ").Replace(s))
}

func unsafeRune(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029'
}

// colour says whether what is printed goes to a terminal that shows colours;
// NO_COLOR=1 and pipes mean no.
func (r *root) colour() bool {
	f, ok := r.out.(*os.File)
	quiet := slices.ContainsFunc(r.env, func(e string) bool { return strings.HasPrefix(e, "NO_COLOR=") && e != "NO_COLOR=" })
	return ok && !quiet && term.IsTerminal(int(f.Fd()))
}

// count gives "1 row" or "5 rows".
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
