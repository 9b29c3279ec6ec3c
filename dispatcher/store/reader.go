package store

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"strconv"

	"github.com/hearback/hearback/dispatcher"
)

// readerSet is what selection asks for of some readers.
type readerSet struct {
	subs    map[int64]*subscriberRow
	readers map[int64]*dispatcher.Reader
	inChain map[int64]bool // who has a subscription in the zone that was asked for
}

// loadReaders reads subscribers with their identities, subscriptions on one
// schedule ("" for all; ended and pending ones too when all is set), mutes and
// reads, and notes who is in the schedule's chain of a zone. Delivered is left
// empty.
func (t *tx) loadReaders(ctx context.Context, ids []int64, schedule, zone string, all bool) (*readerSet, error) {
	set := &readerSet{subs: make(map[int64]*subscriberRow, len(ids)), readers: make(map[int64]*dispatcher.Reader, len(ids)), inChain: make(map[int64]bool, len(ids))}
	in := ints(ids)
	rows := make([]subscriberRow, 0, len(ids))
	if err := t.all(ctx, &rows, `SELECT `+subscriberColumns+` FROM hearback_subscriber WHERE id IN `+in); err != nil {
		return nil, err
	}
	for i := range rows {
		set.subs[rows[i].ID] = &rows[i]
		set.readers[rows[i].ID] = &dispatcher.Reader{ID: rows[i].ID}
	}
	if err := t.loadSubscriptions(ctx, set, in, schedule, zone, all); err != nil {
		return nil, err
	}
	var id, key, upto int64
	r, err := t.rows(ctx, `SELECT subscriber, key FROM hearback_identity WHERE subscriber IN `+in)
	if err := each(r, err, func() error {
		if err := r.Scan(&id, &key); err != nil {
			return err
		}
		if reader := set.readers[id]; reader != nil {
			reader.Identity = append(reader.Identity, dispatcher.Key(key))
		}
		return nil
	}); err != nil {
		return nil, err
	}
	r, err = t.rows(ctx, `SELECT subscriber, target_key FROM hearback_mute WHERE subscriber IN `+in)
	if err := each(r, err, func() error {
		if err := r.Scan(&id, &key); err != nil {
			return err
		}
		if reader := set.readers[id]; reader != nil {
			reader.Mutes = append(reader.Mutes, dispatcher.Key(key))
		}
		return nil
	}); err != nil {
		return nil, err
	}
	r, err = t.rows(ctx, `SELECT subscriber, thread_key, upto FROM hearback_read WHERE subscriber IN `+in)
	return set, each(r, err, func() error {
		if err := r.Scan(&id, &key, &upto); err != nil {
			return err
		}
		if reader := set.readers[id]; reader != nil {
			if reader.Reads == nil {
				reader.Reads = map[dispatcher.Key]int64{}
			}
			reader.Reads[dispatcher.Key(key)] = upto
		}
		return nil
	})
}

func (t *tx) loadSubscriptions(ctx context.Context, set *readerSet, in, schedule, zone string, all bool) error {
	if all {
		return t.loadEverySubscription(ctx, set, in)
	}
	// Only what selection asks for: a slot reads ten of these for each mail.
	q := `SELECT subscriber, target_type, depth, target_key, since, confirmed_at, zone FROM hearback_subscription WHERE subscriber IN ` + in + ` AND ended_at = 0 AND confirmed_at > 0`
	var args []any
	if schedule != "" {
		q += ` AND schedule = ?`
		args = append(args, schedule)
	}
	r, err := t.rows(ctx, q, args...)
	var confirmed int64
	var kind, depth, chain sql.RawBytes
	found := make([]dispatcher.Subscription, 0, 8*len(set.readers))
	if err := each(r, err, func() error {
		var s dispatcher.Subscription
		if err := r.Scan(&s.Subscriber, &kind, &depth, &s.Key, &s.Since, &confirmed, &chain); err != nil {
			return err
		}
		s.Target.Type, s.Target.Depth, s.Schedule, s.ConfirmedAt = targetType(kind), depthOf(depth), schedule, fromMicros(confirmed)
		found = append(found, s)
		if string(chain) == zone {
			set.inChain[s.Subscriber] = true
		}
		return nil
	}); err != nil {
		return err
	}
	bySubscriber := func(a, b dispatcher.Subscription) int { return cmp.Compare(a.Subscriber, b.Subscriber) }
	if !slices.IsSortedFunc(found, bySubscriber) { // the index mostly gives them so
		slices.SortStableFunc(found, bySubscriber)
	}
	for len(found) > 0 {
		n := 1
		for n < len(found) && found[n].Subscriber == found[0].Subscriber {
			n++
		}
		if reader := set.readers[found[0].Subscriber]; reader != nil {
			reader.Subscriptions = found[:n:n]
		}
		found = found[n:]
	}
	return nil
}

// targetType and depthOf give a column's word without a copy of it.
func targetType(b []byte) dispatcher.TargetType {
	for _, t := range [...]dispatcher.TargetType{dispatcher.TargetThread, dispatcher.TargetReplies, dispatcher.TargetAuthor, dispatcher.TargetComment, dispatcher.TargetSite} {
		if string(b) == string(t) {
			return t
		}
	}
	return dispatcher.TargetType(b)
}

func depthOf(b []byte) dispatcher.Depth {
	if string(b) == string(dispatcher.DepthAny) {
		return dispatcher.DepthAny
	}
	return dispatcher.Depth(b)
}

func (t *tx) loadEverySubscription(ctx context.Context, set *readerSet, in string) error {
	r, err := t.rows(ctx, `SELECT id, subscriber, target_type, target_id, depth, target_key, schedule, since, confirmed_at, ended_at FROM hearback_subscription WHERE subscriber IN `+in)
	var confirmed, ended int64
	return each(r, err, func() error {
		var s dispatcher.Subscription
		if err := r.Scan(&s.ID, &s.Subscriber, &s.Target.Type, &s.Target.ID, &s.Target.Depth, &s.Key, &s.Schedule, &s.Since, &confirmed, &ended); err != nil {
			return err
		}
		s.ConfirmedAt, s.EndedAt = fromMicros(confirmed), fromMicros(ended)
		if reader := set.readers[s.Subscriber]; reader != nil {
			reader.Subscriptions = append(reader.Subscriptions, s)
		}
		return nil
	})
}

// Items stand in one column as "comment/reason/position" with blanks between:
// short, readable in SQL, and written once per mail.
func appendItems(b []byte, items []dispatcher.Item) []byte {
	for i, it := range items {
		if i > 0 {
			b = append(b, ' ')
		}
		b = strconv.AppendInt(b, it.Comment, 10)
		b = append(b, '/')
		b = strconv.AppendInt(b, int64(it.Reason), 10)
		b = append(b, '/')
		b = strconv.AppendInt(b, it.Position, 10)
	}
	return b
}

func parseItems(b []byte) []dispatcher.Item {
	if len(b) == 0 {
		return nil
	}
	items := make([]dispatcher.Item, 0, 8)
	var n [3]int64
	field := 0
	for i := 0; i <= len(b); i++ {
		switch {
		case i == len(b) || b[i] == ' ':
			items = append(items, dispatcher.Item{Comment: n[0], Reason: dispatcher.Reason(n[1]), Position: n[2]})
			n, field = [3]int64{}, 0
		case b[i] == '/':
			field = min(field+1, 2)
		default:
			n[field] = n[field]*10 + int64(b[i]-'0')
		}
	}
	return items
}
