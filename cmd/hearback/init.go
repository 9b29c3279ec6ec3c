package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/config"
)

type initJSON struct {
	Path     string `json:"path"`
	Replaced bool   `json:"replaced"`
}

func newInit(r *root) *cobra.Command {
	var start config.Start
	var force bool
	cmd := &cobra.Command{
		Use: "init", Short: "Write a commented config.yaml",
		Long: "Write a commented configuration with what the flags say; what they leave out stands in it as a comment.\nAn existing file is left alone unless --force is given.",
		Example: `  hearback init
  hearback init --site-url https://blog.example.org --from "The Blog <replies@blog.example.org>" \
      --relay smtp://user@mail.example.org:587 --wordpress https://blog.example.org`,
		Args: asUsed,
		RunE: func(*cobra.Command, []string) error {
			path := r.configPath
			if path == "" {
				path = defaultConfig
			}
			replaced, err := writeInitial(path, start, force)
			if err != nil {
				return err
			}
			return r.print(initJSON{path, replaced}, func(p *page) {
				p.line("wrote %s; look it through, then run: hearback check", path)
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&start.SiteKey, "site", "", "short name of the site (default default)")
	f.StringVar(&start.SiteName, "name", "", "what readers call the site")
	f.StringVar(&start.SiteURL, "site-url", "", "the site's own pages, such as https://blog.example.org")
	f.StringVar(&start.From, "from", "", `sender of the mails, such as "The Blog <replies@blog.example.org>"`)
	f.StringVar(&start.Locale, "locale", "", "language of the mails (default en)")
	f.StringVar(&start.Zone, "time-zone", "", "time zone of the readers, such as Europe/Berlin (default UTC)")
	f.StringVar(&start.RelayURL, "relay", "", "the server that takes the mail, smtp://user@host:587")
	f.StringVar(&start.WordPress, "wordpress", "", "address of a WordPress site to read comments from")
	f.StringVar(&start.BaseURL, "base-url", "", "how readers reach Hearback, such as https://mail.example.org")
	f.StringVar(&start.AdminNotify, "admin-notify", "", "address that is told when something needs a person")
	f.BoolVar(&force, "force", false, "replace an existing file")
	return cmd
}

// writeInitial writes the configuration whole or not at all, readable by its
// owner only, since a password may come to stand in it.
func writeInitial(path string, start config.Start, force bool) (replaced bool, err error) {
	if (start.SiteURL == "") != (start.From == "") {
		return false, dispatcher.Invalid("--site-url", "give both, or neither", "the site's address and its sender belong together; --from or --site-url is missing")
	}
	if start.SiteURL == "" && (start.SiteKey != "" || start.SiteName != "") {
		return false, dispatcher.Invalid("--site-url", "give --site-url and --from as well", "a site needs its address and a sender")
	}
	if start.SiteName == "" {
		start.SiteName = start.SiteKey
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".hearback-config-*") // mode 0600
	if err != nil {
		return false, fmt.Errorf("write %s: %w", path, err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.WriteString(config.Initial(start))
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return false, fmt.Errorf("write %s: %w", path, err)
	}
	if err := wouldLoad(tmp.Name()); err != nil {
		return false, err
	}
	if force {
		_, serr := os.Stat(path)
		return serr == nil, os.Rename(tmp.Name(), path)
	}
	if err := os.Link(tmp.Name(), path); errors.Is(err, fs.ErrExist) {
		return false, &dispatcher.Error{Code: dispatcher.CodeConflict, Field: "--config", Message: path + " exists and is left alone", Mend: "name another file, or replace it with --force"}
	} else if err != nil {
		return false, fmt.Errorf("write %s: %w", path, err)
	}
	return false, nil
}

// wouldLoad refuses flags that would give a file with mistakes. The lines of a
// file that nobody sees are left out.
func wouldLoad(path string) error {
	_, err := config.Load(path, nil)
	var ps config.Problems
	if !errors.As(err, &ps) {
		return err
	}
	for i := range ps {
		ps[i].Where = config.Origin{}
	}
	return ps
}
