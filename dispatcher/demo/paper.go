package demo

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
)

// door is how the paper's events come: as those of a back end whose key may
// confirm addresses, since its readers signed up long ago.
const door store.Door = "api+vouch"

// Paper is the site: it keeps the threads as its own database would, and tells
// Hearback of every change. Safe for concurrent use.
type Paper struct {
	store   *store.Store
	clock   dispatcher.Clock
	baseURL string // of the paper's pages
	heard   func(Happening)

	mu       sync.Mutex
	threads  []*thread
	comments map[string]*comment
	names    map[string]string          // of authors
	watchers map[chan struct{}]struct{} // of the pages
	events   int                        // told so far
	guests   int                        // comments of visitors
}

type thread struct {
	id, title, intro string
	comments         []*comment // in the order of their publication
}

type comment struct {
	id, parent, thread string
	author, name       string
	text               string
	at                 time.Time // became visible
	written            time.Time
	edited, removed    bool
}

// Happening is one thing that the paper told Hearback.
type Happening struct {
	At     time.Time
	Type   dispatcher.EventType
	Thread string // its id
	ID     string // of the comment or the reader
	Who    string
	Text   string
	Note   string
}

// NewPaper makes the site. heard is called with everything that happens; it
// must not call back.
func NewPaper(s *store.Store, clock dispatcher.Clock, baseURL string, heard func(Happening)) (*Paper, error) {
	all, err := scripts()
	if err != nil {
		return nil, err
	}
	p := &Paper{store: s, clock: clock, baseURL: baseURL, heard: heard, comments: map[string]*comment{}, names: map[string]string{}, watchers: map[chan struct{}]struct{}{}}
	for _, sc := range all {
		p.threads = append(p.threads, &thread{id: sc.thread, title: sc.title, intro: sc.intro})
	}
	for _, a := range cast() {
		p.names[a.id] = a.name
	}
	return p, nil
}

// SignUp brings the readers and what they follow, as the site knows them.
func (p *Paper) SignUp(ctx context.Context) error {
	until := p.clock.Now().Add(24 * time.Hour).Format(time.RFC3339)
	for _, r := range readers() {
		confirmed := !r.unconfirmed
		in := dispatcher.EventSubscriber{ID: r.id, Email: &r.email, Name: &r.name, Locale: &r.locale, AuthorIDs: r.authorIDs(), Confirmed: &confirmed}
		if r.paused {
			in.PausedTill = &until
		}
		if _, _, err := p.store.SetSubscriber(ctx, SiteKey, in, true); err != nil {
			return fmt.Errorf("sign up %s: %w", r.id, err)
		}
		for _, f := range r.follows {
			if _, _, err := p.store.SetSubscription(ctx, SiteKey, dispatcher.EventSubscription{Subscriber: r.id, Target: f.target, Schedule: f.schedule}, true); err != nil {
				return fmt.Errorf("sign up %s: %w", r.id, err)
			}
		}
		for _, m := range r.mutes {
			if _, _, err := p.store.SetSubscription(ctx, SiteKey, dispatcher.EventSubscription{Subscriber: r.id, Target: m, Mute: true}, true); err != nil {
				return fmt.Errorf("mute for %s: %w", r.id, err)
			}
		}
	}
	return nil
}

// play does what one line of the script says. start is when the story began.
func (p *Paper) play(ctx context.Context, l line, start time.Time) error {
	switch l.act {
	case edits:
		return p.edit(ctx, l.id, l.text)
	case removes:
		return p.remove(ctx, l.id)
	}
	c := &comment{id: l.id, parent: l.parent, thread: l.thread, author: l.author, name: l.name, text: l.text}
	if l.late {
		c.written = start.Add(l.written)
	}
	return p.publish(ctx, c)
}

// Say publishes a comment of a visitor of the pages, under an author's name.
func (p *Paper) Say(ctx context.Context, thread, parent, author, text string) (id string, err error) {
	p.mu.Lock()
	p.guests++
	id = "v" + strconv.Itoa(p.guests)
	p.mu.Unlock()
	return id, p.publish(ctx, &comment{id: id, parent: parent, thread: thread, author: author, text: text})
}

func (p *Paper) publish(ctx context.Context, c *comment) error {
	p.mu.Lock()
	t := p.thread(c.thread)
	if t == nil {
		p.mu.Unlock()
		return dispatcher.NotFound("thread", c.thread)
	}
	c.at = p.clock.Now()
	if c.name == "" {
		c.name = p.names[c.author]
	}
	t.comments = append(t.comments, c)
	p.comments[c.id] = c
	p.mu.Unlock()
	note := ""
	if !c.written.IsZero() {
		note = "approved late"
	}
	return p.tell(ctx, dispatcher.CommentPublished, c, note)
}

func (p *Paper) edit(ctx context.Context, id, text string) error {
	p.mu.Lock()
	c := p.comments[id]
	c.text, c.edited = text, true
	p.mu.Unlock()
	return p.tell(ctx, dispatcher.CommentEdited, c, "")
}

func (p *Paper) remove(ctx context.Context, id string) error {
	p.mu.Lock()
	c := p.comments[id]
	c.removed = true
	p.mu.Unlock()
	return p.tell(ctx, dispatcher.CommentRemoved, c, "")
}

// Read tells that a reader has a thread open on the site: all of it up to now.
func (p *Paper) Read(ctx context.Context, reader, thread string) error {
	now := p.clock.Now()
	e := dispatcher.Event{Type: dispatcher.ThreadRead, Time: now, Reader: reader, Thread: &dispatcher.EventThread{ID: thread}}
	return p.send(ctx, e, Happening{At: now, Type: e.Type, Thread: thread, ID: reader, Who: reader})
}

// tell sends an event of a comment as it is now.
func (p *Paper) tell(ctx context.Context, kind dispatcher.EventType, c *comment, note string) error {
	p.mu.Lock()
	t := p.thread(c.thread)
	now := p.clock.Now()
	e := dispatcher.Event{Type: kind, Time: now,
		Thread:  &dispatcher.EventThread{ID: t.id, URL: p.baseURL + "/" + t.id, Title: t.title},
		Comment: &dispatcher.EventComment{ID: c.id, ParentID: c.parent, URL: p.baseURL + "/" + t.id + "#" + c.id, Text: c.text, WrittenAt: c.written},
		Author:  &dispatcher.EventAuthor{ID: c.author, Name: c.name}}
	if kind == dispatcher.CommentPublished {
		e.Time = c.at
	}
	h := Happening{At: now, Type: kind, Thread: t.id, ID: c.id, Who: c.name, Text: c.text, Note: note}
	p.mu.Unlock()
	return p.send(ctx, e, h)
}

// send hands an event in, as a back end does by the API.
func (p *Paper) send(ctx context.Context, e dispatcher.Event, h Happening) error {
	p.mu.Lock()
	p.events++
	e.ID, e.Site = "e"+strconv.Itoa(p.events), SiteKey
	p.mu.Unlock()
	if err := e.Validate(); err != nil {
		return err
	}
	receipt, err := p.store.Append(ctx, SiteKey, door, []dispatcher.Event{e})
	if err != nil {
		return fmt.Errorf("hand in %s of %s: %w", e.Type, h.ID, err)
	}
	for _, r := range receipt.Rejected {
		return fmt.Errorf("hand in %s of %s: %w", e.Type, h.ID, r.Err)
	}
	p.heard(h)
	p.stir()
	return nil
}

func (p *Paper) thread(id string) *thread {
	for _, t := range p.threads {
		if t.id == id {
			return t
		}
	}
	return nil
}

// watch gives a channel that gets a value after something changed.
func (p *Paper) watch() (<-chan struct{}, func()) {
	c := make(chan struct{}, 1)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.watchers[c] = struct{}{}
	return c, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.watchers, c)
	}
}

func (p *Paper) stir() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.watchers {
		select {
		case c <- struct{}{}:
		default: // it has been told already
		}
	}
}

// placed is a comment with its place in the thread.
type placed struct {
	comment
	Depth  int
	Parent string // the name of who is answered
}

// inOrder gives a thread's comments, answers below what they answer, oldest
// first.
func (p *Paper) inOrder(id string) []placed {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.thread(id)
	if t == nil {
		return nil
	}
	below := map[string][]*comment{}
	for _, c := range t.comments {
		below[c.parent] = append(below[c.parent], c)
	}
	var out []placed
	var walk func(parent string, depth int)
	walk = func(parent string, depth int) {
		for _, c := range below[parent] {
			if c.removed && len(below[c.id]) == 0 {
				continue
			}
			pl := placed{comment: *c, Depth: depth}
			if above := p.comments[parent]; above != nil {
				pl.Parent = above.name
			}
			out = append(out, pl)
			walk(c.id, depth+1)
		}
	}
	walk("", 0)
	return out
}

// count is how many comments of a thread stand.
func (t *thread) count() int {
	n := len(t.comments)
	for _, c := range t.comments {
		if c.removed {
			n--
		}
	}
	return n
}
