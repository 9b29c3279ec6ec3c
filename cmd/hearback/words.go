package main

import (
	"fmt"
	"regexp"
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
	if near := dispatcher.Nearest(args[0], known); near != "" {
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
		if near := dispatcher.Nearest(m[1], known); near != "" {
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
	if near := dispatcher.Nearest(word, names); near != "" {
		mend = fmt.Sprintf("did you mean %s? Known are: %s", near, strings.Join(names, ", "))
	}
	return "", dispatcher.Invalid(field, mend, "%q is unknown", word)
}
