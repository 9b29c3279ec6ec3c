package main

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/schedule"
)

type scheduleJSON struct {
	Name     string                `json:"name"`
	Spec     string                `json:"cron"` // "" for immediate
	Words    string                `json:"words"`
	Zone     string                `json:"time_zone"`
	Misfire  string                `json:"misfire"`
	CatchUp  string                `json:"catch_up"` // such as "7d" or "36h"
	MinItems int                   `json:"min_items"`
	MaxItems int                   `json:"max_items"`
	Quiet    string                `json:"quiet_hours"`
	Paused   bool                  `json:"paused"`
	Label    string                `json:"label,omitempty"`
	ReadOnly bool                  `json:"read_only"` // set in the configuration
	Next     []schedule.Occurrence `json:"next"`
}

// scheduleOf describes a schedule with its next n runs in a zone.
func (s *session) scheduleOf(sc *dispatcher.Schedule, zone *time.Location, n int) scheduleJSON {
	out := scheduleJSON{Name: sc.Name, Spec: sc.Spec, Zone: sc.Zone, Misfire: string(sc.Misfire), CatchUp: schedule.FormatSpan(sc.CatchUp), MinItems: sc.MinItems,
		MaxItems: sc.MaxItems, Quiet: sc.Quiet.String(), Paused: sc.Paused, Label: sc.Label, ReadOnly: sc.FromFile, Words: "at once", Next: []schedule.Occurrence{}}
	if spec, err := schedule.Parse(sc.Spec); err == nil {
		out.Words = spec.Words("en")
		out.Next = append(out.Next, spec.Upcoming(s.clock.Now(), zone, n)...)
	}
	return out
}

func newSchedule(r *root) *cobra.Command {
	return group("schedule", "See, set and run the cadences of mail",
		"  hearback schedule set daily --cron \"0 8 * * *\" --time-zone subscriber\n  hearback schedule next daily --zone Europe/Berlin",
		newScheduleList(r), newScheduleShow(r), newScheduleSet(r), newScheduleRemove(r), newSchedulePause(r, true), newSchedulePause(r, false), newScheduleNext(r), newScheduleRun(r))
}

func newScheduleList(r *root) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List all schedules with their next run", Example: "  hearback schedule list", Args: asUsed,
		RunE: r.work(func(ctx context.Context, s *session, _ []string) error {
			list, err := s.store.Schedules(ctx)
			if err != nil {
				return err
			}
			out := listJSON[scheduleJSON]{Items: []scheduleJSON{}}
			for i := range list {
				zone, err := s.zoneOf(&list[i], "")
				if err != nil {
					return err
				}
				out.Items = append(out.Items, s.scheduleOf(&list[i], zone, 1))
			}
			return s.print(out, func(p *page) {
				p.row("NAME", "CRON", "TIME ZONE", "NEXT RUN", "PAUSED", "SET IN")
				for _, sc := range out.Items {
					spec, next, where := sc.Spec, "-", "database"
					if sc.Name == dispatcher.Immediate {
						spec, next = "as it happens", "as it happens"
					}
					if len(sc.Next) > 0 {
						next = sc.Next[0].Local
					}
					if sc.ReadOnly {
						where = "config"
					}
					p.row(sc.Name, spec, sc.Zone, next, sc.Paused, where)
				}
			})
		}),
	}
}

func newScheduleShow(r *root) *cobra.Command {
	return &cobra.Command{
		Use: "show NAME", Short: "Show a schedule and its next runs", Example: "  hearback schedule show daily", Args: asUsed,
		RunE: r.work(func(ctx context.Context, s *session, args []string) error {
			sc, err := s.store.Schedule(ctx, args[0])
			if err != nil {
				return err
			}
			zone, err := s.zoneOf(&sc, "")
			if err != nil {
				return err
			}
			out := s.scheduleOf(&sc, zone, 3)
			return s.print(out, func(p *page) { showSchedule(p, &out) })
		}),
	}
}

func showSchedule(p *page, sc *scheduleJSON) {
	p.row("name", sc.Name)
	p.row("cron", strings.TrimSpace(sc.Spec+"  "+parenthesised(sc.Words)))
	p.row("time zone", sc.Zone)
	p.row("misfire", sc.Misfire+", up to "+sc.CatchUp)
	p.row("items", strconv.Itoa(sc.MinItems)+" to "+strconv.Itoa(sc.MaxItems))
	p.row("quiet hours", sc.Quiet)
	p.row("label", sc.Label)
	p.row("paused", sc.Paused)
	for _, o := range sc.Next {
		p.row("next", o.Local, o.Note)
	}
}

func parenthesised(s string) string {
	if s == "" {
		return ""
	}
	return "(" + s + ")"
}

func newScheduleSet(r *root) *cobra.Command {
	var in dispatcher.Schedule
	var misfire, quiet string
	catchUp := spanFlag(dispatcher.DefaultCatchUp)
	cmd := &cobra.Command{
		Use: "set NAME", Short: "Make a schedule, or change one", Args: asUsed,
		Example: "  hearback schedule set daily --cron \"0 8 * * *\" --time-zone subscriber\n  hearback schedule set immediate --quiet-hours 22:00-07:00",
		Long:    "Make a schedule, or change the one there is: what no flag names stays. Schedules of the\nconfiguration are changed there.",
	}
	f := cmd.Flags()
	f.StringVar(&in.Spec, "cron", "", `minute, hour, day, month, weekday, such as "0 8 * * *"; or @hourly, @daily, @weekly, @monthly, @every 6h`)
	f.StringVar(&in.Zone, "time-zone", "", "site (each site's own), subscriber (each reader's own), or an IANA name")
	f.StringVar(&misfire, "misfire", "", "what becomes of firings that were missed: merge or skip")
	f.Var(&catchUp, "catch-up", "firings missed longer ago than this are skipped, such as 36h or 7d")
	f.IntVar(&in.MinItems, "min-items", 0, "fewer comments than this wait for the next run, at most 7 days")
	f.IntVar(&in.MaxItems, "max-items", 0, "more comments than this are counted and linked, not shown")
	f.StringVar(&quiet, "quiet-hours", "", "nothing is mailed in these hours of the reader's day, such as 22:00-07:00")
	f.StringVar(&in.Label, "label", "", "what readers see")
	cmd.RunE = r.work(func(ctx context.Context, s *session, args []string) error {
		sc, err := s.store.Schedule(ctx, args[0])
		if dispatcher.CodeOf(err) == dispatcher.CodeNotFound {
			sc, err = schedule.New(args[0], ""), nil
		}
		if err != nil {
			return err
		}
		q, err := dispatcher.ParseQuiet(quiet)
		if err != nil {
			return err
		}
		for name, set := range map[string]func(){
			"cron": func() { sc.Spec = in.Spec }, "time-zone": func() { sc.Zone = in.Zone }, "misfire": func() { sc.Misfire = dispatcher.Misfire(misfire) },
			"catch-up": func() { sc.CatchUp = time.Duration(catchUp) }, "min-items": func() { sc.MinItems = in.MinItems },
			"max-items": func() { sc.MaxItems = in.MaxItems }, "quiet-hours": func() { sc.Quiet = q }, "label": func() { sc.Label = in.Label },
		} {
			if cmd.Flags().Changed(name) {
				set()
			}
		}
		return s.setSchedule(ctx, sc)
	})
	return cmd
}

func (s *session) setSchedule(ctx context.Context, sc dispatcher.Schedule) error {
	sc.FromFile = false // the store refuses to change one of the configuration
	if err := schedule.Validate(sc); err != nil {
		return err
	}
	zone, err := s.zoneOf(&sc, "")
	if err != nil {
		return err
	}
	created, err := s.did("schedule.set", sc.Name, "", sc.Spec).PutSchedule(ctx, sc)
	if err != nil {
		return err
	}
	out := struct {
		Created bool `json:"created"`
		scheduleJSON
	}{created, s.scheduleOf(&sc, zone, 3)}
	return s.print(out, func(p *page) {
		if created {
			p.line("made the schedule %s", sc.Name)
		} else {
			p.line("changed the schedule %s", sc.Name)
		}
		showSchedule(p, &out.scheduleJSON)
	})
}

func newScheduleRemove(r *root) *cobra.Command {
	var moveTo string
	cmd := &cobra.Command{
		Use: "remove NAME", Short: "Remove a schedule; one in use needs --move-to", Example: "  hearback schedule remove daily --move-to weekly", Args: asUsed,
		RunE: r.work(func(ctx context.Context, s *session, args []string) error {
			if err := s.did("schedule.remove", args[0], "", moveTo).DeleteSchedule(ctx, args[0], moveTo); err != nil {
				return err
			}
			return s.print(map[string]string{"removed": args[0]}, func(p *page) { p.line("removed %s", args[0]) })
		}),
	}
	cmd.Flags().StringVar(&moveTo, "move-to", "", "the schedule that takes its readers")
	return cmd
}

func newSchedulePause(r *root, pause bool) *cobra.Command {
	verb, short := "resume", "Let a paused schedule run again; its first run carries all that waited"
	if pause {
		verb, short = "pause", "Stop a schedule; what comes meanwhile waits"
	}
	return &cobra.Command{
		Use: verb + " NAME", Short: short, Example: "  hearback schedule " + verb + " daily", Args: asUsed,
		RunE: r.work(func(ctx context.Context, s *session, args []string) error {
			if err := s.did("schedule."+verb, args[0], "", "").PauseSchedule(ctx, args[0], pause); err != nil {
				return err
			}
			out := struct {
				Name   string `json:"name"`
				Paused bool   `json:"paused"`
			}{args[0], pause}
			return s.print(out, func(p *page) { p.line("%s is %s", args[0], map[bool]string{true: "paused", false: "running"}[pause]) })
		}),
	}
}

func newScheduleNext(r *root) *cobra.Command {
	var n int
	var zone, spec, from string
	cmd := &cobra.Command{
		Use: "next [NAME]", Short: "Show when a schedule, or a cron spec, runs next", Args: asUsed,
		Example: "  hearback schedule next daily --count 10 --zone Europe/Berlin\n  hearback schedule next --cron \"30 2 * * *\" --zone Europe/Berlin --from 2026-03-27T00:00:00Z",
		RunE: r.work(func(ctx context.Context, s *session, args []string) error {
			if (spec == "") == (len(args) == 0) {
				return dispatcher.Invalid("NAME", "usage: hearback schedule next NAME, or --cron SPEC", "give a schedule or a cron spec")
			}
			sc := schedule.New("", spec)
			if len(args) > 0 {
				var err error
				if sc, err = s.store.Schedule(ctx, args[0]); err != nil {
					return err
				}
			}
			return s.showNext(&sc, zone, from, n)
		}),
	}
	cmd.Flags().IntVar(&n, "count", 5, "how many runs")
	cmd.Flags().StringVar(&zone, "zone", "", "show it in this time zone (default the schedule's, or the site's)")
	cmd.Flags().StringVar(&spec, "cron", "", "a spec in place of a schedule")
	cmd.Flags().StringVar(&from, "from", "", "runs after this time, RFC 3339 (default now)")
	return cmd
}

func (s *session) showNext(sc *dispatcher.Schedule, zoneName, from string, n int) error {
	if sc.Name == dispatcher.Immediate {
		return dispatcher.Invalid("NAME", "ask for another schedule; see: hearback schedule list", "immediate runs whenever comments have settled, not by the clock")
	}
	if n < 1 || n > schedule.MaxUpcoming {
		return dispatcher.Invalid("--count", "use 1 to "+strconv.Itoa(schedule.MaxUpcoming), "%d is out of range", n)
	}
	spec, err := schedule.Parse(sc.Spec)
	if err != nil {
		return err
	}
	zone, err := s.zoneOf(sc, zoneName)
	if err != nil {
		return err
	}
	after := s.clock.Now()
	if from != "" {
		if after, err = time.Parse(time.RFC3339, from); err != nil {
			return dispatcher.Invalid("--from", "give RFC 3339 with an offset, such as 2026-03-27T00:00:00Z", "%q is no time", from)
		}
	}
	out := struct {
		Schedule string                `json:"schedule,omitempty"`
		Spec     string                `json:"cron"`
		Words    string                `json:"words"`
		Zone     string                `json:"time_zone"`
		Next     []schedule.Occurrence `json:"next"`
	}{sc.Name, spec.String(), spec.Words("en"), zone.String(), spec.Upcoming(after, zone, n)}
	return s.print(out, func(p *page) {
		p.line("%s, in the time zone %s", out.Words, out.Zone)
		for _, o := range out.Next {
			p.row(o.Local, when(o.At), o.Note)
		}
	})
}

// zoneOf gives the zone in which to show a schedule: the one that was asked
// for, its own, or that of the first site.
func (s *session) zoneOf(sc *dispatcher.Schedule, asked string) (*time.Location, error) {
	name := asked
	if name == "" {
		name = sc.Zone
	}
	if asked == "" && (name == dispatcher.ZoneSite || name == dispatcher.ZoneSubscriber || name == "") {
		name = s.cfg.Sites[0].Zone
	}
	return schedule.LoadZone(name)
}

func newScheduleRun(r *root) *cobra.Command {
	return &cobra.Command{
		Use: "run NAME", Short: "Open a slot of a schedule now, in each of its time zones", Example: "  hearback schedule run daily", Args: asUsed,
		Long: "Open a slot now, in each of the schedule's time zones: a running daemon makes the mails of it.\nThe next regular run carries only what comes after it.",
		RunE: r.work(func(ctx context.Context, s *session, args []string) error {
			return s.runSchedule(ctx, args[0])
		}),
	}
}

type slotJSON struct {
	Zone   string `json:"time_zone"`
	Opened bool   `json:"opened"` // false when nothing is new, or a daemon was faster
}

func (s *session) runSchedule(ctx context.Context, name string) error {
	runs, err := s.store.RunNow(ctx, name)
	if e := (*dispatcher.Error)(nil); errors.As(err, &e) && e.Code == dispatcher.CodeConflict {
		e.Field, e.Mend = "NAME", "run: hearback schedule resume "+name
	}
	if err != nil {
		return err
	}
	slots := make([]slotJSON, len(runs))
	for i, r := range runs {
		slots[i] = slotJSON(r)
	}
	out := struct {
		Schedule string     `json:"schedule"`
		Slots    []slotJSON `json:"slots"`
	}{name, slots}
	return s.print(out, func(p *page) {
		if len(slots) == 0 {
			p.line("nothing to open: no reader is on the schedule %s yet", name)
		}
		for _, sl := range slots {
			text := "opened"
			if !sl.Opened {
				text = "not opened: nothing is new"
			}
			p.row(name, sl.Zone, text)
		}
	})
}
