package admin

// chart is bars over time as the part "chart" shows it.
type chart struct {
	Title, Summary string
	Max            string // what the tallest bar counts
	Width, Height  int
	Bars           []bar
	Axis           []string
	Legend         []legend
	Head           []string   // of the numbers
	Numbers        [][]string // the same for who does not see the bars
}

// bar is one rectangle. Class is bar1 to bar5, see admin.css.
type bar struct {
	X, Y, W, H float64
	Class, Tip string
}

type legend struct{ Class, Label, Total string }
