// Package render turns "these items for this reader" into the complete bytes
// of one mail, RFC 5322 and MIME, exactly as SMTP will send them.
//
// The story of one mail: a [Mail] names the reader, the groups and the links.
// [Renderer.Compose] finds the template (a stored override of the site, then
// one for all sites, then the built-in one; the reader's language first), gets
// each item ready made from a cache, executes the template's `mail` block for
// this reader around them, and writes headers and parts.
//
// An item looks the same to everybody who gets it for the same reason in the
// same language, so it is made once: sanitised, cut to length, laid out and
// encoded as quoted-printable. What makes that possible is that the encoding
// works line by line. A [piece] is a run of template output kept as its first
// and last, incomplete lines, raw, and the complete lines between them,
// encoded; pieces join without encoding anything twice. Fixed text of the
// template is kept the same way. Executing the whole template plainly and
// encoding the result with the standard library gives the same bytes, and a
// property test holds the two together.
//
// [Renderer.Check] says, before a template is stored, what would go wrong with
// it and how to mend it. [Renderer.Preview] shows it with sample or real data.
package render
