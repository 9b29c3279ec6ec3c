package admin

import (
	"net/http"

	"github.com/hearback/hearback/dispatcher/store"
)

// route is one line of the table that says who may do what.
type route struct {
	method, path string     // below /admin
	role         store.Role // who may; "" for everybody, also who is not signed in
	do           func(*Desk, *visit) error
	nav          string // name in the navigation, "" to stand there not
	section      string // heading of the navigation
	own          bool   // changes nothing but what is the visitor's own
}

const (
	get  = http.MethodGet
	post = http.MethodPost
)

// routes is the one table of paths, roles and handlers. What changes anything
// is a POST and asks for an editor at least, unless it is the visitor's own.
func routes() []route {
	viewer, editor, admin := store.RoleViewer, store.RoleEditor, store.RoleAdmin
	return []route{
		{method: get, path: "/sign-in", do: (*Desk).signInPage},
		{method: post, path: "/sign-in", do: (*Desk).signIn},
		{method: get, path: "/link/{secret}", do: (*Desk).linkPage},
		{method: post, path: "/link/{secret}", do: (*Desk).useLink},
		{method: post, path: "/sign-out", role: viewer, own: true, do: (*Desk).signOut},

		{method: get, path: "/", role: viewer, do: (*Desk).overview, nav: "Overview"},
		{method: post, path: "/notices/clear", role: editor, do: (*Desk).clearNotice},
		{method: get, path: "/sending", role: viewer, do: (*Desk).sendingPage, nav: "Sending"},
		{method: post, path: "/sending", role: editor, do: (*Desk).setSending},

		// Readers: subscribers, subscriptions, suppressions.
		{method: get, path: "/subscribers", role: viewer, do: (*Desk).subscribersPage, nav: "Subscribers", section: "Readers"},
		{method: get, path: "/subscribers/{id}", role: viewer, do: (*Desk).subscriberPage},
		{method: post, path: "/subscribers/{id}/suppress", role: editor, do: (*Desk).suppressReader},
		{method: post, path: "/subscribers/{id}/lift", role: editor, do: (*Desk).liftReader},
		{method: post, path: "/subscribers/{id}/end", role: editor, do: (*Desk).endSubscription},
		{method: post, path: "/subscribers/{id}/erase", role: editor, do: (*Desk).eraseReader},
		{method: get, path: "/suppressions", role: viewer, do: (*Desk).suppressionsPage, nav: "Suppressions", section: "Readers"},
		{method: post, path: "/suppressions", role: editor, do: (*Desk).addSuppression},
		{method: post, path: "/suppressions/lift", role: editor, do: (*Desk).liftSuppression},

		// Mail: messages. What a mail looks like is for editors: its links let its reader in.
		{method: get, path: "/messages", role: viewer, do: (*Desk).messagesPage, nav: "Messages", section: "Mail"},
		{method: get, path: "/messages/{id}", role: viewer, do: (*Desk).messagePage},
		{method: get, path: "/messages/{id}/mail", role: editor, do: (*Desk).mailPage},
		{method: get, path: "/messages/{id}/mail/html", role: editor, do: (*Desk).mailHTML},
		{method: get, path: "/messages/{id}/mail/source", role: editor, do: (*Desk).mailSource},
		{method: post, path: "/messages/{id}/retry", role: editor, do: (*Desk).retryMessage},
		{method: get, path: "/relays", role: viewer, do: (*Desk).relaysPage, nav: "Relays", section: "Mail"},

		// Content: templates, schedules.
		{method: get, path: "/templates", role: viewer, do: (*Desk).templatesPage, nav: "Templates", section: "Content"},
		{method: get, path: "/templates/{kind}/{locale}", role: viewer, do: (*Desk).templatePage},
		{method: post, path: "/templates/{kind}/{locale}", role: editor, do: (*Desk).saveTemplate},
		{method: get, path: "/templates/{kind}/{locale}/preview", role: viewer, do: (*Desk).previewTemplate},
		{method: post, path: "/templates/{kind}/{locale}/preview", role: editor, do: (*Desk).previewTemplate},
		{method: post, path: "/templates/{kind}/{locale}/publish", role: editor, do: (*Desk).publishTemplate},
		{method: post, path: "/templates/{kind}/{locale}/discard", role: editor, do: (*Desk).discardTemplate},
		{method: post, path: "/templates/{kind}/{locale}/rollback", role: editor, do: (*Desk).rollbackTemplate},
		{method: post, path: "/templates/{kind}/{locale}/test", role: editor, do: (*Desk).testTemplate},
		{method: get, path: "/schedules", role: viewer, do: (*Desk).schedulesPage, nav: "Schedules", section: "Content"},
		{method: post, path: "/schedules", role: editor, do: (*Desk).createSchedule},
		{method: get, path: "/check-schedule", role: viewer, do: (*Desk).checkSchedule},
		{method: get, path: "/schedules/{name}", role: viewer, do: (*Desk).schedulePage},
		{method: post, path: "/schedules/{name}", role: editor, do: (*Desk).changeSchedule},
		{method: post, path: "/schedules/{name}/pause", role: editor, do: (*Desk).pauseSchedule},
		{method: post, path: "/schedules/{name}/resume", role: editor, do: (*Desk).resumeSchedule},
		{method: post, path: "/schedules/{name}/run", role: editor, do: (*Desk).runSchedule},
		{method: post, path: "/schedules/{name}/remove", role: editor, do: (*Desk).removeSchedule},

		// Intake: sources, events.
		{method: get, path: "/sources", role: viewer, do: (*Desk).sourcesPage, nav: "Sources", section: "Intake"},
		{method: get, path: "/sources/{name}", role: viewer, do: (*Desk).sourcePage},
		{method: post, path: "/sources/{name}/poll", role: editor, do: (*Desk).pollSource},
		{method: post, path: "/sources/{name}/pause", role: editor, do: (*Desk).pauseSource},
		{method: post, path: "/sources/{name}/resume", role: editor, do: (*Desk).resumeSource},
		{method: get, path: "/events", role: viewer, do: (*Desk).eventsPage, nav: "Rejected events", section: "Intake"},
		{method: post, path: "/events/retry", role: editor, do: (*Desk).retryEvents},
		{method: post, path: "/events/discard", role: editor, do: (*Desk).discardEvents},
		{method: get, path: "/events/{id}", role: viewer, do: (*Desk).eventPage},
		{method: post, path: "/events/{id}/retry", role: editor, do: (*Desk).retryEvent},
		{method: post, path: "/events/{id}/discard", role: editor, do: (*Desk).discardEvent},

		{method: get, path: "/keys", role: viewer, do: (*Desk).keysPage, nav: "API keys", section: "Access"},
		{method: post, path: "/keys", role: admin, do: (*Desk).createKey},
		{method: post, path: "/keys/{id}/revoke", role: admin, do: (*Desk).revokeKey},
		{method: get, path: "/admins", role: admin, do: (*Desk).adminsPage, nav: "Admins", section: "Access"},
		{method: post, path: "/admins", role: admin, do: (*Desk).addAdmin},
		{method: post, path: "/admins/{name}/role", role: admin, do: (*Desk).setRole},
		{method: post, path: "/admins/{name}/link", role: admin, do: (*Desk).makeLink},
		{method: post, path: "/admins/{name}/sign-out", role: admin, do: (*Desk).signOutAdmin},
		{method: post, path: "/admins/{name}/disable", role: admin, do: (*Desk).disableAdmin},
		{method: post, path: "/admins/{name}/enable", role: admin, do: (*Desk).enableAdmin},
		{method: post, path: "/admins/{name}/remove", role: admin, do: (*Desk).removeAdmin},
		{method: get, path: "/audit", role: viewer, do: (*Desk).auditPage, nav: "Audit log", section: "Access"},
		{method: get, path: "/account", role: viewer, do: (*Desk).accountPage},
		{method: post, path: "/account/password", role: viewer, own: true, do: (*Desk).setPassword},
		{method: post, path: "/account/zone", role: viewer, own: true, do: (*Desk).setZone},
		{method: post, path: "/account/sessions", role: viewer, own: true, do: (*Desk).endSessions},
	}
}

// navGroup is a part of the navigation.
type navGroup struct {
	Title string
	Items []navItem
}

type navItem struct {
	Label, Path string
	role        store.Role
}

// navigation gathers the rows that have a name, sections in the order in which
// they first appear.
func navigation(rows []route) []navGroup {
	var out []navGroup
	at := map[string]int{}
	for _, rt := range rows {
		if rt.nav == "" {
			continue
		}
		i, ok := at[rt.section]
		if !ok {
			i = len(out)
			at[rt.section] = i
			out = append(out, navGroup{Title: rt.section})
		}
		out[i].Items = append(out[i].Items, navItem{rt.nav, rt.path, rt.role})
	}
	return out
}
