package sql

import (
	"strconv"
	"strings"

	"github.com/hearback/hearback/dispatcher"
)

// statement is a query cut at its named parameters.
type statement struct {
	field string
	parts []string // text around the parameters, one more than names
	names []string
}

// parseStatement finds :name where it is a parameter: not in strings, quoted
// names, comments or dollar quotes, and not the :: of a cast. Each of the
// wanted names must be there, and no other.
func parseStatement(field, query string, wanted ...string) (statement, error) {
	st := statement{field: field}
	query = strings.TrimRight(strings.TrimSpace(query), "; \t\r\n")
	if query == "" {
		return st, dispatcher.Invalid(field, "write a SELECT with the parameters :"+strings.Join(wanted, " and :"), "is missing")
	}
	start := 0
	for i := 0; i < len(query); {
		if n := opaque(query[i:]); n > 0 {
			i += n
			continue
		}
		if query[i] == ';' {
			return st, dispatcher.Invalid(field, "write one statement", "there is something behind the semicolon")
		}
		name := parameter(query, i)
		if name == "" {
			i++
			continue
		}
		st.parts = append(st.parts, query[start:i])
		st.names = append(st.names, name)
		i += 1 + len(name)
		start = i
	}
	st.parts = append(st.parts, query[start:])
	return st, st.check(wanted)
}

func (st *statement) check(wanted []string) error {
	has := make(map[string]bool)
	for _, n := range st.names {
		has[n] = true
	}
	for _, w := range wanted {
		if !has[w] {
			return dispatcher.Invalid(st.field, "use :"+strings.Join(wanted, " and :")+" in it", "has no parameter :%s", w)
		}
		delete(has, w)
	}
	for _, n := range st.names {
		if has[n] {
			return dispatcher.Invalid(st.field, "the parameters are :"+strings.Join(wanted, " and :"), "has an unknown parameter :%s", n)
		}
	}
	return nil
}

// parameter gives the name of the parameter that begins at i, or "".
func parameter(q string, i int) string {
	if q[i] != ':' || i > 0 && (q[i-1] == ':' || word(q[i-1])) || i+1 >= len(q) || !letter(q[i+1]) {
		return "" // a cast, an array slice such as a[1:n], or a lonely colon
	}
	j := i + 1
	for j < len(q) && word(q[j]) {
		j++
	}
	return q[i+1 : j]
}

// opaque gives the length of the string, quoted name, comment or dollar quote
// that q begins with; zero if it begins with something else.
func opaque(q string) int {
	switch {
	case q[0] == '\'' || q[0] == '"' || q[0] == '`':
		// A doubled quote ends one literal and begins the next: the same.
		return until(q, 1, q[:1])
	case strings.HasPrefix(q, "--"):
		return until(q, 2, "\n")
	case strings.HasPrefix(q, "/*"):
		return until(q, 2, "*/")
	case q[0] == '$':
		j := 1
		for j < len(q) && word(q[j]) {
			j++
		}
		if j < len(q) && q[j] == '$' {
			return until(q, j+1, q[:j+1])
		}
	}
	return 0
}

func until(q string, from int, end string) int {
	if i := strings.Index(q[from:], end); i >= 0 {
		return from + i + len(end)
	}
	return len(q)
}

func letter(b byte) bool { return b == '_' || b|0x20 >= 'a' && b|0x20 <= 'z' }
func word(b byte) bool   { return letter(b) || b >= '0' && b <= '9' }

// bind writes the statement with the database's own placeholders. The same
// name is the same placeholder.
func (st *statement) bind(lite bool, values map[string]any) (string, []any) {
	var b strings.Builder
	var args []any
	place := make(map[string]int)
	for i, name := range st.names {
		b.WriteString(st.parts[i])
		if place[name] == 0 {
			args = append(args, values[name])
			place[name] = len(args)
		}
		b.WriteByte(map[bool]byte{false: '$', true: '?'}[lite])
		b.WriteString(strconv.Itoa(place[name]))
	}
	b.WriteString(st.parts[len(st.parts)-1])
	return b.String(), args
}
