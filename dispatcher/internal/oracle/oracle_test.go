package oracle_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/internal/oracle"
)

var monday = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)

// story is a history told by hand: "1 12:30" is the next day half past noon.
type story struct {
	h oracle.History
}

func tell() *story {
	return &story{oracle.History{Config: oracle.Config{
		Start: monday,
		Sites: []dispatcher.Site{{Key: "blog", Zone: "UTC"}},
		Schedules: []dispatcher.Schedule{{Name: dispatcher.Immediate}, {Name: "daily", Zone: dispatcher.ZoneSubscriber},
			{Name: "few", Zone: dispatcher.ZoneSite, MinItems: 2}},
		Readers: []oracle.Reader{{ID: "ann", Site: "blog", Email: "Ann@example.org", AuthorIDs: []string{"u-ann"}, Confirmed: true}},
		Limits:  dispatcher.Limits{StormMails: 2, StormWithin: time.Hour, DailyCap: 4},
		AtOnce:  true,
	}}}
}

func (s *story) at(day int, clock string, a oracle.Action) *story {
	c, err := time.Parse("15:04", clock)
	if err != nil {
		panic(err)
	}
	s.h.Steps = append(s.h.Steps, oracle.Step{At: monday.AddDate(0, 0, day).Add(time.Duration(c.Hour()*60+c.Minute()) * time.Minute), Do: a})
	return s
}

func (s *story) asks(schedule string, t dispatcher.Target) *story {
	return s.at(0, "00:01", oracle.Subscribe{Reader: "ann", Target: t, Schedule: schedule})
}

// says lets somebody write comment id in thread t1, in answer to parent.
func (s *story) says(day int, clock, id, parent, author string) *story {
	s.at(day, clock, nil)
	p := &s.h.Steps[len(s.h.Steps)-1]
	p.Do = oracle.Publish{Site: "blog", Comment: id, Thread: "t1", Parent: parent, AuthorID: author, Text: "words", Time: p.At}
	return s
}

// mails lives through the story and lists "day clock comments…" of each mail.
func (s *story) mails(t *testing.T) []string {
	t.Helper()
	w := oracle.NewWorld(&s.h.Config)
	for _, step := range s.h.Steps {
		if err := w.Step(step); err != nil {
			t.Fatal(err)
		}
	}
	mails, err := w.Mails()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, m := range mails {
		line := fmt.Sprintf("%d %s", int(m.At.Sub(monday).Hours()/24), m.At.Format("15:04"))
		for _, it := range m.Items {
			line += " " + it.Comment + "/" + it.Reason.String()
		}
		out = append(out, line)
	}
	return out
}

var (
	site    = dispatcher.Target{Type: dispatcher.TargetSite}
	replies = dispatcher.Target{Type: dispatcher.TargetReplies, Depth: dispatcher.DepthAny}
	fire    = oracle.Fire{Schedule: "daily", Zone: "UTC"}
	few     = oracle.Fire{Schedule: "few", Zone: "UTC"}
)

func TestStoriesWhoseMailsAPersonCanName(t *testing.T) {
	night := dispatcher.Quiet{From: 22 * 60, To: 7 * 60}
	for _, c := range []struct {
		name string
		s    *story
		want []string
	}{
		{"an answer comes at once, one's own comment never",
			tell().asks(dispatcher.Immediate, replies).says(0, "10:00", "c1", "", "u-ann").says(0, "10:05", "c2", "c1", "u-bob").says(0, "10:06", "c3", "c2", "u-bob"),
			[]string{"0 10:05 c2/reply", "0 10:06 c3/subtree"}},
		{"a digest comes at its slot and brings each comment once",
			tell().asks("daily", site).says(0, "10:00", "c1", "", "x").at(1, "08:00", fire).says(1, "09:00", "c2", "", "x").at(2, "08:00", fire).at(3, "08:00", fire),
			[]string{"1 08:00 c1/site", "2 08:00 c2/site"}},
		{"what was removed before the slot is not told, and told once it comes back",
			tell().asks("daily", site).says(0, "10:00", "c1", "", "x").at(0, "11:00", oracle.Remove{Site: "blog", Comment: "c1", Time: monday.Add(11 * time.Hour)}).
				at(1, "08:00", fire).says(1, "09:00", "c1", "", "x").at(2, "08:00", fire),
			[]string{"2 08:00 c1/site"}},
		{"what was told is not told again when it comes back",
			tell().asks("daily", site).says(0, "10:00", "c1", "", "x").at(1, "08:00", fire).
				at(1, "09:00", oracle.Remove{Site: "blog", Comment: "c1", Time: monday.Add(33 * time.Hour)}).says(1, "10:00", "c1", "", "x").at(2, "08:00", fire),
			[]string{"1 08:00 c1/site"}},
		{"two doors tell of one comment",
			tell().asks(dispatcher.Immediate, site).says(0, "10:00", "c1", "", "x").says(0, "10:05", "c1", "", "x"),
			[]string{"0 10:00 c1/site"}},
		{"a pause ends in one catch-up",
			tell().asks(dispatcher.Immediate, site).at(0, "09:00", oracle.SetPause{Reader: "ann", Until: monday.Add(36 * time.Hour)}).
				says(0, "10:00", "c1", "", "x").says(0, "11:00", "c2", "", "x").at(1, "11:59", oracle.Pass{}).at(1, "12:00", oracle.Pass{}),
			[]string{"1 12:00 c2/site c1/site"}},
		{"a pause that is lifted ends at once",
			tell().asks("daily", site).at(0, "09:00", oracle.SetPause{Reader: "ann", Until: monday.AddDate(0, 0, 9)}).
				says(0, "10:00", "c1", "", "x").at(1, "08:00", fire).at(1, "15:00", oracle.SetPause{Reader: "ann"}),
			[]string{"1 15:00 c1/site"}},
		{"quiet hours over midnight",
			tell().asks(dispatcher.Immediate, site).at(0, "09:00", oracle.SetQuiet{Reader: "ann", Quiet: night}).
				says(0, "21:59", "c1", "", "x").says(0, "22:00", "c2", "", "x").says(1, "06:59", "c3", "", "x").at(1, "07:00", oracle.Pass{}),
			[]string{"0 21:59 c1/site", "1 07:00 c3/site c2/site"}},
		{"a storm is held for an hour after its last mail",
			tell().asks(dispatcher.Immediate, site).says(0, "10:00", "c1", "", "x").says(0, "10:10", "c2", "", "x").says(0, "10:20", "c3", "", "x").
				says(0, "10:30", "c4", "", "x").at(0, "11:09", oracle.Pass{}).at(0, "11:10", oracle.Pass{}).says(0, "11:20", "c5", "", "x"),
			[]string{"0 10:00 c1/site", "0 10:10 c2/site", "0 11:10 c4/site c3/site", "0 11:20 c5/site"}},
		{"above the daily cap the rest comes at eight, in one mail",
			tell().asks(dispatcher.Immediate, site).says(0, "12:00", "c1", "", "x").says(0, "14:00", "c2", "", "x").says(0, "16:00", "c3", "", "x").
				says(0, "18:00", "c4", "", "x").says(0, "20:00", "c5", "", "x").says(0, "22:00", "c6", "", "x").at(1, "08:00", oracle.Pass{}),
			[]string{"0 12:00 c1/site", "0 14:00 c2/site", "0 16:00 c3/site", "0 18:00 c4/site", "1 08:00 c6/site c5/site"}},
		{"below the minimum a reader waits, but not beyond seven days",
			tell().asks("few", site).says(0, "10:00", "c1", "", "x").at(1, "08:00", few).at(2, "08:00", few).at(8, "07:59", oracle.Pass{}).at(8, "08:00", oracle.Pass{}),
			[]string{"8 08:00 c1/site"}},
		{"the minimum is reached by a later slot",
			tell().asks("few", site).says(0, "10:00", "c1", "", "x").at(1, "08:00", few).says(1, "10:00", "c2", "", "x").at(2, "08:00", few),
			[]string{"2 08:00 c2/site c1/site"}},
		{"a subscription made anew begins anew",
			tell().asks("daily", site).says(0, "10:00", "c1", "", "x").at(0, "11:00", oracle.End{Reader: "ann", Target: site}).
				at(0, "12:00", oracle.Subscribe{Reader: "ann", Target: site, Schedule: "daily"}).says(0, "13:00", "c2", "", "x").at(1, "08:00", fire),
			[]string{"1 08:00 c2/site"}},
		{"a change of cadence takes along what is not told yet",
			tell().asks("daily", site).says(0, "10:00", "c1", "", "x").at(0, "11:00", oracle.SetCadence{Reader: "ann", Target: site, Schedule: dispatcher.Immediate}),
			[]string{"0 11:00 c1/site"}},
		{"what a hold kept goes along with a change of cadence",
			tell().asks("daily", site).at(0, "09:00", oracle.SetPause{Reader: "ann", Until: monday.AddDate(0, 0, 3)}).says(0, "10:00", "c1", "", "x").
				at(1, "08:00", fire).at(1, "09:00", oracle.SetCadence{Reader: "ann", Target: site, Schedule: dispatcher.Immediate}).at(3, "00:00", oracle.Pass{}),
			[]string{"3 00:00 c1/site"}},
		{"what was read on the site is not told",
			tell().asks("daily", site).says(0, "10:00", "c1", "", "x").says(0, "11:00", "c2", "", "x").
				at(0, "12:00", oracle.Read{Reader: "ann", Thread: "t1", Time: monday.Add(10 * time.Hour)}).at(1, "08:00", fire),
			[]string{"1 08:00 c2/site"}},
		{"a guest is recognised by the address",
			tell().asks("daily", replies).at(0, "10:00", oracle.Publish{Site: "blog", Comment: "c1", Thread: "t1", Email: "ANN@example.org", Text: "w", Time: monday.Add(10 * time.Hour)}).
				says(0, "11:00", "c2", "c1", "x").at(1, "08:00", fire),
			[]string{"1 08:00 c2/reply"}},
		{"another author id is linked later",
			tell().asks("daily", replies).says(0, "10:00", "c1", "", "v-ann").says(0, "11:00", "c2", "c1", "x").
				at(0, "12:00", oracle.Link{Reader: "ann", AuthorIDs: []string{"u-ann", "v-ann"}}).at(1, "08:00", fire),
			[]string{"1 08:00 c2/reply"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.s.mails(t); !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q\n%s", got, c.want, c.s.h)
			}
		})
	}
}

func TestAConfirmationWithinSevenDaysBeginsWhereItWasAskedForAndALaterOneLapses(t *testing.T) {
	for day, want := range map[int][]string{6: {"6 10:00 c1/site"}, 8: nil} {
		s := tell()
		s.h.Config.Readers[0].Confirmed = false
		s.asks(dispatcher.Immediate, site).says(1, "10:00", "c1", "", "x").at(day, "10:00", oracle.Confirm{Reader: "ann"})
		if got := s.mails(t); !slices.Equal(got, want) {
			t.Errorf("confirmed on day %d: %q, want %q", day, got, want)
		}
	}
}

func TestSettlingWaitsForSecondThoughtsAndForAParentThatIsOnItsWay(t *testing.T) {
	s := tell()
	s.h.Config.Settle = 2 * time.Minute
	s.asks(dispatcher.Immediate, replies).says(0, "10:00", "c2", "c1", "x").at(0, "10:02", oracle.Pass{})
	s.at(0, "10:03", oracle.Pass{}).says(0, "10:04", "c4", "c3", "x").says(0, "10:05", "c3", "", "u-ann").at(0, "10:06", oracle.Pass{})
	if got, want := s.mails(t), []string{"0 10:06 c4/reply"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestASeedAlwaysGivesTheSameHistoryAndItsTimesAscend(t *testing.T) {
	for seed := range uint64(50) {
		h := oracle.Generate(seed, 60)
		if again := oracle.Generate(seed, 60); !reflect.DeepEqual(h, again) || h.String() != again.String() {
			t.Fatalf("seed %d gives two histories", seed)
		}
		last := h.Config.Start
		for i, s := range h.Drained().Steps {
			if !s.At.After(last) {
				t.Fatalf("seed %d: step %d is not after the one before", seed, i)
			}
			last = s.At
		}
	}
}

func TestEveryEventOfAGeneratedHistoryIsValidAndItsIDUnique(t *testing.T) {
	kinds := map[dispatcher.EventType]int{}
	for seed := range uint64(100) {
		h := oracle.Generate(seed, 80)
		ids := map[string]bool{}
		for i := range h.Steps {
			e, ok := h.Event(i)
			if !ok {
				continue
			}
			b, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			var back dispatcher.Event
			if err := json.Unmarshal(b, &back); err != nil {
				t.Fatal(err)
			}
			if err := back.Validate(); err != nil || back.Site == "" || ids[back.ID] {
				t.Fatalf("seed %d step %d: %v\n%s", seed, i, err, b)
			}
			ids[back.ID] = true
			kinds[back.Type]++
		}
	}
	if len(kinds) != 7 {
		t.Errorf("the histories bring only %v", kinds)
	}
}

// forgetful is a machine that is right but for one kind of step, which it
// never sees.
type forgetful struct {
	*oracle.World
	of oracle.Action
}

func (m forgetful) Step(s oracle.Step) error {
	if reflect.TypeOf(s.Do) == reflect.TypeOf(m.of) {
		s.Do = oracle.Pass{}
	}
	return m.World.Step(s)
}

func TestAMachineThatForgetsSomethingIsFoundAndTheHistoryShrinks(t *testing.T) {
	for _, of := range []oracle.Action{oracle.SetMute{}, oracle.SetPause{}, oracle.SetQuiet{}, oracle.Read{}, oracle.Remove{}, oracle.End{}, oracle.SetCadence{},
		oracle.SetZone{}, oracle.Link{}, oracle.Confirm{}, oracle.Send{}, oracle.Fire{}} {
		var d *oracle.Divergence
		fails := func(h oracle.History) bool {
			_, err := oracle.Check(h.Drained(), func(h *oracle.History) (oracle.Machine, error) {
				return forgetful{oracle.NewWorld(&h.Config), of}, nil
			})
			return errors.As(err, &d)
		}
		found := false
		for seed := uint64(1); seed < 400 && !found; seed++ {
			h := oracle.Generate(seed, 80)
			if found = fails(h); !found {
				continue
			}
			least := oracle.Minimize(h, fails)
			if len(least.Steps) > 12 || !fails(least) {
				t.Errorf("%T: %d steps are left:\n%s", of, len(least.Steps), least)
			}
			if !strings.Contains(least.String(), "Subscribe{Reader:") || !strings.Contains(d.Error(), "only the") {
				t.Errorf("%T: no readable replay:\n%s\n%v", of, least, d)
			}
		}
		if !found {
			t.Errorf("nobody notices that %T is forgotten", of)
		}
	}
}

func TestTheAuditFindsWhatIsStillOwed(t *testing.T) {
	s := tell().asks("daily", site).says(0, "10:00", "c1", "", "x")
	run := func(h oracle.History) error {
		w := oracle.NewWorld(&h.Config)
		for _, step := range h.Steps {
			if err := w.Step(step); err != nil {
				return err
			}
		}
		return w.Audit()
	}
	if err := run(s.h); err == nil || !strings.Contains(err.Error(), "ann is still owed c1") {
		t.Errorf("before its slot: %v", err)
	}
	if err := run(s.h.Drained()); err != nil {
		t.Errorf("drained: %v", err)
	}
}
