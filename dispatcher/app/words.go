package app

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/schedule"
	"github.com/hearback/hearback/dispatcher/store"
)

// words knows what readers call a cadence, in their language, and which zone
// they live in. Safe for concurrent use.
type words struct {
	store *store.Store
	mu    sync.Mutex
	specs map[string]dispatcher.Schedule
	zones map[string]*time.Location
	texts map[[2]string]string
}

func newWords(ctx context.Context, s *store.Store) (*words, error) {
	w := &words{store: s, zones: map[string]*time.Location{}}
	return w, w.reload(ctx)
}

// reload reads the schedules again.
func (w *words) reload(ctx context.Context) error {
	list, err := w.store.Schedules(ctx)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.specs, w.texts = map[string]dispatcher.Schedule{}, map[[2]string]string{}
	for _, sc := range list {
		w.specs[sc.Name] = sc
	}
	return nil
}

// label gives what readers call a schedule.
func (w *words) label(name, locale string) string {
	lang, _, _ := strings.Cut(strings.ToLower(locale), "-")
	w.mu.Lock()
	defer w.mu.Unlock()
	key := [2]string{name, lang}
	if text, ok := w.texts[key]; ok {
		return text
	}
	sc := w.specs[name]
	text := sc.Label
	if text == "" && sc.Spec != "" {
		if spec, err := schedule.Parse(sc.Spec); err == nil {
			text = spec.Words(lang)
		}
	}
	w.texts[key] = text
	return text
}

// scope says in the reader's words what the unsubscribe link ends.
func (w *words) scope(kind dispatcher.Kind, site *dispatcher.Site, label, locale string) string {
	p := phrasesIn(locale)
	if kind == dispatcher.KindReply {
		return say(p.replies, site.Name)
	}
	if label == "" {
		return say(p.digest, site.Name)
	}
	return say(p.digest, site.Name) + say(p.label, label)
}

// zone gives a reader's location: their own, else their site's, else UTC.
func (w *words) zone(sites map[string]dispatcher.Site) func(site, zone string) *time.Location {
	return func(site, zone string) *time.Location {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, name := range []string{zone, sites[site].Zone} {
			if name == "" {
				continue
			}
			if l := w.zones[name]; l != nil {
				return l
			}
			if l, err := schedule.LoadZone(name); err == nil {
				w.zones[name] = l
				return l
			}
		}
		return time.UTC
	}
}

// data gives what a confirm mail lists: the things asked for.
func (w *words) data(ctx context.Context, m *dispatcher.Message, sub *dispatcher.Subscriber) (map[string]string, error) {
	if m.Kind != dispatcher.KindConfirm {
		return nil, nil
	}
	subs, err := w.store.Subscriptions(ctx, sub.ID)
	if err != nil {
		return nil, err
	}
	locale := sub.Locale
	if locale == "" {
		site, err := w.store.Site(sub.Site)
		if err != nil {
			return nil, err
		}
		locale = site.Locale
	}
	p := phrasesIn(locale)
	var lines []string
	for _, s := range subs {
		if s.EndedAt.IsZero() && s.ConfirmedAt.IsZero() {
			lines = append(lines, w.askedFor(ctx, sub.Site, s.Target, p))
		}
	}
	asked, err := w.store.SignUps(ctx, sub.ID)
	if err != nil {
		return nil, err
	}
	for _, s := range asked {
		if line := w.askedFor(ctx, sub.Site, s.Target, p); !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	return map[string]string{"what": p.enumerate(lines)}, nil
}

// askedFor says what a subscription is about.
func (w *words) askedFor(ctx context.Context, site string, t dispatcher.Target, p *phrases) string {
	switch t.Type {
	case dispatcher.TargetThread:
		if title, err := w.store.ThreadTitle(ctx, site, t.ID); err == nil && title != "" {
			return say(p.thread, title)
		}
		return p.untitled
	case dispatcher.TargetComment:
		return p.comment
	case dispatcher.TargetAuthor:
		return p.author
	case dispatcher.TargetReplies:
		return p.toMe
	}
	return p.site
}
