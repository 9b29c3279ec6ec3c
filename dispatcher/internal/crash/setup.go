package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/app"
	"github.com/hearback/hearback/dispatcher/config"
	"github.com/hearback/hearback/dispatcher/internal/mailtest"
)

// setUp makes the database, the readers, the sinks and the daemons.
func (p *proof) setUp(ctx context.Context) error {
	siteURL := p.o.database
	if strings.HasPrefix(siteURL, "sqlite:") {
		siteURL = "sqlite://" + filepath.Join(p.o.dir, "site.db")
	}
	var addrs []string
	for i := range p.o.daemons {
		sink, err := mailtest.New(mailtest.Options{Keep: mailtest.KeepBytes, Seed: p.o.seed + uint64(i), Faults: faults(p.plan, p.o.delay, i, p.o.daemons),
			OnMail: func(m mailtest.Mail) { p.take(i, m) }, OnFault: p.ledger.fault})
		if err != nil {
			return err
		}
		addr, err := freeAddr()
		if err != nil {
			return errors.Join(err, sink.Close())
		}
		d := &daemon{binary: p.o.binary, number: i, addr: addr, sink: sink, config: filepath.Join(p.o.dir, fmt.Sprintf("daemon%d.yaml", i)), log: filepath.Join(p.o.dir, fmt.Sprintf("daemon%d.log", i))}
		p.daemons = append(p.daemons, d)
		addrs = append(addrs, addr)
		if err := d.write(settings{database: p.o.database, siteDatabase: siteURL, connections: p.o.connections, lease: p.o.lease}); err != nil {
			return err
		}
	}
	if err := p.enrol(ctx); err != nil {
		return fmt.Errorf("enrol the readers: %w", err)
	}
	key, err := p.makeKey(ctx)
	if err != nil {
		return err
	}
	if p.base, err = openBase(p.o.database, siteURL); err != nil {
		return err
	}
	p.feed = newFeeder(p.base, key, addrs)
	return p.feed.prepare(ctx)
}

// take is told of each mail that a sink takes.
func (p *proof) take(daemon int, m mailtest.Mail) {
	p.ledger.accept(daemon, m)
	if m.Number%500 == 0 {
		p.daemons[daemon].sink.Forget() // the ledger has what matters
	}
}

// enrol gives the database its readers, before any daemon runs.
func (p *proof) enrol(ctx context.Context) (err error) {
	c, err := config.Load(p.daemons[0].config, nil)
	if err != nil {
		return err
	}
	st, err := app.OpenStore(ctx, c, dispatcher.SystemClock, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	yes := true
	for i := range p.plan.readers {
		r := &p.plan.readers[i]
		if _, _, err := st.SetSubscriber(ctx, "blog", dispatcher.EventSubscriber{ID: r.id, Email: &r.email, AuthorIDs: &[]string{r.id}, Confirmed: &yes}, true); err != nil {
			return err
		}
		for _, t := range r.targets() {
			s := dispatcher.EventSubscription{Subscriber: r.id, Target: t}
			if r.digest {
				s.Schedule = "minutely"
			}
			if _, _, err := st.SetSubscription(ctx, "blog", s, true); err != nil {
				return err
			}
		}
	}
	return nil
}

// makeKey makes an API key with the binary's own command.
func (p *proof) makeKey(ctx context.Context) (string, error) {
	cmd := exec.CommandContext(ctx, p.o.binary, "key", "create", "crash", "--site", "blog", "--right", "events:write", "--right", "subscriptions:write", "--config", p.daemons[0].config, "--json")
	cmd.Env, cmd.Dir = quietEnv(), p.o.dir
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return "", fmt.Errorf("make an API key: %w: %s", err, exit.Stderr)
		}
		return "", fmt.Errorf("make an API key: %w", err)
	}
	return readKey(out)
}

// readKey finds the key in what `hearback key create --json` printed.
func readKey(out []byte) (string, error) {
	var v struct {
		Key string `json:"key"`
	}
	if err := json.Unmarshal(out, &v); err != nil || v.Key == "" {
		return "", fmt.Errorf("`hearback key create --json` printed no key: %.200s", out)
	}
	return v.Key, nil
}
