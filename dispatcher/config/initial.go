package config

import (
	"strings"
	"text/template"
)

// Start is what a newcomer tells `hearback init`. Whatever is empty stands in
// the text as a comment with an example.
type Start struct {
	SiteKey     string
	SiteName    string
	SiteURL     string // the site's own pages
	From        string // "My Site <replies@example.org>"
	Locale      string
	Zone        string
	RelayURL    string // smtp://user@host:587
	WordPress   string // address of a WordPress site to read from
	BaseURL     string // how readers reach Hearback
	AdminNotify string
}

// Initial gives a commented config.yaml with the keys that a newcomer needs
// and pointers to the rest. It loads without mistakes as it is.
func Initial(s Start) string {
	if s.Locale == "" {
		s.Locale = "en"
	}
	if s.Zone == "" {
		s.Zone = "UTC"
	}
	if s.SiteKey == "" {
		s.SiteKey = "default"
	}
	var b strings.Builder
	t := template.Must(template.New("config.yaml").Funcs(template.FuncMap{"yaml": quoted}).Parse(initialText))
	if err := t.Execute(&b, s); err != nil {
		panic("config: " + err.Error()) // the text is ours and a test executes it
	}
	return b.String()
}

const initialText = `# Hearback tells readers by e-mail when somebody answers them.
#
# Check this file at any time:   hearback check
# Every other key is explained in config.example.yaml and docs/configuration.md.
# Values may also come from the environment: http.listen is HEARBACK_HTTP_LISTEN.

# One file is enough for one daemon. For PostgreSQL:
#   url: postgres://hearback@localhost/hearback   (and the password in url_file)
database:
  url: sqlite:hearback.db

http:
  # Only this machine can reach it like this; put a proxy with TLS in front.
  listen: 127.0.0.1:8025
  # How readers reach it: the links in mails begin with this.
  {{if .BaseURL}}base_url: {{yaml .BaseURL}}{{else}}# base_url: https://mail.example.org{{end}}
{{if and .SiteURL .From}}
sites:
  - key: {{yaml .SiteKey}}
    name: {{yaml .SiteName}}
    # Threads must lie under this address.
    base_url: {{yaml .SiteURL}}
    # The sender of the mails; its domain should pass SPF and DKIM at your relay.
    from: {{yaml .From}}
    locale: {{yaml .Locale}}
    time_zone: {{yaml .Zone}}
{{else}}
# Your site. Without this there is one site named "default".
# sites:
#   - key: blog
#     name: The Blog
#     base_url: https://blog.example.org
#     from: The Blog <replies@blog.example.org>
#     locale: en
#     time_zone: Europe/Berlin
{{end}}
{{- if .RelayURL}}
# The server that takes your mail. Its password is better kept in a file of its own:
#   password_file: /etc/hearback/relay-password
relays:
  - name: main
    url: {{yaml .RelayURL}}
{{else}}
# The server that takes your mail. Until you name one, mail goes nowhere: it stays
# in the catcher, a mailbox that you find on the pages of this daemon.
# relays:
#   - name: main
#     url: smtp://user@mail.example.org:587
#     password_file: /etc/hearback/relay-password
{{end}}
# Replies are mailed at once unless a reader chooses one of these.
schedules:
  - name: daily
    cron: 0 8 * * *
    time_zone: subscriber
  - name: weekly
    cron: 0 8 * * 1
    time_zone: subscriber
{{if .WordPress}}
# Where new comments are read from.
sources:
  - name: {{yaml .SiteKey}}
    site: {{yaml .SiteKey}}
    type: wordpress
    url: {{yaml .WordPress}}
{{else}}
# Where new comments are read from, if your site does not push them through the API.
# sources:
#   - name: blog
#     type: wordpress
#     url: https://blog.example.org
{{end}}
# Who is mailed when something needs a person.
{{if .AdminNotify}}admin:
  notify: {{yaml .AdminNotify}}
{{else}}# admin:
#   notify: you@example.org
{{end}}
# "hold" keeps all mail back, "redirect: you@example.org" sends all of it to you.
sending:
  mode: "on"
`
