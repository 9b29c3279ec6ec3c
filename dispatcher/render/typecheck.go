package render

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"text/template/parse"

	"github.com/hearback/hearback/dispatcher"
)

// The parts of a mail, as problems name them.
const (
	partSubject = "subject"
	partText    = "text"
	partHTML    = "html"
)

// Problem is one thing that is wrong with a template, with the mend.
type Problem struct {
	Part    string `json:"part"` // subject, text or html
	Line    int    `json:"line"` // in the source as it was given; 0 when none can be named
	Message string `json:"message"`
	Mend    string `json:"mend"`
}

// err gives the problem as an error whose field is the part.
func (p Problem) err() error {
	msg := p.Message
	if p.Line > 0 {
		msg = fmt.Sprintf("line %d: %s", p.Line, msg)
	}
	return dispatcher.Invalid(p.Part, p.Mend, "%s", msg)
}

type problems []Problem

// first gives the first problem as an error, or nil.
func (p problems) first() error {
	if len(p) == 0 {
		return nil
	}
	return p[0].err()
}

// maxVisits bounds how many nodes one look through a template may see with all
// its calls followed; blocks that call blocks that call blocks end there.
const maxVisits = 20000

// callable tells the functions of templates.
func callable() []string {
	return []string{"and", "cut", "eq", "ge", "gt", "le", "len", "lt", "ne", "not", "or", "plural"}
}

// checker follows a template through all its calls and knows what the dot is
// everywhere, as a compiler would. Because ranges go over few known lists, each
// at most once within itself, and calls do not recur, what it accepts ends.
type checker struct {
	part   string
	set    blocks
	found  problems
	calls  []string       // blocks that are being called
	ranges []reflect.Type // lists that are being ranged over
	visits int
	placed bool // the item block was called with an item
}

// scope is where a node stands.
type scope struct {
	tree *parse.Tree
	dot  reflect.Type
	vars map[string]reflect.Type
}

// checkBlocks looks through one part. It is run on every template that is
// compiled, whether it passed [Renderer.Check] or came another way.
func checkBlocks(part string, kind dispatcher.Kind, set blocks) problems {
	c := &checker{part: part, set: set}
	root := "mail"
	if part == partSubject {
		root = "subject"
	}
	c.call(root, reflect.TypeFor[MailView](), scope{}, nil)
	if len(c.found) == 0 && part != partSubject && needsItems(kind) && !c.placed {
		c.found = append(c.found, Problem{Part: part, Message: "no comments are placed",
			Mend: `write {{range .Groups}}{{range .Items}}{{template "item" .}}{{end}}{{end}} into the block "mail"`})
	}
	return c.found
}

func (c *checker) bad(s scope, n parse.Node, mend, format string, args ...any) {
	if len(c.found) >= 50 {
		return
	}
	line := 0
	if s.tree != nil && n != nil {
		line = lineOf(s.tree, n)
	}
	p := Problem{Part: c.part, Line: line, Message: fmt.Sprintf(format, args...), Mend: mend}
	if !slices.Contains(c.found, p) {
		c.found = append(c.found, p)
	}
}

// call follows the block name with the dot as its data.
func (c *checker) call(name string, dot reflect.Type, from scope, at parse.Node) {
	tree := c.set[name]
	switch {
	case tree == nil:
		c.bad(from, at, didYouMean(name, sortedNames(c.set), "define it"), "there is no block %q", name)
		return
	case slices.Contains(c.calls, name):
		c.bad(from, at, "write it without calling itself", "the block %q calls itself", name)
		return
	case len(c.calls) > 20:
		c.bad(from, at, "call fewer blocks from blocks", "blocks are nested too deeply")
		return
	}
	if name == "item" {
		if dot != reflect.TypeFor[ItemView]() {
			c.bad(from, at, `write {{range .Items}}{{template "item" .}}{{end}}`, "the block \"item\" needs one item, not %s", say(dot))
			return
		}
		c.placed = true
	}
	if dot == nil {
		c.bad(from, at, "give it the dot: {{template \""+name+"\" .}}", "the block %q is called without data", name)
		return
	}
	c.calls = append(c.calls, name)
	ranges := c.ranges
	if name == "item" {
		c.ranges = nil // the item sees none of the lists around it
	}
	c.list(tree.Root, scope{tree, dot, map[string]reflect.Type{"$": dot}})
	c.ranges = ranges
	c.calls = c.calls[:len(c.calls)-1]
}

func (c *checker) list(l *parse.ListNode, s scope) {
	if l == nil {
		return
	}
	// Variables live to the end of their block.
	vars := make(map[string]reflect.Type, len(s.vars))
	for k, v := range s.vars {
		vars[k] = v
	}
	s.vars = vars
	for _, n := range l.Nodes {
		if c.visits++; c.visits > maxVisits {
			if c.visits == maxVisits+1 {
				c.bad(s, n, "make the template smaller, with fewer calls of blocks", "the template is too large")
			}
			return
		}
		switch n := n.(type) {
		case *parse.ActionNode:
			c.pipe(n.Pipe, s)
		case *parse.IfNode:
			c.pipe(n.Pipe, s)
			c.list(n.List, s)
			c.list(n.ElseList, s)
		case *parse.WithNode:
			inner := s
			inner.dot = c.pipe(n.Pipe, s)
			c.list(n.List, inner)
			c.list(n.ElseList, s)
		case *parse.RangeNode:
			c.ranging(n, s)
		case *parse.TemplateNode:
			var dot reflect.Type
			if n.Pipe != nil {
				dot = c.pipe(n.Pipe, s)
			}
			c.call(n.Name, dot, s, n)
		}
	}
}

func (c *checker) ranging(n *parse.RangeNode, s scope) {
	decl := n.Pipe.Decl
	bare := *n.Pipe
	bare.Decl = nil
	list := c.pipe(&bare, s)
	switch {
	case list == nil:
		return
	case list.Kind() != reflect.Slice:
		c.bad(s, n, "range over .Groups, .Items or .Paragraphs", "%s is no list to range over", n.Pipe)
		return
	case slices.Contains(c.ranges, list):
		c.bad(s, n, "range over it once", "%s is ranged over inside itself", n.Pipe)
		return
	}
	inner := s
	inner.dot = list.Elem()
	inner.vars = map[string]reflect.Type{}
	for k, v := range s.vars {
		inner.vars[k] = v
	}
	for i, v := range decl {
		if inner.vars[v.Ident[0]] = list.Elem(); len(decl) == 2 && i == 0 {
			inner.vars[v.Ident[0]] = reflect.TypeFor[int]()
		}
	}
	c.ranges = append(c.ranges, list)
	c.list(n.List, inner)
	c.ranges = c.ranges[:len(c.ranges)-1]
	c.list(n.ElseList, s)
}

// pipe gives the type of a pipeline's value, nil when an error was found in
// it. Declared variables go into the scope.
func (c *checker) pipe(p *parse.PipeNode, s scope) reflect.Type {
	if p == nil {
		return nil
	}
	var t reflect.Type
	for i, cmd := range p.Cmds {
		t = c.command(cmd, s, i > 0)
	}
	for _, v := range p.Decl {
		s.vars[v.Ident[0]] = t
	}
	return t
}

func (c *checker) command(cmd *parse.CommandNode, s scope, piped bool) reflect.Type {
	head := cmd.Args[0]
	if id, ok := head.(*parse.IdentifierNode); ok {
		var args []reflect.Type
		for _, a := range cmd.Args[1:] {
			args = append(args, c.value(a, s))
		}
		if id.Ident == "plural" {
			c.plural(cmd, s)
		}
		return c.function(id, args, s, piped)
	}
	t := c.value(head, s)
	if len(cmd.Args) > 1 || piped {
		c.bad(s, cmd, "call one of "+strings.Join(callable(), ", "), "%s is no function", head)
		return nil
	}
	return t
}

func (c *checker) function(id *parse.IdentifierNode, args []reflect.Type, s scope, piped bool) reflect.Type {
	n := len(args) + btoi(piped)
	want := map[string][2]int{"and": {1, 9}, "or": {1, 9}, "not": {1, 1}, "len": {1, 1}, "cut": {2, 2}, "plural": {1, 13}, "eq": {2, 9},
		"ne": {2, 2}, "lt": {2, 2}, "le": {2, 2}, "gt": {2, 2}, "ge": {2, 2}}
	limits, ok := want[id.Ident]
	if !ok {
		c.bad(s, id, didYouMean(id.Ident, callable(), "use one of "+strings.Join(callable(), ", ")), "there is no function %q here", id.Ident)
		return nil
	}
	if n < limits[0] || n > limits[1] {
		c.bad(s, id, "see docs/templates.md", "%s has %d arguments", id.Ident, n)
	}
	switch id.Ident {
	case "cut", "plural":
		return reflect.TypeFor[string]()
	case "len":
		return reflect.TypeFor[int]()
	case "and", "or":
		if len(args) > 0 {
			return args[len(args)-1]
		}
		return nil
	}
	return reflect.TypeFor[bool]()
}

// value gives the type of one argument, nil when it is wrong or unknown.
func (c *checker) value(n parse.Node, s scope) reflect.Type {
	switch n := n.(type) {
	case *parse.DotNode:
		return s.dot
	case *parse.FieldNode:
		return c.fields(s.dot, n.Ident, n, s)
	case *parse.VariableNode:
		t, ok := s.vars[n.Ident[0]]
		if !ok || t == nil {
			return nil
		}
		return c.fields(t, n.Ident[1:], n, s)
	case *parse.ChainNode:
		if t := c.value(n.Node, s); t != nil {
			return c.fields(t, n.Field, n, s)
		}
		return nil
	case *parse.PipeNode:
		return c.pipe(n, s)
	case *parse.IdentifierNode:
		return c.function(n, nil, s, false)
	case *parse.StringNode:
		if strings.ContainsFunc(n.Text, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' }) {
			c.bad(s, n, "remove it", "there is a control character in %s", n.Quoted)
		}
		return reflect.TypeFor[string]()
	case *parse.BoolNode:
		return reflect.TypeFor[bool]()
	case *parse.NumberNode:
		return reflect.TypeFor[int]()
	}
	return nil
}

// fields follows .A.B.C from a type.
func (c *checker) fields(t reflect.Type, names []string, n parse.Node, s scope) reflect.Type {
	for _, name := range names {
		if t == nil {
			return nil
		}
		for t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		switch t.Kind() {
		case reflect.Map:
			t = t.Elem()
		case reflect.Struct:
			next, ok := field(t, name)
			if !ok {
				c.unknownField(t, name, n, s)
				return nil
			}
			t = next
		default:
			c.bad(s, n, "leave ."+name+" out", "%s has no fields, so no .%s", say(t), name)
			return nil
		}
	}
	return t
}

func (c *checker) unknownField(t reflect.Type, name string, n parse.Node, s scope) {
	inItem := slices.Contains(c.calls, "item")
	if _, mailHas := field(reflect.TypeFor[MailView](), name); inItem && mailHas && t == reflect.TypeFor[ItemView]() {
		c.bad(s, n, `move it into the block "mail"`,
			".%s is not known in the block \"item\": an item is made once for all its readers, so it cannot see who reads it", name)
		return
	}
	c.bad(s, n, didYouMean("."+name, fieldNames(t), "use one of "+strings.Join(fieldNames(t), " ")), "%s has no field .%s", say(t), name)
}

// field gives the type of a field that templates may use.
func field(t reflect.Type, name string) (reflect.Type, bool) {
	f, ok := t.FieldByName(name)
	if !ok || !f.IsExported() || f.Tag.Get("render") == "hidden" {
		return nil, false
	}
	return f.Type, true
}

func fieldNames(t reflect.Type) []string {
	var names []string
	for _, f := range reflect.VisibleFields(t) {
		if f.IsExported() && f.Tag.Get("render") != "hidden" {
			names = append(names, "."+f.Name)
		}
	}
	slices.Sort(names)
	return names
}

// say names a type in a template author's words.
func say(t reflect.Type) string {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil {
		return "this"
	}
	switch t.Kind() {
	case reflect.Struct:
		return "the " + strings.ToLower(strings.TrimSuffix(t.Name(), "View"))
	case reflect.Slice:
		return "a list"
	case reflect.Map:
		return "the data"
	}
	return "a " + t.Kind().String()
}

// didYouMean suggests the nearest of the names when one is near.
func didYouMean(name string, names []string, otherwise string) string {
	best := dispatcher.Nearest(name, names)
	if best == "" {
		return otherwise
	}
	return "did you mean " + best + "?"
}
