package dispatcher_test

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// floors says who stands where. A package may import packages of lower floors
// only, and of its own room (a stage's adapters import their stage). Floor 0 is
// the domain and its leaves.
var floors = []struct {
	floor int
	rooms []string
}{
	{0, []string{"dispatcher", "dispatcher/address", "dispatcher/caught", "dispatcher/config", "dispatcher/ledger", "dispatcher/password", "dispatcher/token", "dispatcher/wire", "migrations", "templates"}},
	{1, []string{"dispatcher/client", "dispatcher/schedule", "dispatcher/store", "dispatcher/render"}},
	{2, []string{"dispatcher/source", "dispatcher/intake", "dispatcher/digest", "dispatcher/outbox", "dispatcher/bounce"}},
	{3, []string{"dispatcher/subscribe"}},
	{4, []string{"dispatcher/web"}},
	{5, []string{"dispatcher/app", "dispatcher/demo"}},
	{6, []string{"cmd", "docs/examples"}},
}

const module = "github.com/hearback/hearback/"

// room gives the longest room name that a package lies in, and its floor.
func room(pkg string) (string, int) {
	best, floor := "", -1
	for _, f := range floors {
		for _, r := range f.rooms {
			if (pkg == r || strings.HasPrefix(pkg, r+"/")) && len(r) > len(best) {
				best, floor = r, f.floor
			}
		}
	}
	return best, floor
}

func TestNoImportGoesUpOrSideways(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	dec := json.NewDecoder(strings.NewReader(string(out)))
	seen := 0
	for dec.More() {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		pkg := strings.TrimPrefix(p.ImportPath, module)
		if strings.Contains(pkg, "/internal/") { // helpers of tests and proofs stand outside the house
			continue
		}
		seen++
		from, floor := room(pkg)
		if floor < 0 {
			t.Errorf("%s is in no room of the house; give it a floor in this test and in docs/architecture.md", pkg)
		}
		for _, imp := range p.Imports {
			dep, ours := strings.CutPrefix(imp, module)
			if !ours {
				continue
			}
			if why := forbidden(pkg, from, floor, dep); why != "" {
				t.Errorf("%s imports %s: %s", pkg, dep, why)
			}
		}
	}
	if seen < 10 {
		t.Fatalf("only %d packages were looked at", seen)
	}
}

func forbidden(pkg, from string, floor int, dep string) string {
	to, depFloor := room(dep)
	switch {
	case strings.Contains(dep, "/internal/"):
		return "production code uses no test helper"
	case to == from:
		return ""
	case dep == "dispatcher/config" && from != "dispatcher/app" && from != "cmd":
		return "config is read by app and cmd only"
	case pkg == "dispatcher":
		return "the domain imports only the standard library"
	case depFloor > floor:
		return "that arrow goes up"
	case depFloor == floor && !slices.Contains([]string{"dispatcher", "dispatcher/address", "migrations", "templates"}, to):
		return "rooms of one floor do not know each other"
	case depFloor == 2 && floor == 4 && !strings.HasPrefix(dep, "dispatcher/outbox/catcher"):
		return "doors reach stages through what app hands them"
	}
	return ""
}

func TestTheDomainImportsOnlyTheStandardLibrary(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", module+"dispatcher").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	if got := strings.Fields(string(out)); !slices.Equal(got, []string{module + "dispatcher"}) {
		t.Errorf("the domain depends on %v", got)
	}
}
