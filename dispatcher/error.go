package dispatcher

import (
	"errors"
	"fmt"
)

// Code names what kind of mistake an [Error] is. Doors map codes to HTTP
// statuses and exit codes in one table each.
type Code string

// The codes. Anything without a code is an internal error and its text is not
// shown to strangers.
const (
	CodeInvalid      Code = "invalid"         // the caller's input is wrong; see Field and Mend
	CodeNotFound     Code = "not_found"       // no such thing
	CodeConflict     Code = "conflict"        // the thing's present state forbids it
	CodeIDReused     Code = "id_reused"       // an event id came again with other content
	CodeEnded        Code = "ended_by_reader" // the reader ended it; only a later consent renews it
	CodeForbidden    Code = "forbidden"       // the caller lacks the right
	CodeUnauthorized Code = "unauthorized"    // no key, or an unknown or revoked one
	CodeTooLarge     Code = "too_large"       // over a stated limit
	CodeLimited      Code = "limited"         // too many, try later
	CodeUnavailable  Code = "unavailable"     // a dependency is away for now
	CodeInUse        Code = "in_use"          // others depend on it; see Mend
	CodeInternal     Code = "internal"        // our fault
)

// Error is a mistake that somebody outside can mend. It says what is wrong,
// where (Field, a path such as "comment.id") and how to mend it.
type Error struct {
	Code    Code
	Field   string
	Message string
	Mend    string
	Err     error // the cause, if another error is below
}

func (e *Error) Error() string {
	s := e.Message
	if e.Field != "" {
		s = e.Field + ": " + s
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	if e.Mend != "" {
		s += " (" + e.Mend + ")"
	}
	return s
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Invalid makes a [CodeInvalid] error for a field, with its mend.
func Invalid(field, mend, format string, args ...any) *Error {
	return &Error{Code: CodeInvalid, Field: field, Mend: mend, Message: fmt.Sprintf(format, args...)}
}

// NotFound makes a [CodeNotFound] error for a named thing.
func NotFound(what, name string) *Error {
	return &Error{Code: CodeNotFound, Message: fmt.Sprintf("there is no %s %q", what, name)}
}

// CodeOf gives the code of the first [Error] in the chain, or [CodeInternal].
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return CodeInternal
}
