package main

import (
	"context"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/hearback/hearback/dispatcher"
)

type subscriberJSON struct {
	ID          string    `json:"id"`  // the site's own
	IDs         []string  `json:"ids"` // all of them, where one person has several
	Number      int64     `json:"number"`
	Site        string    `json:"site"`
	Email       string    `json:"email"`
	Name        string    `json:"name,omitempty"`
	Locale      string    `json:"locale,omitempty"`
	Zone        string    `json:"time_zone,omitempty"`
	Schedule    string    `json:"schedule,omitempty"`
	AuthorIDs   []string  `json:"author_ids"`
	QuietHours  string    `json:"quiet_hours,omitempty"`
	PausedUntil time.Time `json:"paused_until,omitzero"`
	Confirmed   bool      `json:"confirmed"`
	ConfirmedAt time.Time `json:"confirmed_at,omitzero"`
	EndedAt     time.Time `json:"ended_at,omitzero"` // the reader ended everything
	CreatedAt   time.Time `json:"created_at"`
}

func subscriberOf(s *dispatcher.Subscriber) subscriberJSON {
	out := subscriberJSON{IDs: s.ExternalIDs, Number: s.ID, Site: s.Site, Email: s.Email, Name: s.Name, Locale: s.Locale, Zone: s.Zone, Schedule: s.Schedule,
		AuthorIDs: s.AuthorIDs, QuietHours: s.Quiet.String(), PausedUntil: s.PausedUntil, Confirmed: !s.ConfirmedAt.IsZero(), ConfirmedAt: s.ConfirmedAt,
		EndedAt: s.EndedAt, CreatedAt: s.CreatedAt}
	if out.IDs == nil {
		out.IDs = []string{}
	}
	if out.AuthorIDs == nil {
		out.AuthorIDs = []string{}
	}
	if len(out.IDs) > 0 {
		out.ID = out.IDs[0]
	}
	return out
}

func newSubscriber(r *root) *cobra.Command {
	return group("subscriber", "See, add and forget readers",
		"  hearback subscriber add u-9 ann@example.org --name Ann --time-zone Europe/Berlin\n  hearback subscriber show u-9",
		newSubscriberList(r), newSubscriberAdd(r), newSubscriberShow(r), newSubscriberRemove(r))
}

func newSubscriberList(r *root) *cobra.Command {
	var site, text string
	var paging pageFlags
	cmd := &cobra.Command{
		Use: "list", Short: "List readers", Example: "  hearback subscriber list --search example.org", Args: asUsed,
		RunE: r.work(func(ctx context.Context, s *session, _ []string) error {
			site, err := s.site(site)
			if err != nil {
				return err
			}
			after, err := paging.number()
			if err != nil {
				return err
			}
			subs, err := s.store.Subscribers(ctx, site.Key, text, after, paging.limit+1)
			if err != nil {
				return err
			}
			rows := make([]subscriberJSON, len(subs))
			for i := range subs {
				rows[i] = subscriberOf(&subs[i])
			}
			out := listed(rows, paging.limit, func(s *subscriberJSON) string { return strconv.FormatInt(s.Number, 10) })
			return s.print(out, func(p *page) {
				if len(out.Items) == 0 {
					p.line("no readers")
					return
				}
				p.row("ID", "ADDRESS", "NAME", "SCHEDULE", "TIME ZONE", "CONFIRMED", "SINCE")
				for _, sub := range out.Items {
					p.row(sub.ID, sub.Email, sub.Name, sub.Schedule, sub.Zone, sub.Confirmed, sub.CreatedAt)
				}
				p.next(out.Next)
			})
		}),
	}
	siteFlag(cmd, &site)
	paging.register(cmd)
	cmd.Flags().StringVar(&text, "search", "", "only those whose address or name contains this")
	return cmd
}

// subscriberFlags are the fields of a subscriber; those not given stay.
type subscriberFlags struct {
	name, locale, zone, schedule, quiet, paused string
	authors                                     []string
	confirmed                                   bool
}

func (f *subscriberFlags) register(fs *pflag.FlagSet) {
	fs.StringVar(&f.name, "name", "", "what mails call the reader")
	fs.StringVar(&f.locale, "locale", "", "language of the reader's mails, such as de")
	fs.StringVar(&f.zone, "time-zone", "", "the reader's time zone, such as Europe/Berlin")
	fs.StringVar(&f.schedule, "schedule", "", "cadence of subscriptions that name none")
	fs.StringSliceVar(&f.authors, "author-id", nil, "the site's id of the reader as an author (may be repeated)")
	fs.StringVar(&f.quiet, "quiet-hours", "", "nothing is mailed in these hours, such as 22:00-07:00")
	fs.StringVar(&f.paused, "paused-until", "", "nothing is mailed until then, RFC 3339")
	fs.BoolVar(&f.confirmed, "confirmed", false, "the reader has agreed; without this they are asked by mail")
}

// event gives the fields whose flags were given.
func (f *subscriberFlags) event(fs *pflag.FlagSet, id string) dispatcher.EventSubscriber {
	in := dispatcher.EventSubscriber{ID: id}
	for name, field := range map[string]struct {
		to **string
		v  *string
	}{
		"name": {&in.Name, &f.name}, "locale": {&in.Locale, &f.locale}, "time-zone": {&in.Zone, &f.zone}, "schedule": {&in.Schedule, &f.schedule},
		"quiet-hours": {&in.QuietHours, &f.quiet}, "paused-until": {&in.PausedTill, &f.paused},
	} {
		if fs.Changed(name) {
			*field.to = field.v
		}
	}
	if fs.Changed("author-id") {
		in.AuthorIDs = &f.authors
	}
	if f.confirmed {
		in.Confirmed = &f.confirmed
	}
	return in
}

func newSubscriberAdd(r *root) *cobra.Command {
	var site string
	var f subscriberFlags
	cmd := &cobra.Command{
		Use: "add ID [ADDRESS]", Short: "Add a reader, or change one", Example: "  hearback subscriber add u-9 ann@example.org --name Ann --confirmed", Args: asUsed,
		Long: "Add the reader with the site's own id, or change the one there is: what no flag names stays.\nA new address must be confirmed by its reader, unless --confirmed vouches for it.",
	}
	cmd.RunE = r.work(func(ctx context.Context, s *session, args []string) error {
		site, err := s.site(site)
		if err != nil {
			return err
		}
		in := f.event(cmd.Flags(), args[0])
		if len(args) > 1 {
			in.Email = &args[1]
		}
		sub, created, err := s.store.SetSubscriber(ctx, site.Key, in, true)
		if err != nil {
			return err
		}
		out := struct {
			Created bool `json:"created"`
			subscriberJSON
		}{created, subscriberOf(&sub)}
		return s.print(out, func(p *page) {
			verb := "changed"
			if created {
				verb = "added"
			}
			p.line("%s %s (%s)%s", verb, args[0], sub.Email, map[bool]string{false: ", not confirmed yet"}[out.Confirmed])
		})
	})
	siteFlag(cmd, &site)
	f.register(cmd.Flags())
	return cmd
}

func newSubscriberShow(r *root) *cobra.Command {
	var site string
	cmd := &cobra.Command{
		Use: "show ID", Short: "Show a reader with all that is known of them", Example: "  hearback subscriber show u-9", Args: asUsed,
		RunE: r.work(func(ctx context.Context, s *session, args []string) error {
			site, err := s.site(site)
			if err != nil {
				return err
			}
			sub, err := s.store.Subscriber(ctx, site.Key, args[0])
			if err != nil {
				return err
			}
			subscriptions, err := s.followed(ctx, &sub)
			if err != nil {
				return err
			}
			out := struct {
				subscriberJSON
				Subscriptions []subscriptionJSON `json:"subscriptions"`
			}{subscriberOf(&sub), subscriptions}
			return s.print(out, func(p *page) {
				p.row("id", out.IDs)
				p.row("address", out.Email)
				p.row("name", out.Name)
				p.row("confirmed", out.ConfirmedAt)
				p.row("schedule", out.Schedule)
				p.row("time zone", out.Zone)
				p.row("locale", out.Locale)
				p.row("author ids", out.AuthorIDs)
				p.row("quiet hours", out.QuietHours)
				p.row("paused until", out.PausedUntil)
				if !out.EndedAt.IsZero() {
					p.row("ended all", out.EndedAt)
				}
				p.line("")
				showSubscriptions(p, subscriptions)
			})
		}),
	}
	siteFlag(cmd, &site)
	return cmd
}

func newSubscriberRemove(r *root) *cobra.Command {
	var site string
	cmd := &cobra.Command{
		Use: "remove ID", Short: "Forget a reader: address, subscriptions and what waits to be sent", Example: "  hearback subscriber remove u-9", Args: asUsed,
		RunE: r.work(func(ctx context.Context, s *session, args []string) error {
			site, err := s.site(site)
			if err != nil {
				return err
			}
			if err := s.did("subscriber.erase", args[0]+" of "+site.Key, "", "").Erase(ctx, site.Key, args[0]); err != nil {
				return err
			}
			return s.print(map[string]string{"removed": args[0]}, func(p *page) { p.line("forgot %s", args[0]) })
		}),
	}
	siteFlag(cmd, &site)
	return cmd
}
