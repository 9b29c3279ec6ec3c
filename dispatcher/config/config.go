// Package config reads what an admin decides before the daemon starts.
//
// The story of one value: it has a default in this package, may be set in a
// YAML file, and may be overridden by an environment variable whose name is
// made from its path by one rule ("http.base_url" is HEARBACK_HTTP_BASE_URL).
// Then values that follow from others are filled in, and all is checked.
// [Load] collects every mistake with its path, line and mend, so that a file
// is put right in one go. An unknown key is a mistake, since the alternative
// is a setting that quietly does nothing.
//
// The structs below are the one place where a key lives: its name (yaml), its
// meaning (help) and, where a list has no default, a sample. Reading, the
// environment, config.example.yaml and docs/configuration.md all come from
// them. Values are plain; only app turns them into each package's options.
package config

import (
	"time"

	"github.com/hearback/hearback/dispatcher"
)

// Config is everything that can be configured. [Load] gives it checked and
// complete; it is not changed afterwards and may be read concurrently.
type Config struct {
	Database  Database      `yaml:"database" help:"Where Hearback keeps its data."`
	HTTP      HTTP          `yaml:"http" help:"The web server: API, admin pages, and the links in mails."`
	Sites     []Site        `yaml:"sites" help:"The sites whose readers get mail. Without any there is one, named default."`
	Relays    []Relay       `yaml:"relays" help:"The SMTP servers that take the mail. Without any, mail stays in the built-in catcher."`
	Schedules []Schedule    `yaml:"schedules" help:"Named cadences. Those named here are read-only elsewhere; others may be made in the pages, the API and the command line."`
	Sources   []Source      `yaml:"sources" help:"Where new comments are read from. Sites may also push them through the API or SQL."`
	Settle    time.Duration `yaml:"settle" help:"How long a new comment waits before it can be mailed, so that quick edits and removals are caught."`
	MaxAge    time.Duration `yaml:"max_age" help:"A comment written longer ago than this when it arrives is recorded, not mailed."`
	Retention Retention     `yaml:"retention" help:"How long things are kept."`
	Sending   Sending       `yaml:"sending" help:"The switch for all mail, and the brakes."`
	SignUp    SignUp        `yaml:"signup" help:"How often strangers may ask to subscribe, or for a link, in an hour. Beyond that they are asked to wait."`
	Admin     Admin         `yaml:"admin" help:"Who is told when something needs a person."`
	Security  Security      `yaml:"security" help:"The secret that signs the links in mails."`
	Fetch     Fetch         `yaml:"fetch" help:"What Hearback may connect to when it reads from sites."`
	Catcher   Catcher       `yaml:"catcher" help:"The built-in mailbox that takes all mail while no relay is set."`
	Log       Log           `yaml:"log" help:"What the daemon writes to standard error."`

	// Warnings are doubts that stop nothing, in words for the admin.
	Warnings []string `yaml:"-"`

	origins map[string]Origin
}

// Database says where the data is.
type Database struct {
	URL Secret `yaml:"url" help:"sqlite:///var/lib/hearback/hearback.db, or sqlite:NAME in the working folder, or postgres://user:password@host/name."`
}

// HTTP is the web server.
type HTTP struct {
	Listen         string   `yaml:"listen" help:"Address and port to listen on; put a TLS proxy in front before you open it to the world."`
	BaseURL        string   `yaml:"base_url" help:"How readers reach this server; links in mails begin with it. Empty: made from listen."`
	TrustedProxies []string `yaml:"trusted_proxies" help:"Addresses or networks (10.0.0.0/8) whose X-Forwarded-For is believed when sign-ups are counted per client."`
	CORSOrigins    []string `yaml:"cors_origins" help:"Origins, such as https://app.example.org, whose pages may call the HTTP API from a browser. Cookies are never allowed."`
}

// Site is one sender identity. See [Site.Domain].
type Site struct {
	Key      string `yaml:"key" sample:"blog" help:"Short name used in events and API keys: a-z, 0-9, - and _, at most 24."`
	Name     string `yaml:"name" sample:"The Blog" help:"What readers call the site. Empty: the key."`
	BaseURL  string `yaml:"base_url" sample:"https://blog.example.org" help:"The site's own pages; threads must lie under it."`
	From     string `yaml:"from" sample:"The Blog <replies@blog.example.org>" help:"Sender of its mails."`
	Locale   string `yaml:"locale" help:"Language of its mails where a reader has none: en, de, de-AT, …"`
	Zone     string `yaml:"time_zone" help:"Time zone where a reader has none, as an IANA name such as Europe/Berlin."`
	Schedule string `yaml:"schedule" help:"Cadence of subscriptions that name none: immediate, or a schedule's name."`
	Sending  string `yaml:"sending" help:"The switch for this site alone: on, hold, or \"redirect: ADDRESS\". Empty: as sending.mode."`
}

// Domain gives the site as the rest of the program knows it.
func (s Site) Domain() dispatcher.Site {
	return dispatcher.Site{Key: s.Key, Name: s.Name, BaseURL: s.BaseURL, From: s.From, Locale: s.Locale, Zone: s.Zone, Schedule: s.Schedule}
}

// Relay is one SMTP server.
type Relay struct {
	Name        string  `yaml:"name" sample:"main" help:"Its name in logs and pages. Empty: the host."`
	URL         string  `yaml:"url" sample:"smtp://user@mail.example.org:587" help:"smtp://user@host:587, or smtps://user@host:465 for TLS from the first byte."`
	TLS         string  `yaml:"tls" help:"starttls (required), implicit, opportunistic (if offered) or none. Empty: implicit for smtps, none for a relay on this machine, else starttls."`
	Password    Secret  `yaml:"password" help:"Password of the user in url; better in a file named by password_file."`
	Connections int     `yaml:"connections" help:"How many connections are kept at most."`
	Rate        float64 `yaml:"rate" help:"Mails a second at most; 0 for no limit."`
	Pipelining  string  `yaml:"pipelining" help:"auto sends commands together where the server offers it; off never does."`
	Hello       string  `yaml:"hello" help:"The name given in EHLO. Empty: this machine's."`
	Sending     string  `yaml:"sending" help:"The switch for this relay alone: on, hold, or \"redirect: ADDRESS\". Empty: as sending.mode."`
}

// Schedule is a named cadence. Its fields are those of [dispatcher.Schedule],
// so that one converts to the other; see [Schedule.Domain].
type Schedule struct {
	Name     string             `yaml:"name" sample:"daily" help:"What subscriptions call it: a-z, 0-9, - and _, at most 40."`
	Spec     string             `yaml:"cron" sample:"0 8 * * *" help:"Minute, hour, day, month, weekday; or @hourly, @daily, @weekly, @monthly; or @every 6h."`
	Zone     string             `yaml:"time_zone" help:"site (each site's own), subscriber (each reader's own), or an IANA name."`
	Misfire  dispatcher.Misfire `yaml:"misfire" help:"What becomes of firings missed while nothing ran: merge makes one of them, skip leaves their comments to the next."`
	CatchUp  time.Duration      `yaml:"catch_up" help:"Firings missed longer ago than this are skipped."`
	MinItems int                `yaml:"min_items" help:"Fewer comments than this wait for the next firing, at most 7 days."`
	MaxItems int                `yaml:"max_items" help:"More comments than this are counted and linked, not shown."`
	Quiet    dispatcher.Quiet   `yaml:"quiet_hours" help:"Nothing is mailed in these hours of the reader's day, such as 22:00-07:00."`
	Paused   bool               `yaml:"-"`
	Label    string             `yaml:"label" help:"What readers see. Empty: words made from cron."`
	FromFile bool               `yaml:"-"`
}

// Domain gives the schedule as the rest of the program knows it.
func (s Schedule) Domain() dispatcher.Schedule {
	d := dispatcher.Schedule(s)
	d.FromFile = true
	return d
}

// The types of a [Source].
const (
	SourceWordPress = "wordpress"
	SourceSQL       = "sql"
)

// Source is where new comments are read from.
type Source struct {
	Name         string        `yaml:"name" sample:"blog" help:"Its name in logs, pages and the command line."`
	Site         string        `yaml:"site" sample:"blog" help:"Key of the site that its comments belong to. Empty: the only site."`
	Type         string        `yaml:"type" sample:"wordpress" help:"wordpress (its REST API) or sql (any table of comments)."`
	URL          string        `yaml:"url" sample:"https://blog.example.org" help:"wordpress: the address of the site."`
	Username     string        `yaml:"username" help:"wordpress: a user who may moderate, so that held comments are seen too; optional."`
	Password     Secret        `yaml:"password" help:"wordpress: that user's application password."`
	DatabaseURL  Secret        `yaml:"database_url" help:"sql: the database to read, as in database.url; a read-only role is enough."`
	Query        string        `yaml:"query" help:"sql: the SELECT, with :since and :limit; see docs/sources.md for its columns."`
	Lookup       string        `yaml:"lookup" help:"sql: the same SELECT for one comment, by :id; finds parents older than what was read. Optional."`
	Since        string        `yaml:"since" help:"sql: how :since is given: timestamp, text, epoch, epoch_ms or epoch_us. Empty: found out from the first row."`
	Zone         string        `yaml:"time_zone" help:"sql: what times without a zone mean."`
	Absent       string        `yaml:"absent" help:"sql: removed, if a row that has gone means a removed comment; then query must give all rows. Empty: it means nothing."`
	Window       time.Duration `yaml:"window" help:"sql: how far each round reads back for rows committed late."`
	LookBack     time.Duration `yaml:"look_back" help:"How far back older comments are read again, for late approvals, edits and removals."`
	Settle       time.Duration `yaml:"settle" help:"As settle above, for this source; 15m suits a site that lets authors edit that long."`
	IntervalMin  time.Duration `yaml:"interval_min" help:"How often a busy site is asked."`
	IntervalMax  time.Duration `yaml:"interval_max" help:"How often a quiet site is asked."`
	MaxAge       time.Duration `yaml:"max_age" help:"As max_age above, for this source."`
	Jump         int           `yaml:"jump" help:"More new comments than this in one round, far beyond the usual, pause the source and tell the admin; 0 turns this off."`
	AllowPrivate []string      `yaml:"allow_private" help:"Hosts with private addresses that this source may read from, beside fetch.allow."`
}

// Retention is how long things are kept.
type Retention struct {
	Log      time.Duration `yaml:"log" help:"Settled comments; at least 35d, since this keeps anybody from hearing of one twice."`
	Messages time.Duration `yaml:"messages" help:"Mails and what became of them; at least 35d, for the same reason."`
	Events   time.Duration `yaml:"events" help:"Ids of events, to recognise repeats; at least 30d."`
	Rejected time.Duration `yaml:"rejected" help:"Events that could not be used, with the reason."`
}

// Sending is the switch for all mail, and the brakes.
type Sending struct {
	Mode     string `yaml:"mode" help:"on, hold (mails wait), or \"redirect: ADDRESS\" (all mail goes there instead)."`
	Storm    Storm  `yaml:"storm" help:"When one thread is too busy for single mails to one reader."`
	DailyCap int    `yaml:"daily_cap" help:"Immediate mails to one reader in a day; what is beyond comes in one mail in the morning."`

	Unknown string `yaml:"unknown" help:"When the connection broke after a mail was handed over and before the answer: resend sends it once more under the same Message-ID, hold leaves it to you (hearback message retry)."`

	Lease time.Duration `yaml:"lease" help:"How long a daemon that died keeps its mails, slots and sources from the others. It is renewed all the time; shorter than a pause of the machine, and work changes hands for nothing."`
	Retry time.Duration `yaml:"retry" help:"How long a mail waits that was refused for now; it waits longer each time, up to two days in all."`
}

// What becomes of a mail whose outcome nobody knows.
const (
	UnknownResend = "resend"
	UnknownHold   = "hold"
)

// Storm is when immediate mails of one thread to one reader become one mail.
type Storm struct {
	Mails  int           `yaml:"mails" help:"After this many mails to one reader in one thread …"`
	Within time.Duration `yaml:"within" help:"… within this time, the rest is held and comes in one mail."`
}

// SignUp is how often strangers may ask for something. A daemon counts for
// itself; one confirm mail to an address in a day is counted in the database.
type SignUp struct {
	PerClient  int `yaml:"per_client" help:"From one IP address; see http.trusted_proxies when a proxy stands in front."`
	PerAddress int `yaml:"per_address" help:"For one mail address."`
	PerSite    int `yaml:"per_site" help:"For one site in all."`
}

// Admin is who is told.
type Admin struct {
	Notify string `yaml:"notify" help:"Address that is mailed when something needs a person. Empty: only the pages and metrics tell."`
}

// Security holds the secret that signs the links in mails.
type Security struct {
	Secret     Secret `yaml:"secret" help:"At least 32 characters; several parted by commas rotate, the newest first. Better in secret_file."`
	SecretFile string `yaml:"secret_file" help:"File with the secret, one a line, the newest first. Empty: made beside a SQLite database; PostgreSQL needs one."`
}

// Fetch is what Hearback may connect to when it reads from sites.
type Fetch struct {
	Allow []string `yaml:"allow" help:"Hosts with private addresses that may be read from; others are refused."`
}

// Catcher is the built-in mailbox.
type Catcher struct {
	Listen    string `yaml:"listen" help:"Where it takes SMTP, on this machine only; port 0 picks a free one."`
	Mails     int    `yaml:"mails" help:"How many mails it keeps; older ones go."`
	Megabytes int    `yaml:"megabytes" help:"How much it keeps, in millions of bytes."`
}

// Log is what the daemon writes.
type Log struct {
	Level  string `yaml:"level" help:"debug, info, warn or error."`
	Format string `yaml:"format" help:"text for people, json for machines."`
}

// MinRetention is the shortest retention of the log and of messages.
const MinRetention = 35 * 24 * time.Hour

const day = 24 * time.Hour

// unset marks a duration that follows another one and was not given.
const unset = time.Duration(-1)

// Default gives what holds when nothing is configured.
func Default() *Config {
	c := bare()
	c.derive()
	return c
}

// bare are the defaults before values that follow from others are filled in.
func bare() *Config {
	return &Config{
		Database: Database{URL: "sqlite:hearback.db"},
		HTTP:     HTTP{Listen: "127.0.0.1:8025"},
		Sites: []Site{{
			Key: "default", Name: "Hearback", From: "Hearback <hearback@localhost>",
			Locale: "en", Zone: "UTC", Schedule: dispatcher.Immediate,
		}},
		Settle:    2 * time.Minute,
		MaxAge:    14 * day,
		Retention: Retention{Log: MinRetention, Messages: 90 * day, Events: 30 * day, Rejected: 30 * day},
		Sending:   Sending{Mode: "on", Storm: Storm{Mails: 5, Within: time.Hour}, DailyCap: 100, Unknown: UnknownResend, Lease: 30 * time.Second, Retry: 30 * time.Second},
		SignUp:    SignUp{PerClient: 30, PerAddress: 6, PerSite: 1000},
		Catcher:   Catcher{Listen: "127.0.0.1:0", Mails: 1000, Megabytes: 64},
		Log:       Log{Level: "info", Format: "text"},
	}
}

func (s *Site) setDefaults() { *s = Site{Locale: "en", Zone: "UTC", Schedule: dispatcher.Immediate} }

func (r *Relay) setDefaults() { *r = Relay{Connections: 16, Pipelining: "auto"} }

func (s *Schedule) setDefaults() {
	*s = Schedule{
		Zone: dispatcher.ZoneSite, Misfire: dispatcher.MisfireMerge,
		CatchUp: dispatcher.DefaultCatchUp, MaxItems: dispatcher.DefaultMaxItems,
	}
}

func (s *Source) setDefaults() {
	*s = Source{
		Zone: "UTC", Window: 10 * time.Minute, LookBack: 14 * day, Settle: unset, MaxAge: unset,
		IntervalMin: 15 * time.Second, IntervalMax: 5 * time.Minute, Jump: 500,
	}
}
