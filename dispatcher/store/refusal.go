package store

import (
	"context"
	"fmt"
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// Refusal is what a relay answered other than "sent", with how often it did so.
type Refusal struct {
	Relay    string
	Outcome  dispatcher.Outcome
	Code     int
	Enhanced string
	Text     string // of the newest
	Message  int64  // the newest
	Last     time.Time
	Count    int64
}

// Refusals gathers what the relays answered other than "sent" in the newest
// attempts, by relay, outcome and status, the one of the newest message first.
// It reads the attempts of the newest messages, by their key, whatever there is
// of older ones.
func (s *Store) Refusals(ctx context.Context, newest int) ([]Refusal, error) {
	rows, err := s.read.QueryContext(ctx, s.read.Rebind(`SELECT message, at, relay, outcome, code, enhanced, text
		FROM (SELECT message, number, at, relay, outcome, code, enhanced, text FROM hearback_attempt ORDER BY message DESC, number DESC LIMIT ?) AS newest
		WHERE outcome <> ? ORDER BY message DESC, number DESC`), newest, string(dispatcher.OutcomeSent))
	type kind struct {
		relay, enhanced string
		outcome         dispatcher.Outcome
		code            int
	}
	var out []Refusal
	at := map[kind]int{}
	var a Refusal
	var when int64
	err = each(rows, err, func() error {
		if err := rows.Scan(&a.Message, &when, &a.Relay, &a.Outcome, &a.Code, &a.Enhanced, &a.Text); err != nil {
			return err
		}
		k := kind{a.Relay, a.Enhanced, a.Outcome, a.Code}
		i, known := at[k]
		if !known {
			i = len(out)
			at[k] = i
			out = append(out, a)
		}
		out[i].Count++
		if t := fromMicros(when); t.After(out[i].Last) {
			out[i].Last = t
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read what the relays answered: %w", ctxErr(ctx, err))
	}
	return out, nil
}
