package subscribe

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/store"
)

// Ask is what somebody asks for with a form. Whose address it is, nobody has
// shown yet.
type Ask struct {
	Site     string // key; "" where there is one site only
	Email    string // as typed
	Target   dispatcher.Target
	Page     string // URL of the page that the form stood on; "" when it told of none
	Schedule string // "" for the reader's or the site's
	Locale   string // of the page; counts for a reader who is new
}

// Site gives a configured site; "" names the only one.
func (d *Desk) Site(key string) (dispatcher.Site, error) {
	if keys := d.store.SiteKeys(); key == "" && len(keys) == 1 {
		key = keys[0]
	}
	if key == "" {
		return dispatcher.Site{}, dispatcher.Invalid("site", "give the site's key, as under sites in the configuration", "is missing")
	}
	site, err := d.store.Site(key)
	if dispatcher.CodeOf(err) == dispatcher.CodeNotFound {
		return site, dispatcher.Invalid("site", "give the site's key, as under sites in the configuration", "there is no site %q", key)
	}
	return site, err
}

// SignUp records what was asked for and mails a question to the address, which
// alone can say yes. The error, and how long it takes, do not tell whether the
// address is known.
func (d *Desk) SignUp(ctx context.Context, a Ask) error {
	site, err := d.Site(a.Site)
	if err != nil {
		return err
	}
	if err := a.Target.Validate(); err != nil {
		return err
	}
	if a.Page != "" && !Under(site.BaseURL, a.Page) {
		return dispatcher.Invalid("url", "put the form on the site's own pages, or mend sites.base_url", "%q does not lie under %s", a.Page, site.BaseURL)
	}
	_, th, err := d.lookup.Describe(ctx, site.Key, a.Target)
	if err != nil {
		return fmt.Errorf("look for what a form asks for: %w", err)
	}
	if th.URL != "" && !Under(site.BaseURL, th.URL) {
		return dispatcher.Invalid("thread", "mend sites.base_url, or the address that the thread was told with", "its page does not lie under %s", site.BaseURL)
	}
	err = d.store.SignUp(ctx, site.Key, store.SignUp{Email: a.Email, Target: a.Target, Schedule: a.Schedule, Locale: a.Locale})
	if err != nil {
		return fmt.Errorf("sign up: %w", err)
	}
	return nil
}

// AuthorName gives what an author is called on a site; "" when nobody has told.
func (d *Desk) AuthorName(ctx context.Context, site, id string) (string, error) {
	c, _, err := d.lookup.Describe(ctx, site, dispatcher.Target{Type: dispatcher.TargetAuthor, ID: id})
	if err != nil {
		return "", fmt.Errorf("look for an author: %w", err)
	}
	return c.AuthorName, nil
}

// SignUps lists what waits for the yes of the visit's reader.
func (d *Desk) SignUps(ctx context.Context, v Visit) ([]Listed, error) {
	all, err := d.store.SignUps(ctx, v.Reader.ID)
	if err != nil {
		return nil, fmt.Errorf("list sign-ups: %w", err)
	}
	return d.Describe(ctx, v, all)
}

// AskLink mails a fresh link to an address that follows something. The error,
// and how long it takes, do not tell whether it does.
func (d *Desk) AskLink(ctx context.Context, site, email string) error {
	if err := d.store.AskLink(ctx, site, email); err != nil {
		return fmt.Errorf("ask for a link: %w", err)
	}
	return nil
}

// Under says whether a page is one of a site's. A site may be reached by http
// and https; a site without a base URL takes all.
func Under(base, page string) bool {
	if base == "" {
		return true
	}
	b, berr := url.Parse(base)
	p, perr := url.Parse(page)
	if berr != nil || perr != nil || p.Scheme != "http" && p.Scheme != "https" || p.User != nil || !strings.EqualFold(b.Host, p.Host) {
		return false
	}
	root := strings.TrimRight(b.Path, "/")
	return p.Path == root || strings.HasPrefix(p.Path, root+"/")
}
