package dispatcher_test

import (
	"strings"
	"testing"

	"github.com/hearback/hearback/dispatcher"
)

func TestNearestGivesWhatWasProbablyMeantAndNothingForOtherWords(t *testing.T) {
	known := []string{"schedule", "subscriber", "email", "at"}
	for word, want := range map[string]string{
		"shcedule": "schedule", "Subscriper": "subscriber", "emial": "email", "ta": "at",
		"zebra": "", "": "", strings.Repeat("email", 50): "",
	} {
		if got := dispatcher.Nearest(word, known); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
}
