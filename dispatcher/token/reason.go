package token

import "github.com/hearback/hearback/dispatcher"

// Reason says why a link was refused. It stands in the [dispatcher.Error] that
// [Signer.Verify] and [Claims.Check] give: errors.Is(err, token.Expired).
type Reason string

// The reasons. An unknown key and a wrong seal are both [Forged], in the same
// words, so that nobody learns from us which keys there are.
const (
	Malformed  Reason = "it is not complete"
	Forged     Reason = "it is not one of ours"
	Expired    Reason = "it has run out"
	WrongScope Reason = "it was made for something else"
	Outdated   Reason = "a newer one has taken its place"
)

// Error gives the reason in words that fit after "this link does not work:".
func (r Reason) Error() string { return string(r) }

func refuse(r Reason) error {
	e := &dispatcher.Error{Code: dispatcher.CodeForbidden, Message: "this link does not work", Err: r}
	switch r {
	case Malformed:
		e.Code, e.Mend = dispatcher.CodeInvalid, "copy the whole link from the mail, it may have been broken in two"
	case Expired, Outdated:
		e.Mend = "ask for a new link, or use the one in your latest mail"
	default:
		e.Mend = "use the link in your latest mail"
	}
	return e
}
