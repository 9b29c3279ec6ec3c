// Package caught is what the built-in mailbox keeps of a mail: the words that
// the mailbox, its page and the store share.
package caught

import "time"

// The bounds of what is kept where none are given.
const (
	DefaultMails = 1000
	DefaultBytes = 64e6
)

// Summary is what a list shows of a caught mail. All texts are decoded and in
// one line.
type Summary struct {
	ID           int64
	ReceivedAt   time.Time
	EnvelopeFrom string
	EnvelopeTo   []string
	From         string // the header's name, or its address
	To           string // the header's address; for lists the first of EnvelopeTo serves too
	Subject      string
	Kind         string // of X-Hearback-Kind, "" for other people's mail
	Reason       string // of X-Hearback-Reason
	Thread       string // of X-Hearback-Thread
	Snippet      string // the first words of the text
	Size         int    // bytes
}

// Mail is a caught mail with its bytes, as they came.
type Mail struct {
	Summary
	Raw []byte
}
