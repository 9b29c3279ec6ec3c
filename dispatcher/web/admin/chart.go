package admin

import (
	"fmt"
	"strings"
	"time"
)

// chart is bars over time as the part "chart" shows it.
type chart struct {
	Title         string
	Summary       string // what it comes to, beside the title; "" where the legend says it
	Spoken        string // the same for who does not see it
	Max           string // what the tallest bar counts, "" when there is none
	Width, Height int
	Bars          []bar
	Axis          []string
	Legend        []legend
	Head          []string   // of the numbers
	Numbers       [][]string // the same for who does not see the bars
}

// bar is one rectangle. Class is bar1 to bar5, see admin.css.
type bar struct {
	X, Y, W, H float64
	Class, Tip string
}

type legend struct{ Class, Label, Total string }

// series is what a chart counts, one number a step.
type series struct {
	Label, Class string
	N            []int64
}

// timeline is the steps that the charts of a page share.
type timeline struct {
	From time.Time
	Step time.Duration
	N    int
}

// lastSteps gives the n steps of which the last holds now.
func lastSteps(now time.Time, step time.Duration, n int) timeline {
	return timeline{From: now.Truncate(step).Add(step - time.Duration(n)*step), Step: step, N: n}
}

func (l timeline) at(i int) time.Time { return l.From.Add(time.Duration(i) * l.Step) }

// long says that its steps need their day named.
func (l timeline) long() bool { return l.Step*time.Duration(l.N) > 24*time.Hour }

// The inner measures of a chart; the page stretches it to its width.
const (
	chartStep   = 10
	chartHeight = 120
	chartGap    = 1.5
)

// chart stacks series over time, the first one at the bottom.
func (v *visit) chart(title string, l timeline, all ...series) chart {
	c := chart{Title: title, Width: l.N * chartStep, Height: chartHeight, Head: []string{"From"}}
	var most int64
	var said []string
	for _, s := range all {
		var total int64
		for _, n := range s.N {
			total += n
		}
		c.Legend = append(c.Legend, legend{s.Class, s.Label, count(total)})
		c.Head = append(c.Head, s.Label)
		said = append(said, count(total)+" "+strings.ToLower(s.Label))
	}
	c.Spoken = strings.Join(said, ", ")
	for i := range l.N {
		var sum int64
		for _, s := range all {
			sum += s.N[i]
		}
		most = max(most, sum)
	}
	if most > 0 {
		c.Max = count(most)
	}
	for i := range l.N {
		c.stack(v.stepName(l, i), i, most, all)
	}
	for _, i := range []int{0, l.N / 4, l.N / 2, l.N * 3 / 4, l.N - 1} {
		name := v.stepName(l, i)
		if l.long() {
			name = l.at(i).In(v.zone).Format("Mon 2")
		}
		c.Axis = append(c.Axis, name)
	}
	return c
}

// stack puts the bars and the numbers of one step into the chart.
func (c *chart) stack(label string, i int, most int64, all []series) {
	row, y, any := []string{label}, float64(chartHeight), false
	for _, s := range all {
		n := s.N[i]
		row = append(row, count(n))
		if n <= 0 {
			continue
		}
		any = true
		h := max(float64(n)/float64(most)*chartHeight, 1.5) // a single failure among thousands is seen
		y -= h
		c.Bars = append(c.Bars, bar{X: float64(i*chartStep) + chartGap/2, Y: max(y, 0), W: chartStep - chartGap, H: h, Class: s.Class,
			Tip: fmt.Sprintf("%s: %s %s", label, count(n), strings.ToLower(s.Label))})
	}
	if any {
		c.Numbers = append(c.Numbers, row)
	}
}

// stepName names a step by when it begins, in the visitor's zone.
func (v *visit) stepName(l timeline, i int) string {
	at := l.at(i).In(v.zone)
	if l.long() {
		return at.Format("Mon 2 Jan 15:04")
	}
	return at.Format("15:04")
}
