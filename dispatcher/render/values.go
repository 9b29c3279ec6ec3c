package render

import "strings"

// typ is the type of a value in a program.
type typ uint8

const (
	tNone typ = iota
	tString
	tHTML
	tInt
	tBool
	tMail
	tSite
	tReader
	tLinks
	tData
	tThread
	tGroup
	tItem
	tFirst // an item that may be missing
	tComment
	tParent // may be missing
	tGroups // lists are known by whom they belong to
	tItems
	tLines
)

// nilable says that a value may be missing, which text/template calls nil.
func (t typ) nilable() bool { return t == tFirst || t == tParent }

// val is a value in a program: a string, a number, a truth (n not 0), or a
// pointer to a view. Which one it is was settled when the program was made.
type val struct {
	s   string
	n   int
	ref any
}

// set says whether a value that may be missing is there.
func (v val) set() bool {
	switch p := v.ref.(type) {
	case *ItemView:
		return p != nil
	case *ParentView:
		return p != nil
	}
	return false
}

// expr computes a value of a type.
type expr struct {
	typ typ
	get func(*machine) val
}

// access reads a field of a value.
type access struct {
	typ typ
	get func(val) val
}

func text(f func(any) string) access {
	return access{tString, func(v val) val { return val{s: f(v.ref)} }}
}

func truth(f func(any) bool) access {
	return access{tBool, func(v val) val { return val{n: btoi(f(v.ref))} }}
}

func number(f func(any) int) access {
	return access{tInt, func(v val) val { return val{n: f(v.ref)} }}
}

func view(t typ, f func(any) any) access {
	return access{t, func(v val) val { return val{ref: f(v.ref)} }}
}

// getter gives the access to a field that templates may use.
func getter(t typ, name string) (access, bool) {
	a, ok := accesses(t)[name]
	return a, ok
}

func accesses(t typ) map[string]access {
	switch t {
	case tMail:
		return mailAccesses()
	case tSite:
		return map[string]access{
			"Key":  text(func(v any) string { return v.(*SiteView).Key }),
			"Name": text(func(v any) string { return v.(*SiteView).Name }),
			"URL":  text(func(v any) string { return v.(*SiteView).URL }),
		}
	case tReader:
		return map[string]access{
			"Name":    text(func(v any) string { return v.(*ReaderView).Name }),
			"Address": text(func(v any) string { return v.(*ReaderView).Address }),
		}
	case tLinks:
		return map[string]access{
			"Unsubscribe": text(func(v any) string { return v.(*LinksView).Unsubscribe }),
			"Scope":       text(func(v any) string { return v.(*LinksView).Scope }),
			"Manage":      text(func(v any) string { return v.(*LinksView).Manage }),
			"View":        text(func(v any) string { return v.(*LinksView).View }),
			"Confirm":     text(func(v any) string { return v.(*LinksView).Confirm }),
		}
	case tThread:
		return map[string]access{
			"Title": text(func(v any) string { return v.(*ThreadView).Title }),
			"URL":   text(func(v any) string { return v.(*ThreadView).URL }),
		}
	case tGroup:
		return map[string]access{
			"Thread":  view(tThread, func(v any) any { return &v.(*GroupView).Thread }),
			"Count":   number(func(v any) int { return v.(*GroupView).Count }),
			"MuteURL": text(func(v any) string { return v.(*GroupView).MuteURL }),
			"Items":   {tItems, func(v val) val { return v }},
		}
	case tItem, tFirst:
		return map[string]access{
			"Comment": view(tComment, func(v any) any { return &v.(*ItemView).Comment }),
			"Parent":  view(tParent, func(v any) any { return v.(*ItemView).Parent }),
			"Thread":  view(tThread, func(v any) any { return &v.(*ItemView).Thread }),
			"Reason":  text(func(v any) string { return v.(*ItemView).Reason }),
			"Site":    view(tSite, func(v any) any { return &v.(*ItemView).Site }),
		}
	case tComment:
		return commentAccesses()
	case tParent:
		return map[string]access{
			"Author":  text(func(v any) string { return v.(*ParentView).Author }),
			"Excerpt": text(func(v any) string { return v.(*ParentView).Excerpt }),
			"URL":     text(func(v any) string { return v.(*ParentView).URL }),
			"Above":   truth(func(v any) bool { return v.(*ParentView).Above }),
		}
	}
	return nil
}

func mailAccesses() map[string]access {
	return map[string]access{
		"Subject":    text(func(v any) string { return v.(*MailView).Subject }),
		"Site":       view(tSite, func(v any) any { return &v.(*MailView).Site }),
		"Reader":     view(tReader, func(v any) any { return &v.(*MailView).Reader }),
		"Schedule":   text(func(v any) string { return v.(*MailView).Schedule }),
		"Since":      text(func(v any) string { return v.(*MailView).Since }),
		"Sent":       text(func(v any) string { return v.(*MailView).Sent }),
		"Count":      number(func(v any) int { return v.(*MailView).Count }),
		"Groups":     {tGroups, func(v val) val { return v }},
		"First":      view(tFirst, func(v any) any { return v.(*MailView).First }),
		"Thread":     view(tThread, func(v any) any { return &v.(*MailView).Thread }),
		"Only":       view(tThread, func(v any) any { return &v.(*MailView).Only }),
		"More":       number(func(v any) int { return v.(*MailView).More }),
		"MoreURL":    text(func(v any) string { return v.(*MailView).MoreURL }),
		"Storm":      truth(func(v any) bool { return v.(*MailView).Storm }),
		"Links":      view(tLinks, func(v any) any { return &v.(*MailView).Links }),
		"Paragraphs": {tLines, func(v val) val { return v }},
		// .Data is left to plain execution: mails with data are few.
	}
}

func commentAccesses() map[string]access {
	return map[string]access{
		"Author":    text(func(v any) string { return v.(*CommentView).Author }),
		"HTML":      {tHTML, func(v val) val { return val{s: string(v.ref.(*CommentView).HTML)} }},
		"Text":      text(func(v any) string { return v.(*CommentView).Text }),
		"Lead":      text(func(v any) string { return v.(*CommentView).Lead }),
		"URL":       text(func(v any) string { return v.(*CommentView).URL }),
		"Published": text(func(v any) string { return v.(*CommentView).Published }),
		"Written":   text(func(v any) string { return v.(*CommentView).Written }),
		"Late":      truth(func(v any) bool { return v.(*CommentView).Late }),
		"Edited":    truth(func(v any) bool { return v.(*CommentView).Edited }),
		"Cut":       truth(func(v any) bool { return v.(*CommentView).Cut }),
	}
}

// element tells how a list is walked.
type element struct {
	typ   typ
	count func(val) int
	at    func(val, int) val
}

func elements(list typ) (element, bool) {
	switch list {
	case tGroups:
		return element{tGroup, func(v val) int { return len(v.ref.(*MailView).Groups) },
			func(v val, i int) val { return val{ref: &v.ref.(*MailView).Groups[i]} }}, true
	case tItems:
		return element{tItem, func(v val) int { return len(v.ref.(*GroupView).Items) },
			func(v val, i int) val { return val{ref: &v.ref.(*GroupView).Items[i]} }}, true
	case tLines:
		return element{tString, func(v val) int { return len(v.ref.(*MailView).Paragraphs) },
			func(v val, i int) val { return val{s: v.ref.(*MailView).Paragraphs[i]} }}, true
	}
	return element{}, false
}

// truthOf gives the rule by which a value counts as true, as text/template has
// it.
func truthOf(t typ) (func(val) bool, error) {
	switch t {
	case tString, tHTML:
		return func(v val) bool { return v.s != "" }, nil
	case tInt, tBool:
		return func(v val) bool { return v.n != 0 }, nil
	case tFirst, tParent:
		return val.set, nil
	case tGroups, tItems, tLines:
		e, _ := elements(t)
		return func(v val) bool { return e.count(v) > 0 }, nil
	case tNone, tData:
		return nil, errNotQuick
	}
	return func(val) bool { return true }, nil // other views are structs, which are always true
}

// function gives the call of a function, for the types at hand.
func function(name string, args []expr) (expr, error) {
	switch name {
	case "and", "or":
		return choose(name == "or", args)
	case "not":
		if len(args) == 1 {
			is, err := truthOf(args[0].typ)
			a := args[0].get
			return expr{tBool, func(m *machine) val { return val{n: btoi(!is(a(m)))} }}, err
		}
	case "eq", "ne", "lt", "le", "gt", "ge":
		return compare(name, args)
	case "len":
		return length(args)
	case "cut":
		if len(args) == 2 && args[0].typ == tString && args[1].typ == tInt {
			s, n := args[0].get, args[1].get
			return expr{tString, func(m *machine) val {
				return val{s: cut(s(m).s, n(m).n)}
			}}, nil
		}
	case "conditional":
		if len(args) == 1 && args[0].typ == tString {
			return expr{tHTML, args[0].get}, nil
		}
	default:
		return escape(name, args)
	}
	return expr{}, errNotQuick
}

// cut is the template function.
func cut(s string, n int) string { return clip(s, max(0, min(n, 10000))) }

func choose(or bool, args []expr) (expr, error) {
	if len(args) == 0 {
		return expr{}, errNotQuick
	}
	is, err := truthOf(args[0].typ)
	if err != nil {
		return expr{}, err
	}
	for _, a := range args {
		if a.typ != args[0].typ {
			return expr{}, errNotQuick
		}
	}
	return expr{args[0].typ, func(m *machine) val {
		var v val
		for _, a := range args {
			if v = a.get(m); is(v) == or {
				break
			}
		}
		return v
	}}, nil
}

func compare(name string, args []expr) (expr, error) {
	if len(args) < 2 || len(args) > 2 && name != "eq" {
		return expr{}, errNotQuick
	}
	words := args[0].typ == tString
	for _, a := range args {
		if a.typ != args[0].typ || !words && a.typ != tInt && (a.typ != tBool || name != "eq" && name != "ne") {
			return expr{}, errNotQuick
		}
	}
	order := func(a, b val) int {
		if words {
			return strings.Compare(a.s, b.s)
		}
		return a.n - b.n
	}
	first := args[0].get
	return expr{tBool, func(m *machine) val {
		a := first(m)
		for _, arg := range args[1:] {
			if holds(name, order(a, arg.get(m))) {
				return val{n: 1}
			}
		}
		return val{}
	}}, nil
}

func holds(name string, order int) bool {
	switch name {
	case "eq":
		return order == 0
	case "ne":
		return order != 0
	case "lt":
		return order < 0
	case "le":
		return order <= 0
	case "gt":
		return order > 0
	}
	return order >= 0
}

func length(args []expr) (expr, error) {
	if len(args) != 1 {
		return expr{}, errNotQuick
	}
	a := args[0].get
	if e, ok := elements(args[0].typ); ok {
		return expr{tInt, func(m *machine) val {
			v := a(m)
			if m.err != nil {
				return val{}
			}
			return val{n: e.count(v)}
		}}, nil
	}
	if args[0].typ != tString && args[0].typ != tHTML {
		return expr{}, errNotQuick
	}
	return expr{tInt, func(m *machine) val { return val{n: len(a(m).s)} }}, nil
}
