package app

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/config"
	"github.com/hearback/hearback/dispatcher/schedule"
	"github.com/hearback/hearback/dispatcher/store"
	"github.com/hearback/hearback/dispatcher/token"
)

// openStore opens and migrates the database.
func (a *App) openStore(ctx context.Context) error {
	s, err := store.Open(ctx, store.Options{URL: a.o.Config.Database.URL.Reveal(), Clock: a.o.Clock, Log: a.o.Log, Sites: siteList(a.o.Config)})
	if err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	a.Store = s
	a.onStop("database", s.Close)
	unlock, err := s.Lock()
	if err != nil {
		return err
	}
	a.onStop("lock", unlock)
	applied, err := s.Migrate(ctx)
	if err != nil {
		return err
	}
	if len(applied) > 0 {
		a.o.Log.Info("the database was migrated", "versions", applied)
	}
	return s.TakeOver(ctx)
}

// prepare reads the secret, brings the configured schedules and switches to
// the database, and looks whether this is a copy of another installation.
func (a *App) prepare(ctx context.Context) error {
	keys, err := Keys(a.o.Config)
	if err != nil {
		return err
	}
	a.Signer = token.NewSigner(keys)
	if err := syncSchedules(ctx, a.Store, a.o.Config); err != nil {
		return err
	}
	if err := syncSwitches(ctx, a.Store, a.o.Config); err != nil {
		return err
	}
	schedules, err := a.Store.Schedules(ctx)
	if err != nil {
		return err
	}
	if err := a.o.Config.CheckRetention(LongestWay(schedules)); err != nil {
		return err
	}
	changed, was, err := a.Store.Guard(ctx, a.o.Config.HTTP.BaseURL)
	if err != nil {
		return err
	}
	if changed {
		a.o.Log.Warn("this database belonged to another base_url: sending is on hold, so that a copy mails nobody; `hearback sending on` releases it",
			"was", was, "is", a.o.Config.HTTP.BaseURL)
	}
	a.words, err = newWords(ctx, a.Store)
	return err
}

// Keys reads the secrets that sign links: from the configuration, a file, or
// one made beside a SQLite database.
func Keys(c *config.Config) (token.Keys, error) {
	if text := c.Security.Secret.Reveal(); text != "" {
		return token.ParseKeys(text)
	}
	if c.Security.SecretFile != "" {
		return token.Load(c.Security.SecretFile)
	}
	path, ok := config.DatabasePath(c.Database.URL.Reveal())
	if !ok {
		return nil, dispatcher.Invalid("security.secret_file", "write one with `head -c 32 /dev/urandom | base64` and name it here, the same for all daemons", "PostgreSQL needs a secret")
	}
	return token.LoadOrCreate(filepath.Clean(path) + ".secret")
}

// syncSchedules writes the built-in schedule and those of the config file.
// One that left the file stays, and may be changed and removed from then on.
func syncSchedules(ctx context.Context, s *store.Store, c *config.Config) error {
	have, err := s.Schedules(ctx)
	if err != nil {
		return err
	}
	byName := map[string]dispatcher.Schedule{}
	for _, h := range have {
		byName[h.Name] = h
	}
	if _, ok := byName[dispatcher.Immediate]; !ok {
		in := dispatcher.Schedule{Name: dispatcher.Immediate, Misfire: dispatcher.MisfireMerge, MaxItems: dispatcher.DefaultMaxItems, CatchUp: dispatcher.DefaultCatchUp}
		if _, err := s.PutSchedule(ctx, in); err != nil {
			return fmt.Errorf("write the schedule %s: %w", in.Name, err)
		}
	}
	inFile := map[string]bool{}
	for i, cs := range c.Schedules {
		in := cs.Domain()
		in.FromFile = true
		inFile[in.Name] = true
		if err := schedule.Validate(in); err != nil {
			return config.Problems{c.Problem(fmt.Sprintf("schedules[%d]", i), err.Error(), "")}
		}
		if err := put(ctx, s, byName, in); err != nil {
			return err
		}
	}
	for _, h := range have {
		if h.FromFile && !inFile[h.Name] {
			if err := s.AdoptSchedule(ctx, h.Name); err != nil {
				return err
			}
		}
	}
	return checkSites(c, byName, inFile)
}

func put(ctx context.Context, s *store.Store, have map[string]dispatcher.Schedule, in dispatcher.Schedule) error {
	old, ok := have[in.Name]
	old.Paused = in.Paused
	if ok && old == in {
		return nil
	}
	if _, err := s.PutSchedule(ctx, in); err != nil {
		return fmt.Errorf("write the schedule %s: %w", in.Name, err)
	}
	return nil
}

// checkSites refuses a site whose default cadence does not exist.
func checkSites(c *config.Config, have map[string]dispatcher.Schedule, inFile map[string]bool) error {
	for i, site := range c.Sites {
		name := site.Schedule
		if _, ok := have[name]; name == "" || name == dispatcher.Immediate || ok || inFile[name] {
			continue
		}
		return dispatcher.Invalid(fmt.Sprintf("sites[%d].schedule", i), "name it under schedules, or use immediate", "there is no schedule %q", name)
	}
	return nil
}

// syncSwitches brings a sending mode that stands in the config to the
// database. "on" is the default and overrides nothing that was set by hand.
func syncSwitches(ctx context.Context, s *store.Store, c *config.Config) error {
	set := func(scope, text string) error {
		if text == "" {
			return nil
		}
		mode, to, err := config.Mode(text)
		if err != nil || mode == "on" {
			return err
		}
		return s.SetSwitch(ctx, store.Switch{Scope: scope, Mode: mode, Redirect: to, Reason: "set in the config"})
	}
	if err := set("", c.Sending.Mode); err != nil {
		return err
	}
	for _, site := range c.Sites {
		if err := set("site:"+site.Key, site.Sending); err != nil {
			return err
		}
	}
	for _, r := range c.Relays {
		if err := set("relay:"+r.Name, r.Sending); err != nil {
			return err
		}
	}
	return nil
}

// LongestWay is the longest time between a comment's settling and its mail: the
// longest gap of a schedule with its catch-up, the longest hold, and a day for
// clock changes. The log and the messages are kept at least that long.
func LongestWay(schedules []dispatcher.Schedule) time.Duration {
	longest := time.Duration(0)
	for _, sc := range schedules {
		if sc.Spec == "" {
			continue
		}
		if spec, err := schedule.Parse(sc.Spec); err == nil {
			longest = max(longest, spec.Longest()+sc.CatchUp)
		}
	}
	return longest + dispatcher.MinimumHold + 24*time.Hour
}
