package render

import (
	"container/list"
	"sync"
)

// itemKey names everything that an item's bytes depend on.
type itemKey struct {
	plan             *plan // template version, language and site
	comment, parent  int64
	thread           int64
	commentRevision  int64
	parentRevision   int64
	threadRevision   int64
	published, wrote int32 // offsets from UTC, in seconds, at those times
	reason           int8
	above            bool // the parent stands right above
	hasParent        bool
}

// entry is one item ready made. It never changes once it is in the cache.
type entry struct {
	key        itemKey
	body       *ItemBody
	text, html piece
	size       int
}

// itemCache keeps items up to a number of bytes; the least recently used go
// first. It is safe for concurrent use.
type itemCache struct {
	mu    sync.Mutex
	limit int
	used  int
	order *list.List // of *entry, the most recently used in front
	items map[itemKey]*list.Element
	hits  uint64
	miss  uint64
}

func newItemCache(limit int) *itemCache {
	return &itemCache{limit: limit, order: list.New(), items: map[itemKey]*list.Element{}}
}

// lookup fills found, of the same length as keys, with what is there.
func (c *itemCache) lookup(keys []itemKey, found []*entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range keys {
		if e, ok := c.items[keys[i]]; ok {
			c.order.MoveToFront(e)
			found[i] = e.Value.(*entry)
			c.hits++
		} else {
			found[i] = nil
			c.miss++
		}
	}
}

func (c *itemCache) add(e *entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e.size > c.limit/4 {
		return // one giant must not empty the cache
	}
	if old, ok := c.items[e.key]; ok { // somebody else made it meanwhile
		c.order.MoveToFront(old)
		return
	}
	c.items[e.key] = c.order.PushFront(e)
	c.used += e.size
	for c.used > c.limit {
		last := c.order.Back()
		gone := c.order.Remove(last).(*entry)
		delete(c.items, gone.key)
		c.used -= gone.size
	}
}

// Stats tells how the item cache does; for metrics.
type Stats struct {
	Hits, Misses uint64
	Items, Bytes int
}

func (c *itemCache) stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Stats{Hits: c.hits, Misses: c.miss, Items: len(c.items), Bytes: c.used}
}
