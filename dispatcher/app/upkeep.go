package app

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
)

// maxSkew is how far this machine's clock may be from the database's.
const maxSkew = 2 * time.Second

// skewWatch compares the clocks every minute. While they differ too much the
// daemon opens no slots, takes no leases and is not ready.
type skewWatch struct {
	store *store.Store
	log   *slog.Logger
	off   atomic.Bool
}

func newSkewWatch(s *store.Store, log *slog.Logger) *skewWatch { return &skewWatch{store: s, log: log} }

func (w *skewWatch) wrong() bool { return w.off.Load() }

func (w *skewWatch) run(ctx context.Context) error {
	for ctx.Err() == nil {
		w.look(ctx)
		select {
		case <-ctx.Done():
		case <-time.After(time.Minute):
		}
	}
	return nil
}

// look compares the clocks once. A database that does not answer changes
// nothing.
func (w *skewWatch) look(ctx context.Context) {
	skew, err := w.store.Skew(ctx)
	if err != nil {
		return
	}
	off := skew.Abs() > maxSkew
	if off == w.off.Swap(off) {
		return
	}
	if off {
		w.log.Error("this machine's clock differs from the database's: nothing is opened or claimed until it is set right (check NTP)", "skew", skew)
	} else {
		w.log.Info("the clocks agree again")
	}
}

// alarm tells the admin: by the log, by a notice that pages and metrics show,
// and by mail where admin.notify is set.
func (a *App) alarm(ctx context.Context, topic, text, mend string) {
	a.o.Log.Error(text, "topic", topic, "mend", mend)
	if err := a.Store.Raise(ctx, topic, text, mend); err != nil {
		a.o.Log.Error("the notice could not be stored", "topic", topic, "error", err)
	}
}

// upkeep does the small regular things: purging, lapsed subscriptions, notices
// by mail, the words of schedules.
func (a *App) upkeep(ctx context.Context) error {
	tick := time.NewTicker(15 * time.Second)
	defer tick.Stop()
	for n := 0; ; n++ {
		if err := a.words.reload(ctx); err != nil && ctx.Err() == nil {
			a.o.Log.Warn("reading the schedules failed", "error", err)
		}
		a.mailNotices(ctx)
		if n%4 == 0 {
			r := a.o.Config.Retention
			if schedules, err := a.Store.Schedules(ctx); err == nil {
				need := LongestWay(schedules) // a default is raised to what the schedules need
				a.purge(ctx, store.Retention{Log: max(r.Log, need), Messages: max(r.Messages, need), Events: r.Events, Rejected: r.Rejected})
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// mailNotices queues mails to admin.notify for notices nobody was mailed of.
func (a *App) mailNotices(ctx context.Context) {
	to := a.o.Config.Admin.Notify
	if to == "" || len(a.o.Config.Sites) == 0 {
		return
	}
	_, err := a.Store.MailNotices(ctx, func(list []store.Notice) ([]dispatcher.Message, error) {
		var mails []dispatcher.Message
		for _, n := range list {
			data, err := json.Marshal(map[string]string{"title": n.Text, "text": n.Text, "mend": n.Mend, "url": a.o.Config.HTTP.BaseURL})
			if err != nil {
				return nil, err
			}
			mails = append(mails, dispatcher.Message{Site: a.o.Config.Sites[0].Key, Kind: dispatcher.KindNotice, Address: to, Data: string(data), Priority: dispatcher.PriorityConfirm})
		}
		return mails, nil
	})
	if err != nil && ctx.Err() == nil {
		a.o.Log.Error("the admin could not be mailed", "error", err)
	}
}

// purge removes what is too old, step by step, until nothing is left or the
// daemon stops.
func (a *App) purge(ctx context.Context, r store.Retention) {
	for more := true; more && ctx.Err() == nil; {
		var err error
		if _, more, err = a.Store.Purge(ctx, r); err != nil {
			if ctx.Err() == nil {
				a.o.Log.Warn("purging failed; it is tried again", "error", err)
			}
			return
		}
	}
}
