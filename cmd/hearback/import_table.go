package main

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
)

// columns are what the first row of a table may name.
var columns = [...]string{"id", "email", "name", "locale", "time_zone", "schedule", "quiet_hours", "author_ids", "confirmed", "follow"}

// readTable reads CSV: a reader a row, with a target that they follow where
// there is one. A reader who follows several things has several rows. Without a
// column id the address is the reader's id.
func readTable(in io.Reader, each func(moved) error) error {
	br := bufio.NewReader(in)
	r := csv.NewReader(br)
	r.ReuseRecord, r.FieldsPerRecord, r.Comma = true, -1, separator(br)
	first, err := r.Read()
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil {
		return dispatcher.Invalid("FILE", "name the columns in the first row", "%v", err)
	}
	head := slices.Clone(first)
	if err := checkHead(head); err != nil {
		return err
	}
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		var bad *csv.ParseError
		if errors.As(err, &bad) {
			return each(moved{line: bad.StartLine, err: dispatcher.Invalid("", "mend the quotes; what follows was not read", "is no CSV: %v", bad.Err)})
		}
		if err != nil {
			return fmt.Errorf("read the table: %w", err)
		}
		line, _ := r.FieldPos(0)
		if len(cells) != len(head) {
			err = each(moved{line: line, err: dispatcher.Invalid("", "give each row the columns of the first", "the row has %d cells, the first has %d", len(cells), len(head))})
		} else {
			err = eachOf(line, head, cells, each)
		}
		if err != nil {
			return err
		}
	}
}

// separator gives what stands between the cells: spreadsheets write commas,
// semicolons or tabs, as their country does.
func separator(br *bufio.Reader) rune {
	head, _ := br.Peek(512) // an error shows itself when the bytes are read
	line, _, _ := strings.Cut(string(head), "\n")
	best := ','
	for _, c := range ";\t" {
		if strings.Count(line, string(c)) > strings.Count(line, string(best)) {
			best = c
		}
	}
	return best
}

func checkHead(head []string) error {
	for i := range head {
		head[i] = strings.ToLower(strings.TrimSpace(strings.TrimPrefix(head[i], "\ufeff")))
		if _, err := oneOf("column", head[i], columns[:]...); err != nil {
			return err
		}
		if slices.Index(head, head[i]) < i {
			return dispatcher.Invalid("column", "name each column once", "%q stands twice in the first row", head[i])
		}
	}
	if !slices.Contains(head, "email") {
		return dispatcher.Invalid("column", "name the columns in the first row, for example: id,email,name,confirmed,follow", "there is no column email")
	}
	return nil
}

// eachOf makes the records of a row.
func eachOf(line int, head, cells []string, each func(moved) error) error {
	in, follow, err := parseRow(head, cells)
	m := moved{line: line, id: in.ID, err: err, record: store.Record{Subscriber: &in}}
	if err := each(m); err != nil || m.err != nil || follow == "" {
		return err
	}
	m.record = store.Record{}
	target, err := parseTarget(follow)
	if err != nil {
		m.err = &dispatcher.Error{Code: dispatcher.CodeInvalid, Field: "follow", Message: fmt.Sprintf("%q is no target", follow),
			Mend: "write thread:ID, comment:ID, author:ID, replies, replies:any or site"}
	}
	m.record.Subscription = &dispatcher.EventSubscription{Subscriber: in.ID, Target: target}
	return each(m)
}

func parseRow(head, cells []string) (in dispatcher.EventSubscriber, follow string, err error) {
	for i, name := range head {
		text := strings.TrimSpace(cells[i])
		if text == "" {
			continue // stays as it is
		}
		switch name {
		case "id":
			in.ID = text
		case "email":
			in.Email = &text
		case "name":
			in.Name = &text
		case "locale":
			in.Locale = &text
		case "time_zone":
			in.Zone = &text
		case "schedule":
			in.Schedule = &text
		case "quiet_hours":
			in.QuietHours = &text
		case "author_ids":
			ids := strings.Fields(text)
			in.AuthorIDs = &ids
		case "follow":
			follow = text
		case "confirmed":
			if in.Confirmed, err = yesOrNo(text); err != nil {
				return in, follow, err
			}
		}
	}
	if in.Email == nil {
		return in, follow, dispatcher.Invalid("email", "give the reader's address", "is missing")
	}
	if in.ID == "" {
		in.ID = strings.ToLower(*in.Email)
	}
	return in, follow, requireID("id", in.ID)
}

func yesOrNo(text string) (*bool, error) {
	switch strings.ToLower(text) {
	case "yes", "true", "1", "y":
		yes := true
		return &yes, nil
	case "no", "false", "0", "n":
		return nil, nil // who is confirmed here stays so
	}
	return nil, dispatcher.Invalid("confirmed", "write yes or no", "%q is neither", text)
}
