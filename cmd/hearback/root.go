package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/app"
	"github.com/hearback/hearback/dispatcher/config"
	"github.com/hearback/hearback/dispatcher/render"
	"github.com/hearback/hearback/dispatcher/store"
)

// root is what every command is given: the streams, the environment, the clock
// and the two flags that all commands have.
type root struct {
	in    io.Reader
	out   io.Writer
	errs  io.Writer
	env   []string // as os.Environ gives it
	clock dispatcher.Clock

	configPath string // --config, "" for config.yaml if there is one
	json       bool   // --json
}

// defaultConfig is the file that is read when --config names none.
const defaultConfig = "config.yaml"

func (r *root) run(ctx context.Context, args []string) int {
	cmd := r.command()
	cmd.SetArgs(slices.Concat([]string{}, args)) // never nil, cobra would take those of the process
	cmd.SetIn(r.in)
	cmd.SetOut(r.out)
	cmd.SetErr(r.errs)
	return report(ctx, r.errs, cmd.ExecuteContext(ctx))
}

// command builds the tree of commands.
func (r *root) command() *cobra.Command {
	cmd := &cobra.Command{
		Use:           "hearback",
		Short:         "Hearback tells people by e-mail when somebody answers them.",
		Example:       "  hearback demo            try it on this machine, nothing to set up\n  hearback init            write a commented config.yaml\n  hearback check           see what is wrong, and the mend\n  hearback serve           run the daemon",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          onlyCommands,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.PersistentFlags().StringVar(&r.configPath, "config", "", "the configuration (default "+defaultConfig+", if there is one)")
	cmd.PersistentFlags().BoolVar(&r.json, "json", false, "print one JSON value instead of text")
	cmd.SetFlagErrorFunc(flagError)
	for _, c := range commands(r) {
		cmd.AddCommand(c)
	}
	return cmd
}

// config reads the configuration that the flags and the environment name.
func (r *root) config() (*config.Config, error) {
	path := r.configFile()
	c, err := config.Load(path, r.env)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, dispatcher.Invalid("--config", "name an existing file, or write one with: hearback init --config "+path, "there is no file %s", path)
	}
	return c, err
}

// configFile is the file in force, "" for none.
func (r *root) configFile() string {
	if r.configPath != "" {
		return r.configPath
	}
	if _, err := os.Stat(defaultConfig); err == nil {
		return defaultConfig
	}
	return ""
}

// session is a command at work on the database.
type session struct {
	*root
	cfg   *config.Config
	store *store.Store
	rend  *render.Renderer // made when it is first asked for
}

// work makes a command's body of a function that needs the database: opened,
// migrated and closed again.
func (r *root) work(f func(ctx context.Context, s *session, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		c, err := r.config()
		if err != nil {
			return err
		}
		ctx := cmd.Context()
		st, err := app.OpenStore(ctx, c, r.clock, slog.New(slog.DiscardHandler))
		if err != nil {
			return err
		}
		return errors.Join(f(ctx, &session{root: r, cfg: c, store: st}, args), st.Close())
	}
}

// site gives the site that a command is about: the one that was named, or the
// only one.
func (s *session) site(name string) (dispatcher.Site, error) {
	if name == "" && len(s.cfg.Sites) == 1 {
		return s.cfg.Sites[0].Domain(), nil
	}
	if name == "" {
		return dispatcher.Site{}, dispatcher.Invalid("--site", "use one of: "+strings.Join(s.siteKeys(), ", "), "there are several sites; say which")
	}
	return s.store.Site(name)
}

// anySite is as site, but no name stands for all sites.
func (s *session) anySite(name string) (string, error) {
	if name == "" {
		return "", nil
	}
	site, err := s.store.Site(name)
	return site.Key, err
}

func (s *session) siteKeys() []string {
	keys := make([]string, len(s.cfg.Sites))
	for i := range s.cfg.Sites {
		keys[i] = s.cfg.Sites[i].Key
	}
	return keys
}

// siteFlag gives a command the flag --site.
func siteFlag(cmd *cobra.Command, site *string) {
	cmd.Flags().StringVar(site, "site", "", "key of the site (not needed where there is one)")
}
