package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

type scheduleRow struct {
	Name      string `db:"name"`
	Spec      string `db:"spec"`
	Zone      string `db:"zone"`
	Misfire   string `db:"misfire"`
	CatchUp   int64  `db:"catch_up"`
	MinItems  int    `db:"min_items"`
	MaxItems  int    `db:"max_items"`
	Quiet     string `db:"quiet"`
	Paused    bool   `db:"paused"`
	Label     string `db:"label"`
	FromFile  bool   `db:"from_file"`
	UpdatedAt int64  `db:"updated_at"`
}

const scheduleColumns = `name, spec, zone, misfire, catch_up, min_items, max_items, quiet, paused, label, from_file, updated_at`

func (r *scheduleRow) domain() dispatcher.Schedule {
	q, _ := dispatcher.ParseQuiet(r.Quiet) // was checked when it was written
	return dispatcher.Schedule{Name: r.Name, Spec: r.Spec, Zone: r.Zone, Misfire: dispatcher.Misfire(r.Misfire), CatchUp: time.Duration(r.CatchUp) * time.Microsecond,
		MinItems: r.MinItems, MaxItems: r.MaxItems, Quiet: q, Paused: r.Paused, Label: r.Label, FromFile: r.FromFile}
}

// Schedules lists all schedules by name, the built-in immediate one included.
func (s *Store) Schedules(ctx context.Context) ([]dispatcher.Schedule, error) {
	var rows []scheduleRow
	if err := s.all(ctx, &rows, `SELECT `+scheduleColumns+` FROM hearback_schedule ORDER BY name`); err != nil {
		return nil, err
	}
	out := make([]dispatcher.Schedule, len(rows))
	for i := range rows {
		out[i] = rows[i].domain()
	}
	return out, nil
}

// Schedule gives one schedule by name.
func (s *Store) Schedule(ctx context.Context, name string) (dispatcher.Schedule, error) {
	var r scheduleRow
	err := s.get(ctx, &r, `SELECT `+scheduleColumns+` FROM hearback_schedule WHERE name = ?`, name)
	return r.domain(), notFound(err, "schedule", name)
}

// PutSchedule writes a schedule that was validated. One from the config file
// can only be changed by the file: FromFile callers pass, others get a
// conflict. When the zone changed, its readers are moved to their new chains.
func (s *Store) PutSchedule(ctx context.Context, in dispatcher.Schedule) (created bool, err error) {
	err = s.write(ctx, func(t *tx) error {
		var old scheduleRow
		err := t.get(ctx, &old, `SELECT `+scheduleColumns+` FROM hearback_schedule WHERE name = ?`, in.Name)
		created = dispatcher.CodeOf(notFound(err, "", "")) == dispatcher.CodeNotFound
		if err != nil && !created {
			return err
		}
		if old.FromFile && !in.FromFile {
			return fromFile(in.Name)
		}
		if !created && in.FromFile {
			in.Paused = old.Paused // pausing is the page's and the CLI's
		}
		if _, err := t.exec(ctx, `INSERT INTO hearback_schedule (`+scheduleColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (name) DO UPDATE SET spec = excluded.spec, zone = excluded.zone, misfire = excluded.misfire, catch_up = excluded.catch_up,
				min_items = excluded.min_items, max_items = excluded.max_items, quiet = excluded.quiet, paused = excluded.paused, label = excluded.label,
				from_file = excluded.from_file, updated_at = excluded.updated_at`,
			in.Name, in.Spec, in.Zone, string(in.Misfire), in.CatchUp.Microseconds(), in.MinItems, in.MaxItems, in.Quiet.String(), in.Paused, in.Label, in.FromFile, t.now); err != nil {
			return err
		}
		if created || old.Zone == in.Zone {
			return nil
		}
		return s.rechainAll(ctx, t, in.Name)
	})
	return created, err
}

func fromFile(name string) error {
	return &dispatcher.Error{Code: dispatcher.CodeConflict, Field: "name", Message: fmt.Sprintf("the schedule %q stands in the config file", name), Mend: "change it there"}
}

// rechainAll moves every reader of a schedule to the chain of their zone.
func (s *Store) rechainAll(ctx context.Context, t *tx, schedule string) error {
	var subs []subscriberRow
	if err := t.all(ctx, &subs, `SELECT `+subscriberColumns+` FROM hearback_subscriber WHERE id IN (SELECT subscriber FROM hearback_subscription WHERE schedule = ? AND ended_at = 0) ORDER BY bucket, id`, schedule); err != nil {
		return err
	}
	for i := range subs {
		site, err := s.Site(subs[i].Site)
		if err != nil {
			continue // a site that left the config sends nothing
		}
		if err := t.lockBucket(ctx, subs[i].Bucket); err != nil {
			return err
		}
		if err := t.rechain(ctx, site, &subs[i]); err != nil {
			return err
		}
	}
	return nil
}

// DeleteSchedule removes a schedule. One in use is refused, with the number of
// its subscriptions, unless moveTo names where they go.
func (s *Store) DeleteSchedule(ctx context.Context, name, moveTo string) error {
	if name == dispatcher.Immediate {
		return &dispatcher.Error{Code: dispatcher.CodeConflict, Field: "name", Message: "the immediate schedule is built in", Mend: "pause it instead"}
	}
	if moveTo == name {
		return dispatcher.Invalid("move_to", "name another schedule", "is the schedule that goes")
	}
	for _, key := range s.siteKeys() {
		if s.sites[key].Schedule == name {
			return &dispatcher.Error{Code: dispatcher.CodeInUse, Field: "name", Message: fmt.Sprintf("the schedule %q is the default of the site %s", name, key), Mend: "give the site another one in the config file first"}
		}
	}
	return s.write(ctx, func(t *tx) error {
		var old scheduleRow
		if err := t.get(ctx, &old, `SELECT `+scheduleColumns+` FROM hearback_schedule WHERE name = ?`, name); err != nil {
			return notFound(err, "schedule", name)
		}
		if old.FromFile {
			return fromFile(name)
		}
		var used, chosen int64
		if err := t.get(ctx, &used, `SELECT count(*) FROM hearback_subscription WHERE schedule = ? AND ended_at = 0`, name); err != nil {
			return err
		}
		if err := t.get(ctx, &chosen, `SELECT count(*) FROM hearback_subscriber WHERE schedule = ?`, name); err != nil {
			return err
		}
		if used+chosen > 0 && moveTo == "" {
			return &dispatcher.Error{Code: dispatcher.CodeInUse, Field: "name", Message: fmt.Sprintf("the schedule %q is in use: subscriptions on it: %d, readers who chose it: %d", name, used, chosen), Mend: "give move_to with the schedule that takes them"}
		}
		if used+chosen > 0 {
			if err := s.moveReaders(ctx, t, name, moveTo); err != nil {
				return err
			}
		}
		for _, q := range []string{`DELETE FROM hearback_schedule WHERE name = ?`, `DELETE FROM hearback_chain WHERE schedule = ?`, `DELETE FROM hearback_hold WHERE schedule = ?`,
			`UPDATE hearback_slot SET done_at = opened_at WHERE schedule = ? AND done_at = 0`} {
			if _, err := t.exec(ctx, q, name); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Store) moveReaders(ctx context.Context, t *tx, from, to string) error {
	if err := t.checkSchedule(ctx, to); err != nil {
		return err
	}
	var rows []subscriptionRow
	if err := t.all(ctx, &rows, `SELECT `+subscriptionColumns+` FROM hearback_subscription WHERE schedule = ? AND ended_at = 0 ORDER BY bucket, subscriber, id`, from); err != nil {
		return err
	}
	for i := range rows {
		var sub subscriberRow
		if err := t.get(ctx, &sub, `SELECT `+subscriberColumns+` FROM hearback_subscriber WHERE id = ?`, rows[i].Subscriber); err != nil {
			return err
		}
		site, err := s.Site(sub.Site)
		if err != nil {
			return err
		}
		if err := t.lockBucket(ctx, sub.Bucket); err != nil {
			return err
		}
		if err := t.moveSubscription(ctx, site, &sub, &rows[i], to, rows[i].OwnSchedule); err != nil {
			return err
		}
		if err := t.touch(ctx, sub.ID); err != nil {
			return err
		}
	}
	_, err := t.exec(ctx, `UPDATE hearback_subscriber SET schedule = ?, revision = revision + 1 WHERE schedule = ?`, to, from)
	return err
}

// PauseSchedule pauses or resumes a schedule. While it is paused no slot of it
// opens; the first one afterwards carries everything.
func (s *Store) PauseSchedule(ctx context.Context, name string, paused bool) error {
	return s.write(ctx, func(t *tx) error {
		n, err := t.exec(ctx, `UPDATE hearback_schedule SET paused = ?, updated_at = ? WHERE name = ?`, paused, t.now, name)
		if err == nil && n == 0 {
			return dispatcher.NotFound("schedule", name)
		}
		return err
	})
}

// checkSchedule refuses a name that no schedule has, and lists the ones there
// are.
func (t *tx) checkSchedule(ctx context.Context, name string) error {
	var names []string
	if err := t.all(ctx, &names, `SELECT name FROM hearback_schedule ORDER BY name`); err != nil {
		return err
	}
	for _, n := range names {
		if n == name {
			return nil
		}
	}
	return dispatcher.Invalid("schedule", "use one of: "+strings.Join(names, ", "), "there is no schedule %q", name)
}

// chainZone gives the zone of the chain that serves the subscriber on a
// schedule.
func (t *tx) chainZone(ctx context.Context, site dispatcher.Site, sub *subscriberRow, schedule string) (string, error) {
	if schedule == dispatcher.Immediate {
		return "", nil
	}
	var zone string
	if err := t.get(ctx, &zone, `SELECT zone FROM hearback_schedule WHERE name = ?`, schedule); err != nil {
		return "", notFound(err, "schedule", schedule)
	}
	switch zone {
	case dispatcher.ZoneSite, "":
		return siteZone(site), nil
	case dispatcher.ZoneSubscriber:
		if sub.Zone != "" {
			return sub.Zone, nil
		}
		return siteZone(site), nil
	}
	return zone, nil
}

func siteZone(site dispatcher.Site) string {
	if site.Zone == "" {
		return "UTC"
	}
	return site.Zone
}

// ensureChain starts a chain with its first reader: nothing older than now is
// ever asked of it.
func (t *tx) ensureChain(ctx context.Context, schedule, zone string) error {
	chain := [2]string{schedule, zone}
	if t.chains[chain] {
		return nil
	}
	_, err := t.exec(ctx, `INSERT INTO hearback_chain (schedule, zone, last_at, last_upto, start_at)
		SELECT ?, ?, ?, position, ? FROM hearback_head WHERE id = 1
		ON CONFLICT (schedule, zone) DO NOTHING`, schedule, zone, t.now, t.now)
	if err == nil && t.chains != nil {
		t.chains[chain] = true
	}
	return err
}

// AdoptSchedule makes a schedule that left the config file one of the
// database's own.
func (s *Store) AdoptSchedule(ctx context.Context, name string) error {
	return s.write(ctx, func(t *tx) error {
		_, err := t.exec(ctx, `UPDATE hearback_schedule SET from_file = FALSE, updated_at = ? WHERE name = ?`, t.now, name)
		return err
	})
}
