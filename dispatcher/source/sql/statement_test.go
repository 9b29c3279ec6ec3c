package sql

import (
	"slices"
	"strings"
	"testing"
)

func TestParametersAreFoundWhereTheyAreParameters(t *testing.T) {
	for query, want := range map[string][]string{
		"SELECT :since":                          {"since"},
		"SELECT a::text, :since::text":           {"since"},
		"SELECT ':no', \":no\", `:no`, :yes":     {"yes"},
		"SELECT 'it''s :no' || :yes":             {"yes"},
		"SELECT 1 -- :no\n, :yes":                {"yes"},
		"SELECT 1 /* :no */, :yes":               {"yes"},
		"SELECT $$ :no $$, $a$ :no $$ $a$, :yes": {"yes"},
		"SELECT a[1:n], a[:n], '12:30:00' :yes":  {"n", "yes"},
		"SELECT :a,:b,:a":                        {"a", "b", "a"},
		"SELECT '":                               nil,
		"SELECT :":                               nil,
		"SELECT :1":                              nil,
		"SELECT $1 :a$b":                         {"a"},
	} {
		st, _ := parseStatement("query", query)
		if !slices.Equal(st.names, want) {
			t.Errorf("%s: %q, want %q", query, st.names, want)
		}
	}
}

func TestTheSameNameIsTheSamePlaceholder(t *testing.T) {
	st, err := parseStatement("query", "SELECT :b, :a::text, :b ; ", "a", "b")
	if err != nil {
		t.Fatal(err)
	}
	for lite, want := range map[bool]string{false: "SELECT $1, $2::text, $1", true: "SELECT ?1, ?2::text, ?1"} {
		text, args := st.bind(lite, map[string]any{"a": 1, "b": 2})
		if text != want || !slices.Equal(args, []any{2, 1}) {
			t.Errorf("%q %v, want %q", text, args, want)
		}
	}
}

func FuzzAStatementIsCutAndNothingElse(f *testing.F) {
	f.Add("SELECT ':x' /* :y */ $a$ :z $a$ :since::text -- :limit\n:limit")
	f.Add("a[1:2] :: :_x1 ''")
	f.Fuzz(func(t *testing.T, query string) {
		st, err := parseStatement("query", query)
		if err != nil && len(st.parts) == 0 {
			return
		}
		if len(st.parts) != len(st.names)+1 {
			if err != nil {
				return // a second statement ends the cutting
			}
			t.Fatalf("%d parts, %d names", len(st.parts), len(st.names))
		}
		var b strings.Builder
		for i, name := range st.names {
			b.WriteString(st.parts[i] + ":" + name)
		}
		b.WriteString(st.parts[len(st.parts)-1])
		if want := strings.TrimRight(strings.TrimSpace(query), "; \t\r\n"); b.String() != want {
			t.Fatalf("%q became %q", want, b.String())
		}
	})
}
