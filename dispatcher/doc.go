// Package dispatcher is Hearback's domain: the nouns, their states, the rules
// and the error codes. It imports only the standard library and knows no
// database, no wire and no other package of this project.
//
// The story of one comment: a source, the API or an SQL INSERT brings an
// [Event] into the inbox. Intake applies it to the state of its [Comment] and,
// once the publication has settled, gives it a position in the log (an
// [Entry]). When a slot of a schedule opens, [Select] decides for each reader
// which entries of the slot's [Window] become items, and why. One reader's
// items of one slot are a digest; a [Message] carries it to one address.
package dispatcher
