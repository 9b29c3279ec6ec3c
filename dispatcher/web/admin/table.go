package admin

// badge is a word in a colour that means something, never colour alone.
type badge struct {
	Tone string // good, warn, bad, info or "" for plain
	Text string
}

// cell is one cell of a table, or the value of a fact. Of its parts those are
// shown that are set, in this order.
type cell struct {
	Badge *badge
	Text  string
	Path  string  // of the desk: the text is a link to it
	Mono  bool    // codes, addresses, ids
	Num   bool    // lines up at its end
	Soft  string  // a second line, less important
	Time  *moment // shown by the part "time"
	Acts  []button
}

// button is a form of one button.
type button struct {
	Action string // path of the desk
	Label  string
	Hidden []pair // what is sent along
	Sure   string // the question that is asked first, "" to act at once
	Danger bool
	Of     string // what it is about, for who does not see the row
}

type pair struct{ Name, Value string }

func text(s string) cell          { return cell{Text: s} }
func code(s string) cell          { return cell{Text: s, Mono: true} }
func link(s, path string) cell    { return cell{Text: s, Path: path} }
func num(s string) cell           { return cell{Text: s, Num: true} }
func tag(tone, s string) cell     { return cell{Badge: &badge{tone, s}} }
func acts(b ...button) cell       { return cell{Acts: b} }
func (c cell) soft(s string) cell { c.Soft = s; return c }

// at makes a cell of a time.
func (v *visit) at(t any) cell {
	m := v.when(t)
	return cell{Time: &m}
}

// table is a list as the part "table" shows it. On a phone each row is a card
// whose lines are named by the columns.
type table struct {
	Caption string // what it lists, for who does not see it
	Columns []string
	Rows    [][]cell
	Empty   empty
	Next    string // address of the next page, "" on the last
	First   string // address of the first page, "" on it
}

// Column names the column of a cell.
func (t table) Column(i int) string {
	if i < len(t.Columns) {
		return t.Columns[i]
	}
	return ""
}

// Num says that the cells of a column are numbers.
func (t table) Num(i int) bool { return len(t.Rows) > 0 && i < len(t.Rows[0]) && t.Rows[0][i].Num }

// empty is what stands where nothing is to list: what it means and what to do.
type empty struct {
	What, Do     string
	Path, Action string // a link, "" for none
}

// fact is a line of a definition list, the part "facts".
type fact struct {
	Name  string
	Value cell
}
