package demo

import (
	"github.com/hearback/hearback/dispatcher"
)

// The paper, as Hearback's configuration knows it.
const (
	SiteKey  = "courier"
	SiteName = "The Lakeside Courier"
	Zone     = "Europe/Berlin"
)

// The cadences that the demo configures.
const (
	Often  = "often"  // every five minutes
	Hourly = "hourly" // on the hour
	Daily  = "daily"  // at eight in the morning
)

// author is somebody who writes.
type author struct{ id, name string }

// cast are all who write, in the order of their ids. Seventeen of them talk in
// the long thread.
func cast() []author {
	return []author{
		{"a01", "Ann Verlinden"}, {"a02", "Joost Meyer"}, {"a03", "Ben Okafor"}, {"a04", "Carla Ruiz"},
		{"a05", "Dieter Pohl"}, {"a06", "Fatima Haddad"}, {"a07", "Sören Lund"}, {"a08", "Kit Marlow"},
		{"a09", "Roswitha Klee"}, {"a10", "Jonas W."}, {"a11", "Mehmet Aydin"}, {"a12", "Ottilie Berg"},
		{"a13", "Gretel Olsen"}, {"a14", "Pim de Vries"}, {"a15", "Yuki Tanaka"}, {"a16", "Milo Ruiz"},
		{"a17", "Hanne Krüger, town hall"}, {"a20", "Heike Sommer"}, {"a21", "Verkehrsbüro Grenzdorf"}, {"a22", "Lin Wagner"},
		{"a90", "BEST DEALS 24"}, {"a91", "Gus"}, {"a92", "The baker"},
	}
}

// reader is somebody who gets mail, or does not.
type reader struct {
	id, name, email string
	wants           string // in words, for the table
	author          string // the id they write under, "" for none
	locale          string
	follows         []follow
	mutes           []dispatcher.Target
	paused          bool // until tomorrow
	unconfirmed     bool
}

type follow struct {
	target   dispatcher.Target
	schedule string
}

func (r *reader) authorIDs() *[]string {
	ids := []string{}
	if r.author != "" {
		ids = append(ids, r.author)
	}
	return &ids
}

// The addresses that the [Post] treats in its own way.
const (
	goneAddress = "bo@moved.example"     // refused for good
	slowAddress = "roswitha@example.org" // refused once, for a moment
)

func readers() []reader {
	thread := func(id string) dispatcher.Target { return dispatcher.Target{Type: dispatcher.TargetThread, ID: id} }
	by := func(id string) dispatcher.Target { return dispatcher.Target{Type: dispatcher.TargetAuthor, ID: id} }
	replies := dispatcher.Target{Type: dispatcher.TargetReplies, Depth: dispatcher.DepthDirect}
	site := dispatcher.Target{Type: dispatcher.TargetSite}
	now := dispatcher.Immediate
	return []reader{
		{id: "ann", name: "Ann", email: "ann@example.org", author: "a01", wants: "answers to her, at once", follows: []follow{{replies, now}}},
		{id: "ben", name: "Ben", email: "ben@example.org", author: "a03", wants: "answers to him, every 5 minutes", follows: []follow{{replies, Often}}},
		{id: "roswitha", name: "Roswitha", email: slowAddress, author: "a09", wants: "answers to her, at once", follows: []follow{{replies, now}}},
		{id: "tomasz", name: "Tomasz", email: "tomasz@example.org", wants: "the whole tram thread, at once", follows: []follow{{thread("tram"), now}}},
		{id: "priya", name: "Priya", email: "priya@example.org", wants: "what Gretel writes, every 5 minutes", follows: []follow{{by("a13"), Often}}},
		{id: "walter", name: "Walter", email: "walter@example.org", wants: "everything, daily at 08:00", follows: []follow{{site, Daily}}},
		{id: "heike", name: "Heike", email: "heike@example.org", author: "a20", locale: "de", wants: "in German: the timetable at once, the tram hourly",
			follows: []follow{{thread("linie"), now}, {thread("tram"), Hourly}}},
		{id: "mia", name: "Mia", email: "mia@example.org", wants: "everything hourly, the tram thread muted", follows: []follow{{site, Hourly}},
			mutes: []dispatcher.Target{thread("tram")}},
		{id: "ines", name: "Ines", email: "ines@example.org", wants: "tram and bench hourly; reads the tram on the site", follows: []follow{{thread("tram"), Hourly}, {thread("bench"), Hourly}}},
		{id: "noor", name: "Noor", email: "noor@example.org", wants: "what Gus writes, daily at 08:00", follows: []follow{{by("a91"), Daily}}},
		{id: "paul", name: "Paul", email: "paul@example.org", wants: "the tram thread at once; pauses until tomorrow", follows: []follow{{thread("tram"), now}}, paused: true},
		{id: "leo", name: "Leo", email: "leo@example.org", wants: "the tram thread at once; was asked to confirm", follows: []follow{{thread("tram"), now}}, unconfirmed: true},
		{id: "bo", name: "Bo", email: goneAddress, wants: "the tram thread at once; the address is gone", follows: []follow{{thread("tram"), now}}},
	}
}
