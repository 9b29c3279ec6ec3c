package api

import (
	"reflect"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
	"github.com/hearback/hearback/dispatcher/wire"
)

// routes is the contract: every path with the rights that open it, what it
// reads and what it answers.
func routes() []route {
	var all []route
	for _, part := range [][]route{eventRoutes(), subscriberRoutes(), subscriptionRoutes(), scheduleRoutes(), templateRoutes(), messageRoutes(), runningRoutes()} {
		all = append(all, part...)
	}
	return all
}

// rights that open a route.
func reading(also ...store.Right) []store.Right {
	return append([]store.Right{store.RightRead}, also...)
}

func only(r store.Right) []store.Right { return []store.Right{r} }

const (
	ok       = 200
	created  = 201
	accepted = 202
	gone     = 204 // done, and nothing to tell
	missing  = 404
	conflict = 409
)

func eventRoutes() []route {
	rights := only(store.RightEvents)
	hand := action{query: reflect.TypeFor[none](), bodies: []reflect.Type{reflect.TypeFor[dispatcher.Event](), reflect.TypeFor[wire.Events]()},
		line: reflect.TypeFor[dispatcher.Event](), answer: reflect.TypeFor[wire.Receipt](), do: (*API).postEvents}
	return []route{
		{method: "POST", path: "/v1/events", rights: rights, limit: MaxBody, status: []int{accepted}, action: hand, summary: "Hand in one event, several, or one a line",
			about: "What was accepted is on disk when the answer comes. The same id with the same content is a duplicate, so a repeat after a time-out is always right; with other content it is rejected as `id_reused`. When not one could be taken the answer is 422.",
			example: `{"id": "c-123-published", "type": "comment.published", "time": "2026-06-08T10:15:00Z", "thread": {"id": "post-7", "url": "https://blog.example.org/post-7", "title": "On planes"},
 "comment": {"id": "123", "parent_id": "120", "html": "<p>Sharpen first.</p>"}, "author": {"id": "u-9", "name": "Patrick"}}`},
		{method: "GET", path: "/v1/events", rights: reading(store.RightEvents), status: []int{ok}, action: show((*API).getEvents), summary: "List rejected events, newest first"},
		{method: "GET", path: "/v1/events/{id}", rights: reading(store.RightEvents), status: []int{ok}, action: show((*API).getEvent), summary: "Show a rejected event"},
		{method: "POST", path: "/v1/events/{id}/retry", rights: rights, status: []int{accepted}, action: reply(accepted, (*API).retryEvent), summary: "Put a rejected event back into the inbox"},
	}
}

func subscriberRoutes() []route {
	rights := only(store.RightSubscriptions)
	const body = `{"email": "ann@example.org", "name": "Ann", "time_zone": "Europe/Berlin", "author_ids": ["u-9"], "confirmed": true}`
	return []route{
		{method: "GET", path: "/v1/subscribers", rights: reading(store.RightSubscriptions), status: []int{ok}, action: show((*API).listSubscribers), summary: "List subscribers"},
		{method: "POST", path: "/v1/subscribers", rights: rights, limit: MaxLines, status: []int{ok}, action: lined(action{query: reflect.TypeFor[none]()}, checkSubscriber, putSubscribers),
			summary: "Make or change many subscribers, one a line", about: "Sending a line again changes nothing, so no Idempotency-Key is kept."},
		{method: "GET", path: "/v1/subscribers/{id}", rights: reading(store.RightSubscriptions), status: []int{ok}, action: show((*API).getSubscriber), summary: "Show a subscriber"},
		{method: "PUT", path: "/v1/subscribers/{id}", rights: rights, status: []int{ok, created}, action: take((*API).putSubscriber), example: body,
			summary: "Make or change a subscriber", about: "What is left out stays. There is one subscriber per address: a second id with the same address is linked to it."},
		{method: "PATCH", path: "/v1/subscribers/{id}", rights: rights, status: []int{ok}, action: take((*API).patchSubscriber), example: `{"quiet_hours": "22:00-07:00"}`, summary: "Change a subscriber that exists"},
		{method: "DELETE", path: "/v1/subscribers/{id}", rights: rights, status: []int{gone}, action: end((*API).deleteSubscriber), summary: "Erase a subscriber"},
	}
}

func subscriptionRoutes() []route {
	rights := only(store.RightSubscriptions)
	return []route{
		{method: "GET", path: "/v1/subscriptions", rights: reading(store.RightSubscriptions), status: []int{ok}, may: []int{missing}, action: show((*API).listSubscriptions), summary: "List subscriptions, with mutes where one subscriber is named"},
		{method: "POST", path: "/v1/subscriptions", rights: rights, status: []int{ok, created}, may: []int{missing},
			action:  lined(take((*API).postSubscription), checkSubscription, putSubscriptions),
			summary: "Subscribe a subscriber to a target, or mute it; many, one a line", about: "What a reader has ended is renewed only with a later consent of theirs: 409 `ended_by_reader`.",
			example: `{"subscriber": "u-9", "target": {"type": "thread", "id": "post-7"}, "schedule": "daily"}`},
		{method: "DELETE", path: "/v1/subscriptions", rights: rights, status: []int{gone}, may: []int{missing}, action: end((*API).deleteByTarget), summary: "End the subscription to a target, or lift its mute"},
		{method: "GET", path: "/v1/subscriptions/{id}", rights: reading(store.RightSubscriptions), status: []int{ok}, action: show((*API).getSubscription), summary: "Show a subscription"},
		{method: "PATCH", path: "/v1/subscriptions/{id}", rights: rights, status: []int{ok}, action: take((*API).patchSubscription), example: `{"schedule": "weekly"}`, summary: "Set a subscription's schedule or depth"},
		{method: "DELETE", path: "/v1/subscriptions/{id}", rights: rights, status: []int{gone}, action: end((*API).deleteSubscription), summary: "End a subscription", about: "Ending what has ended is no error."},
	}
}

func scheduleRoutes() []route {
	look, admin := reading(store.RightSubscriptions), only(store.RightAdmin)
	return []route{
		{method: "GET", path: "/v1/schedules", rights: look, status: []int{ok}, action: show((*API).listSchedules), summary: "List schedules"},
		{method: "GET", path: "/v1/schedules/{name}", rights: look, status: []int{ok}, action: show((*API).getSchedule), summary: "Show a schedule"},
		{method: "PUT", path: "/v1/schedules/{name}", act: "schedule.set", rights: admin, global: true, status: []int{ok, created}, action: take((*API).putSchedule), summary: "Make or change a schedule",
			about: "Those in the config file are read-only here.", example: `{"cron": "0 8 * * *", "time_zone": "subscriber", "quiet_hours": "22:00-07:00"}`},
		{method: "DELETE", path: "/v1/schedules/{name}", act: "schedule.remove", rights: admin, global: true, status: []int{gone}, action: end((*API).deleteSchedule), summary: "Remove a schedule"},
		{method: "GET", path: "/v1/schedules/{name}/next", rights: look, status: []int{ok}, may: []int{conflict}, action: show((*API).nextFirings), summary: "Show when a schedule fires next"},
		{method: "POST", path: "/v1/schedules/{name}/run", act: "schedule.run", rights: admin, global: true, status: []int{accepted}, action: reply(accepted, (*API).runSchedule), summary: "Open a slot of a schedule now", about: "The next regular firing stays where it is."},
		{method: "POST", path: "/v1/schedules/{name}/pause", act: "schedule.pause", rights: admin, global: true, status: []int{ok}, action: show((*API).pauseSchedule), summary: "Pause a schedule"},
		{method: "POST", path: "/v1/schedules/{name}/resume", act: "schedule.resume", rights: admin, global: true, status: []int{ok}, action: show((*API).resumeSchedule), summary: "Resume a schedule"},
	}
}

func templateRoutes() []route {
	admin := only(store.RightAdmin)
	const parts = `{"subject": "{{.Site.Name}}: a test", "text": "", "html": ""}`
	return []route{
		{method: "GET", path: "/v1/templates", rights: reading(), status: []int{ok}, action: show((*API).listTemplates), summary: "List stored templates"},
		{method: "PUT", path: "/v1/templates/{kind}/{locale}", act: "template.draft", rights: admin, status: []int{created}, action: take((*API).putTemplate), example: parts, summary: "Save a draft", about: "It is saved when it passes all checks; the 422 lists every problem with its line."},
		{method: "POST", path: "/v1/templates/{kind}/{locale}/versions/{version}/publish", act: "template.publish", rights: admin, status: []int{ok}, action: show((*API).publishTemplate), summary: "Make a version the active one"},
		{method: "POST", path: "/v1/templates/{kind}/{locale}/rollback", act: "template.rollback", rights: admin, status: []int{ok}, action: show((*API).rollbackTemplate), summary: "Make the version before the active one"},
		{method: "POST", path: "/v1/templates/{kind}/{locale}/preview", rights: reading(), status: []int{ok}, action: maybe((*API).previewTemplate), example: parts, summary: "Render a sample", about: "Without a body, of what is in force."},
		{method: "POST", path: "/v1/templates/{kind}/{locale}/test", act: "template.test", rights: admin, status: []int{accepted}, action: take((*API).testMail), example: `{"to": "admin@example.org"}`, summary: "Mail a test", about: "Of the kind test only."},
	}
}

func messageRoutes() []route {
	return []route{
		{method: "GET", path: "/v1/messages", rights: reading(), status: []int{ok}, may: []int{missing}, action: show((*API).listMessages), summary: "List mails, newest first"},
		{method: "GET", path: "/v1/messages/{id}", rights: reading(), status: []int{ok}, action: show((*API).getMessage), summary: "Show a mail with its attempts"},
		{method: "POST", path: "/v1/messages/{id}/retry", act: "message.retry", rights: only(store.RightAdmin), status: []int{accepted}, action: reply(accepted, (*API).retryMessage), summary: "Send a mail again", about: "One that failed, is unknown, deferred, cancelled or suppressed."},
		{method: "GET", path: "/v1/explain", rights: reading(), status: []int{ok}, action: show((*API).explain), summary: "Say why a reader did or did not hear of a comment"},
	}
}

func runningRoutes() []route {
	admin := only(store.RightAdmin)
	return []route{
		{method: "GET", path: "/v1/sources", rights: reading(), status: []int{ok}, action: show((*API).listSources), summary: "List sources"},
		{method: "POST", path: "/v1/sources/{name}/poll", act: "source.poll", rights: admin, status: []int{ok}, action: show((*API).pollSource), summary: "Poll a source now"},
		{method: "POST", path: "/v1/sources/{name}/pause", act: "source.pause", rights: admin, status: []int{ok}, action: maybe((*API).pauseSource), example: `{"reason": "import"}`, summary: "Pause a source"},
		{method: "POST", path: "/v1/sources/{name}/resume", act: "source.resume", rights: admin, status: []int{ok}, action: maybe((*API).resumeSource), example: `{"admit": "record"}`, summary: "Resume a source"},

		{method: "GET", path: "/v1/suppressions", rights: reading(), status: []int{ok}, action: show((*API).listSuppressions), summary: "List suppressed addresses"},
		{method: "GET", path: "/v1/suppressions/{address}", rights: reading(), status: []int{ok}, action: show((*API).getSuppression), summary: "Show a suppression"},
		{method: "PUT", path: "/v1/suppressions/{address}", act: "suppression.add", rights: admin, status: []int{ok}, action: maybe((*API).putSuppression), example: `{"detail": "asked by phone"}`, summary: "Suppress an address"},
		{method: "DELETE", path: "/v1/suppressions/{address}", act: "suppression.remove", rights: admin, status: []int{gone}, action: end((*API).deleteSuppression), summary: "Let mail go to an address again"},

		{method: "GET", path: "/v1/sending", rights: reading(), status: []int{ok}, action: show((*API).getSending), summary: "Show the sending switch"},
		{method: "PUT", path: "/v1/sending", rights: admin, status: []int{ok}, action: take((*API).putSending), example: `{"mode": "hold", "reason": "we move house"}`, summary: "Set the sending switch"},
	}
}
