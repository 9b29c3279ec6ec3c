package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/address"
	"github.com/hearback/hearback/dispatcher/store"
	"github.com/hearback/hearback/dispatcher/web"
)

// importBatch is how many records go into one transaction.
const importBatch = 250

// recordJSON is one line of an export and of an import: a reader, what one
// follows or has muted, or a suppressed address.
type recordJSON struct {
	Subscriber   *dispatcher.EventSubscriber   `json:"subscriber,omitempty"`
	Subscription *dispatcher.EventSubscription `json:"subscription,omitempty"`
	Suppression  *suppressionJSON              `json:"suppression,omitempty"`
	EndedAt      time.Time                     `json:"ended_at,omitzero"` // the subscription ended, or the reader ended everything
	EndedBy      dispatcher.EndedBy            `json:"ended_by,omitempty"`
}

type suppressionJSON struct {
	Address string `json:"address"`
	Reason  string `json:"reason"`
	Detail  string `json:"detail,omitempty"`
}

type importJSON struct {
	DryRun   bool           `json:"dry_run,omitempty"`
	Created  int            `json:"created"`
	Updated  int            `json:"updated"`
	Rejected []rejectedJSON `json:"rejected"`
}

func newImport(r *root) *cobra.Command {
	var site string
	var dry, table bool
	cmd := &cobra.Command{
		Use: "import [FILE]", Short: "Take in readers and what they follow, from elsewhere",
		Long: `Take in readers, what they follow and have muted, and suppressed addresses: NDJSON as
"hearback export" writes it, or a CSV table whose first row names the columns (id, email, name,
locale, time_zone, schedule, quiet_hours, author_ids, confirmed, follow), from a file or standard
input (no file, or -).

An import mails nobody: who has not confirmed an address is not asked, and subscriptions begin
now. Who left stays away. A bad record is listed with its line and the mend, and the exit code is
1; all others are taken. Running it again is harmless; --dry-run says what would become of it.`,
		Example: "  hearback import --dry-run readers.csv\n  ssh old-host hearback export | hearback import",
		Args:    asUsed,
		RunE: r.work(func(ctx context.Context, s *session, args []string) error {
			if len(args) > 1 {
				return dispatcher.Invalid("FILE", "give one file at a time", "%q is one word too many", args[1])
			}
			site, err := s.site(site)
			if err != nil {
				return err
			}
			in, name := s.in, "-"
			if len(args) == 1 && args[0] != "-" {
				name = args[0]
				f, err := os.Open(name)
				if err != nil {
					return dispatcher.Invalid("FILE", "name a file that can be read, or - for standard input", "%v", err)
				}
				defer f.Close()
				in = f
			}
			m := &move{session: s, site: site, dry: dry, known: map[string]store.Record{}, receipt: importJSON{DryRun: dry, Rejected: []rejectedJSON{}}}
			if table || strings.HasSuffix(strings.ToLower(name), ".csv") {
				err = readTable(in, func(e moved) error { return m.take(ctx, e) })
			} else {
				err = readRecords(in, func(e moved) error { return m.take(ctx, e) })
			}
			err = errors.Join(err, m.flush(ctx))
			if n := m.receipt.Created + m.receipt.Updated; n > 0 && !dry {
				err = errors.Join(err, m.record(context.WithoutCancel(ctx), "import", "readers of "+site.Key, count(n, "record", "records")))
			}
			return m.answer(err)
		}),
	}
	siteFlag(cmd, &site)
	cmd.Flags().BoolVar(&dry, "dry-run", false, "only say what would become of each record")
	cmd.Flags().BoolVar(&table, "csv", false, "the input is a CSV table (files called .csv are one anyway)")
	return cmd
}

// moved is one record on its way in.
type moved struct {
	line   int
	id     string // of its subscriber, or its address
	record store.Record
	err    error
}

// readRecords reads NDJSON.
func readRecords(in io.Reader, each func(moved) error) error {
	br := bufio.NewReaderSize(in, 64<<10)
	for line := 1; ; line++ {
		raw, size, err := readLine(br)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read the records: %w", err)
		}
		if text := bytes.TrimSpace(bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))); len(text) > 0 {
			m := moved{line: line}
			if size > dispatcher.MaxPayload {
				m.err = tooLarge(size)
			} else {
				m.id, m.record, m.err = parseRecord(text)
			}
			if err := each(m); err != nil {
				return err
			}
		}
		if err != nil {
			return nil
		}
	}
}

func parseRecord(text []byte) (id string, out store.Record, err error) {
	var r recordJSON
	if err := web.Decode(text, &r); err != nil {
		return "", out, err
	}
	out = store.Record{Subscriber: r.Subscriber, Subscription: r.Subscription, EndedAt: r.EndedAt, EndedBy: r.EndedBy}
	switch {
	case r.Subscriber != nil && r.Subscription == nil && r.Suppression == nil:
		id = r.Subscriber.ID
		return id, out, requireID("subscriber.id", id)
	case r.Subscription != nil && r.Subscriber == nil && r.Suppression == nil:
		id = r.Subscription.Subscriber
		if !r.EndedAt.IsZero() && r.EndedBy == "" {
			out.EndedBy = dispatcher.EndedByReader
		}
		if err := requireID("subscription.subscriber", id); err != nil {
			return id, out, err
		}
		return id, out, r.Subscription.Target.Validate()
	case r.Suppression != nil && r.Subscriber == nil && r.Subscription == nil:
		_, normal, err := address.Parse(r.Suppression.Address)
		if err != nil {
			return r.Suppression.Address, out, err
		}
		reason, err := oneOf("suppression.reason", r.Suppression.Reason, "bounce", "complaint", "admin")
		out.Suppression = &store.Suppression{Address: normal, Reason: reason, Detail: r.Suppression.Detail}
		return normal, out, err
	}
	return "", out, dispatcher.Invalid("", `give one of them, as in {"subscriber": {"id": …, "email": …}}`, "is neither a subscriber nor a subscription nor a suppression")
}

func requireID(field, id string) error {
	if id == "" {
		return dispatcher.Invalid(field, "give the site's own id of the reader", "is missing")
	}
	if len(id) > dispatcher.MaxID {
		return dispatcher.Invalid(field, fmt.Sprintf("use an id of at most %d bytes", dispatcher.MaxID), "is %d bytes long", len(id))
	}
	return nil
}

// move takes records in, a batch at a time.
type move struct {
	*session
	site    dispatcher.Site
	dry     bool
	known   map[string]store.Record // readers of a dry run, which are in no database
	batch   []moved
	receipt importJSON
}

func (m *move) take(ctx context.Context, e moved) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if e.err != nil {
		m.reject(&e, e.err)
		return nil
	}
	m.batch = append(m.batch, e)
	if len(m.batch) < importBatch {
		return nil
	}
	return m.flush(ctx)
}

func (m *move) flush(ctx context.Context) error {
	batch := m.batch
	m.batch = nil
	if len(batch) == 0 {
		return nil
	}
	records := m.before(batch)
	skip := len(records)
	for i := range batch {
		records = append(records, batch[i].record)
	}
	done, err := m.store.Import(ctx, m.site.Key, records, m.dry)
	if err != nil {
		return err
	}
	for i, d := range done[skip:] {
		switch {
		case d.Err != nil:
			m.reject(&batch[i], d.Err)
			continue
		case d.Created:
			m.receipt.Created++
		default:
			m.receipt.Updated++
		}
		if m.dry && batch[i].record.Subscriber != nil {
			m.known[batch[i].id] = batch[i].record
		}
	}
	return nil
}

// before gives the readers that earlier batches of a dry run brought, as far as
// this one speaks of them: what a dry run did is taken back batch by batch.
func (m *move) before(batch []moved) []store.Record {
	var out []store.Record
	seen := map[string]bool{}
	for i := range batch {
		if r, ok := m.known[batch[i].id]; ok && !seen[batch[i].id] {
			seen[batch[i].id] = true
			out = append(out, r)
		}
	}
	return out
}

func (m *move) reject(e *moved, cause error) {
	if n := len(m.receipt.Rejected); n > 0 && m.receipt.Rejected[n-1].Line == e.line {
		return // what the row follows, after what is wrong with its reader
	}
	no := rejectedJSON{Line: e.line, ID: e.id, Error: reasonJSON{Code: dispatcher.CodeOf(cause), Message: cause.Error()}}
	var de *dispatcher.Error
	if errors.As(cause, &de) {
		no.Error.Field, no.Error.Mend, no.Error.Message = de.Field, de.Mend, de.Message
	}
	m.receipt.Rejected = append(m.receipt.Rejected, no)
}

// shownRejects is how many bad records are told to people; --json has all.
const shownRejects = 50

func (m *move) answer(err error) error {
	r := &m.receipt
	if err != nil {
		if r.Created+r.Updated > 0 && !m.dry {
			return fmt.Errorf("stopped after %d records were taken (run it again, that is harmless): %w", r.Created+r.Updated, err)
		}
		return err
	}
	err = m.print(r, func(p *page) {
		if m.dry {
			p.line("a dry run, nothing is changed:")
		}
		p.line("%d new, %d known before, %d rejected", r.Created, r.Updated, len(r.Rejected))
		for i, no := range r.Rejected {
			if i == shownRejects {
				p.line("and %d more; --json lists all", len(r.Rejected)-i)
				break
			}
			e := dispatcher.Error{Field: no.Error.Field, Message: no.Error.Message, Mend: no.Error.Mend}
			p.line("line %d: %s", no.Line, e.Error())
		}
	})
	if err == nil && len(r.Rejected) > 0 {
		return answeredNo{}
	}
	return err
}
