package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/term"

	"github.com/hearback/hearback/dispatcher/app"
	"github.com/hearback/hearback/dispatcher/config"
)

// firstLinkFile is where the link for the first admin is written.
const firstLinkFile = "first-admin-link"

// tellFirstLink shows where the admin pages are. While nobody can sign in, it
// makes a link for the first admin: on a terminal it is shown, else it goes to
// a file that its owner alone can read. What goes to a pipe may end in a log,
// and a log is no place for it.
func (r *root) tellFirstLink(ctx context.Context, a *app.App, c *config.Config) error {
	link, err := a.FirstLink(ctx)
	if err != nil {
		return err
	}
	file := filepath.Join(r.homeOf(c), firstLinkFile)
	if link == "" {
		fmt.Fprintf(r.errs, "The admin pages: %s/admin/\n", c.HTTP.BaseURL)
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove the link for the first admin: %w", err)
		}
		return nil
	}
	if f, ok := r.errs.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		fmt.Fprintf(r.errs, "Nobody can sign in to the admin pages yet. Be the first, within an hour:\n  %s\n", link)
		return nil
	}
	if err := writeSecret(file, link+"\n"); err != nil { // mail goes out all the same
		fmt.Fprintf(r.errs, "Nobody can sign in to the admin pages yet, and a link for the first admin could not be written (%v). Add one with: hearback admin add NAME\n", err)
		return nil
	}
	fmt.Fprintf(r.errs, "Nobody can sign in to the admin pages yet. A link for the first admin, valid for an hour, is in %s\n", file)
	return nil
}

// homeOf is the folder of the SQLite file, else of the configuration.
func (r *root) homeOf(c *config.Config) string {
	if path, ok := config.DatabasePath(c.Database.URL.Reveal()); ok {
		return filepath.Dir(path)
	}
	return filepath.Dir(r.configFile())
}

// writeSecret writes a file that its owner alone can read, also where one
// stood that others could.
func writeSecret(path, text string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}
