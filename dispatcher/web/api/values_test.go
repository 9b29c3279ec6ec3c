package api

import (
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"slices"
	"strconv"
	"testing"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/wire"
)

// constants finds the values of a package's typed text constants.
func constants(t *testing.T, dir string) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	pkgs, err := parser.ParseDir(token.NewFileSet(), dir, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, pkg := range pkgs {
		ast.Inspect(pkg, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || spec.Type == nil || len(spec.Values) != 1 {
				return true
			}
			name, ok := spec.Type.(*ast.Ident)
			lit, isText := spec.Values[0].(*ast.BasicLit)
			if ok && isText && lit.Kind == token.STRING {
				v, err := strconv.Unquote(lit.Value)
				if err != nil {
					t.Fatal(err)
				}
				found[name.Name] = append(found[name.Name], v)
			}
			return true
		})
	}
	return found
}

func TestTheDocumentsValuesAreThoseOfTheSource(t *testing.T) {
	domain, own := constants(t, "../.."), constants(t, "../../wire")
	for _, c := range []struct {
		t    reflect.Type
		from map[string][]string
	}{
		{reflect.TypeFor[dispatcher.Code](), domain}, {reflect.TypeFor[dispatcher.EventType](), domain}, {reflect.TypeFor[dispatcher.TargetType](), domain},
		{reflect.TypeFor[dispatcher.Depth](), domain}, {reflect.TypeFor[dispatcher.EndedBy](), domain}, {reflect.TypeFor[dispatcher.Misfire](), domain},
		{reflect.TypeFor[dispatcher.Kind](), domain}, {reflect.TypeFor[dispatcher.State](), domain}, {reflect.TypeFor[dispatcher.Outcome](), domain},
		{reflect.TypeFor[dispatcher.Visibility](), domain}, {reflect.TypeFor[wire.SubscriptionState](), own}, {reflect.TypeFor[wire.Fate](), own},
		{reflect.TypeFor[wire.TemplateState](), own}, {reflect.TypeFor[wire.Verdict](), own}, {reflect.TypeFor[wire.Mode](), own},
	} {
		got, want := slices.Sorted(slices.Values(values(c.t))), slices.Sorted(slices.Values(c.from[c.t.Name()]))
		if len(want) == 0 || !slices.Equal(got, want) {
			t.Errorf("the values of %s are %q, in the source %q", c.t, got, want)
		}
	}
}
