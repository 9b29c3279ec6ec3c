package web_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/web"
)

func TestEveryCodeHasItsStatus(t *testing.T) {
	for code, status := range map[dispatcher.Code]int{
		dispatcher.CodeInvalid: 422, dispatcher.CodeNotFound: 404, dispatcher.CodeConflict: 409, dispatcher.CodeIDReused: 409, dispatcher.CodeEnded: 409,
		dispatcher.CodeForbidden: 403, dispatcher.CodeUnauthorized: 401, dispatcher.CodeTooLarge: 413, dispatcher.CodeLimited: 429,
		dispatcher.CodeUnavailable: 503, dispatcher.CodeInUse: 409, dispatcher.CodeInternal: 500, "anything else": 500,
	} {
		if got := web.Status(code); got != status {
			t.Errorf("%s has status %d, want %d", code, got, status)
		}
	}
}

func TestAProblemNamesFieldAndMendAndHidesWhatIsInternal(t *testing.T) {
	p := web.ProblemOf(fmt.Errorf("put a thing: %w", dispatcher.Invalid("comment.id", "give one", "is missing")))
	if p.Status != 422 || p.Field != "comment.id" || p.Mend != "give one" || p.Detail != "is missing" || p.Title != "Unprocessable Entity" {
		t.Errorf("the problem is %+v", p)
	}
	if p := web.ProblemOf(errors.New("pq: password of user secret")); p.Status != 500 || strings.Contains(p.Detail, "secret") {
		t.Errorf("an internal error tells %+v", p)
	}
	p = web.ProblemOf(&dispatcher.Error{Code: dispatcher.CodeUnavailable, Message: "the database is away", Err: errors.New("dial 10.0.0.1")})
	if p.Status != 503 || strings.Contains(p.Detail, "10.0.0.1") {
		t.Errorf("a driver's words get out: %+v", p)
	}
}

type inner struct {
	Count int       `json:"count"`
	Time  time.Time `json:"time"`
}

type sample struct {
	Name   string           `json:"name"`
	Quiet  dispatcher.Quiet `json:"quiet_hours"`
	Inner  *inner           `json:"inner"`
	Inners []inner          `json:"inners"`
	Tags   []string         `json:"tags"`
	Flag   *bool            `json:"flag"`
}

func TestDecodeNamesTheFieldAndTheMend(t *testing.T) {
	for _, c := range []struct{ name, body, field, says, mend string }{
		{"an unknown field", `{"nmae":"x"}`, "nmae", "no such field", `did you mean "name"?`},
		{"an unknown field within", `{"inner":{"cuont":1}}`, "inner.cuont", "no such field", `did you mean "count"?`},
		{"an unknown field in a list", `{"inners":[{"count":1},{"x":1}]}`, "inners.1.x", "no such field", "count, time"},
		{"a number for a text", `{"name":7}`, "name", "7 stands where a text", "send a text"},
		{"a text for a number", `{"inner":{"count":"7"}}`, "inner.count", "a text stands where a number", "send a number"},
		{"a text for a list", `{"tags":"x"}`, "tags", "a list belongs", "send a list"},
		{"a number in a list of texts", `{"tags":["a",1]}`, "tags.1", "1 stands", "send a text"},
		{"a list for an object", `{"inner":[]}`, "inner", "an object belongs", "send an object"},
		{"a text for true", `{"flag":"yes"}`, "flag", "true or false belongs", "true or false"},
		{"a time without an offset", `{"inner":{"time":"2026-06-08 10:15"}}`, "inner.time", "is no time", "RFC 3339"},
		{"a field that reads itself", `{"quiet_hours":"late"}`, "quiet_hours", "no span of hours", "22:00-07:00"},
		{"broken JSON", "{\n  \"name\": \"x\",\n  oops}", "", "line 3, column 3", "valid JSON"},
		{"JSON that ends too early", `{"name":"x"`, "", "line 1", "valid JSON"},
		{"nothing", "  ", "", "empty", "JSON object"},
		{"two values", `{"name":"x"} {}`, "", "follows", "one JSON value"},
		{"text that is not UTF-8", "{\"name\":\"\xff\"}", "", "UTF-8", "UTF-8"},
		{"a NUL character", `{"inner":{},"name":"a\u0000b"}`, "name", "NUL", "remove"},
	} {
		var e *dispatcher.Error
		err := web.Decode([]byte(c.body), &sample{})
		if !errors.As(err, &e) {
			t.Errorf("%s gave %v", c.name, err)
			continue
		}
		if e.Field != c.field || !strings.Contains(e.Message, c.says) || !strings.Contains(e.Mend, c.mend) {
			t.Errorf("%s gave field %q, %q (%q)", c.name, e.Field, e.Message, e.Mend)
		}
	}
}

func TestDecodeTakesWhatFits(t *testing.T) {
	var s sample
	body := `{"name":"a\\u0000b","quiet_hours":"22:00-07:00","inner":{"count":2,"time":"2026-06-08T10:15:00+02:00"},"tags":[],"flag":null}`
	if err := web.Decode([]byte(body), &s); err != nil {
		t.Fatal(err)
	}
	if s.Name != `a\u0000b` || s.Quiet.From != 22*60 || s.Inner.Count != 2 || s.Flag != nil {
		t.Errorf("it reads %+v", s)
	}
}

func TestABodyOverItsLimitIsTooLargeWhetherItsLengthIsToldOrNot(t *testing.T) {
	for _, length := range []int64{11, -1} {
		r := httptest.NewRequest("POST", "/", strings.NewReader("12345678901"))
		r.ContentLength = length
		if _, err := web.Body(httptest.NewRecorder(), r, 10); dispatcher.CodeOf(err) != dispatcher.CodeTooLarge {
			t.Errorf("with length %d it gave %v", length, err)
		}
	}
	r := httptest.NewRequest("POST", "/", strings.NewReader("1234567890"))
	if b, err := web.Body(httptest.NewRecorder(), r, 10); err != nil || len(b) != 10 {
		t.Errorf("a body of the limit's size gave %d bytes, %v", len(b), err)
	}
}

func FuzzDecodeTakesJSONOnlyAndSaysHowToMendTheRest(f *testing.F) {
	for _, s := range []string{`{"name":"x"}`, `{"inner":{"count":1}}`, `{"inners":[1]}`, `[]`, `{"name":"\u0000"}`, `{"a":`, `nul`, `{"inner":null,"tags":[[]]}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		err := web.Decode(b, &sample{})
		if err == nil {
			if !json.Valid(b) {
				t.Errorf("%q was taken and is no JSON", b)
			}
			return
		}
		var e *dispatcher.Error
		if !errors.As(err, &e) || e.Code != dispatcher.CodeInvalid || e.Mend == "" || e.Message == "" {
			t.Errorf("%q gave %v, which says no mend", b, err)
		}
	})
}
