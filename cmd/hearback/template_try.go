package main

import (
	"context"
	"fmt"
	"net/mail"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/address"
	"github.com/hearback/hearback/dispatcher/app"
	"github.com/hearback/hearback/dispatcher/outbox/smtp"
	"github.com/hearback/hearback/dispatcher/render"
	"github.com/hearback/hearback/dispatcher/store"
)

type triedJSON struct {
	To      string `json:"to"`
	Message int64  `json:"message,omitempty"` // queued under this number
	Outcome string `json:"outcome"`           // queued, or the relay's: sent, deferred, failed or unknown
	Relay   string `json:"relay,omitempty"`
	Says    string `json:"says,omitempty"` // the relay's words
}

func newTemplateTest(r *root) *cobra.Command {
	var f templateFlags
	cmd := &cobra.Command{
		Use: "test KIND ADDRESS", Short: "Mail a template with made-up comments to an address", Example: "  hearback template test digest me@example.org --version 3", Args: asUsed,
		Long: "Mail a template with made-up comments to an address. Kind test goes the way of all mail: it is\nqueued and a running daemon sends it. The other kinds are handed to the first relay at once.",
		RunE: r.work(func(ctx context.Context, s *session, args []string) error {
			key, err := s.key(&f, args[0])
			if err != nil {
				return err
			}
			to, _, err := address.Parse(args[1])
			if err != nil {
				return err
			}
			if key.Kind == dispatcher.KindTest && f.version == 0 {
				return s.queueTest(ctx, key, to)
			}
			return s.sendTest(ctx, key, f.version, to)
		}),
	}
	f.register(cmd, true)
	return cmd
}

func (s *session) queueTest(ctx context.Context, key store.TemplateKey, to string) error {
	m := dispatcher.Message{Site: s.sample(key).Site.Key, Kind: dispatcher.KindTest, Address: to, Priority: dispatcher.PriorityConfirm}
	id, err := s.store.AddMessage(ctx, m)
	if err != nil {
		return err
	}
	return s.print(triedJSON{To: to, Message: id, Outcome: "queued"}, func(p *page) {
		p.line("queued for %s; see what becomes of it: hearback message show %d", to, id)
	})
}

// sendTest hands a sample to the first relay. The switch counts for it as for
// all mail.
func (s *session) sendTest(ctx context.Context, key store.TemplateKey, version int, to string) error {
	m, err := s.testMail(ctx, key, to)
	if err != nil {
		return err
	}
	relays, err := app.Relays(s.cfg)
	if err != nil {
		return err
	}
	if len(relays) == 0 {
		return &dispatcher.Error{Code: dispatcher.CodeConflict, Field: "relays", Message: "none is configured to take the mail", Mend: "use: hearback template preview " + string(key.Kind) + " --html"}
	}
	rend, err := render.New(render.Options{Stored: pinned{s.store, key, version}, Clock: s.clock})
	if err != nil {
		return err
	}
	body, _, err := rend.Compose(ctx, nil, m)
	if err != nil {
		return err
	}
	from, err := mail.ParseAddress(m.Site.From)
	if err != nil {
		return dispatcher.Invalid("sites.from", `write "Name <address>"`, "%v", err)
	}
	conn, err := relays[0].Dial(ctx)
	if err != nil {
		return err
	}
	res := conn.Send(ctx, smtp.Envelope{From: from.Address, To: m.To, Body: body})
	if err := conn.Close(ctx); err != nil && res.Err == nil && res.Outcome != dispatcher.OutcomeSent {
		return err
	}
	out := triedJSON{To: m.To, Outcome: string(res.Outcome), Relay: relays[0].Name(), Says: strings.TrimSpace(fmt.Sprintf("%d %s", res.Code, res.Text))}
	err = s.print(out, func(p *page) { p.line("%s to %s: %s says: %s", out.Outcome, out.To, out.Relay, out.Says) })
	if err == nil && res.Outcome != dispatcher.OutcomeSent {
		return answeredNo{}
	}
	return err
}

// testMail is the sample for an address, or for the one that all mail is
// redirected to.
func (s *session) testMail(ctx context.Context, key store.TemplateKey, to string) (*render.Mail, error) {
	m := s.sample(key)
	now := s.clock.Now()
	m.To, m.ToName, m.Date = to, "", now
	m.MessageID = fmt.Sprintf("hb.try.%d@%s", now.UnixMicro(), strings.ToLower(to[strings.LastIndexByte(to, '@')+1:]))
	list, err := s.store.Switches(ctx)
	if err != nil {
		return nil, err
	}
	for _, w := range list {
		if w.Scope != "" && w.Scope != "site:"+m.Site.Key {
			continue
		}
		switch w.Mode {
		case modeHold:
			return nil, &dispatcher.Error{Code: dispatcher.CodeConflict, Field: "sending", Message: "all mail is held back", Mend: "use preview, or run: hearback sending on"}
		case modeRedirect:
			m.To = w.Redirect
		}
	}
	return m, nil
}

// pinned gives one version of one template as if it were the active one.
type pinned struct {
	*store.Store
	key     store.TemplateKey
	version int // 0 pins nothing
}

// Active implements [render.Stored].
func (p pinned) Active(ctx context.Context, site string, kind dispatcher.Kind, locale string) (render.Version, bool, error) {
	if p.version == 0 || kind != p.key.Kind || locale != p.key.Locale {
		return p.Store.Active(ctx, site, kind, locale)
	}
	if site != p.key.Site {
		return render.Version{}, false, nil // that of a site would hide the pinned one of all sites
	}
	t, err := p.Template(ctx, p.key, p.version)
	if err != nil {
		return render.Version{}, false, err
	}
	return render.Version{ID: fmt.Sprintf("try-%d", t.ID), Parts: t.Parts}, true, nil
}
