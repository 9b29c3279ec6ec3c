package admin

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/schedule"
	"github.com/hearback/hearback/dispatcher/store"
)

type overviewView struct {
	Spans   []option // hour, day, week
	Span    string   // "the last hour"
	Figures []fact   // of the span
	Now     []fact
	Charts  []chart
	Next    table
	Well    bool   // nothing is wrong
	Catcher string // address of the built-in mail catcher, "" without it
	Begin   bool   // nothing tells of comments yet
}

// stretch is a span of time that the overview shows.
type stretch struct {
	name, words string
	step        time.Duration
	n           int
}

// spans are the stretches to choose from; the first is shown unasked.
func spans() []stretch {
	return []stretch{
		{"hour", "the last hour", time.Minute, 60},
		{"day", "the last day", 30 * time.Minute, 48},
		{"week", "the last week", 4 * time.Hour, 42},
	}
}

func (d *Desk) overview(v *visit) error {
	chosen := spans()[0]
	page := overviewView{}
	if d.o.Catcher != "" {
		page.Catcher = strings.TrimSuffix(d.root, "/admin") + d.o.Catcher
	}
	for _, s := range spans() {
		if s.name == v.query("span") {
			chosen = s
		}
	}
	for _, s := range spans() {
		page.Spans = append(page.Spans, option{Label: strings.ToUpper(s.words[9:10]) + s.words[10:], Value: "/?span=" + s.name, Chosen: s.name == chosen.name})
	}
	page.Span = chosen.words
	stats, err := d.store.Stats(v.ctx())
	if err != nil {
		return err
	}
	if err := d.happened(v, &page, lastSteps(v.now, chosen.step, chosen.n)); err != nil {
		return err
	}
	page.Now = []fact{{"Mails waiting", d.link(count(stats.Waiting), "/messages", "/messages")}, {"Events waiting", num(count(stats.Inbox))}, {"Comments settling", num(count(stats.Settling))},
		{"Readers held", num(count(stats.Holds))}, {"Daemons sending", num(count(stats.Workers))}}
	if page.Next, err = d.runsNext(v); err != nil {
		return err
	}
	if v.faults, err = d.faults(v, &stats); err != nil {
		return err
	}
	notices, err := d.store.Notices(v.ctx())
	if err != nil {
		return err
	}
	page.Begin = stats.Head == 0 && stats.Inbox == 0 && stats.Settling == 0 && d.o.Sources == nil
	page.Well = len(v.faults) == 0 && len(notices) == 0
	return v.show("overview", "Overview", page)
}

// happened fills in what was done in a span: figures and charts.
func (d *Desk) happened(v *visit, page *overviewView, l timeline) error {
	tallies, err := d.store.Tallies(v.ctx(), l.From, l.Step, l.N)
	if err != nil {
		return err
	}
	bounced, err := d.store.Bounced(v.ctx(), l.From, l.Step, l.N)
	if err != nil {
		return err
	}
	of := func(label, class string, f func(store.Tally) int64) series {
		s := series{Label: label, Class: class, N: make([]int64, l.N)}
		for i := range tallies {
			s.N[i] = f(tallies[i])
		}
		return s
	}
	events, rejected := of("Events taken", "bar1", func(y store.Tally) int64 { return y.Events - y.Rejected }), of("Rejected", "bar3", func(y store.Tally) int64 { return y.Rejected })
	sent, deferred, failed := of("Sent", "bar1", func(y store.Tally) int64 { return y.Sent }), of("Deferred", "bar2", func(y store.Tally) int64 { return y.Deferred }),
		of("Failed", "bar3", func(y store.Tally) int64 { return y.Failed + y.Unknown })
	bounces := series{Label: "Bounced addresses", Class: "bar4", N: bounced}
	lags := make([]series, store.LagBands)
	for i, label := range []string{"Up to 1 min", "Up to 3 min", "Up to 15 min", "Up to 1 h", "Longer"} {
		lags[i] = of(label, []string{"bar5", "bar1", "bar4", "bar2", "bar3"}[i], func(y store.Tally) int64 { return y.Lags[i] })
	}
	page.Charts = []chart{v.chart("Events in", l, events, rejected), v.chart("Mails handed to the relay", l, sent, deferred, failed, bounces),
		v.chart("From comment to immediate mail", l, lags...)}
	page.Charts[2].Summary = lagWords(lags)
	page.Charts[2].Spoken = page.Charts[2].Summary
	for _, s := range []series{events, sent, deferred, failed, bounces} {
		page.Figures = append(page.Figures, fact{s.Label, num(count(total(s.N)))})
	}
	return nil
}

func total(list []int64) int64 {
	var sum int64
	for _, n := range list {
		sum += n
	}
	return sum
}

// lagWords says how soon nine of ten immediate mails went out.
func lagWords(bands []series) string {
	var all, sofar int64
	for _, b := range bands {
		all += total(b.N)
	}
	if all == 0 {
		return ""
	}
	for i, within := range []string{"1 minute", "3 minutes", "15 minutes", "1 hour"} {
		if sofar += total(bands[i].N); sofar*10 >= all*9 {
			return fmt.Sprintf("%d%% within %s of the comment, settling included", sofar*100/all, within)
		}
	}
	return fmt.Sprintf("%d%% within 1 hour of the comment, settling included", sofar*100/all)
}

// nextRuns is how many of the runs to come the overview lists.
const nextRuns = 10

// runsNext lists what fires next, the soonest first.
func (d *Desk) runsNext(v *visit) (table, error) {
	t := table{Caption: "What runs next", Columns: []string{"When", "Schedule", "Time zone"},
		Empty: empty{What: "No schedule has readers yet.", Do: "A digest runs as soon as somebody subscribes to one. Immediate mail needs no schedule: it goes out when a comment has settled."}}
	chains, err := d.store.Chains(v.ctx())
	if err != nil {
		return t, err
	}
	type run struct {
		at    time.Time
		chain store.Chain
		words string
		zone  *time.Location
	}
	var runs []run
	for _, c := range chains {
		if c.Schedule.Name == dispatcher.Immediate {
			continue
		}
		spec, err := schedule.Parse(c.Schedule.Spec)
		if err != nil {
			continue // it was checked when it was set, and the digest says so
		}
		zone, err := schedule.LoadZone(c.Zone)
		if err != nil {
			continue
		}
		if at := spec.Next(v.now, zone); !at.IsZero() {
			runs = append(runs, run{at, c, spec.Words("en"), zone})
		}
	}
	slices.SortStableFunc(runs, func(a, b run) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.chain.Schedule.Name, b.chain.Schedule.Name))
	})
	for _, r := range runs[:min(len(runs), nextRuns)] {
		zone := text(r.chain.Zone)
		if there := r.at.In(r.zone).Format("15:04"); there != r.at.In(v.zone).Format("15:04") {
			zone = zone.soft(there + " there")
		}
		t.Rows = append(t.Rows, []cell{v.at(r.at), v.d.link(r.chain.Schedule.Name, "/schedules", "/schedules/"+r.chain.Schedule.Name).soft(r.words), zone})
	}
	return t, nil
}

// link makes a cell that leads to a page, as far as the desk has its list.
func (d *Desk) link(s, list, path string) cell {
	if !d.has(list) {
		return text(s)
	}
	return link(s, path)
}

// has says whether the desk has a page in its navigation.
func (d *Desk) has(path string) bool {
	return slices.ContainsFunc(d.nav, func(g navGroup) bool {
		return slices.ContainsFunc(g.Items, func(i navItem) bool { return i.Path == path })
	})
}

// clearNotice puts a notice away. It comes back when the trouble does.
func (d *Desk) clearNotice(v *visit) error {
	topic := v.r.PostForm.Get("topic")
	list, err := d.store.Notices(v.ctx())
	if err != nil {
		return err
	}
	for _, n := range list {
		if n.Topic == topic {
			if err := v.as("notice.clear", n.Topic, n.Text, "").Clear(v.ctx(), n.Topic); err != nil {
				return err
			}
			return v.done("/", "Put away: %s", strings.TrimSuffix(n.Text, "."))
		}
	}
	return dispatcher.NotFound("open notice", topic)
}
