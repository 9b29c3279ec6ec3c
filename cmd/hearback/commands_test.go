package main

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/hearback/hearback/dispatcher"
)

func everyCommand(c *cobra.Command, f func(*cobra.Command)) {
	for _, sub := range c.Commands() {
		if sub.Name() != "help" && sub.Name() != "completion" {
			f(sub)
			everyCommand(sub, f)
		}
	}
}

func TestEveryCommandHasASummaryAndAnExample(t *testing.T) {
	t.Parallel()
	n := 0
	everyCommand((&root{}).command(), func(c *cobra.Command) {
		n++
		if c.Short == "" || strings.HasSuffix(c.Short, ".") || strings.Contains(c.Short, "\n") {
			t.Errorf("%s: the summary %q is no single clause", c.CommandPath(), c.Short)
		}
		if !strings.Contains(c.Example, c.CommandPath()) {
			t.Errorf("%s: the example does not show the command: %q", c.CommandPath(), c.Example)
		}
	})
	if n < 50 {
		t.Errorf("only %d commands were looked at", n)
	}
}

func TestEveryCommandIsInTheManual(t *testing.T) {
	t.Parallel()
	text := readDoc(t, "cli.md")
	everyCommand((&root{}).command(), func(c *cobra.Command) {
		if name := strings.TrimPrefix(c.CommandPath(), "hearback "); !strings.Contains(text, "`"+name) {
			t.Errorf("docs/cli.md does not tell of %q", name)
		}
	})
}

func TestWrongWordsAreAnsweredWithTheNearest(t *testing.T) {
	t.Parallel()
	h := install(t, plain)
	for _, tc := range []struct {
		args  []string
		words []string
	}{
		{[]string{"chekc"}, []string{`no command "hearback chekc"`, "did you mean: hearback check"}},
		{[]string{"schedule", "lst"}, []string{"did you mean: hearback schedule list"}},
		{[]string{"zzzzzz"}, []string{"see: hearback --help"}},
		{[]string{"enqueue", "--sitte", "blog"}, []string{"unknown flag: --sitte", "did you mean --site?"}},
		{[]string{"explain", "u-1"}, []string{"COMMENT: is missing", "usage: hearback explain SUBSCRIBER COMMENT"}},
		{[]string{"message", "show", "1", "2"}, []string{`"2" is one word too many`}},
		{[]string{"serve", "now"}, []string{`"now" is one word too many`, "usage: hearback serve"}},
		{[]string{"message", "list", "--state", "faild"}, []string{"did you mean failed?"}},
		{[]string{"message", "list", "--limit", "0"}, []string{"--limit", "1 to 1000"}},
		{[]string{"message", "show", "x"}, []string{`NUMBER: "x" is no number`}},
		{[]string{"subscription", "add", "u-1", "tread:7"}, []string{"did you mean thread?"}},
		{[]string{"template", "show", "digets"}, []string{"did you mean digest?"}},
		{[]string{"key", "create", "k", "--right", "events:wirte"}, []string{"did you mean events:write?"}},
	} {
		h.run(tc.args...).fails(exitInvalid, tc.words...)
	}
}

func TestWhatIsNotThereIsAnsweredWithTheListToLookIn(t *testing.T) {
	t.Parallel()
	h := install(t, plain)
	for what, args := range map[string][]string{
		"subscriber": {"subscriber", "show", "nobody"}, "schedule": {"schedule", "pause", "hourly"}, "message": {"message", "show", "7"},
		"suppression": {"suppression", "remove", "ann@example.org"}, "key": {"key", "revoke", "9"}, "admin": {"admin", "disable", "nobody"},
	} {
		h.run(args...).fails(exitNotFound, "there is no "+what, "see: hearback "+what+" list")
		h.run(what, "list").ok()
	}
}

func TestCodesOfTheDomainHaveExitCodesOfTheirOwnKind(t *testing.T) {
	t.Parallel()
	for code, want := range map[dispatcher.Code]int{
		dispatcher.CodeInvalid: 2, dispatcher.CodeTooLarge: 2, dispatcher.CodeNotFound: 3, dispatcher.CodeConflict: 4, dispatcher.CodeIDReused: 4,
		dispatcher.CodeEnded: 4, dispatcher.CodeInUse: 4, dispatcher.CodeForbidden: 5, dispatcher.CodeUnauthorized: 5, dispatcher.CodeUnavailable: 6,
		dispatcher.CodeLimited: 6, dispatcher.CodeInternal: 1, "one that nobody has yet": 1,
	} {
		if got := exitCode(code); got != want {
			t.Errorf("%s gives exit code %d, want %d", code, got, want)
		}
	}
}

func TestTextFromStrangersCannotSteerATerminal(t *testing.T) {
	t.Parallel()
	h := install(t, plain)
	h.run("subscriber", "add", "u-1", "ann@example.org", "--name", "Ann\x1b[2J\u202e\u009b31m", "--confirmed").ok()
	out := h.run("subscriber", "show", "u-1").ok()
	if strings.ContainsAny(out, "\x1b\u202e\u009b") {
		t.Errorf("control characters reach the terminal: %q", out)
	}
}

func TestSitesMustBeNamedWhereThereAreSeveral(t *testing.T) {
	t.Parallel()
	h := install(t, strings.Replace(plain, "schedules:", "  - key: shop\n    base_url: https://shop.example.org\n    from: shop@example.org\nschedules:", 1))
	h.run("subscriber", "list").fails(exitInvalid, "--site", "several sites", "blog, shop")
	h.run("subscriber", "list", "--site", "shpo").fails(exitNotFound, `no site "shpo"`, "blog, shop")
	h.run("subscriber", "list", "--site", "shop").ok()
}

func TestVersionNamesTheBuild(t *testing.T) {
	t.Parallel()
	h := install(t, plain)
	v := value(t, h.run("version", "--json").ok())
	if v["version"] == "" || v["go"] == "" {
		t.Errorf("the version is empty: %v", v)
	}
	h.run("version").says("hearback ", "go1.")
}

func TestAStoppedCommandSaysSo(t *testing.T) {
	t.Parallel()
	h := install(t, plain)
	ctx, cancel := contextCancelled()
	defer cancel()
	var out, errs strings.Builder
	if code := run(ctx, []string{"schedule", "list", "--config", h.path("config.yaml")}, strings.NewReader(""), &out, &errs, nil); code != exitStopped || errs.String() != "hearback: stopped\n" {
		t.Errorf("exit %d, %q", code, errs.String())
	}
}
