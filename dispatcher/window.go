package dispatcher

import (
	"cmp"
	"slices"
	"sort"
)

// Entry is one settled publication in the log, as selection sees it.
type Entry struct {
	Position  int64
	First     int64 // position of the comment's first publication; equals Position unless it was published again
	Comment   int64
	Thread    int64
	ThreadKey Key
	Author    Key   // zero for guests
	Address   Key   // of the author's address, zero if unknown
	VisibleAt int64 // Unix microseconds at which it became visible
	Visible   bool  // neither removed nor held by moderation when the window was read
}

// Ancestor is one comment above another, as its keys.
type Ancestor struct{ Comment, Author, Address Key }

// Relations between an author's key and the comments below theirs. They turn
// one key into the key of another list.
const (
	relDirect Key = 0x5bd1e995a1b2c3d
	relBelow  Key = 0x27d4eb2f165667c
)

type posting struct {
	key   Key
	entry int32
}

// Window is the part of the log that one slot looks at, indexed by what
// readers follow. It is built once per slot and shared by all its slices: cost
// follows the publications in it, never publications × readers. It is safe for
// concurrent reading once [Window.Seal] was called.
type Window struct {
	entries  []Entry
	postings []posting
	owners   map[Key]struct{} // authors and addresses above the entries; dropped when there are many
	many     bool
}

// maxOwners is up to how many authors above its entries a window remembers.
const maxOwners = 2048

// Add appends an entry. Entries come in ascending position; ancestors nearest
// first.
func (w *Window) Add(e Entry, site Key, ancestors []Ancestor) {
	i := int32(len(w.entries))
	w.entries = append(w.entries, e)
	w.post(site, i)
	w.post(e.ThreadKey, i)
	w.post(e.Author, i)
	for n, a := range ancestors {
		w.post(a.Comment, i)
		for _, k := range [...]Key{a.Author, a.Address} {
			if k == 0 {
				continue
			}
			if n == 0 {
				w.post(k^relDirect, i)
			}
			w.post(k^relBelow, i)
			w.own(k)
		}
	}
}

func (w *Window) post(k Key, entry int32) {
	if k != 0 {
		w.postings = append(w.postings, posting{k, entry})
	}
}

func (w *Window) own(k Key) {
	if w.many {
		return
	}
	if w.owners == nil {
		w.owners = map[Key]struct{}{}
	}
	w.owners[k] = struct{}{}
	if len(w.owners) > maxOwners {
		w.many, w.owners = true, nil
	}
}

// Owners gives whose comments stand above the entries, by author and address:
// their replies subscriptions may be reached. False says that they are too
// many to name.
func (w *Window) Owners() ([]Key, bool) {
	if w.many {
		return nil, false
	}
	keys := make([]Key, 0, len(w.owners))
	for k := range w.owners {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys, true
}

// Seal sorts the index. No entry may be added after it.
func (w *Window) Seal() {
	slices.SortFunc(w.postings, func(a, b posting) int {
		return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.entry, b.entry))
	})
	w.postings = slices.Compact(w.postings) // one author may stand above a comment more than once
}

// Len is the number of entries.
func (w *Window) Len() int { return len(w.entries) }

// Entry gives the i-th entry in log order.
func (w *Window) Entry(i int) *Entry { return &w.entries[i] }

// Keys calls f once with each key that something in (from, upto] can be
// reached by, until f returns false.
func (w *Window) Keys(f func(Key) bool) {
	for i := range w.postings {
		if i > 0 && w.postings[i].key == w.postings[i-1].key {
			continue
		}
		if !f(w.postings[i].key) {
			return
		}
	}
}

// DistinctKeys counts the keys of [Window.Keys], but stops at limit.
func (w *Window) DistinctKeys(limit int) int {
	n := 0
	w.Keys(func(Key) bool { n++; return n < limit })
	return n
}

// FirstRepublished gives the lowest First of the entries that were published
// again, or math.MaxInt64-like max when there is none.
func (w *Window) FirstRepublished(none int64) int64 {
	low := none
	for i := range w.entries {
		if e := &w.entries[i]; e.First < e.Position && e.First < low {
			low = e.First
		}
	}
	return low
}

// run gives the entries listed under a key with positions in (from, upto], in
// ascending order.
func (w *Window) run(k Key, from, upto int64) []posting {
	lo := sort.Search(len(w.postings), func(i int) bool { return w.postings[i].key >= k })
	n := sort.Search(len(w.postings)-lo, func(i int) bool { return w.postings[lo+i].key > k })
	run := w.postings[lo : lo+n]
	a := sort.Search(len(run), func(i int) bool { return w.entries[run[i].entry].Position > from })
	b := sort.Search(len(run), func(i int) bool { return w.entries[run[i].entry].Position > upto })
	return run[a:max(a, b)] // a subscription may be younger than the slot
}

// FollowKeys gives the keys under which a subscription finds entries: the
// target's own, or for a replies target those of the reader's identity.
func FollowKeys(dst []Key, s *Subscription, identity []Key) []Key {
	if s.Target.Type != TargetReplies {
		return append(dst, s.Key)
	}
	for _, k := range identity {
		if s.Target.Depth == DepthAny {
			dst = append(dst, k^relBelow)
		} else {
			dst = append(dst, k^relDirect)
		}
	}
	return dst
}

// find gives the entry at a position that is in the window.
func (w *Window) find(position int64) *Entry {
	i := sort.Search(len(w.entries), func(i int) bool { return w.entries[i].Position >= position })
	return &w.entries[i]
}

func byPosition(items []Item) {
	slices.SortFunc(items, func(a, b Item) int { return cmp.Compare(a.Position, b.Position) })
}

// oneThread gives the thread that all items are in, or zero.
func oneThread(w *Window, items []Item) int64 {
	thread := w.find(items[0].Position).Thread
	for _, it := range items[1:] {
		if w.find(it.Position).Thread != thread {
			return 0
		}
	}
	return thread
}
