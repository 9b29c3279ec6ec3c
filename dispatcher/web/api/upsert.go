package api

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
	"github.com/hearback/hearback/dispatcher/web"
	"github.com/hearback/hearback/dispatcher/wire"
)

// The upsert of many: a body with one value a line, and a receipt a line back.
// The body is put on disk first, whole, and then worked through: a client that
// sends all before it reads anything must not wait for one that waits for it.
// In memory there is never more than one batch.
const (
	upsertBatch = 250              // lines in one transaction
	upsertStep  = time.Minute      // for a part of the body to come, and for a batch's receipts to go
	upsertSpan  = 15 * time.Minute // for the whole body
)

// lined makes an action that takes one value a line, beside what else it
// takes.
func lined[In any](also action, check func(*In) error, put func(*API, *call, []In) ([]store.Upserted, error)) action {
	single := also.do
	also.line, also.lines = reflect.TypeFor[In](), reflect.TypeFor[wire.Line]()
	also.do = func(a *API, c *call) error {
		if single != nil && !isLined(c.r.Header.Get("Content-Type")) {
			return single(a, c)
		}
		if err := c.parameters(&none{}); err != nil {
			return err
		}
		return upsert(a, c, check, put)
	}
	return also
}

// isLines says whether the call's body is one of lines.
func (c *call) isLines(rt *route) bool {
	return len(rt.bodies) == 0 || isLined(c.r.Header.Get("Content-Type"))
}

func upsert[In any](a *API, c *call, check func(*In) error, put func(*API, *call, []In) ([]store.Upserted, error)) error {
	f, err := spool(c.w, c.r, a.o.LinesLimit)
	if err != nil {
		return err
	}
	defer f.drop()
	out := &receipts{w: c.w}
	in := bufio.NewReaderSize(f, 64<<10)
	for {
		batch, err := nextBatch[In](in, check)
		if err != nil {
			return fmt.Errorf("read a body back: %w", err)
		}
		if len(batch) == 0 {
			break
		}
		if err := settle(a, c, batch, put); err != nil {
			return out.fail(c, a, err)
		}
		for i := range batch {
			out.add(&batch[i].made, batch[i].err)
		}
		if err := out.flush(); err != nil {
			return nil // the client is gone; what it has no receipt for it sends again
		}
	}
	if out.n == 0 {
		return dispatcher.Invalid("", "send one value a line, as JSON", "the body is empty")
	}
	out.end()
	return nil
}

// entry is one line on its way.
type entry[In any] struct {
	in   In
	made store.Upserted
	err  error
}

// nextBatch reads lines until a batch is full. None are left when it is empty.
func nextBatch[In any](r *bufio.Reader, check func(*In) error) ([]entry[In], error) {
	var batch []entry[In]
	for len(batch) < upsertBatch {
		line, size, err := readLine(r)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		if text := bytes.TrimSpace(line); size > 0 && len(text) > 0 {
			var e entry[In]
			if size > dispatcher.MaxPayload {
				e.err = &dispatcher.Error{Code: dispatcher.CodeTooLarge, Message: fmt.Sprintf("the line has %d bytes, %d are allowed", size, dispatcher.MaxPayload), Mend: "send one value a line"}
			} else if e.err = web.Decode(text, &e.in); e.err == nil {
				e.err = check(&e.in)
			}
			if e.err != nil {
				e.made.ID = idOf(text)
			}
			batch = append(batch, e)
		}
		if err != nil {
			break
		}
	}
	return batch, nil
}

// readLine reads a line and gives its true size; what is over the limit is
// passed over.
func readLine(r *bufio.Reader) (line []byte, size int, err error) {
	for {
		part, err := r.ReadSlice('\n')
		size += len(part)
		if room := dispatcher.MaxPayload - len(line); room > 0 {
			line = append(line, part[:min(room, len(part))]...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, size, err
		}
	}
}

// settle puts the good ones of a batch.
func settle[In any](a *API, c *call, batch []entry[In], put func(*API, *call, []In) ([]store.Upserted, error)) error {
	good, at := make([]In, 0, len(batch)), make([]int, 0, len(batch))
	for i := range batch {
		if batch[i].err == nil {
			good, at = append(good, batch[i].in), append(at, i)
		}
	}
	if len(good) == 0 {
		return nil
	}
	done, err := put(a, c, good)
	for i := range done {
		batch[at[i]].made, batch[at[i]].err = done[i], done[i].Err
	}
	return err
}

// receipts writes what became of the lines.
type receipts struct {
	w       http.ResponseWriter
	buf     bytes.Buffer
	n       int
	begun   bool
	summary wire.Summary
}

func (r *receipts) add(made *store.Upserted, err error) {
	index := r.n
	r.n++
	l := wire.Line{Index: &index, ID: made.ID, Status: wire.FateUpdated}
	switch {
	case err != nil:
		why := reasonOf(err)
		l.Status, l.Error = wire.FateRejected, &why
		r.summary.Rejected++
	case made.Created:
		l.Status = wire.FateCreated
		r.summary.Created++
	default:
		r.summary.Updated++
	}
	r.write(l)
}

func (r *receipts) write(l wire.Line) {
	b, err := json.Marshal(l)
	if err != nil { // our own type; a defect
		panic(err)
	}
	r.buf.Write(append(b, '\n'))
}

// flush sends what was written, and gives the client time for it.
func (r *receipts) flush() error {
	if !r.begun {
		r.begun = true
		r.w.Header().Set("Content-Type", linesType)
		r.w.Header().Set("Cache-Control", "no-store")
		r.w.WriteHeader(http.StatusOK)
	}
	rc := http.NewResponseController(r.w)
	_ = rc.SetWriteDeadline(time.Now().Add(upsertStep)) // where there is no connection there is no deadline
	if _, err := r.buf.WriteTo(r.w); err != nil {
		return err
	}
	return rc.Flush()
}

func (r *receipts) end() {
	r.write(wire.Line{Summary: &r.summary})
	_ = r.flush() // nobody is left to be told
}

// fail ends the answer with an error: as a problem when nothing was sent yet,
// else as the last line, and without a summary.
func (r *receipts) fail(c *call, a *API, err error) error {
	if !r.begun {
		return err
	}
	a.o.Log.WarnContext(c.context(), "an upsert broke off", "lines", r.n, "request", web.RequestID(c.w), "error", err)
	why := reasonOf(err)
	r.write(wire.Line{Error: &why})
	_ = r.flush() // nobody is left to be told
	return nil
}

// spooled is a body on disk.
type spooled struct{ *os.File }

func (s *spooled) drop() {
	_ = s.Close()
	_ = os.Remove(s.Name()) // a temporary file; the system sweeps what is left
}

// spool puts a body of at most limit bytes on disk. However slowly it comes, as
// long as it comes: each part of it gets time of its own.
func spool(w http.ResponseWriter, r *http.Request, limit int64) (*spooled, error) {
	if r.ContentLength > limit {
		return nil, web.TooLarge(limit)
	}
	file, err := os.CreateTemp("", "hearback-lines-*")
	if err != nil {
		return nil, &dispatcher.Error{Code: dispatcher.CodeUnavailable, Message: "there is no room for the body on disk", Mend: "free space in the daemon's folder for temporary files", Err: err}
	}
	s := &spooled{file}
	body := &patient{r: http.MaxBytesReader(w, r.Body, limit), rc: http.NewResponseController(w), until: time.Now().Add(upsertSpan)}
	_, err = io.Copy(file, body)
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		err = web.TooLarge(limit)
	case err != nil && r.Context().Err() != nil:
		err = r.Context().Err()
	case err != nil && body.failed:
		err = &dispatcher.Error{Code: dispatcher.CodeInvalid, Message: "the body could not be read to its end", Mend: "send it again", Err: err}
	case err != nil:
		err = &dispatcher.Error{Code: dispatcher.CodeUnavailable, Message: "the body could not be kept on disk", Mend: "free space in the daemon's folder for temporary files", Err: err}
	default:
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		s.drop()
		return nil, err
	}
	return s, nil
}

// patient gives each read of a body time of its own, up to an end.
type patient struct {
	r      io.Reader
	rc     *http.ResponseController
	until  time.Time
	failed bool // reading did, not keeping
}

func (p *patient) Read(b []byte) (int, error) {
	next := time.Now().Add(upsertStep)
	if next.After(p.until) {
		next = p.until
	}
	_ = p.rc.SetReadDeadline(next) // where there is no connection there is no deadline
	n, err := p.r.Read(b)
	p.failed = err != nil && !errors.Is(err, io.EOF)
	return n, err
}

// putSubscribers and putSubscriptions commit a batch of lines.
func putSubscribers(a *API, c *call, in []dispatcher.EventSubscriber) ([]store.Upserted, error) {
	return a.o.Desk.SetSubscribers(c.context(), c.site, c.caller(), in)
}

func putSubscriptions(a *API, c *call, in []dispatcher.EventSubscription) ([]store.Upserted, error) {
	return a.o.Desk.SubscribeMany(c.context(), c.site, c.caller(), in)
}

func checkSubscriber(in *dispatcher.EventSubscriber) error {
	if in.ID == "" {
		return dispatcher.Invalid("id", "give the site's own id of the subscriber", "is missing")
	}
	return checkOwnID("id", in.ID)
}

func checkSubscription(in *dispatcher.EventSubscription) error {
	if in.Subscriber == "" {
		return missingSubscriber()
	}
	return in.Target.Validate()
}
