package wordpress

import (
	"encoding/json"
	"fmt"
	"time"
)

// cursor is how far a site has been read.
type cursor struct {
	Top     int64     `json:"top"`             // the newest id that the head has met
	SweptAt time.Time `json:"swept_at"`        // begin of the last complete sweep
	DeepAt  time.Time `json:"deep_at"`         // begin of the last complete deep sweep
	Sweep   *sweep    `json:"sweep,omitempty"` // the one under way
	Check   []int64   `json:"check,omitempty"` // suspects, to be asked for by id
	Queue   []int64   `json:"queue,omitempty"` // awaiting moderation when last asked
}

// sweep is a walk through all comments since From, by ascending id.
type sweep struct {
	Began  time.Time `json:"began"`
	From   time.Time `json:"from"`
	Offset int       `json:"offset"`
	Last   int64     `json:"last"`            // the highest id met
	Empty  int       `json:"empty,omitempty"` // empty pages in a row
	Deep   bool      `json:"deep,omitempty"`
}

func readCursor(b []byte) (cursor, error) {
	var c cursor
	if len(b) == 0 {
		return c, nil
	}
	if err := json.Unmarshal(b, &c); err != nil {
		return c, fmt.Errorf("reading the cursor: %w", err)
	}
	return c, nil
}

func (c *cursor) bytes() []byte {
	b, err := json.Marshal(c)
	if err != nil {
		panic(err) // numbers and times of plausible years always marshal
	}
	return b
}
