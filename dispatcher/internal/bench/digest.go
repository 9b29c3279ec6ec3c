package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/hearback/hearback/dispatcher/store"
)

// run is what one digest run gave.
type run struct {
	rows      float64       // seconds from the slot to the last message row
	mails     int64         // that were made
	perSecond float64       // from the slot to the last mail at the sink
	size      int           // bytes of a mail
	daemon    time.Duration // CPU
	server    time.Duration // CPU of the database's processes
	sink      time.Duration // CPU of this process, which holds the sink
	written   written
	disk      int64 // bytes that the daemon sent towards the disk
}

// digests measures digests to all readers, run by run beside go-mail alone,
// and the daemon's memory with all readers and with a tenth of them.
func (l *lab) digests(ctx context.Context) error {
	few, err := l.memoryOfFew(ctx)
	if err != nil {
		return err
	}
	d, err := l.start(ctx)
	if err != nil {
		return err
	}
	defer d.destroy()
	var ratios, rates, alone, rows []float64
	var first int64
	for i := range l.o.sizes.Runs {
		r, err := l.digestRun(ctx, d, scheduleAll)
		if err != nil {
			return fmt.Errorf("run %d: %w", i+1, err)
		}
		if i == 0 {
			if first, err = peak(d.pid()); err != nil {
				return err
			}
		}
		self := cpu(os.Getpid(), false)
		g, err := goMail(ctx, l.sink.Addr(), r.size, l.o.sizes.GoMail)
		if err != nil {
			return err
		}
		self = cpu(os.Getpid(), false) - self
		ratios, rates, alone, rows = append(ratios, r.perSecond/g), append(rates, r.perSecond), append(alone, g), append(rows, r.rows)
		l.tellRun(i+1, &r, g, self)
	}
	short, err := goMail(ctx, l.sink.Addr(), shortMail, l.o.sizes.GoMail)
	if err != nil {
		return err
	}
	most, err := peak(d.pid())
	if err != nil {
		return err
	}
	l.report.row("median of the runs", "%.0f mails/s, go-mail alone %.0f/s, ratio %.2f; rows after %.2f s", median(rates), median(alone), median(ratios), median(rows))
	l.report.row("beside shorter mails", "go-mail alone with %.0f KB %.0f/s, ratio %.2f", shortMail/1000.0, short, median(rates)/short)
	l.report.must("speed", median(ratios) >= 1, "%.2f times go-mail alone on the same mail, at least 1 (aim: 2)", median(ratios))
	l.report.row("peak memory", "%d readers %s, %d readers %s, after all runs %s", l.o.sizes.Few, mega(few), l.o.sizes.Readers, mega(first), mega(most))
	l.report.must("memory", most < 150e6, "%s, below 150 MB", mega(most))
	l.report.must("memory does not grow with readers", float64(first) <= 1.2*float64(few), "× %.2f, at most × 1.2", float64(first)/float64(few))
	return d.stop()
}

// shortMail is the size of a digest without its looks: go-mail gets these too,
// although the product's own mails are larger.
const shortMail = 12_000

func (l *lab) tellRun(n int, r *run, alone float64, aloneCPU time.Duration) {
	perTen := func(t time.Duration) float64 { return t.Seconds() / float64(r.mails) * 10_000 }
	l.report.row(fmt.Sprintf("run %d", n), "%d mails of %.1f KB: %.0f/s; go-mail alone %.0f/s; ratio %.2f; last row after %.2f s",
		r.mails, float64(r.size)/1000, r.perSecond, alone, r.perSecond/alone, r.rows)
	l.report.row("", "CPU s per 10,000 mails: daemon %.2f, database %.2f, sink %.2f; go-mail and sink %.2f",
		perTen(r.daemon), perTen(r.server), perTen(r.sink), aloneCPU.Seconds()/float64(l.o.sizes.GoMail)*10_000)
	if r.written.bytes >= 0 {
		l.report.row("", "written per mail: %.2f rows, %.0f bytes of write-ahead log", float64(r.written.rows)/float64(r.mails), float64(r.written.bytes)/float64(r.mails))
	} else {
		l.report.row("", "written per mail: %.2f rows inserted, %.0f bytes towards the disk", float64(r.written.rows)/float64(r.mails), float64(r.disk)/float64(r.mails))
	}
	if n == 1 {
		l.report.must("rows written", float64(r.written.rows) < 6*float64(r.mails), "%.2f a mail of %d comments: none per event and reader", float64(r.written.rows)/float64(r.mails), l.o.sizes.MaxItems)
	}
}

// digestRun feeds a portion of the day and runs a schedule on it.
func (l *lab) digestRun(ctx context.Context, d *daemon, schedule string) (run, error) {
	if err := l.base.aim(ctx, schedule); err != nil {
		return run{}, err
	}
	if err := l.feed(ctx, d); err != nil {
		return run{}, err
	}
	var r run
	before, err := l.base.written(ctx)
	if err != nil {
		return r, err
	}
	server, err := l.base.server(ctx)
	if err != nil {
		return r, err
	}
	disk, err := wroteBytes(d.pid())
	if err != nil {
		return r, err
	}
	stop := l.profileFor(ctx, d, "digest-"+schedule)
	own, other, self := cpu(d.pid(), false), cpu(server, true), cpu(os.Getpid(), false)
	from, began := l.sink.mark(), time.Now()
	if r.mails, r.rows, err = l.slot(ctx, d, schedule); err != nil {
		return r, err
	}
	last, size, err := l.sink.wait(ctx, from, r.mails, d.alive)
	if err != nil {
		return r, err
	}
	r.perSecond, r.size, r.sink = float64(r.mails)/last.Sub(began).Seconds(), size, cpu(os.Getpid(), false)-self
	if err := l.recorded(ctx, d); err != nil {
		return r, err
	}
	r.daemon, r.server = cpu(d.pid(), false)-own, cpu(server, true)-other
	if err := stop(); err != nil {
		return r, err
	}
	after, err := l.base.written(ctx)
	if err != nil {
		return r, err
	}
	r.written.rows, r.written.bytes = after.rows-before.rows, -1
	if after.bytes >= 0 {
		r.written.bytes = after.bytes - before.bytes
	}
	now, err := wroteBytes(d.pid())
	r.disk = now - disk
	return r, err
}

// slot opens a schedule's slot and waits until its last message row is
// committed.
func (l *lab) slot(ctx context.Context, d *daemon, schedule string) (mails int64, seconds float64, err error) {
	began := time.Now()
	if err := d.runSchedule(ctx, schedule); err != nil {
		return 0, 0, err
	}
	for {
		var s struct {
			Done     int64 `db:"done_at"`
			Messages int64 `db:"messages"`
		}
		if err := l.base.db.GetContext(ctx, &s, l.base.rebind(`SELECT done_at, messages FROM hearback_slot WHERE schedule = ? ORDER BY id DESC LIMIT 1`), schedule); err != nil {
			return 0, 0, err
		}
		if s.Done > 0 {
			return s.Messages, time.Since(began).Seconds(), nil
		}
		if err := d.alive(); err != nil {
			return 0, 0, err
		}
		if err := pause(ctx, 10*time.Millisecond); err != nil {
			return 0, 0, fmt.Errorf("the slot is not done: %w", err)
		}
	}
}

// recorded waits until all outcomes stand in the database.
func (l *lab) recorded(ctx context.Context, d *daemon) error {
	for {
		n, err := l.base.number(ctx, `SELECT count(*) FROM hearback_message WHERE state IN ('due', 'sending', 'deferred')`)
		if err != nil || n == 0 {
			return err
		}
		if err := d.alive(); err != nil {
			return err
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return fmt.Errorf("%d messages have no outcome: %w", n, err)
		}
	}
}

// memoryOfFew gives the peak memory of a fresh daemon that serves a tenth of
// the readers.
func (l *lab) memoryOfFew(ctx context.Context) (int64, error) {
	d, err := l.start(ctx)
	if err != nil {
		return 0, err
	}
	defer d.destroy()
	if _, err := l.digestRun(ctx, d, scheduleFew); err != nil {
		return 0, err
	}
	most, err := peak(d.pid())
	if err != nil {
		return 0, err
	}
	return most, d.stop()
}

// rows measures how fast message rows are made while nothing is sent, and how
// fast a queue that stands is sent.
func (l *lab) rows(ctx context.Context) error {
	d, err := l.start(ctx)
	if err != nil {
		return err
	}
	defer d.destroy()
	if err := l.base.aim(ctx, scheduleAll); err != nil {
		return err
	}
	if err := l.feed(ctx, d); err != nil {
		return err
	}
	if err := l.base.store.SetSwitch(ctx, store.Switch{Mode: "hold", Reason: "bench"}); err != nil {
		return err
	}
	if err := pause(ctx, time.Second); err != nil { // the daemon reads the switch twice a second
		return err
	}
	server, err := l.base.server(ctx)
	if err != nil {
		return err
	}
	own, other := cpu(d.pid(), false), cpu(server, true)
	stop := l.profileFor(ctx, d, "rows")
	mails, seconds, err := l.slot(ctx, d, scheduleAll)
	if err != nil {
		return err
	}
	own, other = cpu(d.pid(), false)-own, cpu(server, true)-other
	if err := stop(); err != nil {
		return err
	}
	l.report.row("message rows", "%d in %.2f s while nothing is sent; CPU s: daemon %.2f, database %.2f", mails, seconds, own.Seconds(), other.Seconds())
	l.report.must("message rows", seconds < 10, "%d in %.2f s, below 10 s", mails, seconds)
	stop = l.profileFor(ctx, d, "send")
	from, began := l.sink.mark(), time.Now()
	if err := l.base.store.SetSwitch(ctx, store.Switch{Mode: "on"}); err != nil {
		return err
	}
	last, size, err := l.sink.wait(ctx, from, mails, d.alive)
	if err != nil {
		return err
	}
	if err := stop(); err != nil {
		return err
	}
	l.report.row("a standing queue", "%.0f mails/s of %.1f KB", float64(mails)/last.Sub(began).Seconds(), float64(size)/1000)
	return d.stop()
}

func mega(n int64) string { return fmt.Sprintf("%.0f MB", float64(n)/1e6) }
