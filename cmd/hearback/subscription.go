package main

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hearback/hearback/dispatcher"
)

type subscriptionJSON struct {
	ID          int64             `json:"id,omitempty"` // mutes have none
	Subscriber  string            `json:"subscriber"`
	Target      dispatcher.Target `json:"target"`
	Mute        bool              `json:"mute,omitempty"`
	Schedule    string            `json:"schedule,omitempty"`
	OwnSchedule bool              `json:"own_schedule,omitempty"` // set for this one, not inherited
	State       string            `json:"state,omitempty"`        // live, pending or ended
	AskedAt     time.Time         `json:"asked_at,omitzero"`
	ConfirmedAt time.Time         `json:"confirmed_at,omitzero"`
	EndedAt     time.Time         `json:"ended_at,omitzero"`
	EndedBy     string            `json:"ended_by,omitempty"`
}

func subscriptionOf(s *dispatcher.Subscription, subscriber string) subscriptionJSON {
	out := subscriptionJSON{ID: s.ID, Subscriber: subscriber, Target: s.Target, Schedule: s.Schedule, OwnSchedule: s.OwnSchedule, State: "pending",
		AskedAt: s.AskedAt, ConfirmedAt: s.ConfirmedAt, EndedAt: s.EndedAt, EndedBy: string(s.EndedBy)}
	switch {
	case s.Live():
		out.State = "live"
	case !s.EndedAt.IsZero():
		out.State = "ended"
	}
	return out
}

// parseTarget reads a target as it is typed: thread:ID, comment:ID, author:ID,
// replies, replies:any or site.
func parseTarget(text string) (dispatcher.Target, error) {
	const mend = "write thread:ID, comment:ID, author:ID, replies, replies:any or site"
	word, rest, colon := strings.Cut(text, ":")
	t := dispatcher.Target{Type: dispatcher.TargetType(word), ID: rest}
	known := []dispatcher.TargetType{dispatcher.TargetThread, dispatcher.TargetComment, dispatcher.TargetAuthor, dispatcher.TargetReplies, dispatcher.TargetSite}
	if _, err := oneOf("TARGET", word, known...); err != nil {
		return t, err
	}
	switch {
	case t.Type == dispatcher.TargetReplies:
		t.ID, t.Depth = "", dispatcher.Depth(rest)
	case colon && t.Type == dispatcher.TargetSite:
		return t, dispatcher.Invalid("TARGET", mend, "a site target has no id")
	}
	if err := t.Validate(); err != nil {
		return t, err
	}
	return t, nil
}

// typed gives a target as [parseTarget] reads it.
func typed(t dispatcher.Target) string {
	switch {
	case t.ID != "":
		return string(t.Type) + ":" + t.ID
	case t.Depth == dispatcher.DepthAny:
		return string(t.Type) + ":any"
	}
	return string(t.Type)
}

func newSubscription(r *root) *cobra.Command {
	return group("subscription", "See, add and end what readers follow",
		"  hearback subscription add u-9 thread:post-7 --schedule daily\n  hearback subscription add u-9 author:troll --mute",
		newSubscriptionList(r), newSubscriptionAdd(r), newSubscriptionRemove(r))
}

func newSubscriptionList(r *root) *cobra.Command {
	var site string
	cmd := &cobra.Command{
		Use: "list SUBSCRIBER", Short: "List what a reader follows and has muted", Example: "  hearback subscription list u-9", Args: asUsed,
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
			return s.print(listJSON[subscriptionJSON]{Items: subscriptions}, func(p *page) { showSubscriptions(p, subscriptions) })
		}),
	}
	siteFlag(cmd, &site)
	return cmd
}

// followed reads what a subscriber follows and, after that, has muted.
func (s *session) followed(ctx context.Context, sub *dispatcher.Subscriber) ([]subscriptionJSON, error) {
	subs, err := s.store.Subscriptions(ctx, sub.ID)
	if err != nil {
		return nil, err
	}
	mutes, err := s.store.Mutes(ctx, sub.ID)
	if err != nil {
		return nil, err
	}
	who := subscriberOf(sub).ID
	out := []subscriptionJSON{}
	for i := range subs {
		out = append(out, subscriptionOf(&subs[i], who))
	}
	for _, m := range mutes {
		out = append(out, subscriptionJSON{Subscriber: who, Target: m.Target, Mute: true})
	}
	return out, nil
}

func showSubscriptions(p *page, subs []subscriptionJSON) {
	if len(subs) == 0 {
		p.line("no subscriptions")
		return
	}
	p.row("TARGET", "SCHEDULE", "STATE", "ASKED", "ENDED")
	for i := range subs {
		state := subs[i].State
		if by := subs[i].EndedBy; by != "" {
			state += " by " + by
		}
		if subs[i].Mute {
			state = "muted"
		}
		p.row(typed(subs[i].Target), subs[i].Schedule, state, subs[i].AskedAt, subs[i].EndedAt)
	}
}

func newSubscriptionAdd(r *root) *cobra.Command {
	var site, schedule string
	var mute, confirmed bool
	cmd := &cobra.Command{
		Use: "add SUBSCRIBER TARGET", Short: "Let a reader follow a target, or mute it", Example: "  hearback subscription add u-9 replies:any\n  hearback subscription add u-9 thread:post-7 --schedule daily", Args: asUsed,
		Long: "Let a reader follow a target: thread:ID, comment:ID (all below it), author:ID, replies (to them),\nreplies:any (all below their comments) or site. What the reader ended themselves is not renewed.",
		RunE: r.work(func(ctx context.Context, s *session, args []string) error {
			site, err := s.site(site)
			if err != nil {
				return err
			}
			target, err := parseTarget(args[1])
			if err != nil {
				return err
			}
			if mute && target.Type != dispatcher.TargetThread && target.Type != dispatcher.TargetAuthor {
				return dispatcher.Invalid("TARGET", "mute thread:ID or author:ID", "a %s cannot be muted", target.Type)
			}
			in := dispatcher.EventSubscription{Subscriber: args[0], Target: target, Schedule: schedule, Mute: mute, Confirmed: confirmed}
			sub, created, err := s.store.SetSubscription(ctx, site.Key, in, true)
			if err != nil {
				return err
			}
			if mute {
				out := subscriptionJSON{Subscriber: args[0], Target: target, Mute: true}
				return s.print(out, func(p *page) { p.line("%s never hears of %s any more", args[0], typed(target)) })
			}
			out := struct {
				Created bool `json:"created"`
				subscriptionJSON
			}{created, subscriptionOf(&sub, args[0])}
			return s.print(out, func(p *page) {
				p.line("%s follows %s on the schedule %s (%s)", args[0], typed(target), sub.Schedule, out.State)
			})
		}),
	}
	siteFlag(cmd, &site)
	cmd.Flags().StringVar(&schedule, "schedule", "", "cadence of this subscription (default the reader's)")
	cmd.Flags().BoolVar(&mute, "mute", false, "never hear of the target")
	cmd.Flags().BoolVar(&confirmed, "confirmed", false, "the reader has agreed; without this a new reader is asked by mail")
	return cmd
}

func newSubscriptionRemove(r *root) *cobra.Command {
	var site string
	var mute bool
	cmd := &cobra.Command{
		Use: "remove SUBSCRIBER TARGET", Short: "End what a reader follows, or lift a mute", Example: "  hearback subscription remove u-9 thread:post-7", Args: asUsed,
		RunE: r.work(func(ctx context.Context, s *session, args []string) error {
			site, err := s.site(site)
			if err != nil {
				return err
			}
			target, err := parseTarget(args[1])
			if err != nil {
				return err
			}
			in := dispatcher.EventSubscription{Subscriber: args[0], Target: target, Mute: mute}
			if err := s.store.EndSubscription(ctx, site.Key, in, dispatcher.EndedBySite); err != nil {
				return err
			}
			return s.print(map[string]any{"removed": target}, func(p *page) { p.line("removed %s", typed(target)) })
		}),
	}
	siteFlag(cmd, &site)
	cmd.Flags().BoolVar(&mute, "mute", false, "lift the mute of the target")
	return cmd
}
