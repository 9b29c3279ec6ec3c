package api

import (
	"context"
	"sync"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
)

// fate is what became of one event.
type fate int

const (
	fateAccepted fate = iota
	fateDuplicate
	fateRejected
)

// committer lets events that come one by one at the same time share a commit.
// An event that finds nobody committing is committed at once, alone; those that
// come meanwhile wait for that commit to end and then go together. So an idle
// daemon adds no wait, and a busy one makes one sync of the disk for many.
type committer struct {
	store *store.Store
	known Lookup

	mu    sync.Mutex
	lanes map[lane]*queue
}

// lane is what events must have in common to go into one transaction.
type lane struct {
	site string
	door store.Door
}

// queue is the events that wait while one of them commits.
type queue struct{ waiting []*single }

// single is one event and who waits for it.
type single struct {
	event dispatcher.Event
	fate  fate
	err   error          // of the commit, or why it was rejected
	lead  chan []*single // these are yours to commit, you are the first
	done  chan struct{}  // closed when fate and err are set
}

const (
	commitTimeout = 30 * time.Second
	maxShared     = 500 // events in one shared commit
)

func newCommitter(s *store.Store, known Lookup) *committer {
	return &committer{store: s, known: known, lanes: map[lane]*queue{}}
}

// add commits one event and says what became of it. The error is the
// database's, or with fateRejected the reason.
func (k *committer) add(ctx context.Context, site string, door store.Door, e dispatcher.Event) (fate, error) {
	me := &single{event: e, lead: make(chan []*single, 1), done: make(chan struct{})}
	l := lane{site, door}
	k.mu.Lock()
	q := k.lanes[l]
	if q != nil { // somebody commits
		q.waiting = append(q.waiting, me)
		k.mu.Unlock()
		select {
		case <-me.done:
			return me.fate, me.err
		case batch := <-me.lead:
			k.commit(ctx, l, batch)
		}
	} else {
		q = &queue{}
		k.lanes[l] = q
		k.mu.Unlock()
		k.commit(ctx, l, []*single{me})
	}
	k.handOver(l, q)
	return me.fate, me.err
}

// handOver gives what waited meanwhile to the first of those who wait.
func (k *committer) handOver(l lane, q *queue) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(q.waiting) == 0 {
		delete(k.lanes, l)
		return
	}
	n := min(len(q.waiting), maxShared)
	batch := q.waiting[:n:n]
	q.waiting = q.waiting[n:]
	batch[0].lead <- batch
}

// commit commits a batch. It goes on when the leader's client has left: the
// others wait for it.
func (k *committer) commit(ctx context.Context, l lane, batch []*single) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
	defer cancel()
	defer func() {
		for _, s := range batch {
			close(s.done)
		}
	}()
	alone := batch
	if len(batch) > 1 {
		alone = k.together(ctx, l, batch)
	}
	for _, s := range alone {
		s.fate, s.err = k.one(ctx, l, s.event)
	}
}

// one commits one event by itself.
func (k *committer) one(ctx context.Context, l lane, e dispatcher.Event) (fate, error) {
	r, err := appendAll(ctx, k.store, l.site, l.door, []dispatcher.Event{e})
	switch {
	case err != nil:
		return fateRejected, err
	case len(r.Rejected) > 0:
		return fateRejected, r.Rejected[0].Err
	case r.Duplicates > 0:
		return fateDuplicate, nil
	}
	return fateAccepted, nil
}

// together commits those that are new in one transaction and gives the others,
// which a receipt of many could not tell apart.
func (k *committer) together(ctx context.Context, l lane, batch []*single) (alone []*single) {
	ids := make([]string, len(batch))
	for i, s := range batch {
		ids[i] = s.event.ID
	}
	seen, err := k.known.Remembered(ctx, l.site, ids)
	if err != nil {
		return batch
	}
	var group []*single
	var events []dispatcher.Event
	for _, s := range batch {
		if seen[s.event.ID] {
			alone = append(alone, s)
			continue
		}
		if seen == nil {
			seen = map[string]bool{}
		}
		seen[s.event.ID] = true // a second one in this batch goes alone
		group = append(group, s)
		events = append(events, s.event)
	}
	if len(group) == 0 {
		return alone
	}
	r, err := k.store.Append(ctx, l.site, l.door, events)
	if err != nil && k.store.Refused(err) {
		return batch // one of them cannot be stored; each finds out for itself
	}
	for i, s := range group {
		s.err = err
		// Another daemon may have taken one of the ids between the look and the
		// commit. Such an event is in the inbox as it should be, and is told as
		// accepted by both.
		s.fate = fateAccepted
		for _, bad := range r.Rejected {
			if bad.Index == i {
				s.fate, s.err = fateRejected, bad.Err
			}
		}
		if err != nil {
			s.fate = fateRejected
		}
	}
	return alone
}

// appendAll appends events; of a batch that the database refuses, the rows
// that it refuses one by one are rejected and the others taken.
func appendAll(ctx context.Context, s *store.Store, site string, door store.Door, events []dispatcher.Event) (store.Receipt, error) {
	r, err := s.Append(ctx, site, door, events)
	switch {
	case err == nil || !s.Refused(err):
		return r, err
	case len(events) == 1:
		bad := &dispatcher.Error{Code: dispatcher.CodeInvalid, Message: "the database cannot keep this event", Mend: "look for unusual characters and for its size"}
		return store.Receipt{Rejected: []store.Rejected{{Index: 0, Err: bad}}}, nil
	}
	half := len(events) / 2
	r, err = appendAll(ctx, s, site, door, events[:half])
	if err != nil {
		return r, err
	}
	second, err := appendAll(ctx, s, site, door, events[half:])
	if err != nil {
		return r, err
	}
	r.Accepted += second.Accepted
	r.Duplicates += second.Duplicates
	for _, bad := range second.Rejected {
		r.Rejected = append(r.Rejected, store.Rejected{Index: bad.Index + half, Err: bad.Err})
	}
	return r, nil
}
