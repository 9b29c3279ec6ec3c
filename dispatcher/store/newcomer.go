package store

import (
	"context"
	"slices"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/address"
)

// newcomer is one of a batch of subscribers who is not known by id or address.
type newcomer struct {
	at  int // in the batch
	in  *dispatcher.EventSubscriber
	row subscriberRow
}

// rowsAtOnce bounds a statement's rows: SQLite takes 32,766 parameters.
const rowsAtOnce = 500

// addNew makes those of a batch who are new, in a few statements for all of
// them, and says which. It leaves alone whoever is known, stands twice in the
// batch, or has something wrong: they are put one by one, which says what. The
// buckets of all of them are locked.
func (t *tx) addNew(ctx context.Context, site dispatcher.Site, in []dispatcher.EventSubscriber, vouch bool) ([]bool, error) {
	done := make([]bool, len(in))
	list, err := t.newcomers(ctx, site, in, vouch)
	if err != nil {
		return nil, err
	}
	for part := range slices.Chunk(list, rowsAtOnce) {
		if err := t.insertNew(ctx, part); err != nil {
			return nil, err
		}
	}
	for i := range list {
		done[list[i].at] = true
	}
	return done, nil
}

// newcomers picks those of a batch who can be made without a further look.
func (t *tx) newcomers(ctx context.Context, site dispatcher.Site, in []dispatcher.EventSubscriber, vouch bool) ([]newcomer, error) {
	ids, addresses := map[string]int{}, map[string]int{} // how often each comes
	var list []newcomer
	for i := range in {
		ids[in[i].ID]++
		if in[i].Email == nil {
			continue
		}
		sent, normal, err := address.Parse(*in[i].Email)
		if err != nil {
			continue
		}
		addresses[normal]++
		n := newcomer{at: i, in: &in[i], row: subscriberRow{Site: site.Key, Bucket: dispatcher.BucketOf(site.Key, normal), Email: sent, Address: normal}}
		list = append(list, n)
	}
	for _, known := range []struct {
		query string
		seen  map[string]int
	}{
		{`SELECT external_id FROM hearback_subscriber_id WHERE site = ? AND external_id IN `, ids},
		{`SELECT address FROM hearback_subscriber WHERE site = ? AND address IN `, addresses},
	} {
		if len(known.seen) == 0 {
			return nil, nil
		}
		args := []any{site.Key}
		for k := range known.seen {
			args = append(args, k)
		}
		var found []string
		if err := t.all(ctx, &found, known.query+marks(1, len(args)-1), args...); err != nil {
			return nil, err
		}
		for _, k := range found {
			known.seen[k]++ // not the only one
		}
	}
	schedules := map[string]bool{}
	var bad error
	list = slices.DeleteFunc(list, func(n newcomer) bool {
		if n.in.ID == "" || ids[n.in.ID] > 1 || addresses[n.row.Address] > 1 || n.in.Confirmed != nil && *n.in.Confirmed && !vouch {
			return true
		}
		fits, err := t.fits(ctx, *n.in, schedules)
		if err != nil {
			bad = err
		}
		return !fits
	})
	return list, bad
}

// fits says whether nothing is wrong with a subscriber's fields; schedules
// remembers those that were looked up. Its error is the database's.
func (t *tx) fits(ctx context.Context, in dispatcher.EventSubscriber, schedules map[string]bool) (bool, error) {
	if s := in.Schedule; s != nil && *s != "" {
		ok, known := schedules[*s]
		if !known {
			err := t.checkSchedule(ctx, *s)
			if ok = err == nil; !ok && dispatcher.CodeOf(err) != dispatcher.CodeInvalid {
				return false, err
			}
			schedules[*s] = ok
		}
		if !ok {
			return false, nil
		}
		in.Schedule = nil
	}
	return t.checkSubscriber(ctx, in) == nil, nil // without a schedule nothing is asked of the database
}

// insertNew writes subscribers with their ids and what they are known by.
func (t *tx) insertNew(ctx context.Context, list []newcomer) error {
	var rows, ids, identities []any
	for i := range list {
		r := &list[i].row
		fillSubscriber(r, *list[i].in)
		if c := list[i].in.Confirmed; c != nil && *c {
			r.ConfirmedAt = t.now
		}
		rows = append(rows, r.Site, r.Bucket, r.Email, r.Address, r.Name, r.Locale, r.Zone, r.Schedule, r.Quiet, r.PausedUntil, r.ConfirmedAt, 0, 1, 1, 0, "", t.now)
	}
	var made []struct {
		ID      int64  `db:"id"`
		Address string `db:"address"`
	}
	if err := t.all(ctx, &made, `INSERT INTO hearback_subscriber (site, bucket, email, address, name, locale, zone, schedule, quiet, paused_until,
			confirmed_at, confirm_sent, revision, generation, ended_at, ended_by, created_at)
		VALUES `+marks(len(list), 17)+` RETURNING id, address`, rows...); err != nil {
		return err
	}
	numbers := make(map[string]int64, len(made))
	for _, m := range made {
		numbers[m.Address] = m.ID
	}
	for i := range list {
		r := &list[i].row
		r.ID = numbers[r.Address]
		ids = append(ids, r.Site, list[i].in.ID, r.ID)
		identities = append(identities, r.ID, int64(dispatcher.AddressKey(r.Site, r.Address)), "")
		if list[i].in.AuthorIDs != nil {
			for _, a := range *list[i].in.AuthorIDs {
				if a != "" {
					identities = append(identities, r.ID, int64(dispatcher.AuthorKey(r.Site, a)), a)
				}
			}
		}
	}
	if _, err := t.exec(ctx, `INSERT INTO hearback_subscriber_id (site, external_id, subscriber) VALUES `+marks(len(list), 3), ids...); err != nil {
		return err
	}
	for part := range slices.Chunk(identities, 3*rowsAtOnce) {
		if _, err := t.exec(ctx, `INSERT INTO hearback_identity (subscriber, key, author_id) VALUES `+marks(len(part)/3, 3)+` ON CONFLICT (subscriber, key) DO NOTHING`, part...); err != nil {
			return err
		}
	}
	return nil
}
