package wire

import (
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// TemplateParts are a template's sources. An empty part stands for the
// built-in one.
type TemplateParts struct {
	Subject string `json:"subject" doc:"one line"`
	Text    string `json:"text" doc:"the plain text part"`
	HTML    string `json:"html" doc:"the HTML part"`
}

// Template is one stored version of a template.
type Template struct {
	Site        string          `json:"site,omitempty" doc:"without one it is that of all sites"`
	Kind        dispatcher.Kind `json:"kind"`
	Locale      string          `json:"locale"`
	Version     int             `json:"version"`
	State       TemplateState   `json:"state"`
	Author      string          `json:"author,omitempty" doc:"the key or the person that saved it"`
	CreatedAt   time.Time       `json:"created_at,omitzero"`
	PublishedAt time.Time       `json:"published_at,omitzero"`
	TemplateParts
}

// TemplateState says where a version stands.
type TemplateState string

// The states of a version.
const (
	TemplateDraft  TemplateState = "draft"
	TemplateActive TemplateState = "active" // in force
	TemplateOld    TemplateState = "old"    // was in force
)

// TemplateSaved is a draft with what is doubtful about it.
type TemplateSaved struct {
	Template
	Warnings []TemplateProblem `json:"warnings"`
}

// TemplateProblem is one thing that is wrong with a template.
type TemplateProblem struct {
	Part    string `json:"part" doc:"subject, text or html"`
	Line    int    `json:"line" doc:"in the source as it was given; 0 when none can be named"`
	Message string `json:"message"`
	Mend    string `json:"mend"`
}

// TemplateRefused is the problem of a template that was not saved, with all
// that is wrong with it.
type TemplateRefused struct {
	Problem
	Errors   []TemplateProblem `json:"errors"`
	Warnings []TemplateProblem `json:"warnings"`
}

// Templates are the stored versions, and what is built in.
type Templates struct {
	Items   []Template        `json:"items"`
	Kinds   []dispatcher.Kind `json:"kinds" doc:"the kinds that there are"`
	Locales []string          `json:"locales" doc:"the languages that are built in"`
}

// TemplateVersion names the version that is in force now; 0 is the built-in
// template.
type TemplateVersion struct {
	Kind    dispatcher.Kind `json:"kind"`
	Locale  string          `json:"locale"`
	Version int             `json:"version"`
	State   TemplateState   `json:"state"`
}

// Rendered is a mail as its reader's program shows it.
type Rendered struct {
	Subject string `json:"subject"`
	Text    string `json:"text"`
	HTML    string `json:"html"`
}

// TestMail says whom to mail a test.
type TestMail struct {
	To string `json:"to" need:"true" format:"email" doc:"one address"`
}

// TestQueued says which mail the test is.
type TestQueued struct {
	Message int64  `json:"message" doc:"its number, see GET /v1/messages/{id}"`
	To      string `json:"to"`
}
