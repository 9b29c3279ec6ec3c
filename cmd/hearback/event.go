package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
)

type eventsJSON struct {
	listJSON[store.RejectedEvent]
	Waiting int64 `json:"waiting"` // events in the inbox
}

func newEvent(r *root) *cobra.Command {
	return group("event", "See events that could not be used, and hand them in again",
		"  hearback event list --rejected\n  hearback event retry 17", newEventList(r), newEventShow(r), newEventRetry(r))
}

func newEventList(r *root) *cobra.Command {
	var site string
	var paging pageFlags
	cmd := &cobra.Command{
		Use: "list", Short: "List rejected events with the reason, newest first", Example: "  hearback event list --rejected --limit 10", Args: asUsed,
		RunE: r.work(func(ctx context.Context, s *session, _ []string) error {
			site, err := s.anySite(site)
			if err != nil {
				return err
			}
			before, err := paging.number()
			if err != nil {
				return err
			}
			rows, err := s.store.RejectedEvents(ctx, site, before, paging.limit+1)
			if err != nil {
				return err
			}
			out := eventsJSON{listJSON: listed(rows, paging.limit, func(e *store.RejectedEvent) string { return strconv.FormatInt(e.ID, 10) })}
			if out.Waiting, _, err = s.store.InboxDepth(ctx); err != nil {
				return err
			}
			return s.print(out, func(p *page) { showEvents(p, &out) })
		}),
	}
	siteFlag(cmd, &site)
	paging.register(cmd)
	// There is no other list: what was used is in the comments, not in events.
	cmd.Flags().Bool("rejected", true, "list the rejected ones")
	return cmd
}

func showEvents(p *page, l *eventsJSON) {
	p.line("%s in the inbox, %s listed", count(int(l.Waiting), "event waits", "events wait"), count(len(l.Items), "rejected one", "rejected ones"))
	if len(l.Items) == 0 {
		return
	}
	p.row("NUMBER", "REJECTED", "SITE", "DOOR", "EVENT", "REASON")
	for _, e := range l.Items {
		p.row(e.ID, e.RejectedAt, e.Site, string(e.Door), e.EventID, e.Reason)
	}
	p.next(l.Next)
}

func newEventShow(r *root) *cobra.Command {
	return &cobra.Command{
		Use: "show NUMBER", Short: "Show a rejected event with all of its payload", Example: "  hearback event show 17", Args: asUsed,
		RunE: r.work(func(ctx context.Context, s *session, args []string) error {
			id, err := number("NUMBER", args[0])
			if err != nil {
				return err
			}
			found, err := s.store.RejectedEvents(ctx, "", id+1, 1)
			if err != nil {
				return err
			}
			if len(found) == 0 || found[0].ID != id {
				return dispatcher.NotFound("rejected event", args[0])
			}
			e := found[0]
			return s.print(e, func(p *page) {
				p.row("number", e.ID)
				p.row("event", e.EventID)
				p.row("site", e.Site)
				p.row("door", string(e.Door))
				p.row("received", e.ReceivedAt)
				p.row("rejected", e.RejectedAt)
				p.row("code", e.Code)
				p.row("reason", e.Reason)
				p.line("")
				p.block(e.Payload)
			})
		}),
	}
}

func newEventRetry(r *root) *cobra.Command {
	var all bool
	var site string
	cmd := &cobra.Command{
		Use: "retry [NUMBER...]", Short: "Put rejected events back into the inbox, as they came", Example: "  hearback event retry 17 18\n  hearback event retry --all --site blog", Args: asUsed,
		RunE: r.work(func(ctx context.Context, s *session, args []string) error {
			site, err := s.anySite(site)
			if err != nil {
				return err
			}
			if all == (len(args) > 0) {
				return dispatcher.Invalid("NUMBER", "name numbers from: hearback event list, or give --all", "say which events")
			}
			var ids []int64
			for _, a := range args {
				id, err := number("NUMBER", a)
				if err != nil {
					return err
				}
				ids = append(ids, id)
			}
			n, err := s.retryEvents(ctx, site, ids)
			if err != nil {
				return err
			}
			if n == 0 && !all {
				return dispatcher.NotFound("rejected event", fmt.Sprint(args))
			}
			if err := s.record(ctx, "event.retry", count(n, "event", "events"), ""); err != nil {
				return err
			}
			return s.print(map[string]int{"retried": n}, func(p *page) { p.line("%s back in the inbox", count(n, "event is", "events are")) })
		}),
	}
	cmd.Flags().BoolVar(&all, "all", false, "all rejected events")
	siteFlag(cmd, &site)
	return cmd
}

// retryEvents puts the named rejected events back, or all there are now.
func (s *session) retryEvents(ctx context.Context, site string, ids []int64) (int, error) {
	if len(ids) > 0 {
		return s.store.RetryRejected(ctx, site, ids)
	}
	n := 0
	for before := int64(0); ; {
		list, err := s.store.RejectedEvents(ctx, site, before, 500)
		if err != nil || len(list) == 0 {
			return n, err
		}
		ids = ids[:0]
		for i := range list {
			ids = append(ids, list[i].ID)
		}
		before = ids[len(ids)-1]
		m, err := s.store.RetryRejected(ctx, site, ids)
		if n += m; err != nil {
			return n, err
		}
	}
}
