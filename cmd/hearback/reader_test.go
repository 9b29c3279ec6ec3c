package main

import (
	"strings"
	"testing"
	"time"
)

func TestAReaderIsAddedShownChangedAndForgotten(t *testing.T) {
	t.Parallel()
	h := install(t, plain)
	golden(t, "subscriber_add.json", h.run("subscriber", "add", "u-1", "Ann@Example.org", "--name", "Ann", "--author-id", "a-1", "--confirmed", "--json").ok())
	h.run("subscriber", "add", "u-1", "--time-zone", "Europe/Vienna", "--quiet-hours", "22:00-07:00").says("changed u-1 (Ann@Example.org)")
	golden(t, "subscriber_list.json", h.run("subscriber", "list", "--json").ok())
	h.run("subscription", "add", "u-1", "replies").says("u-1 follows replies on the schedule immediate (live)")
	golden(t, "subscriber_show.json", h.run("subscriber", "show", "u-1", "--json").ok())
	h.run("subscriber", "show", "u-1").says("Europe/Vienna", "22:00-07:00", "replies")
	h.run("subscriber", "list", "--search", "nobody").says("no readers")
	h.run("subscriber", "remove", "u-1").says("forgot u-1")
	h.run("subscriber", "show", "u-1").fails(exitNotFound, `no subscriber "u-1"`)
	h.run("subscriber", "remove", "u-1").fails(exitNotFound)
}

func TestBadFieldsOfAReaderAreNamed(t *testing.T) {
	t.Parallel()
	h := install(t, plain)
	h.run("subscriber", "add", "u-1", "ann at example").fails(exitInvalid, "email: ", "ann@example.org")
	h.run("subscriber", "add", "u-1").fails(exitInvalid, "email: is missing")
	h.run("subscriber", "add", "u-1", "ann@example.org", "--time-zone", "Mars/Base").fails(exitInvalid, "time_zone: ", "Europe/Berlin")
	h.run("subscriber", "add", "u-1", "ann@example.org", "--quiet-hours", "late").fails(exitInvalid, "quiet_hours: ", "22:00-07:00")
	h.run("subscriber", "add", "u-1", "ann@example.org", "--schedule", "hourly").fails(exitInvalid, "schedule: ", "daily, immediate")
}

func TestLongListsComeInPages(t *testing.T) {
	t.Parallel()
	h := install(t, plain)
	for _, id := range []string{"a", "b", "c"} {
		h.run("subscriber", "add", id, id+"@example.org").ok()
	}
	first := value(t, h.run("subscriber", "list", "--limit", "2", "--json").ok())
	if len(first["items"].([]any)) != 2 || first["next"] == nil {
		t.Fatalf("%v", first)
	}
	last := value(t, h.run("subscriber", "list", "--limit", "2", "--after", first["next"].(string), "--json").ok())
	if len(last["items"].([]any)) != 1 || last["next"] != nil {
		t.Errorf("%v", last)
	}
	h.run("subscriber", "list", "--limit", "2").says("more: --after 2")
}

func TestTargetsAreTypedAsTheyAreShown(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"thread:post-7", "comment:c:1", "author:u-9", "replies", "replies:any", "site"} {
		target, err := parseTarget(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if got := typed(target); got != text {
			t.Errorf("%s is shown as %s", text, got)
		}
	}
	for _, text := range []string{"", "thread", "thread:", "replies:deep", "site:x", "tag:x"} {
		if target, err := parseTarget(text); err == nil {
			t.Errorf("%q is read as %+v", text, target)
		}
	}
}

func TestSubscriptionsAreAddedListedMutedAndEnded(t *testing.T) {
	t.Parallel()
	h := install(t, plain)
	h.run("subscriber", "add", "u-1", "ann@example.org").ok()
	golden(t, "subscription_add.json", h.run("subscription", "add", "u-1", "thread:post-7", "--schedule", "daily", "--json").ok())
	h.run("subscription", "add", "u-1", "replies:any", "--confirmed").says("(live)")
	h.run("subscription", "add", "u-1", "author:troll", "--mute").says("never hears of author:troll")
	golden(t, "subscription_list.json", h.run("subscription", "list", "u-1", "--json").ok())
	h.run("subscription", "remove", "u-1", "thread:post-7").says("removed thread:post-7")
	h.run("subscription", "remove", "u-1", "author:troll", "--mute").ok()
	out := h.run("subscription", "list", "u-1").ok()
	if strings.Contains(out, "troll") || !strings.Contains(out, "ended by site") {
		t.Errorf("the list does not show the end:\n%s", out)
	}
	h.run("subscription", "list", "u-2").fails(exitNotFound, `"u-2"`)
	h.run("subscription", "add", "u-2", "site").fails(exitNotFound, `"u-2"`)
	h.run("subscription", "add", "u-1", "site", "--schedule", "hourly").fails(exitInvalid, "daily, immediate")
	h.run("subscription", "add", "u-1", "replies", "--mute").fails(exitInvalid, "cannot be muted")
}

func TestWhatAReaderEndedNoCommandRenews(t *testing.T) {
	t.Parallel()
	h := install(t, plain)
	h.run("subscriber", "add", "u-1", "ann@example.org", "--confirmed").ok()
	h.run("subscription", "add", "u-1", "site").ok()
	st := h.store()
	sub, err := st.Subscriber(t.Context(), "blog", "u-1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := st.End(t.Context(), sub.ID, nil, true, "all", "reader"); err != nil {
		t.Fatal(err)
	}
	h.run("subscription", "add", "u-1", "site").fails(exitConflict, "the reader ended this")
}

func TestExplainFollowsACommentOnItsWay(t *testing.T) {
	t.Parallel()
	h := install(t, plain)
	h.run("subscriber", "add", "u-1", "ann@example.org", "--confirmed").ok()
	h.run("subscription", "add", "u-1", "thread:post-7", "--schedule", "daily").ok()
	h.run("explain", "u-1", "c-1").says("Nobody told Hearback of a comment \"c-1\"")
	h.in = published
	h.run("enqueue").ok()
	st := h.store()
	h.intake(st)
	golden(t, "explain.json", h.run("explain", "u-1", "c-1", "--json").ok())
	h.now = h.now.Add(5 * time.Minute)
	h.intake(st)
	h.run("explain", "u-1", "c-1").says("It will be sent", "thread:post-7", "daily")
	h.run("explain", "u-9", "c-1").says("Nobody told Hearback of a subscriber \"u-9\"")
	h.run("explain", "u-1", "c-1", "--site", "x").fails(exitNotFound)
}

func TestSuppressedAddressesAreListedAndReleased(t *testing.T) {
	t.Parallel()
	h := install(t, plain)
	h.run("suppression", "list").says("no suppressed addresses")
	golden(t, "suppression_add.json", h.run("suppression", "add", "Ann@Example.org", "--detail", "by phone", "--json").ok())
	golden(t, "suppression_list.json", h.run("suppression", "list", "--json").ok())
	h.run("suppression", "list").says("ann@example.org", "by phone")
	h.run("suppression", "remove", "ANN@example.org").says("ann@example.org may get mail")
	h.run("suppression", "remove", "ann@example.org").fails(exitNotFound)
	h.run("suppression", "add", "nobody").fails(exitInvalid, "email: ")
}
