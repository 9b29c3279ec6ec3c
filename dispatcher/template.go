package dispatcher

// Parts are the sources of one template. An empty part stands for the built-in
// one.
type Parts struct {
	Subject, Text, HTML string
}

// Override is a stored template in force. ID is unique over all overrides and
// never used for another text.
type Override struct {
	ID string
	Parts
}
