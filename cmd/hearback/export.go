package main

import (
	"bufio"
	"context"
	"encoding/json"
	"time"

	"github.com/spf13/cobra"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
)

// exportPage is how many rows are read at once.
const exportPage = 500

func newExport(r *root) *cobra.Command {
	var site string
	cmd := &cobra.Command{
		Use: "export", Short: "Write all readers of a site and what they follow",
		Long: `Write all readers of a site with what they follow and have muted, what they ended, and the
addresses that get no mail, one JSON object a line. "hearback import" takes it in elsewhere.
Comments and mails are not part of it. It holds addresses: keep it as you keep the database.`,
		Example: "  hearback export --site blog > readers.ndjson", Args: asUsed,
		RunE: r.work(func(ctx context.Context, s *session, _ []string) error {
			site, err := s.site(site)
			if err != nil {
				return err
			}
			if err := s.record(ctx, "export", "readers of "+site.Key, ""); err != nil { // addresses leave the house
				return err
			}
			w := bufio.NewWriter(s.out)
			enc := json.NewEncoder(w)
			enc.SetEscapeHTML(false)
			write := func(r recordJSON) error { return enc.Encode(r) }
			for _, part := range []func(context.Context, string, func(recordJSON) error) error{s.exportSuppressions, s.exportSubscribers, s.exportSubscriptions} {
				if err := part(ctx, site.Key, write); err != nil {
					return err
				}
			}
			return w.Flush()
		}),
	}
	siteFlag(cmd, &site)
	return cmd
}

func (s *session) exportSuppressions(ctx context.Context, site string, write func(recordJSON) error) error {
	for after := ""; ; {
		list, err := s.store.Suppressions(ctx, site, after, exportPage)
		if err != nil || len(list) == 0 {
			return err
		}
		for _, p := range list {
			after = p.Address
			if err := write(recordJSON{Suppression: &suppressionJSON{p.Address, p.Reason, p.Detail}}); err != nil {
				return err
			}
		}
	}
}

// exportSubscribers writes readers, each of their ids, and their mutes.
func (s *session) exportSubscribers(ctx context.Context, site string, write func(recordJSON) error) error {
	for after := int64(0); ; {
		list, err := s.store.Subscribers(ctx, site, "", after, exportPage)
		if err != nil || len(list) == 0 {
			return err
		}
		for i := range list {
			after = list[i].ID
			if err := s.exportSubscriber(ctx, &list[i], write); err != nil {
				return err
			}
		}
	}
}

func (s *session) exportSubscriber(ctx context.Context, sub *dispatcher.Subscriber, write func(recordJSON) error) error {
	if len(sub.ExternalIDs) == 0 {
		return nil // erased
	}
	for i, id := range sub.ExternalIDs {
		r := recordJSON{Subscriber: &dispatcher.EventSubscriber{ID: id, Email: &sub.Email}}
		if i == 0 {
			r = recordJSON{Subscriber: exported(sub), EndedAt: sub.EndedAt}
		}
		if err := write(r); err != nil {
			return err
		}
	}
	mutes, err := s.store.Mutes(ctx, sub.ID)
	if err != nil {
		return err
	}
	for _, m := range mutes {
		if err := write(recordJSON{Subscription: &dispatcher.EventSubscription{Subscriber: sub.ExternalIDs[0], Target: m.Target, Mute: true}}); err != nil {
			return err
		}
	}
	return nil
}

// exported is a reader as an import reads them.
func exported(sub *dispatcher.Subscriber) *dispatcher.EventSubscriber {
	set := func(text string) *string {
		if text == "" {
			return nil
		}
		return &text
	}
	out := &dispatcher.EventSubscriber{ID: sub.ExternalIDs[0], Email: &sub.Email, Name: set(sub.Name), Locale: set(sub.Locale), Zone: set(sub.Zone),
		Schedule: set(sub.Schedule), QuietHours: set(sub.Quiet.String())}
	if len(sub.AuthorIDs) > 0 {
		out.AuthorIDs = &sub.AuthorIDs
	}
	if !sub.PausedUntil.IsZero() {
		out.PausedTill = set(sub.PausedUntil.Format(time.RFC3339))
	}
	if yes := true; !sub.ConfirmedAt.IsZero() {
		out.Confirmed = &yes
	}
	return out
}

func (s *session) exportSubscriptions(ctx context.Context, site string, write func(recordJSON) error) error {
	for after := int64(0); ; {
		list, err := s.store.SubscriptionPage(ctx, store.SubscriptionFilter{Site: site, After: after, Limit: exportPage})
		if err != nil || len(list) == 0 {
			return err
		}
		for i := range list {
			l := &list[i]
			after = l.ID
			if l.Owner == "" {
				continue // erased
			}
			in := dispatcher.EventSubscription{Subscriber: l.Owner, Target: l.Target}
			if l.OwnSchedule {
				in.Schedule = l.Schedule
			}
			if err := write(recordJSON{Subscription: &in, EndedAt: l.EndedAt, EndedBy: l.EndedBy}); err != nil {
				return err
			}
		}
	}
}
