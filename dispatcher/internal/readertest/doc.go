// Package readertest goes a reader's way with a real browser and a whole
// daemon: from a page of a site that carries the snippet, by the mails, to the
// readers' pages and out again. It also looks at every one of these pages as a
// careful reader, a phone and a mail scanner would.
package readertest
