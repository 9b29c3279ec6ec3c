package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
)

// enqueueBatch is how many events go into one transaction.
const enqueueBatch = 500

// doorCLI is how events come from the command line. Whoever may run commands on
// the database may also confirm addresses.
const doorCLI store.Door = "cli+vouch"

type enqueueJSON struct {
	Accepted   int            `json:"accepted"`
	Duplicates int            `json:"duplicates"`
	Rejected   []rejectedJSON `json:"rejected"`
}

type rejectedJSON struct {
	File  string     `json:"file,omitempty"` // where there are several
	Line  int        `json:"line"`
	ID    string     `json:"id,omitempty"`
	Error reasonJSON `json:"error"`
}

// reasonJSON is an error of the domain, as the HTTP API tells it.
type reasonJSON struct {
	Code    dispatcher.Code `json:"code"`
	Field   string          `json:"field,omitempty"`
	Message string          `json:"message"`
	Mend    string          `json:"mend,omitempty"`
}

func newEnqueue(r *root) *cobra.Command {
	var site string
	cmd := &cobra.Command{
		Use: "enqueue [FILE...]", Short: "Hand in events from files or standard input",
		Long: `Hand in events: a JSON array, {"events":[…]}, one event, or NDJSON, from files or standard
input (no file, or -). An event that cannot be used is listed with its line and the mend, kept
under "hearback event list", and the exit code is 1; all others are taken. Handing in the same
file twice is harmless: what came in before is counted as a duplicate.`,
		Example: "  hearback enqueue --site blog events.ndjson\n  my-export | hearback enqueue --json",
		Args:    asUsed,
		RunE: r.work(func(ctx context.Context, s *session, files []string) error {
			return s.enqueue(ctx, site, files)
		}),
	}
	cmd.Flags().StringVar(&site, "site", "", "site of the events that name none (not needed where there is one)")
	return cmd
}

func (s *session) enqueue(ctx context.Context, site string, files []string) error {
	if site != "" {
		if _, err := s.store.Site(site); err != nil {
			return err
		}
	}
	d := &door{session: s, site: site, waiting: map[string][]waiting{}, receipt: enqueueJSON{Rejected: []rejectedJSON{}}}
	if len(files) == 0 {
		files = []string{"-"}
	}
	for _, name := range files {
		if len(files) > 1 {
			d.file = name
		}
		if err := d.readFile(ctx, name); err != nil {
			return d.interrupted(err)
		}
	}
	for _, key := range s.siteKeys() {
		if err := d.flush(ctx, key); err != nil {
			return d.interrupted(err)
		}
	}
	slices.SortStableFunc(d.receipt.Rejected, func(a, b rejectedJSON) int {
		return cmp.Or(slices.Index(files, a.File)-slices.Index(files, b.File), a.Line-b.Line)
	})
	return d.answer()
}

// door takes entries in batches, one site's events at a time.
type door struct {
	*session
	site    string // of events that name none, "" for the only one
	file    string // named in the receipt, "" where there is one
	waiting map[string][]waiting
	receipt enqueueJSON
}

type waiting struct {
	event dispatcher.Event
	entry entry
	file  string
}

func (d *door) readFile(ctx context.Context, name string) error {
	if name == "-" {
		return d.read(ctx, d.in)
	}
	f, err := os.Open(name)
	if err != nil {
		return dispatcher.Invalid("FILE", "name a file that can be read, or - for standard input", "%v", err)
	}
	return errors.Join(d.read(ctx, f), f.Close())
}

func (d *door) read(ctx context.Context, in io.Reader) error {
	return readEvents(in, func(e entry) error { return d.take(ctx, e) })
}

// take puts an event into its site's batch, or lists why it cannot be used.
func (d *door) take(ctx context.Context, e entry) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var ev dispatcher.Event
	err := e.err
	if err == nil {
		ev, err = parseEvent(e.raw)
	}
	site, serr := d.siteOf(&ev)
	if serr != nil {
		err = errors.Join(err, serr)
		site.Key = ""
	}
	w := waiting{ev, e, d.file}
	if err != nil {
		return d.reject(ctx, site.Key, w, err)
	}
	d.waiting[site.Key] = append(d.waiting[site.Key], w)
	if len(d.waiting[site.Key]) >= enqueueBatch {
		return d.flush(ctx, site.Key)
	}
	return nil
}

// siteOf gives the site of an event: its own, which must be the one that was
// named if one was.
func (d *door) siteOf(e *dispatcher.Event) (dispatcher.Site, error) {
	if e.Site != "" && d.site != "" && e.Site != d.site {
		return dispatcher.Site{}, dispatcher.Invalid("site", "leave it out, or hand it in without --site "+d.site, "is %q", e.Site)
	}
	return d.session.site(cmp.Or(e.Site, d.site))
}

func (d *door) flush(ctx context.Context, site string) error {
	batch := d.waiting[site]
	d.waiting[site] = nil
	if len(batch) == 0 {
		return nil
	}
	return d.append(ctx, site, batch)
}

// append hands a batch in. One that the database refuses is halved until the
// event at fault stands alone.
func (d *door) append(ctx context.Context, site string, batch []waiting) error {
	events := make([]dispatcher.Event, len(batch))
	for i := range batch {
		events[i] = batch[i].event
	}
	receipt, err := d.store.Append(ctx, site, doorCLI, events)
	switch {
	case err != nil && !d.store.Refused(err):
		return err
	case err != nil && len(batch) == 1:
		return d.reject(ctx, site, batch[0], dispatcher.Invalid("", "leave out what the database cannot keep", "%v", err))
	case err != nil:
		half := len(batch) / 2
		return errors.Join(d.append(ctx, site, batch[:half]), d.append(ctx, site, batch[half:]))
	}
	d.receipt.Accepted += receipt.Accepted
	d.receipt.Duplicates += receipt.Duplicates
	for _, no := range receipt.Rejected {
		if err := d.reject(ctx, site, batch[no.Index], no.Err); err != nil {
			return err
		}
	}
	return nil
}

// reject lists an event that cannot be used, and keeps it for the admin where
// it is known whose it is.
func (d *door) reject(ctx context.Context, site string, w waiting, cause error) error {
	no := rejectedJSON{File: w.file, Line: w.entry.line, ID: w.event.ID, Error: reasonJSON{Code: dispatcher.CodeOf(cause), Message: cause.Error()}}
	var e *dispatcher.Error
	if errors.As(cause, &e) {
		no.Error.Field, no.Error.Mend, no.Error.Message = e.Field, e.Mend, e.Message
	}
	d.receipt.Rejected = append(d.receipt.Rejected, no)
	if site == "" || len(w.entry.raw) == 0 {
		return nil
	}
	return d.store.RecordRejected(ctx, site, doorCLI, w.entry.raw, w.event.ID, cause)
}

// interrupted says what is in already: running the command again is harmless.
func (d *door) interrupted(err error) error {
	if d.receipt.Accepted == 0 {
		return err
	}
	return fmt.Errorf("stopped after %d events were taken (run it again, they are recognised): %w", d.receipt.Accepted, err)
}

func (d *door) answer() error {
	err := d.print(d.receipt, func(p *page) {
		p.line("%d accepted, %d duplicates, %d rejected", d.receipt.Accepted, d.receipt.Duplicates, len(d.receipt.Rejected))
		for _, no := range d.receipt.Rejected {
			where := fmt.Sprintf("line %d", no.Line)
			if no.File != "" {
				where = no.File + " " + where
			}
			e := dispatcher.Error{Field: no.Error.Field, Message: no.Error.Message, Mend: no.Error.Mend}
			p.line("%s: %s", where, e.Error())
		}
	})
	if err == nil && len(d.receipt.Rejected) > 0 {
		return answeredNo{}
	}
	return err
}
