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

// What a mail carries in its data that tests a template: it goes to a plain
// address and tells of made-up comments.
const (
	TestLocale  = "locale"  // whose language; "" for the site's
	TestVersion = "version" // of the stored template; "" for what is in force
	TestScope   = "scope"   // "all" for the template of all sites
)
