package subscribe

import (
	"context"
	"fmt"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
)

// Data is all that is kept about a person, as they may take it along.
type Data struct {
	MadeAt time.Time  `json:"made_at"`
	Sites  []SiteData `json:"sites"`
}

// SiteData is what one site's readers' book has of them.
type SiteData struct {
	Site          string              `json:"site"`
	SiteName      string              `json:"site_name"`
	IDs           []string            `json:"ids"`
	Email         string              `json:"email"`
	Name          string              `json:"name,omitempty"`
	Locale        string              `json:"locale,omitempty"`
	Zone          string              `json:"time_zone,omitempty"`
	Schedule      string              `json:"schedule,omitempty"`
	QuietHours    string              `json:"quiet_hours,omitempty"`
	PausedUntil   *time.Time          `json:"paused_until,omitempty"`
	AuthorIDs     []string            `json:"author_ids,omitempty"`
	Since         *time.Time          `json:"since,omitempty"`
	Confirmed     *time.Time          `json:"confirmed_at,omitempty"`
	Ended         *time.Time          `json:"ended_everything_at,omitempty"`
	Subscriptions []SubscriptionData  `json:"subscriptions"`
	Waiting       []SubscriptionData  `json:"waiting_for_confirmation,omitempty"`
	Mutes         []dispatcher.Target `json:"mutes,omitempty"`
	Mails         []MailData          `json:"mails"`
	Seen          []SeenData          `json:"seen,omitempty"`       // threads that the site said were read
	Suppressed    string              `json:"suppressed,omitempty"` // why nothing is mailed to the address
}

// SubscriptionData is one subscription, ended ones too.
type SubscriptionData struct {
	Target    dispatcher.Target `json:"target"`
	Schedule  string            `json:"schedule,omitempty"`
	Asked     *time.Time        `json:"asked_at,omitempty"`
	Confirmed *time.Time        `json:"confirmed_at,omitempty"`
	Ended     *time.Time        `json:"ended_at,omitempty"`
	EndedBy   string            `json:"ended_by,omitempty"`
}

// SeenData is how far a thread was read; Thread is the number made of its id.
type SeenData struct {
	Thread int64     `json:"thread_key,string"`
	Upto   time.Time `json:"upto"`
}

// MailData is one mail.
type MailData struct {
	Kind     string     `json:"kind"`
	State    string     `json:"state"`
	Made     *time.Time `json:"made_at,omitempty"`
	Sent     *time.Time `json:"sent_at,omitempty"`
	Comments []string   `json:"comments,omitempty"` // the site's own ids
}

// Export gathers what is kept about the visit's reader on every site.
func (d *Desk) Export(ctx context.Context, v Visit) (Data, error) {
	out := Data{MadeAt: d.clock.Now()}
	all, err := d.Everywhere(ctx, v)
	if err != nil {
		return out, err
	}
	for i := range all {
		site, err := d.siteData(ctx, &all[i])
		if err != nil {
			return out, fmt.Errorf("gather a reader's data: %w", err)
		}
		out.Sites = append(out.Sites, site)
	}
	return out, nil
}

func (d *Desk) siteData(ctx context.Context, v *Visit) (SiteData, error) {
	r := &v.Reader
	out := SiteData{Site: v.Site.Key, SiteName: v.Site.Name, IDs: r.ExternalIDs, Email: r.Email, Name: r.Name, Locale: r.Locale, Zone: r.Zone, Schedule: r.Schedule,
		AuthorIDs: r.AuthorIDs, PausedUntil: given(r.PausedUntil), Since: given(r.CreatedAt), Confirmed: given(r.ConfirmedAt), Ended: given(r.EndedAt)}
	if !r.Quiet.None() {
		out.QuietHours = r.Quiet.String()
	}
	subs, err := d.store.Subscriptions(ctx, r.ID)
	if err != nil {
		return out, err
	}
	asked, err := d.store.SignUps(ctx, r.ID)
	if err != nil {
		return out, err
	}
	mutes, err := d.store.Mutes(ctx, r.ID)
	if err != nil {
		return out, err
	}
	out.Subscriptions, out.Waiting = subscriptionData(subs), subscriptionData(asked)
	for i := range mutes {
		out.Mutes = append(out.Mutes, mutes[i].Target)
	}
	seen, err := d.store.Seen(ctx, r.ID)
	if err != nil {
		return out, err
	}
	for _, s := range seen {
		out.Seen = append(out.Seen, SeenData{int64(s.Thread), s.Upto})
	}
	not, err := d.store.SuppressionOf(ctx, v.Site.Key, r.Address)
	if err != nil {
		return out, err
	}
	if not != nil {
		out.Suppressed = not.Reason
	}
	out.Mails, err = d.mailData(ctx, r.ID)
	return out, err
}

func subscriptionData(subs []dispatcher.Subscription) []SubscriptionData {
	out := []SubscriptionData{}
	for i := range subs {
		s := &subs[i]
		out = append(out, SubscriptionData{s.Target, s.Schedule, given(s.AskedAt), given(s.ConfirmedAt), given(s.EndedAt), string(s.EndedBy)})
	}
	return out
}

// mailStep is how many mails are read at once.
const mailStep = 500

func (d *Desk) mailData(ctx context.Context, reader int64) ([]MailData, error) {
	out := []MailData{}
	for before := int64(0); ; {
		mails, err := d.store.Messages(ctx, store.MessageFilter{Subscriber: reader, Before: before, Limit: mailStep})
		if err != nil || len(mails) == 0 {
			return out, err
		}
		for i := range mails {
			m := &mails[i]
			ids := make([]int64, len(m.Items))
			for k, it := range m.Items {
				ids[k] = it.Comment
			}
			comments, _, err := d.store.Content(ctx, ids)
			if err != nil {
				return out, err
			}
			row := MailData{Kind: string(m.Kind), State: string(m.State), Made: given(m.CreatedAt), Sent: given(m.SentAt)}
			for _, id := range ids {
				row.Comments = append(row.Comments, comments[id].ExternalID)
			}
			out = append(out, row)
			before = m.ID
		}
	}
}

func given(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// Erase forgets the visit's reader on every site: what they follow, what they
// chose, and whom each mail went to.
func (d *Desk) Erase(ctx context.Context, v Visit) error {
	all, err := d.Everywhere(ctx, v)
	if err != nil {
		return err
	}
	for i := range all {
		id, err := all[i].siteID()
		if err != nil {
			return err
		}
		if err := d.store.EraseByReader(ctx, all[i].Site.Key, id); err != nil && dispatcher.CodeOf(err) != dispatcher.CodeNotFound {
			return fmt.Errorf("erase a reader: %w", err)
		}
	}
	return nil
}
