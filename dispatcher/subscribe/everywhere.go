package subscribe

import (
	"context"
	"fmt"

	"github.com/hearback/hearback/dispatcher"
)

// Everywhere gives the visit, and after it the same person's visits to the
// other sites: those where the address is confirmed too. A link to one site's
// page was mailed to the address, so whoever holds it reads that mailbox.
func (d *Desk) Everywhere(ctx context.Context, v Visit) ([]Visit, error) {
	all := []Visit{v}
	if v.Reader.ConfirmedAt.IsZero() {
		return all, nil
	}
	same, err := d.store.SameAddress(ctx, v.Reader.Address)
	if err != nil {
		return nil, err
	}
	for i := range same {
		if same[i].ID == v.Reader.ID {
			continue
		}
		site, err := d.store.Site(same[i].Site)
		if err != nil {
			return nil, fmt.Errorf("look up another site of a reader: %w", err)
		}
		all = append(all, Visit{Claims: v.Claims, Reader: same[i], Site: site})
	}
	return all, nil
}

// LeaveEverywhere ends everything on every site of the visit's address. It
// gives the acts, to be undone one by one.
func (d *Desk) LeaveEverywhere(ctx context.Context, v Visit) ([]Act, error) {
	all, err := d.Everywhere(ctx, v)
	if err != nil {
		return nil, err
	}
	var acts []Act
	for i := range all {
		act, err := d.LeaveAll(ctx, all[i])
		if err != nil {
			return acts, err
		}
		if act.Number != 0 {
			acts = append(acts, act)
		}
	}
	return acts, nil
}

// UndoAny takes back an act of the visit's reader, on whichever site it was.
func (d *Desk) UndoAny(ctx context.Context, v Visit, act int64) error {
	all, err := d.Everywhere(ctx, v)
	if err != nil {
		return err
	}
	for i := range all {
		if err = d.Undo(ctx, all[i], act); dispatcher.CodeOf(err) != dispatcher.CodeConflict {
			return err
		}
	}
	return err
}
