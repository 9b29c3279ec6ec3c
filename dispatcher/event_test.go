package dispatcher_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// published is the event of the public contract.
const published = `{"id":"c-123-published","type":"comment.published","time":"2026-06-08T10:15:00Z","site":"blog",
 "thread":{"id":"post-7","url":"https://blog.example/post-7","title":"A post"},
 "comment":{"id":"123","parent_id":"120","url":"https://blog.example/post-7#c123","html":"<p>Yes.</p>"},
 "author":{"id":"u-9","name":"Patrick"},"notify":true}`

func decode(t testing.TB, s string) dispatcher.Event {
	t.Helper()
	var e dispatcher.Event
	if err := json.Unmarshal([]byte(s), &e); err != nil {
		t.Fatalf("decode %s: %v", s, err)
	}
	return e
}

// changed gives the event of the contract with one thing changed.
func changed(t testing.TB, do func(*dispatcher.Event)) dispatcher.Event {
	e := decode(t, published)
	do(&e)
	return e
}

func TestAnEventOfEachTypeIsTaken(t *testing.T) {
	for _, s := range []string{
		published,
		`{"id":"1","type":"comment.edited","time":"2026-06-08T12:15:00+02:00","thread":{"id":"7"},"comment":{"id":"1","text":"Yes."}}`,
		`{"id":"1","type":"comment.removed","time":"2026-06-08T12:15:00Z","comment":{"id":"1"}}`,
		`{"id":"1","type":"thread.read","time":"2026-06-08T12:15:00Z","reader":"u-1","thread":{"id":"7"}}`,
		`{"id":"1","type":"thread.updated","time":"2026-06-08T12:15:00Z","thread":{"id":"7","title":"New"}}`,
		`{"id":"1","type":"thread.removed","time":"2026-06-08T12:15:00Z","thread":{"id":"7"}}`,
		`{"id":"1","type":"author.erased","time":"2026-06-08T12:15:00Z","author":{"id":"u-9"}}`,
		`{"id":"1","type":"subscriber.set","time":"2026-06-08T12:15:00Z","subscriber":{"id":"u-1","email":"a@example.org"}}`,
		`{"id":"1","type":"subscription.set","time":"2026-06-08T12:15:00Z","subscription":{"subscriber":"u-1","target":{"type":"replies"}}}`,
		`{"id":"1","type":"subscription.ended","time":"2026-06-08T12:15:00Z","subscription":{"subscriber":"u-1","target":{"type":"thread","id":"7"}}}`,
	} {
		e := decode(t, s)
		if err := e.Validate(); err != nil {
			t.Errorf("%s is refused: %v", s, err)
		}
	}
}

func TestARefusedEventNamesTheFieldAndTheMend(t *testing.T) {
	long := strings.Repeat("x", dispatcher.MaxID+1)
	target := func(target dispatcher.Target) func(*dispatcher.Event) {
		return func(e *dispatcher.Event) {
			e.Type, e.Subscription = dispatcher.SubscriptionSet, &dispatcher.EventSubscription{Subscriber: "u-1", Target: target}
		}
	}
	for _, c := range []struct {
		field string
		do    func(*dispatcher.Event)
	}{
		{"id", func(e *dispatcher.Event) { e.ID = "" }},
		{"id", func(e *dispatcher.Event) { e.ID = long }},
		{"id", func(e *dispatcher.Event) { e.ID = "a\nb" }},
		{"id", func(e *dispatcher.Event) { e.ID = "a\x00b" }},
		{"id", func(e *dispatcher.Event) { e.ID = "a\xffb" }},
		{"time", func(e *dispatcher.Event) { e.Time = time.Time{} }},
		{"time", func(e *dispatcher.Event) { e.Time = time.Unix(1780913700000, 0) }}, // milliseconds taken for seconds
		{"time", func(e *dispatcher.Event) { e.Time = time.Unix(0, 0) }},
		{"type", func(e *dispatcher.Event) { e.Type = "" }},
		{"type", func(e *dispatcher.Event) { e.Type = "comment.liked" }},
		{"comment", func(e *dispatcher.Event) { e.Comment = nil }},
		{"comment.id", func(e *dispatcher.Event) { e.Comment.ID = "" }},
		{"comment.id", func(e *dispatcher.Event) { e.Comment.ID = long }},
		{"comment.parent_id", func(e *dispatcher.Event) { e.Comment.ParentID = e.Comment.ID }},
		{"comment.parent_id", func(e *dispatcher.Event) { e.Comment.ParentID = "\x7f" }},
		{"comment.url", func(e *dispatcher.Event) { e.Comment.URL = "javascript:alert(1)" }},
		{"comment.url", func(e *dispatcher.Event) { e.Comment.URL = "/post-7#c1" }},
		{"comment.url", func(e *dispatcher.Event) { e.Comment.URL = "https://a.example/\r\nBcc:" }},
		{"comment.url", func(e *dispatcher.Event) {
			e.Comment.URL = "https://a.example/" + strings.Repeat("x", dispatcher.MaxURL)
		}},
		{"comment.html", func(e *dispatcher.Event) { e.Comment.HTML = "" }},
		{"comment.text", func(e *dispatcher.Event) { e.Comment.Text = "Yes." }},
		{"thread.id", func(e *dispatcher.Event) { e.Thread = nil }},
		{"thread.id", func(e *dispatcher.Event) { e.Thread.ID = "" }},
		{"thread.id", func(e *dispatcher.Event) { e.Thread.ID = long }},
		{"thread.url", func(e *dispatcher.Event) { e.Thread.URL = "ftp://a.example/" }},
		{"thread.title", func(e *dispatcher.Event) { e.Thread.Title = strings.Repeat("ü", dispatcher.MaxTitle+1) }},
		{"author.id", func(e *dispatcher.Event) { e.Author.ID = long }},
		{"author.name", func(e *dispatcher.Event) { e.Author.Name = strings.Repeat("ü", dispatcher.MaxName+1) }},
		{"author.id", func(e *dispatcher.Event) { e.Type, e.Author = dispatcher.AuthorErased, nil }},
		{"author.id", func(e *dispatcher.Event) { e.Type, e.Author.ID = dispatcher.AuthorErased, "" }},
		{"reader", func(e *dispatcher.Event) { e.Type = dispatcher.ThreadRead }},
		{"reader", func(e *dispatcher.Event) { e.Type, e.Reader = dispatcher.ThreadRead, long }},
		{"thread.id", func(e *dispatcher.Event) { e.Type, e.Reader, e.Thread = dispatcher.ThreadRead, "u", nil }},
		{"thread.id", func(e *dispatcher.Event) { e.Type, e.Thread = dispatcher.ThreadRemoved, nil }},
		{"subscriber", func(e *dispatcher.Event) { e.Type = dispatcher.SubscriberSet }},
		{"subscriber.id", func(e *dispatcher.Event) {
			e.Type, e.Subscriber = dispatcher.SubscriberSet, &dispatcher.EventSubscriber{}
		}},
		{"subscription", func(e *dispatcher.Event) { e.Type = dispatcher.SubscriptionEnded }},
		{"subscription.subscriber", func(e *dispatcher.Event) {
			e.Type, e.Subscription = dispatcher.SubscriptionSet, &dispatcher.EventSubscription{}
		}},
		{"target.type", target(dispatcher.Target{})},
		{"target.type", target(dispatcher.Target{Type: "galaxy"})},
		{"target.id", target(dispatcher.Target{Type: dispatcher.TargetThread})},
		{"target.id", target(dispatcher.Target{Type: dispatcher.TargetAuthor, ID: long})},
		{"target.id", target(dispatcher.Target{Type: dispatcher.TargetSite, ID: "blog"})},
		{"target.id", target(dispatcher.Target{Type: dispatcher.TargetReplies, ID: "u-1"})},
		{"target.depth", target(dispatcher.Target{Type: dispatcher.TargetReplies, Depth: "deep"})},
		{"target.depth", target(dispatcher.Target{Type: dispatcher.TargetThread, ID: "7", Depth: dispatcher.DepthAny})},
		{"target.depth", target(dispatcher.Target{Type: dispatcher.TargetSite, Depth: dispatcher.DepthAny})},
	} {
		e := changed(t, c.do)
		err := e.Validate()
		var d *dispatcher.Error
		if !errors.As(err, &d) {
			t.Errorf("%s: taken, or not a domain error: %v", c.field, err)
			continue
		}
		if d.Code != dispatcher.CodeInvalid || d.Field != c.field || d.Mend == "" || d.Message == "" {
			t.Errorf("%s: %+v", c.field, d)
		}
		if strings.ContainsFunc(d.Error(), func(r rune) bool { return r < ' ' }) {
			t.Errorf("%s: the error repeats a control character: %q", c.field, d.Error())
		}
	}
}

func TestLimitsAreInclusive(t *testing.T) {
	e := changed(t, func(e *dispatcher.Event) {
		e.ID = strings.Repeat("x", dispatcher.MaxID)
		e.Thread.Title = strings.Repeat("ü", dispatcher.MaxTitle)
		e.Author.Name = strings.Repeat("ü", dispatcher.MaxName)
		e.Comment.URL = "https://a.example/" + strings.Repeat("x", dispatcher.MaxURL-len("https://a.example/"))
	})
	if err := e.Validate(); err != nil {
		t.Error(err)
	}
}

func TestARepliesTargetWithoutADepthMeansDirectAnswers(t *testing.T) {
	e := decode(t, `{"id":"1","type":"subscription.set","time":"2026-06-08T12:15:00Z","subscription":{"subscriber":"u-1","target":{"type":"replies"}}}`)
	if err := e.Validate(); err != nil || e.Subscription.Target.Depth != dispatcher.DepthDirect {
		t.Errorf("depth %q, %v", e.Subscription.Target.Depth, err)
	}
}

func TestOnlyNotifyFalseKeepsAPublicationSilent(t *testing.T) {
	for s, want := range map[string]bool{`{}`: true, `{"notify":true}`: true, `{"notify":null}`: true, `{"notify":false}`: false} {
		if e := decode(t, s); e.Notifies() != want {
			t.Errorf("%s notifies: %t", s, e.Notifies())
		}
	}
}

func TestTheHashKnowsContentAndNotTheOrderOrTheOffset(t *testing.T) {
	e := decode(t, published)
	same := decode(t, `{"notify":true,"author":{"name":"Patrick","id":"u-9"},"site":"blog","type":"comment.published","time":"2026-06-08T12:15:00+02:00",
		"comment":{"html":"<p>Yes.</p>","id":"123","url":"https://blog.example/post-7#c123","parent_id":"120"},
		"thread":{"title":"A post","id":"post-7","url":"https://blog.example/post-7"},"id":"c-123-published"}`)
	if e.Hash() != same.Hash() {
		t.Error("the same event in another order or offset has another hash")
	}
	for _, do := range []func(*dispatcher.Event){
		func(e *dispatcher.Event) { e.Comment.HTML = "<p>No.</p>" },
		func(e *dispatcher.Event) { e.Time = e.Time.Add(time.Second) },
		func(e *dispatcher.Event) { e.Notify = nil },
		func(e *dispatcher.Event) { e.Thread.Title = "" },
	} {
		if x := changed(t, do); x.Hash() == e.Hash() {
			t.Errorf("other content has the same hash: %+v", x)
		}
	}
}

func FuzzEventDecodeAndValidateNeverPanic(f *testing.F) {
	f.Add([]byte(published))
	f.Add([]byte(`{"id":"1","type":"subscription.set","time":"0000-01-01T00:00:00+23:59","subscription":{"subscriber":"u","target":{"type":"replies","depth":"any"}}}`))
	f.Add([]byte(`{"id":"1","type":"thread.read","time":"2026-06-08T12:15:00Z","reader":"\u0000","thread":{"id":"7"}}`))
	f.Add([]byte(`{"id":"1","type":"subscriber.set","time":"2026-06-08T12:15:00Z","subscriber":{"id":"u","author_ids":null,"consent":{"time":"9999-12-31T23:59:59-23:59"}}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var e dispatcher.Event
		if json.Unmarshal(b, &e) != nil {
			return
		}
		e.Notifies()
		if err := e.Validate(); err != nil {
			if dispatcher.CodeOf(err) != dispatcher.CodeInvalid || !strings.Contains(err.Error(), "(") {
				t.Errorf("refused without field or mend: %v", err)
			}
			return
		}
		// What is taken can be written, hashed and read back as the same.
		again, err := json.Marshal(&e)
		if err != nil {
			t.Fatalf("a valid event cannot be written: %v", err)
		}
		var back dispatcher.Event
		if err := json.Unmarshal(again, &back); err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		if err := back.Validate(); err != nil || back.Hash() != e.Hash() {
			t.Errorf("read back it is another event (%v):\n%s\n%+v", err, again, reflect.ValueOf(back))
		}
	})
}
