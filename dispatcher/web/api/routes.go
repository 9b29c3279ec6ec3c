package api

import "github.com/hearback/hearback/dispatcher/store"

// routes is the contract: every path with the rights that open it.
func routes() []route {
	reading := func(also ...store.Right) []store.Right { return append([]store.Right{store.RightRead}, also...) }
	events, subs, admin := []store.Right{store.RightEvents}, []store.Right{store.RightSubscriptions}, []store.Right{store.RightAdmin}
	return []route{
		{method: "POST", path: "/v1/events", rights: events, limit: MaxBody, do: (*API).postEvents, summary: "Hand in one event, {\"events\": […]} or one event a line"},
		{method: "GET", path: "/v1/events", rights: reading(store.RightEvents), do: (*API).getEvents, summary: "List rejected events, newest first"},
		{method: "GET", path: "/v1/events/{id}", rights: reading(store.RightEvents), do: (*API).getEvent, summary: "Show a rejected event"},
		{method: "POST", path: "/v1/events/{id}/retry", rights: events, do: (*API).retryEvent, summary: "Put a rejected event back into the inbox"},

		{method: "GET", path: "/v1/subscribers", rights: reading(store.RightSubscriptions), do: (*API).listSubscribers, summary: "List subscribers"},
		{method: "POST", path: "/v1/subscribers", rights: subs, limit: MaxBody, do: (*API).upsertSubscribers, summary: "Make or change subscribers, one a line"},
		{method: "GET", path: "/v1/subscribers/{id}", rights: reading(store.RightSubscriptions), do: (*API).getSubscriber, summary: "Show a subscriber"},
		{method: "PUT", path: "/v1/subscribers/{id}", rights: subs, do: (*API).putSubscriber, summary: "Make or change a subscriber"},
		{method: "PATCH", path: "/v1/subscribers/{id}", rights: subs, do: (*API).patchSubscriber, summary: "Change a subscriber that exists"},
		{method: "DELETE", path: "/v1/subscribers/{id}", rights: subs, do: (*API).deleteSubscriber, summary: "Erase a subscriber"},

		{method: "GET", path: "/v1/subscriptions", rights: reading(store.RightSubscriptions), do: (*API).listSubscriptions, summary: "List a subscriber's subscriptions and mutes"},
		{method: "POST", path: "/v1/subscriptions", rights: subs, do: (*API).postSubscription, summary: "Subscribe a subscriber to a target, or mute it"},
		{method: "DELETE", path: "/v1/subscriptions", rights: subs, do: (*API).deleteByTarget, summary: "End the subscription to a target, or lift its mute"},
		{method: "GET", path: "/v1/subscriptions/{id}", rights: reading(store.RightSubscriptions), do: (*API).getSubscription, summary: "Show a subscription"},
		{method: "PATCH", path: "/v1/subscriptions/{id}", rights: subs, do: (*API).patchSubscription, summary: "Set a subscription's schedule or depth"},
		{method: "DELETE", path: "/v1/subscriptions/{id}", rights: subs, do: (*API).deleteSubscription, summary: "End a subscription"},

		{method: "GET", path: "/v1/schedules", rights: reading(store.RightSubscriptions), do: (*API).listSchedules, summary: "List schedules"},
		{method: "GET", path: "/v1/schedules/{name}", rights: reading(store.RightSubscriptions), do: (*API).getSchedule, summary: "Show a schedule"},
		{method: "PUT", path: "/v1/schedules/{name}", rights: admin, global: true, do: (*API).putSchedule, summary: "Make or change a schedule"},
		{method: "DELETE", path: "/v1/schedules/{name}", rights: admin, global: true, do: (*API).deleteSchedule, summary: "Remove a schedule"},
		{method: "GET", path: "/v1/schedules/{name}/next", rights: reading(store.RightSubscriptions), do: (*API).nextFirings, summary: "Show when a schedule fires next"},
		{method: "POST", path: "/v1/schedules/{name}/run", rights: admin, global: true, do: (*API).runSchedule, summary: "Open a slot of a schedule now"},
		{method: "POST", path: "/v1/schedules/{name}/pause", rights: admin, global: true, do: (*API).pauseSchedule, summary: "Pause a schedule"},
		{method: "POST", path: "/v1/schedules/{name}/resume", rights: admin, global: true, do: (*API).resumeSchedule, summary: "Resume a schedule"},

		{method: "GET", path: "/v1/templates", rights: reading(), do: (*API).listTemplates, summary: "List stored templates"},
		{method: "PUT", path: "/v1/templates/{kind}/{locale}", rights: admin, do: (*API).putTemplate, summary: "Save a draft"},
		{method: "POST", path: "/v1/templates/{kind}/{locale}/versions/{version}/publish", rights: admin, do: (*API).publishTemplate, summary: "Make a version the active one"},
		{method: "POST", path: "/v1/templates/{kind}/{locale}/rollback", rights: admin, do: (*API).rollbackTemplate, summary: "Make the version before the active one"},
		{method: "POST", path: "/v1/templates/{kind}/{locale}/preview", rights: reading(), do: (*API).previewTemplate, summary: "Render a sample"},
		{method: "POST", path: "/v1/templates/{kind}/{locale}/test", rights: admin, do: (*API).testMail, summary: "Mail a test"},

		{method: "GET", path: "/v1/messages", rights: reading(), do: (*API).listMessages, summary: "List mails, newest first"},
		{method: "GET", path: "/v1/messages/{id}", rights: reading(), do: (*API).getMessage, summary: "Show a mail with its attempts"},
		{method: "POST", path: "/v1/messages/{id}/retry", rights: admin, do: (*API).retryMessage, summary: "Send a mail again"},
		{method: "GET", path: "/v1/explain", rights: reading(), do: (*API).explain, summary: "Say why a reader did or did not hear of a comment"},

		{method: "GET", path: "/v1/sources", rights: reading(), do: (*API).listSources, summary: "List sources"},
		{method: "POST", path: "/v1/sources/{name}/poll", rights: admin, do: (*API).pollSource, summary: "Poll a source now"},
		{method: "POST", path: "/v1/sources/{name}/pause", rights: admin, do: (*API).pauseSource, summary: "Pause a source"},
		{method: "POST", path: "/v1/sources/{name}/resume", rights: admin, do: (*API).resumeSource, summary: "Resume a source"},

		{method: "GET", path: "/v1/suppressions", rights: reading(), do: (*API).listSuppressions, summary: "List suppressed addresses"},
		{method: "GET", path: "/v1/suppressions/{address}", rights: reading(), do: (*API).getSuppression, summary: "Show a suppression"},
		{method: "PUT", path: "/v1/suppressions/{address}", rights: admin, do: (*API).putSuppression, summary: "Suppress an address"},
		{method: "DELETE", path: "/v1/suppressions/{address}", rights: admin, do: (*API).deleteSuppression, summary: "Let mail go to an address again"},

		{method: "GET", path: "/v1/sending", rights: reading(), do: (*API).getSending, summary: "Show the sending switch"},
		{method: "PUT", path: "/v1/sending", rights: admin, do: (*API).putSending, summary: "Set the sending switch"},
	}
}
