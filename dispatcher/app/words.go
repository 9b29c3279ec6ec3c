package app

import (
	"context"
	"fmt"
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
	german := strings.HasPrefix(strings.ToLower(locale), "de")
	switch {
	case kind == dispatcher.KindReply && german:
		return "Mails zu dieser Unterhaltung auf " + site.Name
	case kind == dispatcher.KindReply:
		return "mails about this conversation on " + site.Name
	case german && label != "":
		return fmt.Sprintf("die Sammelmail von %s (%s)", site.Name, label)
	case german:
		return "die Sammelmail von " + site.Name
	case label != "":
		return fmt.Sprintf("the digest of %s (%s)", site.Name, label)
	}
	return "the digest of " + site.Name
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
	german := strings.HasPrefix(strings.ToLower(locale), "de")
	var lines []string
	for _, s := range subs {
		if s.EndedAt.IsZero() && s.ConfirmedAt.IsZero() {
			lines = append(lines, w.askedFor(ctx, sub.Site, s.Target, german))
		}
	}
	return map[string]string{"what": enumerate(lines, german)}, nil
}

// enumerate writes a list into a sentence, at most a few of it.
func enumerate(list []string, german bool) string {
	and, more := " and ", "more"
	if german {
		and, more = " und ", "weiteres"
	}
	slices.Sort(list)
	list = slices.Compact(list)
	if len(list) > 5 {
		list = append(list[:4:4], more)
	}
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	return strings.Join(list[:len(list)-1], ", ") + and + list[len(list)-1]
}

func (w *words) askedFor(ctx context.Context, site string, t dispatcher.Target, german bool) string {
	pick := func(en, de string) string {
		if german {
			return de
		}
		return en
	}
	switch t.Type {
	case dispatcher.TargetThread:
		if title, err := w.store.ThreadTitle(ctx, site, t.ID); err == nil && title != "" {
			return pick("new comments on “"+title+"”", "neuen Kommentaren zu „"+title+"“")
		}
		return pick("new comments on one page", "neuen Kommentaren zu einer Seite")
	case dispatcher.TargetComment:
		return pick("answers below one comment", "Antworten unter einem Kommentar")
	case dispatcher.TargetAuthor:
		return pick("what one author writes", "allem, was eine Person schreibt")
	case dispatcher.TargetReplies:
		return pick("replies to your comments", "Antworten auf deine Kommentare")
	}
	return pick("all new comments of the site", "allen neuen Kommentaren")
}
