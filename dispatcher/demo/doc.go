// Package demo is a morning in a small town, told in a minute and a half: a
// local paper whose readers talk, and Hearback at work behind it.
//
// The story: an article is out, people answer each other, and those who asked
// to hear of it get mail, each at their own pace. A [Clock] lets one minute
// pass each second, so that what waits five minutes, an hour or for eight in
// the morning comes within a coffee. The [Paper] is the site: it keeps the
// comments, shows them under /demo/ and tells Hearback of each by the same way
// as any back end would. The [Post] is the relay: it keeps all mail in the
// built-in catcher, refuses one address for good and one for a moment. The
// [Screen] says in the terminal what flows, and [Tell] says afterwards who got
// what and why, and for some why not.
//
// Nothing here reaches into the daemon: the demo goes through the doors that
// sites, admins and readers use, so what it shows is what will run.
package demo
