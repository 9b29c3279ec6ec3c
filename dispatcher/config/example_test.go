package config

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write config.example.yaml and the tables of docs/configuration.md")

const (
	exampleFile   = "../../config.example.yaml"
	referenceFile = "../../docs/configuration.md"
)

func TestTheExampleFileIsWhatTheCodeSays(t *testing.T) {
	if *update {
		if err := os.WriteFile(exampleFile, []byte(Example()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != Example() {
		t.Error("config.example.yaml is out of date; run: go test ./dispatcher/config -update")
	}
}

func TestTheExampleLoadsAndEqualsTheDefaults(t *testing.T) {
	c, err := Load(exampleFile, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Warnings) > 0 {
		t.Errorf("warnings: %q", c.Warnings)
	}
	c.origins = nil
	if want := Default(); !reflect.DeepEqual(normal(c), normal(want)) {
		t.Errorf("got  %+v\nwant %+v", c, want)
	}
}

// normal makes lists that are empty and lists that are not there the same.
func normal(c *Config) Config {
	n := *c
	v := reflect.ValueOf(&n).Elem()
	var walkLists func(v reflect.Value)
	walkLists = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Struct:
			for i := range v.NumField() {
				if v.Type().Field(i).IsExported() {
					walkLists(v.Field(i))
				}
			}
		case reflect.Slice:
			if v.Len() == 0 {
				v.SetZero()
			}
		}
	}
	walkLists(v)
	return n
}

// uncommented takes the "# " from the entries of lists in the example.
func uncommented(text string) string {
	return regexp.MustCompile(`(?m)^# ?`).ReplaceAllStringFunc(text, func(string) string { return "" })
}

func TestEveryKeyOfTheExampleIsThereAndKnown(t *testing.T) {
	// With the entries of the lists in force, every key must be read and say
	// its default or its sample.
	text := regexp.MustCompile(`(?m)^##.*\n`).ReplaceAllString(Example(), "")
	path := filepath.Join(t.TempDir(), "all.yaml")
	if err := os.WriteFile(path, []byte(uncommented(text)), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	walk(reflect.TypeFor[Config](), "", func(at string, f field, ft reflect.Type) {
		key := regexp.MustCompile(`(?m)^ *(- )?` + f.key + `:`)
		if !key.MatchString(uncommented(text)) {
			t.Errorf("%s is not in the example", at)
		}
		if f.help == "" {
			t.Errorf("%s has no help", at)
		}
		if scalar(ft) && ft != reflect.TypeFor[Secret]() {
			if o := c.origins[strings.ReplaceAll(at, "[]", "[0]")]; o.Line == 0 {
				t.Errorf("%s was not read from the example", at)
			}
		}
	})
	for _, list := range []any{c.Sites, c.Relays, c.Schedules, c.Sources} {
		v := reflect.ValueOf(list)
		if v.Len() != 1 {
			t.Fatalf("%d entries in %v", v.Len(), v.Type())
		}
		want := sampleEntry(v.Type().Elem())
		for i := range want.NumField() {
			name := want.Type().Field(i).Name
			if have, want := fmt.Sprint(v.Index(0).Field(i)), fmt.Sprint(want.Field(i)); have != want {
				t.Errorf("%v.%s: the example says %q, the code %q", want, name, have, want)
			}
		}
	}
}

func TestTheReferenceInTheDocsIsWhatTheCodeSays(t *testing.T) {
	const begin, end = "<!-- keys: made by go test ./dispatcher/config -update -->\n", "<!-- end of keys -->"
	b, err := os.ReadFile(referenceFile)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok1 := strings.Cut(string(b), begin)
	have, after, ok2 := strings.Cut(rest, end)
	if !ok1 || !ok2 {
		t.Fatal("docs/configuration.md has lost its markers")
	}
	if *update {
		if err := os.WriteFile(referenceFile, []byte(before+begin+Reference()+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if have != Reference() {
		t.Error("docs/configuration.md is out of date; run: go test ./dispatcher/config -update")
	}
}

func TestTheDocsNameEveryKeyAndVariable(t *testing.T) {
	text := Reference()
	walk(reflect.TypeFor[Config](), "", func(at string, f field, ft reflect.Type) {
		if (scalar(ft) || scalar(elem(ft))) && (!strings.Contains(text, "`"+at+"`") || !strings.Contains(text, "`"+envOf(at, "0")+"`")) {
			t.Errorf("%s is not in the reference", at)
		}
	})
}

func elem(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Slice {
		return t.Elem()
	}
	return t
}

func TestEveryPieceOfYAMLInTheDocsLoads(t *testing.T) {
	b, err := os.ReadFile(referenceFile)
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(b), -1)
	if len(blocks) == 0 {
		t.Fatal("there are none")
	}
	for i, m := range blocks {
		password := filepath.Join(t.TempDir(), "password")
		if err := os.WriteFile(password, []byte("postgres://hearback:pw@db/hearback"), 0o600); err != nil {
			t.Fatal(err)
		}
		text := regexp.MustCompile(`_file: [^\s,}]+`).ReplaceAllString(m[1], "_file: "+password)
		if _, err := Load(file(t, text), nil); err != nil {
			t.Errorf("piece %d: %v\n%s", i, err, m[1])
		}
	}
}

func TestTheTextOfInitLoadsAndSaysWhatWasAsked(t *testing.T) {
	c, err := Load(file(t, Initial(Start{})), nil)
	if err != nil {
		t.Fatalf("with nothing given: %v\n%s", err, Initial(Start{}))
	}
	if len(c.Schedules) != 2 || c.Sites[0].Key != "default" {
		t.Errorf("%+v", c)
	}
	s := Start{
		SiteKey: "shop", SiteName: `Ann's "Shop": tea # more`, SiteURL: "https://shop.example.org", From: `"Ann's Shop" <tea@example.org>`,
		Locale: "de", Zone: "Europe/Berlin", RelayURL: "smtp://tea%40example.org@mail.example.org:587", WordPress: "https://shop.example.org",
		BaseURL: "https://mail.example.org", AdminNotify: "ann@example.org",
	}
	c, err = Load(file(t, Initial(s)), nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, Initial(s))
	}
	want := Site{Key: s.SiteKey, Name: s.SiteName, BaseURL: s.SiteURL, From: s.From, Locale: s.Locale, Zone: s.Zone, Schedule: "immediate"}
	if c.Sites[0] != want || c.HTTP.BaseURL != s.BaseURL || c.Relays[0].URL != s.RelayURL || c.Sources[0].URL != s.WordPress || c.Admin.Notify != s.AdminNotify {
		t.Errorf("%+v\n%s", c, Initial(s))
	}
}
