package web

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hearback/hearback/dispatcher/store"
)

// statsTimeout bounds what a look at /metrics may ask of the database.
const statsTimeout = 2 * time.Second

// StatsCollector shows what waits in the line, asked of the database at each
// look. It is a prometheus.Collector.
type StatsCollector struct {
	stats  func(context.Context) (store.Stats, error)
	log    *slog.Logger
	gauges []gauge
	up     *prometheus.Desc
}

// gauge is one number of the stats.
type gauge struct {
	desc *prometheus.Desc
	of   func(*store.Stats) float64
}

// NewStatsCollector makes the collector of [store.Store.Stats].
func NewStatsCollector(stats func(context.Context) (store.Stats, error), log *slog.Logger) *StatsCollector {
	c := &StatsCollector{stats: stats, log: log, up: prometheus.NewDesc("hearback_database_up", "1 when the database answered.", nil, nil)}
	add := func(name, help string, of func(*store.Stats) float64) {
		c.gauges = append(c.gauges, gauge{prometheus.NewDesc("hearback_"+name, help, nil, nil), of})
	}
	add("inbox_events", "Events that wait for intake.", func(s *store.Stats) float64 { return float64(s.Inbox) })
	add("inbox_age_seconds", "Age of the oldest event that waits for intake.", func(s *store.Stats) float64 { return s.InboxAge.Seconds() })
	add("inbox_rejected_events", "Events that were rejected and are kept.", func(s *store.Stats) float64 { return float64(s.Rejected) })
	add("settling_comments", "Publications that wait for their position.", func(s *store.Stats) float64 { return float64(s.Settling) })
	add("log_head", "Position given last.", func(s *store.Stats) float64 { return float64(s.Head) })
	add("slots_open", "Slots that are not finished.", func(s *store.Stats) float64 { return float64(s.OpenSlots) })
	add("slot_age_seconds", "Age of the oldest slot that is not finished.", func(s *store.Stats) float64 { return s.SlotAge.Seconds() })
	add("holds", "Readers whom a slot passed over.", func(s *store.Stats) float64 { return float64(s.Holds) })
	add("messages_waiting", "Mails that wait to be sent.", func(s *store.Stats) float64 { return float64(s.Waiting) })
	add("messages_in_flight", "Mails that a worker has claimed.", func(s *store.Stats) float64 { return float64(s.InFlight) })
	add("messages_overdue_seconds", "Age of the mail that is due longest.", func(s *store.Stats) float64 { return s.OverdueAge.Seconds() })
	add("workers", "Workers with a lease.", func(s *store.Stats) float64 { return float64(s.Workers) })
	add("notices_open", "Things an admin should look at.", func(s *store.Stats) float64 { return float64(s.Notices) })
	add("suppressed_addresses", "Addresses that get no mail.", func(s *store.Stats) float64 { return float64(s.Suppressed) })
	return c
}

// Describe implements prometheus.Collector.
func (c *StatsCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.up
	for _, g := range c.gauges {
		ch <- g.desc
	}
}

// Collect implements prometheus.Collector. When the database does not answer,
// hearback_database_up says so and the other numbers are left out.
func (c *StatsCollector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), statsTimeout) // the interface brings none
	defer cancel()
	s, err := c.stats(ctx)
	up := 1.0
	if err != nil {
		c.log.Warn("metrics could not be read from the database", "error", err)
		up = 0
	}
	ch <- prometheus.MustNewConstMetric(c.up, prometheus.GaugeValue, up)
	if err != nil {
		return
	}
	for _, g := range c.gauges {
		ch <- prometheus.MustNewConstMetric(g.desc, prometheus.GaugeValue, g.of(&s))
	}
}
