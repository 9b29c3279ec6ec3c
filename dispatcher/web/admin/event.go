package admin

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
)

type eventsView struct {
	Sites   []option
	Table   table
	Retry   button
	Discard button
	Some    bool
}

type eventView struct {
	ID      int64
	Facts   []fact
	Mend    string
	Payload string
	Retry   button
	Discard button
}

func eventsPath(site string, before int64) string {
	q := url.Values{}
	if site != "" {
		q.Set("site", site)
	}
	if before > 0 {
		q.Set("before", strconv.FormatInt(before, 10))
	}
	if len(q) == 0 {
		return "/events"
	}
	return "/events?" + q.Encode()
}

// eventsPage lists the events that could not be taken in, the newest first.
func (d *Desk) eventsPage(v *visit) error {
	site := v.query("site")
	list, err := d.store.RejectedEvents(v.ctx(), site, v.before(), pageRows+1)
	if err != nil {
		return err
	}
	page := eventsView{Table: table{Caption: "Rejected events", Columns: []string{"When", "Event", "Why", ""},
		Empty: empty{What: "No event was rejected.", Do: "Events that cannot be taken in are kept here with the reason, as long as retention.rejected says (30 days), and can be handed in again."}}}
	if len(d.o.Sites) > 1 {
		page.Sites = append(page.Sites, option{Label: "All sites", Value: eventsPath("", 0), Chosen: site == ""})
		for i := range d.o.Sites {
			s := &d.o.Sites[i]
			page.Sites = append(page.Sites, option{Label: cmp.Or(s.Name, s.Key), Value: eventsPath(s.Key, 0), Chosen: site == s.Key})
		}
	}
	if len(list) > pageRows {
		list = list[:pageRows]
		page.Table.Next = eventsPath(site, list[pageRows-1].ID)
	}
	if v.before() > 0 {
		page.Table.First = eventsPath(site, 0)
	}
	for i := range list {
		e := &list[i]
		row := []cell{v.at(e.RejectedAt), link(eventName(e), fmt.Sprintf("/events/%d", e.ID)).soft(fmt.Sprintf("by %s for %s", doorWords(e.Door), d.siteName(e.Site))), text(e.Reason)}
		if v.me.Role.May(store.RoleEditor) {
			row = append(row, acts(retryEventButton(e)))
		} else {
			row = append(row, cell{})
		}
		page.Table.Rows = append(page.Table.Rows, row)
	}
	if page.Some = len(list) > 0 && v.before() == 0; page.Some {
		whose := "all sites"
		if site != "" {
			whose = d.siteName(site)
		}
		sent := []pair{{"site", site}, {"upto", strconv.FormatInt(list[0].ID, 10)}}
		page.Retry = button{Action: "/events/retry", Label: "Retry all", Of: whose, Hidden: sent, Sure: "All rejected events of " + whose + " go back into the inbox as they came. Those that still cannot be taken in come back here."}
		page.Discard = button{Action: "/events/discard", Label: "Discard all", Of: whose, Hidden: sent, Danger: true, Sure: "All rejected events of " + whose + " are forgotten, with what they said. This cannot be undone."}
	}
	return v.show("events", "Rejected events", page)
}

// eventName is what an event calls itself, or its number in the list.
func eventName(e *store.RejectedEvent) string {
	return cmp.Or(e.EventID, fmt.Sprintf("number %d", e.ID))
}

// doorWords say by which way an event came.
func doorWords(door store.Door) string {
	name, vouches := strings.CutSuffix(string(door), "+vouch")
	if source, ok := strings.CutPrefix(name, "source:"); ok {
		return "the source " + source
	}
	words := map[string]string{"api": "the API", "cli": "the command line", string(store.DoorSQL): "an SQL row"}
	said := cmp.Or(words[name], name)
	if vouches && name == "api" {
		said += " (a key that may confirm addresses)"
	}
	return said
}

func retryEventButton(e *store.RejectedEvent) button {
	return button{Action: fmt.Sprintf("/events/%d/retry", e.ID), Label: "Retry", Of: eventName(e)}
}

// eventMend says what helps against a reason.
func eventMend(e *store.RejectedEvent) string {
	where := "the site's back end"
	if name, ok := strings.CutPrefix(string(e.Door), "source:"); ok {
		where = "the source " + name
	}
	switch dispatcher.Code(e.Code) {
	case dispatcher.CodeNotFound:
		return "It names what is not known here. Retry it when that is there: a site in config.yaml, a reader that is made first."
	case dispatcher.CodeForbidden:
		return "It asks for more than its way in may do, as SQL rows that confirm an address. Hand it in by a key with the right, or discard it."
	case dispatcher.CodeIDReused:
		return "An event of this id was taken before and said something else. Give each event its own id in " + where + "; what was taken stands."
	case dispatcher.CodeEnded:
		return "The reader ended it. Only their own later consent renews it, so discard this one."
	case dispatcher.CodeInternal:
		return "The database refused it. Retry it once; when it comes back, the daemon's log says more."
	}
	return "Mend it in " + where + " and hand it in anew: a retry takes it as it came, and helps where Hearback has changed meanwhile."
}

func (d *Desk) eventPage(v *visit) error {
	e, err := d.rejected(v)
	if err != nil {
		return err
	}
	page := eventView{ID: e.ID, Mend: eventMend(&e), Payload: e.Payload, Facts: []fact{{"Why", text(e.Reason).soft(e.Code)}, {"Site", text(d.siteName(e.Site))}, {"Way in", text(doorWords(e.Door))},
		{"Id", code(cmp.Or(e.EventID, "none"))}, {"Came", v.at(e.ReceivedAt)}, {"Rejected", v.at(e.RejectedAt)}}}
	var pretty bytes.Buffer
	if json.Indent(&pretty, []byte(e.Payload), "", "  ") == nil {
		page.Payload = pretty.String()
	}
	page.Retry = retryEventButton(&e)
	page.Discard = button{Action: fmt.Sprintf("/events/%d/discard", e.ID), Label: "Discard", Of: eventName(&e), Danger: true, Sure: "It is forgotten, with what it said. This cannot be undone."}
	return v.show("event", "Rejected event", page)
}

// rejected gives the path's event.
func (d *Desk) rejected(v *visit) (store.RejectedEvent, error) {
	id, err := v.number("id", "rejected event")
	if err != nil {
		return store.RejectedEvent{}, err
	}
	e, err := d.store.Rejected(v.ctx(), id)
	if dispatcher.CodeOf(err) == dispatcher.CodeNotFound {
		gone := dispatcher.NotFound("rejected event", strconv.FormatInt(id, 10))
		gone.Mend = "it was taken in, discarded, or is too old; the list has those there are"
		return e, gone
	}
	return e, err
}

func (d *Desk) retryEvent(v *visit) error {
	e, err := d.rejected(v)
	if err != nil {
		return err
	}
	if _, err := v.as("event.retry", eventSubject(&e), e.Reason, "").RetryRejected(v.ctx(), "", []int64{e.ID}); err != nil {
		return err
	}
	return v.done("/events", "The event %s is back in the inbox. If it still cannot be taken in, it stands here again in a moment.", eventName(&e))
}

func (d *Desk) discardEvent(v *visit) error {
	e, err := d.rejected(v)
	if err != nil {
		return err
	}
	if _, err := v.as("event.discard", eventSubject(&e), e.Reason, "").DiscardRejected(v.ctx(), "", []int64{e.ID}); err != nil {
		return err
	}
	return v.done("/events", "The event %s is discarded.", eventName(&e))
}

func eventSubject(e *store.RejectedEvent) string { return eventName(e) + " of " + e.Site }

func (d *Desk) retryEvents(v *visit) error {
	n, err := d.eachRejected(v, d.store.RetryRejected)
	if n > 0 {
		v.record("event.retry", things(n, "event", "events")+ofSite(v.field("site")), "", "")
	}
	if err != nil {
		return err
	}
	return v.done(eventsPath(v.field("site"), 0), "%s back in the inbox. What still cannot be taken in stands here again in a moment.", things(n, "event is", "events are"))
}

func (d *Desk) discardEvents(v *visit) error {
	n, err := d.eachRejected(v, d.store.DiscardRejected)
	if n > 0 {
		v.record("event.discard", things(n, "event", "events")+ofSite(v.field("site")), "", "")
	}
	if err != nil {
		return err
	}
	return v.done(eventsPath(v.field("site"), 0), "%s discarded.", things(n, "event is", "events are"))
}

func ofSite(key string) string {
	if key == "" {
		return ""
	}
	return " of " + key
}

// rejectedAtOnce is how many rejected events are handled in one transaction.
const rejectedAtOnce = 500

// eachRejected does something with all rejected events of a site that the form
// was shown with: what was rejected since is left. It gives how many it was.
func (d *Desk) eachRejected(v *visit, do func(ctx context.Context, site string, ids []int64) (int, error)) (int, error) {
	site := v.field("site")
	upto, err := strconv.ParseInt(v.field("upto"), 10, 64)
	if err != nil || upto < 1 {
		return 0, dispatcher.Invalid("upto", "go back to the list and press it there", "the form does not say which events")
	}
	n := 0
	for before := upto + 1; ; {
		list, err := d.store.RejectedEvents(v.ctx(), site, before, rejectedAtOnce)
		if err != nil || len(list) == 0 {
			return n, err
		}
		ids := make([]int64, len(list))
		for i := range list {
			ids[i] = list[i].ID
		}
		before = ids[len(ids)-1]
		did, err := do(v.ctx(), site, ids)
		if n += did; err != nil {
			return n, err
		}
	}
}
