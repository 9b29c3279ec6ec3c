package render

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// scratch is the working memory of one Compose call. It is pooled; nothing in
// it is kept by what Compose returns.
type scratch struct {
	view   MailView
	keys   []itemKey
	flat   []flatItem
	found  []*entry
	items  []ItemView
	groups []GroupView
	lines  *lineWriter
	run    machine
	text   bytes.Buffer
	sum    hash.Hash
	hexed  [2 * sha256.Size]byte
	hashed [sha256.Size]byte
	bound  []byte
}

// flatItem is one item of the mail with where it stands.
type flatItem struct {
	item  *Item
	group int
	gone  bool // did not fit
}

func (r *Renderer) getScratch() *scratch {
	if s, ok := r.scratch.Get().(*scratch); ok {
		return s
	}
	return &scratch{lines: newLineWriter(), sum: sha256.New()}
}

func (r *Renderer) putScratch(s *scratch) {
	s.view = MailView{}
	clear(s.flat)
	s.flat = s.flat[:0]
	clear(s.found)
	clear(s.items)
	clear(s.groups)
	clear(s.keys)
	s.lines.items, s.lines.out = nil, nil
	r.scratch.Put(s)
}

// Compose appends the complete bytes of m to dst, as SMTP will send them:
// headers, both parts, CRLF line ends, 7-bit clean (but for an address that
// needs SMTPUTF8), no line longer than 998 bytes; dots at line starts are the
// dialogue's to double. The same mail under the same template gives the same
// bytes.
//
// An error of code invalid is about this mail (an address or id
// that cannot stand in a header, no items) and will not go away; any other is
// the store's, and the mail should be tried again. On error dst comes back
// unchanged. A broken override is no error: the built-in template takes its
// place.
func (r *Renderer) Compose(ctx context.Context, dst []byte, m *Mail) ([]byte, Info, error) {
	return r.compose(ctx, dst, m, false)
}

func (r *Renderer) compose(ctx context.Context, dst []byte, m *Mail, naive bool) ([]byte, Info, error) {
	p, err := r.previewPlan(ctx, m, m.Draft)
	if err != nil {
		return dst, Info{}, err
	}
	out, info, err := r.composeWith(dst, m, p, naive)
	if err == nil || m.Draft != nil || !p.stored || dispatcher.CodeOf(err) == dispatcher.CodeInvalid {
		return out, info, err
	}
	if !p.failed.Swap(true) {
		r.report(Broken{Site: m.Site.Key, Kind: m.Kind, Locale: p.lang.tag, Version: p.version, Err: err})
	}
	if p, err = r.builtinPlan(m); err != nil {
		return dst, Info{}, err
	}
	return r.composeWith(dst, m, p, naive)
}

// builtinPlan is the template that can be relied upon.
func (r *Renderer) builtinPlan(m *Mail) (*plan, error) {
	for _, locale := range localeChain(m.Locale, m.Site.Locale) {
		if r.languages[locale] != nil {
			return r.compileFor(m.Site, m.Kind, locale, Version{})
		}
	}
	return r.compileFor(m.Site, m.Kind, fallbackLocale, Version{})
}

func (r *Renderer) composeWith(dst []byte, m *Mail, p *plan, naive bool) ([]byte, Info, error) {
	s := r.getScratch()
	defer r.putScratch(s)
	zone := m.Zone
	if zone == nil {
		zone = time.UTC
	}
	for g := range m.Groups {
		for i := range m.Groups[g].Items {
			s.flat = append(s.flat, flatItem{item: &m.Groups[g].Items[i], group: g})
		}
	}
	if len(s.flat) == 0 && needsItems(m.Kind) {
		return dst, Info{}, dispatcher.Invalid("items", "send nothing when there is nothing to say", "the mail has no items")
	}
	s.view.fill(p, m, zone)
	start := len(dst)
	for {
		if err := r.assemble(s, m, p, zone); err != nil {
			return dst[:start], Info{}, err
		}
		out, info, err := r.write(s, dst, m, p, naive)
		if err != nil {
			return dst[:start], Info{}, err
		}
		if info.HTMLSize <= r.opt.HTMLLimit || !s.cut(info.HTMLSize-r.opt.HTMLLimit) {
			for i := range s.flat {
				if !s.flat[i].gone {
					info.Placed = append(info.Placed, s.flat[i].item.Comment.ID)
				}
			}
			return out, info, nil
		}
		dst = out[:start]
	}
}

// assemble fills the view with the items that are left, ready made.
func (r *Renderer) assemble(s *scratch, m *Mail, p *plan, zone *time.Location) error {
	s.keys, s.items, s.groups = s.keys[:0], s.items[:0], s.groups[:0]
	left, group := 0, -1
	var above *Item
	for i := range s.flat {
		f := &s.flat[i]
		if f.gone {
			continue
		}
		if f.group != group {
			group, above = f.group, nil
		}
		s.keys = append(s.keys, keyOf(p, &m.Groups[group].Thread, f.item, above, zone))
		above = f.item
		left++
	}
	s.found = append(s.found[:0], make([]*entry, left)...)
	r.cache.lookup(s.keys, s.found)
	if cap(s.items) < left {
		s.items = make([]ItemView, 0, left+8) // groups keep slices of it: it must not move
	}
	n, group := 0, -1
	for i := range s.flat {
		f := &s.flat[i]
		if f.gone {
			continue
		}
		if f.group != group {
			group = f.group
			g := &m.Groups[group]
			s.groups = append(s.groups, GroupView{Thread: threadView(&g.Thread), MuteURL: cleanURL(g.MuteURL)})
		}
		view := &s.groups[len(s.groups)-1]
		if s.found[n] == nil {
			e, err := r.makeEntry(p, s.keys[n], f.item, view.Thread, zone)
			if err != nil {
				return err
			}
			s.found[n] = e
		}
		s.items = append(s.items, ItemView{ItemBody: s.found[n].body, slot: n})
		view.Items = s.items[len(s.items)-view.Count-1:]
		view.Count++
		n++
	}
	v := &s.view
	v.Groups, v.Count, v.More = s.groups, left, m.More+len(s.flat)-left
	v.First, v.Thread, v.Only = nil, ThreadView{}, ThreadView{}
	if left > 0 {
		v.First, v.Thread = &s.items[0], s.groups[0].Thread
	}
	if len(s.groups) == 1 {
		v.Only = s.groups[0].Thread
	}
	return nil
}

func keyOf(p *plan, t *dispatcher.Thread, it *Item, before *Item, zone *time.Location) itemKey {
	c := it.Comment
	k := itemKey{
		plan: p, comment: c.ID, commentRevision: c.Revision, thread: t.ID, threadRevision: t.Revision,
		reason: int8(it.Reason), published: offset(c.PublishedAt, zone),
	}
	if !c.WrittenAt.IsZero() {
		k.wrote = offset(c.WrittenAt, zone)
	}
	if it.Parent != nil {
		k.hasParent, k.parent, k.parentRevision = true, it.Parent.ID, it.Parent.Revision
		k.above = before != nil && before.Comment.ID == it.Parent.ID
	}
	return k
}

// offset from UTC, in seconds, that a zone has at a time.
func offset(t time.Time, zone *time.Location) int32 {
	if zone == time.UTC {
		return 0
	}
	_, s := t.In(zone).Zone()
	return int32(s)
}

// makeEntry makes an item for everybody who gets it like this.
func (r *Renderer) makeEntry(p *plan, key itemKey, it *Item, thread ThreadView, zone *time.Location) (*entry, error) {
	e := &entry{key: key, body: r.itemBody(p, it, thread, key.above, zone)}
	view := ItemView{ItemBody: e.body}
	var buf bytes.Buffer
	if err := p.text.plain.ExecuteTemplate(&buf, "item", view); err != nil {
		return nil, templateError("text", err)
	}
	e.text = makePiece(buf.Bytes(), false)
	buf.Reset()
	if err := p.html.plain.ExecuteTemplate(&buf, "item", view); err != nil {
		return nil, templateError("html", err)
	}
	e.html = makePiece(buf.Bytes(), true)
	e.size = 600 + e.text.size() + e.html.size() + len(e.body.Comment.HTML) + len(e.body.Comment.Text)
	if e.body.Parent != nil {
		e.size += 200 + len(e.body.Parent.Excerpt)
	}
	if !p.passing {
		r.cache.add(e)
	}
	return e, nil
}

// cut drops the weakest items, among equals the last, until about overflow
// bytes are saved. It says whether there was one to drop; the last one stays.
func (s *scratch) cut(overflow int) bool {
	dropped := false
	sizes := map[*flatItem]int{}
	n := 0
	for i := range s.flat {
		if !s.flat[i].gone {
			sizes[&s.flat[i]] = s.found[n].html.alone
			n++
		}
	}
	for overflow > 0 && n > 1 {
		var weakest *flatItem
		for i := range s.flat {
			if f := &s.flat[i]; !f.gone && (weakest == nil || f.item.Reason >= weakest.item.Reason) {
				weakest = f
			}
		}
		weakest.gone, dropped = true, true
		overflow -= sizes[weakest]
		n--
	}
	return dropped
}

// write writes the mail around what was assembled.
func (r *Renderer) write(s *scratch, dst []byte, m *Mail, p *plan, naive bool) ([]byte, Info, error) {
	info := Info{Locale: p.lang.tag, TemplateVersion: p.version, More: s.view.More}
	var err error
	if info.Subject, err = s.subject(&p.subject, naive); err != nil {
		return nil, info, templateError("subject", err)
	}
	s.view.Subject = info.Subject

	if dst, info.UTF8, err = s.appendHeaders(dst, m, p, info.Subject); err != nil {
		return nil, info, err
	}
	dst = s.openPart(dst, "text/plain")
	from := len(dst)
	if dst, err = s.body(dst, &p.text, false, naive); err != nil {
		return nil, info, templateError("text", err)
	}
	info.ContentHash = s.fingerprint(info.Subject, dst[from:])
	dst = s.openPart(dst, "text/html")
	from = len(dst)
	if dst, err = s.body(dst, &p.html, true, naive); err != nil {
		return nil, info, templateError("html", err)
	}
	info.HTMLSize = len(dst) - from
	dst = append(dst, "--"...)
	dst = append(dst, s.bound...)
	return append(dst, "--\r\n"...), info, nil
}

// maxSubject is how many characters a subject has at most.
const maxSubject = 250

// subject makes the decoded subject.
func (s *scratch) subject(p *part, naive bool) (string, error) {
	s.view.Subject = ""
	if naive || p.quick == nil {
		s.text.Reset()
		if err := p.plain.ExecuteTemplate(&s.text, "subject", &s.view); err != nil {
			return "", err
		}
		return clip(cleanLine(s.text.String()), maxSubject), nil
	}
	s.lines.start(false, nil, nil)
	s.lines.flat = true
	if err := p.quick.run(s.lines, &s.run, &s.view); err != nil {
		return "", err
	}
	return clip(cleanLine(string(s.lines.line)), maxSubject), nil
}

// body appends one encoded part, the quick or the plain way.
func (s *scratch) body(dst []byte, p *part, html, naive bool) ([]byte, error) {
	if naive || p.quick == nil {
		return naiveBody(dst, p, html, &s.view)
	}
	s.lines.start(html, dst, s.found)
	if err := p.quick.run(s.lines, &s.run, &s.view); err != nil {
		return nil, err
	}
	return s.lines.finish(), nil
}

func (s *scratch) openPart(dst []byte, mediaType string) []byte {
	dst = append(dst, "--"...)
	dst = append(dst, s.bound...)
	dst = append(dst, "\r\nContent-Type: "...)
	dst = append(dst, mediaType...)
	return append(dst, "; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"...)
}

// fingerprint names what the reader was told. It leaves the HTML part out: the
// text part says the same in far fewer bytes, and TemplateVersion names the
// looks.
func (s *scratch) fingerprint(subject string, text []byte) string {
	s.sum.Reset()
	s.sum.Write([]byte(subject))
	s.sum.Write([]byte{'\n'})
	s.sum.Write(text)
	hex.Encode(s.hexed[:], s.sum.Sum(s.hashed[:0]))
	return string(s.hexed[:16])
}

// templateError marks an error of executing a template, which is not about the
// mail's own data.
func templateError(field string, err error) error {
	return &dispatcher.Error{Code: dispatcher.CodeInternal, Field: field, Message: "the template failed", Err: err}
}
