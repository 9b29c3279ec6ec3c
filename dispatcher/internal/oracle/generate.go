package oracle

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// Schedules that a generated history uses besides immediate.
const (
	daily  = "daily"  // at the reader's own time
	hourly = "hourly" // at the site's time, at least three items
	weekly = "weekly" // at the reader's own time, with quiet hours of its own
)

// Generate makes a random history of about size steps. The same seed and size
// always give the same one.
func Generate(seed uint64, size int) History {
	g := &generator{rng: rand.New(rand.NewPCG(seed, 0x6865617262)), h: History{Seed: seed}}
	g.config()
	g.at = g.h.Config.Start
	for range 2 + len(g.h.Config.Readers) {
		g.step(time.Second, g.subscribe())
	}
	for len(g.h.Steps) < size {
		g.step(g.gap(), g.action())
	}
	return g.h
}

type generator struct {
	rng      *rand.Rand
	h        History
	at       time.Time
	pace     int // 0 minutes only, 1 mixed, 2 days
	threads  int
	comments []Publish // as told first
	asked    []Subscribe
	removed  map[string]bool   // by site and id
	lives    map[string]string // reader → zone
}

func (g *generator) chance(percent int) bool { return g.rng.IntN(100) < percent }

func one[T any](g *generator, of []T) T { return of[g.rng.IntN(len(of))] }

func (g *generator) step(gap time.Duration, a Action) {
	if a == nil {
		a = Pass{}
	}
	g.at = g.at.Add(gap)
	g.h.Steps = append(g.h.Steps, Step{g.at, a})
}

// The zones have whole quarters of an hour, and the days lie around changes of
// their clocks.
func (g *generator) config() {
	g.removed, g.lives = map[string]bool{}, map[string]string{}
	g.pace = g.rng.IntN(3)
	g.threads = 1 + g.rng.IntN(3)
	c := &g.h.Config
	day := one(g, []time.Time{
		time.Date(2026, 3, 5, 0, 0, 0, 0, time.UTC), time.Date(2026, 3, 26, 0, 0, 0, 0, time.UTC),
		time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 10, 22, 0, 0, 0, 0, time.UTC),
	})
	c.Start = day.Add(time.Duration(g.rng.IntN(24*60)) * time.Minute)
	c.Sites = []dispatcher.Site{{Key: "blog", Zone: "Europe/Berlin"}, {Key: "shop", Zone: "America/New_York"}}
	if g.chance(75) {
		c.Sites = c.Sites[:1]
	}
	cap3 := func() int { return 3 * g.rng.IntN(2) }
	c.Schedules = []dispatcher.Schedule{
		{Name: dispatcher.Immediate, MaxItems: cap3()},
		{Name: daily, Zone: dispatcher.ZoneSubscriber, MaxItems: cap3()},
		{Name: hourly, Zone: dispatcher.ZoneSite, MinItems: 3, MaxItems: 4 * g.rng.IntN(2)},
		{Name: weekly, Zone: dispatcher.ZoneSubscriber, MinItems: 2 * g.rng.IntN(2), Quiet: dispatcher.Quiet{From: 12 * 60, To: 13*60 + 30}},
	}
	c.Limits = dispatcher.Limits{StormMails: 2 + 3*g.rng.IntN(2), StormWithin: time.Hour, DailyCap: one(g, []int{3, 6, 100})}
	c.Settle = time.Duration(2*g.rng.IntN(2)) * time.Minute
	c.MaxAge = 14 * 24 * time.Hour
	c.AtOnce = g.chance(60)
	for i := range 2 + g.rng.IntN(3) {
		id := fmt.Sprintf("r%d", i+1)
		c.Readers = append(c.Readers, Reader{ID: id, Site: one(g, c.Sites).Key, Email: "Reader" + id + "@Example.org", Zone: g.zone(),
			AuthorIDs: []string{"u-" + id}, Confirmed: g.chance(75)})
		g.lives[id] = c.Readers[i].Zone
	}
}

func (g *generator) zone() string {
	return one(g, []string{"", "", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "UTC"})
}

func (g *generator) gap() time.Duration {
	minutes := 1 + g.rng.IntN(12)
	switch p := g.rng.IntN(100); {
	case g.pace == 0 && p < 95, g.pace == 1 && p < 65, g.pace == 2 && p < 45:
	case g.pace < 2 && p < 95, p < 65:
		minutes += 60 * g.rng.IntN(10)
	case g.pace < 2 || p < 95:
		minutes += 60 * g.rng.IntN(48)
	default:
		minutes += 60 * 24 * (3 + g.rng.IntN(5))
	}
	return time.Duration(minutes)*time.Minute + time.Duration(g.rng.IntN(60))*time.Second
}

func (g *generator) action() Action {
	switch p := g.rng.IntN(100); {
	case p < 38:
		return g.publish()
	case p < 46:
		return g.afterthought()
	case p < 55:
		return g.subscribe()
	case p < 58:
		return Confirm{Reader: g.reader().ID}
	case p < 62:
		return g.again(func(s Subscribe) Action { return End{Reader: s.Reader, Target: s.Target} })
	case p < 66:
		return g.again(func(s Subscribe) Action {
			return SetCadence{Reader: s.Reader, Target: s.Target, Schedule: g.cadence()}
		})
	case p < 69:
		return SetMute{Reader: g.reader().ID, Target: g.mute(), Off: g.chance(40)}
	case p < 78:
		return g.changeReader()
	case p < 82:
		return Read{Reader: g.reader().ID, Thread: g.thread(), Time: g.at.Add(-time.Duration(g.rng.IntN(20)) * time.Minute)}
	case p < 94:
		r := g.reader()
		s := g.h.Config.Schedule(one(g, []string{daily, daily, hourly, hourly, weekly}))
		return Fire{Schedule: s.Name, Zone: g.h.Config.Chain(s, r.Site, g.lives[r.ID]), Merged: g.rng.IntN(3)}
	case p < 97:
		return Send{}
	case p < 98:
		return Restart{}
	}
	return Pass{}
}

// changeReader changes what stands about a reader.
func (g *generator) changeReader() Action {
	i := g.rng.IntN(len(g.h.Config.Readers))
	r := g.h.Config.Readers[i].ID
	switch g.rng.IntN(9) {
	case 0, 1:
		g.lives[r] = g.zone()
		return SetZone{Reader: r, Zone: g.lives[r]}
	case 2, 3:
		return SetPause{Reader: r, Until: g.at.Add(time.Duration(15+g.rng.IntN(60*50)) * time.Minute).Truncate(time.Minute)}
	case 4, 5:
		return SetPause{Reader: r}
	case 6, 7:
		return SetQuiet{Reader: r, Quiet: one(g, []dispatcher.Quiet{{}, {From: 22 * 60, To: 7 * 60}, {From: 6*60 + 30, To: 9*60 + 15}, {From: 9 * 60, To: 8 * 60}})}
	}
	ids := []string{"u-" + r}
	if g.chance(70) {
		ids = append(ids, "v-"+r)
	}
	return Link{Reader: r, AuthorIDs: ids}
}

func (g *generator) reader() Reader { return one(g, g.h.Config.Readers) }

func (g *generator) cadence() string {
	return one(g, []string{dispatcher.Immediate, dispatcher.Immediate, daily, hourly, weekly})
}

func (g *generator) thread() string { return fmt.Sprintf("t%d", 1+g.rng.IntN(g.threads)) }

// author gives an author id and address: a reader by one of their ids, a reader
// as a guest by their address, a stranger, or a guest whom nobody knows.
func (g *generator) author() (id, email string) {
	r := g.reader()
	switch p := g.rng.IntN(100); {
	case p < 35:
		return "u-" + r.ID, ""
	case p < 45:
		return "v-" + r.ID, ""
	case p < 60:
		return "", "reader" + r.ID + "@example.ORG"
	case p < 90:
		return fmt.Sprintf("x-%d", g.rng.IntN(3)), ""
	}
	return "", ""
}

func (g *generator) publish() Action {
	site := one(g, g.h.Config.Sites).Key
	number := 1 // ids of two sites are the same on purpose
	for _, c := range g.comments {
		if c.Site == site {
			number++
		}
	}
	p := Publish{Site: site, Comment: fmt.Sprintf("c%d", number), Thread: g.thread(), Text: "words", Time: g.at}
	p.AuthorID, p.Email = g.author()
	if len(g.comments) > 0 && g.chance(65) {
		if parent := one(g, g.comments); parent.Site == site {
			p.Parent, p.Thread = parent.Comment, parent.Thread
		}
	}
	switch {
	case g.chance(10): // arrives late
		p.Time = g.at.Add(-time.Duration(1+g.rng.IntN(30)) * time.Minute)
	case g.chance(8): // approved late
		p.Written = g.at.Add(-time.Duration(1+g.rng.IntN(20)) * 24 * time.Hour)
	}
	p.Silent = g.chance(4)
	g.comments = append(g.comments, p)
	return p
}

// afterthought is another event of a comment that was told of before: an edit,
// a removal, a second door, a publication after a removal.
func (g *generator) afterthought() Action {
	if len(g.comments) == 0 {
		return nil
	}
	p := one(g, g.comments)
	key := p.Site + "/" + p.Comment
	switch n := g.rng.IntN(10); {
	case g.removed[key] && n < 6:
		g.removed[key] = false
		p.Time, p.Written = g.at, time.Time{}
		return p
	case n < 2:
		return p // another door tells the same
	case n < 5:
		return Edit{Site: p.Site, Comment: p.Comment, Thread: p.Thread, Parent: p.Parent, AuthorID: p.AuthorID, Email: p.Email, Text: "other words", Time: g.at}
	}
	g.removed[key] = true
	return Remove{Site: p.Site, Comment: p.Comment, Thread: p.Thread, Time: g.at.Add(-time.Duration(g.rng.IntN(3)) * time.Minute)}
}

func (g *generator) subscribe() Action {
	s := Subscribe{Reader: g.reader().ID, Schedule: g.cadence()}
	switch g.rng.IntN(6) {
	case 0:
		s.Target = dispatcher.Target{Type: dispatcher.TargetSite}
	case 1:
		s.Target = dispatcher.Target{Type: dispatcher.TargetThread, ID: g.thread()}
	case 2:
		s.Target = dispatcher.Target{Type: dispatcher.TargetComment, ID: "c1"}
		if len(g.comments) > 0 {
			s.Target.ID = one(g, g.comments).Comment
		}
	case 3:
		id, _ := g.author()
		if id == "" {
			id = "x-0"
		}
		s.Target = dispatcher.Target{Type: dispatcher.TargetAuthor, ID: id}
	default:
		s.Target = dispatcher.Target{Type: dispatcher.TargetReplies, Depth: one(g, []dispatcher.Depth{dispatcher.DepthDirect, dispatcher.DepthAny})}
	}
	g.asked = append(g.asked, s)
	return s
}

// again does something with a subscription that was asked for before.
func (g *generator) again(do func(Subscribe) Action) Action { return do(one(g, g.asked)) }

func (g *generator) mute() dispatcher.Target {
	if g.chance(50) {
		return dispatcher.Target{Type: dispatcher.TargetThread, ID: g.thread()}
	}
	return dispatcher.Target{Type: dispatcher.TargetAuthor, ID: fmt.Sprintf("x-%d", g.rng.IntN(3))}
}
