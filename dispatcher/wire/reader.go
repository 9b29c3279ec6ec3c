package wire

import (
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// Subscriber is a subscriber as the API tells of it.
type Subscriber struct {
	ID          string    `json:"id" doc:"the site's own id, the one that was asked for"`
	IDs         []string  `json:"ids" doc:"all of the site's own ids of this person"`
	Number      int64     `json:"number" doc:"Hearback's own number"`
	Email       string    `json:"email" doc:"as it was given"`
	Name        string    `json:"name,omitempty" doc:"what mails call them"`
	Locale      string    `json:"locale,omitempty" doc:"language of their mails; without one the site's counts"`
	Zone        string    `json:"time_zone,omitempty" doc:"IANA name; without one the site's counts"`
	Schedule    string    `json:"schedule,omitempty" doc:"cadence of subscriptions that name none; without one the site's counts"`
	QuietHours  string    `json:"quiet_hours,omitempty" doc:"nothing is mailed in these hours of their day, such as 22:00-07:00"`
	PausedUntil time.Time `json:"paused_until,omitzero" doc:"nothing is mailed until then"`
	Confirmed   bool      `json:"confirmed" doc:"the address is known to be theirs"`
	ConfirmedAt time.Time `json:"confirmed_at,omitzero"`
	EndedAt     time.Time `json:"ended_at,omitzero" doc:"when they ended everything"`
	AuthorIDs   []string  `json:"author_ids" doc:"what they are called as an author of comments"`
	CreatedAt   time.Time `json:"created_at,omitzero"`
}

// Subscription is a subscription, or a mute, as the API tells of it.
type Subscription struct {
	ID          int64              `json:"id,omitempty" doc:"its number; mutes have none"`
	Subscriber  string             `json:"subscriber" doc:"the site's own id of its subscriber"`
	Target      dispatcher.Target  `json:"target"`
	Mute        bool               `json:"mute,omitempty" doc:"it is a mute"`
	Schedule    string             `json:"schedule,omitempty" doc:"the cadence that counts"`
	OwnSchedule bool               `json:"own_schedule,omitempty" doc:"the cadence is its own, not its subscriber's or its site's"`
	State       SubscriptionState  `json:"state,omitempty"`
	AskedAt     time.Time          `json:"asked_at,omitzero"`
	ConfirmedAt time.Time          `json:"confirmed_at,omitzero"`
	EndedAt     time.Time          `json:"ended_at,omitzero"`
	EndedBy     dispatcher.EndedBy `json:"ended_by,omitempty"`
}

// SubscriptionState says whether a subscription counts.
type SubscriptionState string

// The states of a subscription.
const (
	SubscriptionLive    SubscriptionState = "live"
	SubscriptionPending SubscriptionState = "pending" // its reader has not confirmed the address
	SubscriptionEnded   SubscriptionState = "ended"
)

// Subscriptions is a page of subscriptions. Mutes come with the first page of
// one subscriber.
type Subscriptions struct {
	Items []Subscription `json:"items"`
	Mutes []Subscription `json:"mutes" doc:"with the first page of one subscriber: what they never hear of"`
	Next  string         `json:"next,omitempty" doc:"give it as ?after= for the next page; without it this was the last one"`
}

// SubscriptionChange is what a PATCH of a subscription may change.
type SubscriptionChange struct {
	Schedule string           `json:"schedule,omitempty" doc:"a cadence of its own; left out, it stays"`
	Depth    dispatcher.Depth `json:"depth,omitempty" doc:"of a replies target; left out, it stays"`
}

// Suppression keeps all mail of a site from an address.
type Suppression struct {
	Site    string    `json:"site"`
	Address string    `json:"address" doc:"in the form in which addresses compare"`
	Reason  string    `json:"reason" doc:"bounce, complaint or admin"`
	Detail  string    `json:"detail" doc:"the server's words, or the admin's"`
	Message int64     `json:"message,omitempty" doc:"the mail that led to it"`
	Since   time.Time `json:"since"`
}

// SuppressionNote is what a PUT of a suppression may say.
type SuppressionNote struct {
	Detail string `json:"detail,omitempty" max:"500" doc:"why, for other admins"`
}
