package schedule_test

import (
	"testing"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/schedule"
)

func BenchmarkNext(b *testing.B) {
	zone := mustZone(b, "Europe/Berlin")
	for _, text := range []string{"0 8 * * *", "*/15 * * * *", "0 8 29 2 *", "@every 90m"} {
		spec := mustParse(b, text)
		b.Run(text, func(b *testing.B) {
			for b.Loop() {
				spec.Next(date(2026, 6, 1), zone)
			}
		})
	}
}

func BenchmarkDueAfterADecade(b *testing.B) {
	c := schedule.Chain{Spec: mustParse(b, "* * * * *"), Zone: mustZone(b, "Europe/Berlin"), Misfire: dispatcher.MisfireMerge, Last: date(2016, 1, 1)}
	for b.Loop() {
		c.Due(date(2026, 6, 1))
	}
}
