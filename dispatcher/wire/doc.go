// Package wire holds what the HTTP API carries: its answers, and those of its
// requests that the domain has no type for. The server encodes these types, the
// OpenAPI document is made of them by reflection, and the Go client decodes
// them, so that the three cannot say different things. What an event, a
// subscriber and a subscription look like when they are sent stands in the
// domain ([dispatcher.Event] and its parts): all doors read those.
//
// The tag doc says what a field means; the document shows it. A field without
// omitempty or omitzero is in every answer; in a request need:"true" says that
// it must be given. Zero times are left out and mean "never".
package wire

import "github.com/hearback/hearback/dispatcher"

// Page is one page of a list, keyset by keyset.
type Page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty" doc:"give it as ?after= for the next page; without it this was the last one"`
}

// List is a list that is short enough to come whole.
type List[T any] struct {
	Items []T `json:"items"`
}

// Problem is an error as it is answered, RFC 9457 §3. Code, Field and Mend are
// extension members.
type Problem struct {
	Type   string          `json:"type"`
	Title  string          `json:"title" doc:"the status in words"`
	Status int             `json:"status"`
	Detail string          `json:"detail,omitempty" doc:"what is wrong"`
	Code   dispatcher.Code `json:"code" doc:"a stable name for it"`
	Field  string          `json:"field,omitempty" doc:"path of the field, parameter or header that is wrong, such as comment.id"`
	Mend   string          `json:"mend" doc:"how to mend it"`
}

// Reason is an error within an answer.
type Reason struct {
	Code    dispatcher.Code `json:"code" doc:"a stable name for it"`
	Field   string          `json:"field,omitempty" doc:"path of the field that is wrong"`
	Message string          `json:"message" doc:"what is wrong"`
	Mend    string          `json:"mend,omitempty" doc:"how to mend it"`
}
