package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/render"
	"github.com/hearback/hearback/dispatcher/store"
)

func newTemplateEdit(r *root) *cobra.Command {
	var f templateFlags
	files := map[string]*string{}
	cmd := &cobra.Command{
		Use: "edit KIND", Short: "Save a draft of a template, from files or in your editor", Args: asUsed,
		Example: "  hearback template edit digest --locale de\n  hearback template edit digest --subject subject.tmpl --html digest.html",
		Long: `Save a draft: the parts named by flags are read from files (- is standard input), the others
stay as they are in force. Without any, $VISUAL or $EDITOR opens all three. A draft changes no
mail until it is published, and is saved only if it passes all checks.`,
		RunE: r.work(func(ctx context.Context, s *session, args []string) error {
			key, err := s.key(&f, args[0])
			if err != nil {
				return err
			}
			now, err := s.template(ctx, key, f.version)
			if err != nil {
				return err
			}
			parts := render.Parts{Subject: now.Subject, Text: now.Text, HTML: now.HTML}
			before := parts
			if err := s.editParts(ctx, &parts, files); err != nil {
				return err
			}
			if parts == before {
				return dispatcher.Invalid("", "change something, then save", "nothing was changed, so nothing is saved")
			}
			return s.saveDraft(ctx, key, parts)
		}),
	}
	f.register(cmd, true)
	for _, part := range []string{"subject", "text", "html"} {
		files[part] = cmd.Flags().String(part, "", "file with the "+part)
	}
	return cmd
}

// partsOf gives the parts by name.
func partsOf(p *render.Parts) map[string]*string {
	return map[string]*string{"subject": &p.Subject, "text": &p.Text, "html": &p.HTML}
}

// editParts brings the parts up to date from files, or in an editor.
func (s *session) editParts(ctx context.Context, parts *render.Parts, files map[string]*string) error {
	named := false
	for part, to := range partsOf(parts) {
		name := *files[part]
		if name == "" {
			continue
		}
		named = true
		var text []byte
		var err error
		if name == "-" {
			text, err = io.ReadAll(s.in)
		} else {
			text, err = os.ReadFile(name)
		}
		if err != nil {
			return dispatcher.Invalid("--"+part, "name a file that can be read", "%v", err)
		}
		*to = string(text)
	}
	if named {
		return nil
	}
	return s.inEditor(ctx, parts)
}

// inEditor lets the admin's editor change all parts, as files of a folder that
// is gone afterwards.
func (s *session) inEditor(ctx context.Context, parts *render.Parts) (err error) {
	editor := s.environ("VISUAL")
	if editor == "" {
		editor = s.environ("EDITOR")
	}
	if editor == "" {
		return dispatcher.Invalid("--subject", "name files with --subject, --text and --html, or set EDITOR", "no part is named and no editor is set")
	}
	dir, err := os.MkdirTemp("", "hearback-template-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	var names []string
	for part, text := range partsOf(parts) {
		name := filepath.Join(dir, part+".tmpl")
		if err := os.WriteFile(name, []byte(*text), 0o600); err != nil {
			return err
		}
		names = append(names, name)
	}
	slices.Sort(names)
	// By the shell, since EDITOR may hold arguments ("code --wait").
	cmd := exec.CommandContext(ctx, "sh", slices.Concat([]string{"-c", editor + ` "$@"`, "editor"}, names)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.Env = s.in, s.errs, s.errs, s.env
	if err := cmd.Run(); err != nil {
		return dispatcher.Invalid("EDITOR", "set it to a program that edits files", "%q: %v", editor, err)
	}
	for part, to := range partsOf(parts) {
		text, err := os.ReadFile(filepath.Join(dir, part+".tmpl"))
		if err != nil {
			return err
		}
		*to = string(text)
	}
	return nil
}

// environ gives a variable of the environment that the program was given.
func (r *root) environ(name string) string {
	for _, e := range r.env {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			return v
		}
	}
	return ""
}

func (s *session) saveDraft(ctx context.Context, key store.TemplateKey, parts render.Parts) error {
	rend, err := s.renderer()
	if err != nil {
		return err
	}
	report, err := rend.Check(key.Kind, key.Locale, parts)
	if err != nil {
		return allProblems(report, err)
	}
	t, err := s.did("template.draft", templateName(key), "", "").SaveDraft(ctx, key, parts, "command line")
	if err != nil {
		return err
	}
	out := struct {
		templateJSON
		Warnings []render.Problem `json:"warnings"`
	}{templateOf(&t), append([]render.Problem{}, report.Warnings...)}
	return s.print(out, func(p *page) {
		for _, w := range report.Warnings {
			p.line("warning: %s", problemText(w))
		}
		p.line("saved version %d as a draft; look at it: hearback template preview %s --locale %s --version %d", t.Number, string(t.Kind), t.Locale, t.Number)
	})
}

// allProblems is the error of a template that cannot be saved, with all that is
// wrong with it where that is more than one thing.
func allProblems(report render.Report, first error) error {
	if len(report.Errors) < 2 {
		return first
	}
	var b strings.Builder
	for _, p := range report.Errors {
		b.WriteString("\n  " + problemText(p))
	}
	return dispatcher.Invalid("", "", "the template has %d mistakes:%s", len(report.Errors), b.String())
}

func problemText(p render.Problem) string {
	where := p.Part
	if p.Line > 0 {
		where = fmt.Sprintf("%s line %d", p.Part, p.Line)
	}
	e := dispatcher.Error{Field: where, Message: p.Message, Mend: p.Mend}
	return e.Error()
}
