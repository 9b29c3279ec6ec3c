package render

import (
	"slices"
	"strconv"
	"strings"
	"text/template/parse"

	"golang.org/x/text/feature/plural"
	xlang "golang.org/x/text/language"
)

// pluralForms are what languages tell apart among numbers, as CLDR names it.
// Each language has some of them; all have "other".
func pluralForms() []string { return []string{"zero", "one", "two", "few", "many", "other"} }

// pluralForm names the form of a number of things in a language.
func pluralForm(tag xlang.Tag, n int) string {
	switch plural.Cardinal.MatchPlural(tag, max(n, -n), 0, 0, 0, 0) {
	case plural.Zero:
		return "zero"
	case plural.One:
		return "one"
	case plural.Two:
		return "two"
	case plural.Few:
		return "few"
	case plural.Many:
		return "many"
	}
	return "other"
}

// plural is the template function: it takes a number and pairs of a form and
// its words, and gives the words of the number's form in the template's
// language, with the number in place of each #. A form without words takes
// those of "other".
func (l *language) plural(n int, pairs ...string) string {
	form, words := pluralForm(l.cldr, n), ""
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i] == form {
			words = pairs[i+1]
			break
		}
		if pairs[i] == "other" {
			words = pairs[i+1]
		}
	}
	if !strings.Contains(words, "#") {
		return words
	}
	return strings.ReplaceAll(words, "#", strconv.Itoa(n))
}

// plural translates the function for words that stand in the template.
func (t *translator) plural(cmd *parse.CommandNode, args []expr, piped bool) (expr, error) {
	if piped || len(args) == 0 || args[0].typ != tInt {
		return expr{}, errNotQuick
	}
	var pairs []string
	for _, n := range cmd.Args[2:] {
		s, ok := n.(*parse.StringNode)
		if !ok {
			return expr{}, errNotQuick
		}
		pairs = append(pairs, s.Text)
	}
	n := args[0].get
	return expr{tString, func(m *machine) val {
		return val{s: t.lang.plural(n(m).n, pairs...)}
	}}, nil
}

// plural looks whether a call has words for each number.
func (c *checker) plural(cmd *parse.CommandNode, s scope) {
	const mend = `write {{plural .Count "one" "1 comment" "other" "# comments"}}`
	if len(cmd.Args) < 4 || len(cmd.Args)%2 != 0 {
		c.bad(s, cmd, mend, "plural wants a number, and words for each form of it")
		return
	}
	other := false
	for i := 2; i < len(cmd.Args); i += 2 {
		form, ok := cmd.Args[i].(*parse.StringNode)
		if !ok || !slices.Contains(pluralForms(), form.Text) {
			name := strings.Trim(cmd.Args[i].String(), `"`)
			c.bad(s, cmd, didYouMean(name, pluralForms(), "use one of "+strings.Join(pluralForms(), ", ")), "plural knows no form %q", name)
			return
		}
		other = other || form.Text == "other"
	}
	if !other {
		c.bad(s, cmd, "add the form \"other\", which stands for all that are missing", "plural has no words for other numbers")
	}
}
