package render

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"text/template/parse"
)

// A program is a template part translated into steps over the views, because
// text/template spends half a microsecond of reflection on every action and a
// digest has a hundred of them. It is translated from the very trees that
// html/template has finished, escapers and all, and covers what mails use; a
// part that needs more (an action in a style or an unquoted attribute, say)
// has no program and is executed plainly, which is slower and nothing else.
type program struct {
	steps []step
	vars  int
}

// step does one thing: write text, print a value, choose, repeat.
type step func(*machine)

// machine is a program being run for one mail.
type machine struct {
	w    *lineWriter
	dot  val
	vars []val
	err  error
}

// errNil is what text/template calls a nil pointer evaluation.
var errNil = errors.New("the template reads a field of something that this mail does not have")

// run writes the part for one view.
func (p *program) run(w *lineWriter, m *machine, v *MailView) error {
	if cap(m.vars) < p.vars {
		m.vars = make([]val, p.vars)
	}
	m.vars = m.vars[:p.vars]
	m.w, m.dot, m.err = w, val{ref: v}, nil
	m.vars[0] = m.dot
	do(m, p.steps)
	clear(m.vars)
	m.w, m.dot = nil, val{}
	return m.err
}

func do(m *machine, steps []step) {
	for _, s := range steps {
		if m.err != nil {
			return
		}
		s(m)
	}
}

// errNotQuick says that a part cannot be translated.
var errNotQuick = errors.New("no program for this")

// translator makes a program. Types are known everywhere, so each step is made
// for its types and checks none at run time.
type translator struct {
	lang  *language
	trees map[string]*parse.Tree
	html  bool
	vars  int
	calls map[call][]step
}

type call struct {
	name string
	dot  typ
}

// place is where a node stands: the type of the dot and the variables in
// sight.
type place struct {
	dot  typ
	vars map[string]variable
}

type variable struct {
	slot int
	typ  typ
}

// translate gives the program of a block that is made for a reader (`mail` or
// the subject), or nil when there is none.
func (l *language) translate(root string, trees map[string]*parse.Tree, html bool) *program {
	t := &translator{lang: l, trees: trees, html: html, calls: map[call][]step{}}
	steps, err := t.block(root, tMail)
	if err != nil {
		return nil
	}
	return &program{steps: steps, vars: t.vars}
}

// block translates a block for a type of dot, once; calls share the steps. The
// caller sets the block's own $, which is in the first slot it declares.
func (t *translator) block(name string, dot typ) ([]step, error) {
	key := call{name, dot}
	if steps, ok := t.calls[key]; ok {
		return steps, nil
	}
	tree := t.trees[name]
	if tree == nil {
		return nil, errNotQuick
	}
	root := t.declare(dot)
	body, err := t.list(tree.Root, place{dot, map[string]variable{"$": root}})
	if err != nil {
		return nil, err
	}
	steps := append([]step{func(m *machine) { m.vars[root.slot] = m.dot }}, body...)
	t.calls[key] = steps
	return steps, nil
}

func (t *translator) declare(ty typ) variable {
	t.vars++
	return variable{t.vars - 1, ty}
}

func (t *translator) list(l *parse.ListNode, p place) ([]step, error) {
	if l == nil {
		return nil, nil
	}
	vars := make(map[string]variable, len(p.vars))
	for k, v := range p.vars {
		vars[k] = v
	}
	p.vars = vars
	var steps []step
	for _, n := range l.Nodes {
		s, err := t.node(n, p)
		if err != nil {
			return nil, err
		}
		if s != nil {
			steps = append(steps, s)
		}
	}
	return steps, nil
}

func (t *translator) node(n parse.Node, p place) (step, error) {
	switch n := n.(type) {
	case *parse.TextNode:
		return t.text(n.Text), nil
	case *parse.CommentNode:
		return nil, nil
	case *parse.ActionNode:
		return t.action(n.Pipe, p)
	case *parse.IfNode:
		return t.branch(&n.BranchNode, p, false)
	case *parse.WithNode:
		return t.branch(&n.BranchNode, p, true)
	case *parse.RangeNode:
		return t.repeat(n, p)
	case *parse.TemplateNode:
		return t.template(n, p)
	}
	return nil, errNotQuick
}

// text writes fixed text; whole lines in it are encoded here and never again.
func (t *translator) text(raw []byte) step {
	if strings.Count(string(raw), "\n") < 2 || t.trees["subject"] != nil {
		return func(m *machine) { m.w.raw(raw) }
	}
	fixed := makePiece(raw, t.html)
	return func(m *machine) { m.w.place(&fixed) }
}

func (t *translator) action(pipe *parse.PipeNode, p place) (step, error) {
	v, err := t.pipe(pipe, p)
	if err != nil {
		return nil, err
	}
	if len(pipe.Decl) > 0 {
		return func(m *machine) { v.get(m) }, nil
	}
	switch v.typ {
	case tString, tHTML:
		return func(m *machine) { m.w.str(v.get(m).s) }, nil
	case tInt:
		return func(m *machine) { m.w.str(strconv.Itoa(v.get(m).n)) }, nil
	}
	return nil, errNotQuick
}

func (t *translator) branch(n *parse.BranchNode, p place, with bool) (step, error) {
	// Variables that the condition declares live in both branches.
	inner := place{p.dot, map[string]variable{}}
	for k, v := range p.vars {
		inner.vars[k] = v
	}
	cond, err := t.pipe(n.Pipe, inner)
	if err != nil {
		return nil, err
	}
	truth, err := truthOf(cond.typ)
	if err != nil {
		return nil, err
	}
	then := inner
	if with {
		then.dot = cond.typ
	}
	yes, err := t.list(n.List, then)
	if err != nil {
		return nil, err
	}
	no, err := t.list(n.ElseList, inner)
	if err != nil {
		return nil, err
	}
	return func(m *machine) {
		v := cond.get(m)
		switch {
		case m.err != nil:
		case !truth(v):
			do(m, no)
		case with:
			dot := m.dot
			m.dot = v
			do(m, yes)
			m.dot = dot
		default:
			do(m, yes)
		}
	}, nil
}

func (t *translator) repeat(n *parse.RangeNode, p place) (step, error) {
	if len(n.Pipe.Decl) > 0 { // {{range $i, $x := …}} is not worth steps of its own
		return nil, errNotQuick
	}
	list, err := t.pipe(n.Pipe, p)
	if err != nil {
		return nil, err
	}
	elem, ok := elements(list.typ)
	if !ok {
		return nil, errNotQuick
	}
	body, err := t.list(n.List, place{elem.typ, p.vars})
	if err != nil {
		return nil, err
	}
	empty, err := t.list(n.ElseList, p)
	if err != nil {
		return nil, err
	}
	return func(m *machine) {
		l := list.get(m)
		if m.err != nil {
			return
		}
		n := elem.count(l)
		if n == 0 {
			do(m, empty)
			return
		}
		dot := m.dot
		for i := range n {
			m.dot = elem.at(l, i)
			do(m, body)
		}
		m.dot = dot
	}, nil
}

func (t *translator) template(n *parse.TemplateNode, p place) (step, error) {
	if n.Pipe == nil {
		return nil, errNotQuick
	}
	arg, err := t.pipe(n.Pipe, p)
	if err != nil {
		return nil, err
	}
	if n.Name == "item" && arg.typ == tItem { // the reason for all this
		return func(m *machine) {
			if v := arg.get(m); m.err == nil {
				m.w.item(v.ref.(*ItemView).slot)
			}
		}, nil
	}
	steps, err := t.block(n.Name, arg.typ)
	if err != nil {
		return nil, err
	}
	return func(m *machine) {
		dot := m.dot
		if m.dot = arg.get(m); m.err == nil {
			do(m, steps)
		}
		m.dot = dot
	}, nil
}

// pipe translates a pipeline: the first command's value goes as last argument
// into the next.
func (t *translator) pipe(n *parse.PipeNode, p place) (expr, error) {
	if n.IsAssign || len(n.Decl) > 1 {
		return expr{}, errNotQuick
	}
	var v expr
	for i, cmd := range n.Cmds {
		var err error
		if i == 0 {
			v, err = t.command(cmd, p, nil)
		} else {
			v, err = t.command(cmd, p, &v)
		}
		if err != nil {
			return expr{}, err
		}
	}
	if len(n.Decl) == 1 {
		slot, get := t.declare(v.typ), v.get
		p.vars[n.Decl[0].Ident[0]] = slot
		v.get = func(m *machine) val {
			x := get(m)
			m.vars[slot.slot] = x
			return x
		}
	}
	return v, nil
}

func (t *translator) command(cmd *parse.CommandNode, p place, last *expr) (expr, error) {
	id, ok := cmd.Args[0].(*parse.IdentifierNode)
	if !ok {
		if len(cmd.Args) > 1 || last != nil {
			return expr{}, errNotQuick
		}
		return t.value(cmd.Args[0], p)
	}
	var args []expr
	for _, a := range cmd.Args[1:] {
		v, err := t.value(a, p)
		if err != nil {
			return expr{}, err
		}
		args = append(args, v)
	}
	if last != nil {
		args = append(args, *last)
	}
	if id.Ident == "plural" {
		return t.plural(cmd, args, last != nil)
	}
	return function(id.Ident, args)
}

func (t *translator) value(n parse.Node, p place) (expr, error) {
	switch n := n.(type) {
	case *parse.DotNode:
		return expr{p.dot, func(m *machine) val { return m.dot }}, nil
	case *parse.FieldNode:
		return path(expr{p.dot, func(m *machine) val { return m.dot }}, n.Ident)
	case *parse.VariableNode:
		v, ok := p.vars[n.Ident[0]]
		if !ok {
			return expr{}, errNotQuick
		}
		return path(expr{v.typ, func(m *machine) val { return m.vars[v.slot] }}, n.Ident[1:])
	case *parse.PipeNode:
		return t.pipe(n, p)
	case *parse.IdentifierNode:
		return function(n.Ident, nil)
	case *parse.StringNode:
		s := n.Text
		return expr{tString, func(*machine) val { return val{s: s} }}, nil
	case *parse.NumberNode:
		if i := int(n.Int64); n.IsInt && !slices.Contains([]byte(n.Text), '\'') {
			return expr{tInt, func(*machine) val { return val{n: i} }}, nil
		}
	}
	return expr{}, errNotQuick
}

// path follows .A.B.C.
func path(v expr, names []string) (expr, error) {
	for _, name := range names {
		next, ok := getter(v.typ, name)
		if !ok {
			return expr{}, errNotQuick
		}
		from := v.get
		if v.typ.nilable() {
			v = expr{next.typ, func(m *machine) val {
				x := from(m)
				if !x.set() {
					m.err = errNil
					return val{}
				}
				return next.get(x)
			}}
			continue
		}
		v = expr{next.typ, func(m *machine) val {
			x := from(m)
			if m.err != nil { // something before it was nil; x is empty
				return val{}
			}
			return next.get(x)
		}}
	}
	return v, nil
}
