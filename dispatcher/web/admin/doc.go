// Package admin is the desk of those who run Hearback: its pages below /admin.
//
// The story of one request: a foreign page's form is refused before anything
// else ([net/http.CrossOriginProtection]; the cookie is SameSite=Lax beside
// it). The route says by [routes], the one table there is, which role it asks
// for. The session says who is there, with their role as it is now. The
// handler reads and changes through the store, whose use cases all doors share,
// and shows a page that is made whole before its first byte goes out, or
// redirects with a word on what was done.
//
// A page is added in three steps:
//
//  1. a row in [routes]: method, path below /admin, role, handler; with nav
//     and section it stands in the navigation;
//  2. a handler func(*visit) error, in a file named for its noun. It ends with
//     v.show(template, title, data), v.done(path, words) after a change, an
//     error, or v.again(err, page) to show the form anew with what is wrong
//     beside its field;
//  3. a template assets/pages/NAME.tmpl that defines NAME between
//     {{template "top" .}} and {{template "bottom" .}}, put together from the
//     parts in assets/parts.tmpl: "table" ([table]), "form" and "field"
//     ([form], [field]), "badge" ([badge]), "facts" ([fact]), "chart"
//     ([chart]), "time" ({{template "time" ($.When .At)}}), "sure" ([button]
//     with a question), "empty" ([empty]). assets/admin.css says what each is for.
//
// A change is made by v.as(what, subject, before, after), the store as it works
// for this admin: the change and its line in the audit log are one transaction.
// What a stage changes is told by v.record afterwards.
package admin
