package api_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
	"github.com/hearback/hearback/dispatcher/subscribe/subscribetest"
	"github.com/hearback/hearback/dispatcher/web/api"
)

// TestCallsMadeOfTheDocumentNeverBreakTheDoor reads the OpenAPI document as a
// stranger would and makes calls of it: right ones, nearly right ones and
// rubbish, with seeds, so that a failure comes again. Whatever is sent: no 5xx,
// only statuses that the document names, every answer in its schema, every
// error a problem with a mend. And each operation must have worked at least
// once, or the calls did not go deep enough to say anything.
func TestCallsMadeOfTheDocumentNeverBreakTheDoor(t *testing.T) {
	worked := map[string]bool{}
	var operations int
	for seed := range uint64(6) {
		d := busy(t)
		f := &fuzzer{door: d, r: rand.New(rand.NewPCG(seed, 7)), seed: seed}
		ops := f.operations()
		operations = len(ops)
		for range 12 {
			for _, op := range ops {
				if f.call(op) {
					worked[op.method+" "+op.path] = true
				}
			}
		}
	}
	if operations < 40 {
		t.Fatalf("the document has %d operations", operations)
	}
	d := open(t)
	for _, op := range (&fuzzer{door: d}).operations() {
		if name := op.method + " " + op.path; !worked[name] {
			t.Errorf("%s never worked: the calls do not go deep enough", name)
		}
	}
}

// TestNoCallWithAnotherSitesKeyReadsOrChangesAnything makes the same calls with
// an admin's key of the other site, which names what this one has: numbers, ids,
// addresses. Nothing of this site may be in an answer, nor be another afterwards.
func TestNoCallWithAnotherSitesKeyReadsOrChangesAnything(t *testing.T) {
	for seed := range uint64(3) {
		d := busy(t)
		before := d.everything("blog")
		d.key = d.newKey([]string{"shop"}, store.RightAdmin)
		f := &fuzzer{door: d, r: rand.New(rand.NewPCG(seed, 11)), seed: seed, site: "shop"}
		worked := 0
		for range 12 {
			for _, op := range f.operations() {
				if f.chance(10) {
					f.want(f.named(op.method, op.path+"?site=blog"), 403, "code", "forbidden")
				}
				if !f.call(op) {
					continue
				}
				worked++
				for _, theirs := range []string{`"site":"blog"`, "no such user"} {
					if strings.Contains(f.last.text, theirs) {
						t.Errorf("seed %d: %s %s tells another site's key %s", seed, op.method, op.path, f.last.text)
					}
				}
			}
		}
		if worked < 50 {
			t.Errorf("only %d calls worked: they do not go deep enough", worked)
		}
		if after := d.everything("blog"); after != before {
			t.Errorf("seed %d: another site's key changed\n%s\nto\n%s", seed, before, after)
		}
	}
}

// named makes a call with names in its path.
func (f *fuzzer) named(method, path string) reply {
	return f.door.call(method, strings.NewReplacer("{id}", "1", "{name}", "daily", "{kind}", "test", "{locale}", "en", "{version}", "1", "{address}", "ann@example.org").Replace(path), "")
}

// everything writes down all that a site has.
func (d *door) everything(site string) string {
	d.TB.Helper()
	ctx := d.Context()
	subs, err := d.Store.Subscribers(ctx, site, "", 0, 1000)
	d.Must(err)
	var mutes []any
	for i := range subs {
		m, err := d.Store.Mutes(ctx, subs[i].ID)
		d.Must(err)
		mutes = append(mutes, m)
	}
	followed, err := d.Store.SubscriptionPage(ctx, store.SubscriptionFilter{Site: site, Limit: 1000})
	d.Must(err)
	mails, err := d.Store.Messages(ctx, store.MessageFilter{Site: site, Limit: 1000})
	d.Must(err)
	suppressed, err := d.Store.Suppressions(ctx, site, "", 1000)
	d.Must(err)
	rejected, err := d.Store.RejectedEvents(ctx, site, 0, 1000)
	d.Must(err)
	templates, err := d.Store.Templates(ctx, site)
	d.Must(err)
	schedules, err := d.Store.Schedules(ctx)
	d.Must(err)
	switches, err := d.Store.Switches(ctx)
	d.Must(err)
	switches = slices.DeleteFunc(switches, func(s store.Switch) bool { return s.Scope == "site:shop" })
	if len(switches) == 0 {
		switches = nil
	}
	b, err := json.MarshalIndent([]any{subs, mutes, followed, mails, suppressed, rejected, templates, schedules, switches}, "", " ")
	d.Must(err)
	return string(b)
}

// busy is a door with something behind each path.
func busy(t *testing.T) *door {
	d := openWith(t, api.Options{Rate: 1e6})
	d.Reader("blog", "ann", subscribetest.Thread("p1"))
	d.Reader("blog", "ben", subscribetest.Thread("p1"))
	d.Publish("blog", [3]string{"p1", "c1", "u1"}, [3]string{"p1", "c2", "u2"})
	d.Fire(dispatcher.Immediate)
	w, err := d.Store.RegisterWorker(t.Context(), "test", time.Minute)
	d.Must(err)
	ms, err := d.Store.Claim(t.Context(), w, 10, nil)
	d.Must(err)
	for _, m := range ms {
		_, err = d.Store.Complete(t.Context(), []store.Completion{{Message: m.ID, Owner: w, State: dispatcher.StateFailed, Why: "refused", Charge: 1,
			Attempt: &dispatcher.Attempt{At: d.Clock.Now(), Relay: "smtp", Outcome: dispatcher.OutcomeFailed, Code: 550, Text: "no such user"}}})
		d.Must(err)
	}
	for i := range 5 {
		d.call("POST", "/v1/events", fmt.Sprintf(`{"id":"bad%d","type":"nonsense","time":"2026-06-08T09:59:00Z"}`, i))
	}
	for _, subject := range []string{"One", "Two"} {
		d.want(d.call("PUT", "/v1/templates/test/en", `{"subject":"`+subject+`"}`), 201)
		d.call("POST", "/v1/templates/test/en/versions/1/publish", "")
	}
	d.want(d.call("PUT", "/v1/suppressions/ann@example.org", ""), 200)
	d.key = d.newKey(nil, store.RightAdmin)
	return d
}

// fuzzer makes calls of the document.
type fuzzer struct {
	*door
	r     *rand.Rand
	seed  uint64
	calls int
	site  string // that most calls name; "" for blog
	last  reply
}

type operation struct {
	method, path string
	def          map[string]any
}

func (f *fuzzer) operations() []operation {
	var out []operation
	paths := f.contract.doc["paths"].(map[string]any)
	for _, p := range sortedKeys(paths) {
		ops := paths[p].(map[string]any)
		for _, m := range sortedKeys(ops) {
			out = append(out, operation{strings.ToUpper(m), p, ops[m].(map[string]any)})
		}
	}
	return out
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys) // a seed must mean the same calls
	return keys
}

func (f *fuzzer) chance(percent int) bool { return f.r.IntN(100) < percent }

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// call makes one call and says whether it worked.
func (f *fuzzer) call(op operation) bool {
	path, query, headers := op.path, url.Values{}, []string{"Origin", ""}
	if !f.chance(4) {
		query.Set("site", cmp.Or(f.site, "blog"))
	}
	for _, p := range op.def["parameters"].([]any) {
		p := p.(map[string]any)
		name, schema := p["name"].(string), p["schema"].(map[string]any)
		switch p["in"] {
		case "path":
			path = strings.Replace(path, "{"+name+"}", f.part(name, schema), 1)
		case "query":
			if name != "site" && (p["required"] == true && !f.chance(5) || f.chance(30)) {
				query.Set(name, f.parameter(name, schema))
			}
		case "header":
			if f.chance(10) {
				headers = append(headers, name, pick(f.r, []string{"k1", "k2", strings.Repeat("k", 300), "two words", "ü"}))
			}
		}
	}
	if f.chance(3) {
		query.Set(pick(f.r, []string{"stat", "x", "limit "}), "1")
	}
	body, media := f.body(op)
	if media != "" {
		headers = append(headers, "Content-Type", media)
	}
	if f.chance(2) {
		headers = append(headers, "Authorization", "Bearer hb_nobody")
	}
	f.calls++
	target := path + "?" + query.Encode()
	res, err := f.send(op.method, target, body, headers...)
	if err != nil {
		f.TB.Errorf("seed %d, call %d: %s %s: %v", f.seed, f.calls, op.method, target, err)
		return false
	}
	f.last = res
	err = f.contract.fits(op.method, target, res)
	if res.status >= 500 {
		err = fmt.Errorf("%d %s", res.status, res.text)
	}
	if err != nil {
		f.TB.Errorf("seed %d, call %d: %s %s %v\n%s\n%v", f.seed, f.calls, op.method, target, headers, clipped(body), err)
	}
	return res.status < 300
}

func clipped(s string) string {
	if len(s) > 2000 {
		return s[:2000] + "…"
	}
	return s
}

// part makes a part of a path.
func (f *fuzzer) part(name string, schema map[string]any) string {
	known := map[string][]string{
		"id": {"1", "2", "3", "4", "5", "ann", "ben"}, "name": {"daily", "weekly", "immediate", "blog-wp", "mine"}, "kind": {"test", "test", "reply", "digest"}, "locale": {"en", "de", "pt-BR"},
		"version": {"1", "2"}, "address": {"ann@example.org", "ben@example.org", "new@example.org"},
	}
	text := f.text(schema)
	if list := known[name]; list != nil && f.chance(85) {
		text = pick(f.r, list)
	}
	text = strings.NewReplacer(".", "%2E").Replace(url.PathEscape(text))
	if text == "" {
		return "x"
	}
	return text
}

// parameter makes a parameter of the address.
func (f *fuzzer) parameter(name string, schema map[string]any) string {
	known := map[string][]string{"subscriber": {"ann", "ben"}, "comment": {"c1", "c2"}, "after": {"1", "2", "ann@example.org"}, "id": {"p1", "u1", ""}, "zone": {"Asia/Tokyo", "Mars"}, "move_to": {"weekly", "daily"}}
	if list := known[name]; list != nil && f.chance(80) {
		return pick(f.r, list)
	}
	return fmt.Sprint(f.value(schema, 0))
}

// body makes a body for an operation, and names its media type.
func (f *fuzzer) body(op operation) (body, media string) {
	def, ok := op.def["requestBody"].(map[string]any)
	if !ok {
		if f.chance(5) {
			return "{}", "application/json"
		}
		return "", ""
	}
	content := def["content"].(map[string]any)
	media = pick(f.r, sortedKeys(content))
	form := content[media].(map[string]any)
	if def["required"] != true && f.chance(30) {
		return "", ""
	}
	n := 1
	if media == ndjson {
		n = f.r.IntN(5)
	}
	var lines []string
	for range n {
		lines = append(lines, f.json(form))
	}
	body = strings.Join(lines, "\n")
	switch f.r.IntN(40) {
	case 0:
		body = body[:f.r.IntN(len(body)+1)]
	case 1:
		body = "\xff" + body
	case 2:
		media = pick(f.r, []string{"text/plain", "application/xml", "application/json; charset=latin1", "//"})
	case 3:
		body = strings.Repeat("[", 20000)
	}
	return body, media
}

// json makes one value: the document's example, one of its schema, or one with
// something wrong in it.
func (f *fuzzer) json(form map[string]any) string {
	v := f.value(form["schema"].(map[string]any), 0)
	if example := form["example"]; example != nil && f.chance(40) {
		v = example
	}
	b, err := json.Marshal(v)
	f.Must(err)
	if !f.chance(30) {
		return string(b)
	}
	var copied any
	f.Must(json.Unmarshal(b, &copied))
	b, err = json.Marshal(f.spoil(copied))
	f.Must(err)
	return string(b)
}

// spoil changes one place of a value.
func (f *fuzzer) spoil(v any) any {
	switch v := v.(type) {
	case map[string]any:
		keys := sortedKeys(v)
		if len(keys) > 0 && f.chance(60) {
			k := pick(f.r, keys)
			v[k] = f.spoil(v[k])
			return v
		}
		if len(keys) > 0 && f.chance(50) {
			delete(v, pick(f.r, keys))
			return v
		}
		v[pick(f.r, []string{"x", "emial", "ID", ""})] = f.odd()
		return v
	case []any:
		if len(v) > 0 && f.chance(50) {
			v[0] = f.spoil(v[0])
			return v
		}
		return append(v, f.odd())
	}
	return f.odd()
}

func (f *fuzzer) odd() any {
	return pick(f.r, []any{nil, true, 0, -1, 1e300, 9007199254740993, "", "x", "\x00", "a\u202eb", "'; DROP TABLE hearback_subscriber; --", strings.Repeat("ä", 600), []any{}, []any{nil}, map[string]any{},
		map[string]any{"a": []any{map[string]any{}}}, "2026-02-30T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"})
}

// value makes a value of a schema.
func (f *fuzzer) value(schema map[string]any, depth int) any {
	if ref, ok := schema["$ref"].(string); ok {
		name := ref[strings.LastIndex(ref, "/")+1:]
		return f.value(f.contract.doc["components"].(map[string]any)["schemas"].(map[string]any)[name].(map[string]any), depth)
	}
	if kinds, ok := schema["anyOf"].([]any); ok {
		return f.value(pick(f.r, kinds).(map[string]any), depth)
	}
	switch schema["type"] {
	case "object":
		out := map[string]any{}
		required := fmt.Sprint(schema["required"])
		properties := schema["properties"].(map[string]any)
		for _, k := range sortedKeys(properties) {
			if strings.Contains(required, k) || depth < 3 && f.chance(35) {
				out[k] = f.field(k, properties[k].(map[string]any), depth+1)
			}
		}
		return out
	case "array":
		var out []any
		for range 1 + f.r.IntN(3) {
			out = append(out, f.value(schema["items"].(map[string]any), depth+1))
		}
		return out
	case "boolean":
		return f.chance(50)
	case "integer", "number":
		return pick(f.r, []int{0, 1, 5, 50, 501, -3, 1 << 40})
	}
	return f.text(schema)
}

// field makes a value that has a chance to fit the field's name.
func (f *fuzzer) field(name string, schema map[string]any, depth int) any {
	known := map[string][]string{
		"email": {"ann@example.org", "ben@example.org", "new@example.org", "Ünï@bücher.example"}, "subscriber": {"ann", "ben"}, "schedule": {"daily", "weekly", "immediate"}, "reader": {"ann"},
		"id": {"ann", "p1", "c1", "u1", "new"}, "site": {"blog"}, "cron": {"0 8 * * *", "@hourly", "@every 5m", "0 0 31 2 *", "TZ=UTC"}, "time_zone": {"Europe/Berlin", "site", "subscriber"},
		"quiet_hours": {"22:00-07:00", ""}, "catch_up": {"24h", "0s"}, "to": {"admin@example.org"}, "redirect": {"qa@example.org", ""}, "scope": {"site", "all", "relay:main", "moon"},
		"url": {"https://blog.example/p1"}, "paused_until": {"2026-07-01T00:00:00Z", ""}, "parent_id": {"c1"}, "admit": {"", "notify"}, "name": {"", "Ann"},
		"subject": {"Hello", "{{.Site.Name}}", "{{.Nope}}", "{{"}, "text": {"", "{{define \"mail\"}}{{end}}"}, "html": {"", "<p>Hello</p>", "<script>"},
	}
	if list := known[name]; list != nil && schema["type"] == "string" && f.chance(75) {
		return pick(f.r, list)
	}
	return f.value(schema, depth)
}

func (f *fuzzer) text(schema map[string]any) string {
	if list, ok := schema["enum"].([]any); ok && f.chance(90) {
		return pick(f.r, list).(string)
	}
	switch {
	case schema["format"] == "date-time" && f.chance(90):
		return pick(f.r, []string{"2026-06-08T10:15:00Z", "2026-06-08T12:15:00+02:00", "1990-01-01T00:00:00Z", "2200-01-01T00:00:00Z"})
	case f.chance(50):
		return "t" + strconv.Itoa(f.r.IntN(5))
	}
	return pick(f.r, []string{"", "a b", "ä/ß", "..", ".", "%", "'\"", "\x00", "\u202e", strings.Repeat("x", 201), strings.Repeat("y", 3000), "9223372036854775807", "9223372036854775808", "-1", "0", "\n", "𝄞", "\xff"})
}
