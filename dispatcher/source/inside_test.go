package source

import (
	"net/netip"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/hearback/hearback/dispatcher"
)

func TestOnlyOpenAddressesArePublic(t *testing.T) {
	for addr, want := range map[string]bool{
		"93.184.215.14": true, "2606:2800:21f:cb07::1": true, "172.32.0.1": true, "100.128.0.1": true,
		"127.0.0.1": false, "127.9.9.9": false, "10.0.0.1": false, "172.16.0.1": false, "172.31.255.255": false,
		"192.168.1.1": false, "169.254.169.254": false, "100.64.0.1": false, "0.0.0.0": false, "0.1.2.3": false,
		"224.0.0.1": false, "255.255.255.255": false, "240.0.0.1": false, "198.18.0.1": false, "192.0.0.8": false,
		"::": false, "::1": false, "fe80::1": false, "fd00::1": false, "ff02::1": false, "fec0::1": false,
		"64:ff9b::a00:1": false, "2002:a00:1::": false, "::a00:1": false, "2001::1": false,
	} {
		if got := public(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: %v, want %v", addr, got, want)
		}
	}
}

func TestTheHashSeesWordsAndNotMarkup(t *testing.T) {
	base := hashText("<p>See https://x.example, <b>Ann</b> &amp; all 😀</p>", "")
	for _, same := range []string{
		"<p>See <a href='https://x.example' rel=nofollow>https://x.example</a>, Ann &amp; all <img alt=\"😀\" src=x></p>\n",
		"<div>See https://x.example,\u00a0Ann\n &#38; all 😀<script>var x='y'</script></div>",
	} {
		if hashText(same, "") != base {
			t.Errorf("%q counts as an edit", same)
		}
	}
	if hashText("", "See https://x.example, Ann & all 😀") != base {
		t.Error("the same as text counts as an edit")
	}
	for _, other := range []string{"<p>See https://x.example, Ann &amp; al 😀</p>", ""} {
		if hashText(other, "") == base {
			t.Errorf("%q counts as the same", other)
		}
	}
}

func TestBackOffGrowsToAnHourAndNoFurther(t *testing.T) {
	s := &Config{MinInterval: 15 * time.Second, MaxInterval: 5 * time.Minute}
	want := []time.Duration{15 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 16 * time.Minute, 32 * time.Minute, time.Hour, time.Hour}
	for i, w := range want {
		if got := backOff(s, i+1, false, nil, 0.5); got != w {
			t.Errorf("after %d failures %s, want %s", i+1, got, w)
		}
		if got := backOff(s, i+1, true, nil, 0.5); got != min(w, s.MaxInterval) {
			t.Errorf("after %d useful failures %s", i+1, got)
		}
	}
	if got := backOff(s, 1<<30, false, nil, 0.5); got != time.Hour {
		t.Errorf("after very many failures %s", got)
	}
}

func FuzzTidyMakesWhatAnEventMaySay(f *testing.F) {
	f.Add("1", "0", "<p>hi</p>", "", "Ann", "https://x.example/1#c", "Title")
	f.Add("x", "x", "", "", "a\x00b", "http://a b/", "\xff\xfe")
	f.Add("1", "2", "<script><p", "t", "", "https://x.example/\"", "")
	f.Fuzz(func(t *testing.T, id, parent, markup, text, name, link, title string) {
		if !plausibleID(id) || parent != "" && !plausibleID(parent) {
			t.Skip()
		}
		now := time.Date(2026, 6, 8, 10, 0, 0, 0, time.UTC)
		c := Comment{
			ID: id, ParentID: parent, State: dispatcher.Visible, HTML: markup, Text: text, URL: link,
			Thread: dispatcher.EventThread{ID: "7", URL: link, Title: title},
			Author: dispatcher.EventAuthor{Name: name}, WrittenAt: now,
		}
		tidy(&c)
		s := stage{kind: "test", name: "blog", site: "blog", now: now, maxAge: time.Hour}
		found, ok := s.find(c, nil, false)
		if !ok {
			t.Fatal("a visible comment was not found")
		}
		row, err := s.row(found)
		if err != nil {
			t.Fatal(err)
		}
		if !utf8.Valid(row.Payload) || len(row.EventID) > dispatcher.MaxID {
			t.Fatalf("%q %q", row.EventID, row.Payload)
		}
	})
}
