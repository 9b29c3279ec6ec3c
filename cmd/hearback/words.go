package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/hearback/hearback/dispatcher"
)

// group is a noun with its verbs: it does nothing itself.
func group(use, short, example string, verbs ...*cobra.Command) *cobra.Command {
	g := &cobra.Command{
		Use: use, Short: short, Example: example, Args: onlyCommands,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	g.AddCommand(verbs...)
	return g
}

// onlyCommands refuses a word that is no command, and names the nearest.
func onlyCommands(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var known []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			known = append(known, c.Name())
		}
	}
	mend := "see: " + cmd.CommandPath() + " --help"
	if near := nearest(args[0], known); near != "" {
		mend = "did you mean: " + cmd.CommandPath() + " " + near
	}
	return dispatcher.Invalid("", mend, "there is no command %q", cmd.CommandPath()+" "+args[0])
}

// asUsed checks the number of words against the command's own usage line:
// NAME is needed, [NAME] may be left out, [NAME...] may come more than once.
func asUsed(cmd *cobra.Command, args []string) error {
	words := strings.Fields(cmd.Use)[1:]
	mend := "usage: " + cmd.Parent().CommandPath() + " " + cmd.Use
	for i, w := range words {
		if !strings.HasPrefix(w, "[") && len(args) <= i {
			return dispatcher.Invalid(w, mend, "is missing")
		}
	}
	many := len(words) > 0 && strings.HasSuffix(words[len(words)-1], "...]")
	if !many && len(args) > len(words) {
		return dispatcher.Invalid("", mend, "%q is one word too many", args[len(words)])
	}
	return nil
}

// flagError says in our words what is wrong with a flag.
func flagError(cmd *cobra.Command, err error) error {
	text := err.Error()
	mend := "see: " + cmd.CommandPath() + " --help"
	if m := regexp.MustCompile(`^unknown flag: --(\S+)`).FindStringSubmatch(text); m != nil {
		var known []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
		if near := nearest(m[1], known); near != "" {
			mend = "did you mean --" + near + "?"
		}
	}
	return dispatcher.Invalid("", mend, "%s", text)
}

// oneOf refuses a word that is not among the known ones, and names the nearest.
func oneOf[T ~string](field, word string, known ...T) (T, error) {
	names := make([]string, len(known))
	for i, k := range known {
		if string(k) == word {
			return k, nil
		}
		names[i] = string(k)
	}
	mend := "use one of: " + strings.Join(names, ", ")
	if near := nearest(word, names); near != "" {
		mend = fmt.Sprintf("did you mean %s? Known are: %s", near, strings.Join(names, ", "))
	}
	return "", dispatcher.Invalid(field, mend, "%q is unknown", word)
}

// nearest gives the known word that a mistyped one was most likely meant to
// be, or "" when none is near.
func nearest(word string, known []string) string {
	best, least := "", max(len(word)/3, 1)+1
	for _, k := range slices.Sorted(slices.Values(known)) {
		if d := distance(strings.ToLower(word), strings.ToLower(k)); d < least {
			best, least = k, d
		}
	}
	return best
}

// distance is how many letters must be added, dropped, changed or swapped with
// their neighbour to make b of a (optimal string alignment).
func distance(a, b string) int {
	two, one, now := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range one {
		one[j] = j
	}
	for i := 1; i <= len(a); i++ {
		now[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			now[j] = min(one[j]+1, now[j-1]+1, one[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				now[j] = min(now[j], two[j-2]+1)
			}
		}
		two, one, now = one, now, two
	}
	return one[len(b)]
}
