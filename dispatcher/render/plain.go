package render

// Plain makes plain text of comments, as the text part of a mail shows them:
// sanitised, without pictures, with the addresses of links, and cut at the same
// length. It is not safe for concurrent use.
func Plain() func(source string, plain bool) (text string, cut bool) {
	policy := sanitizer()
	return func(source string, plain bool) (string, bool) {
		b := makeBody(policy, source, plain, maxCommentRunes)
		return b.text(), b.cut
	}
}
