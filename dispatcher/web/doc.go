// Package web is the HTTP server that all doors share. It knows no door by
// name: the API, the readers' pages, the mail catcher and the admin pages are
// handlers that it is given, and it puts around them what each of them needs
// and none should do for itself.
//
// The story of one request: it gets an id; its time is measured; a panic below
// becomes one log line and a 500; the answer gets headers that keep browsers
// careful; then its door answers. Doors end with an error or with an answer;
// [Handler] turns errors into problem details (RFC 9457) by one table, see
// [Status]. Nothing that is logged holds an address, a token or a key: paths
// are logged as the pattern that they matched.
//
// Requests in JSON are read by [Decode], which refuses what it does not know
// and says what was probably meant.
package web
