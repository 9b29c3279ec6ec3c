package demo

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/hearback/hearback/dispatcher/outbox/catcher"
)

// WriteMails writes all caught mails into a folder, in names that sort as they
// came: 001-ann-reply-line-9-reaches-the-lake.eml. Mails of an earlier run there
// are replaced. It gives how many it wrote.
func WriteMails(ctx context.Context, c *catcher.Catcher, dir string) (int, error) {
	list, err := c.Store().ListCaught(ctx, "", 0, catcher.DefaultMails)
	if err != nil {
		return 0, fmt.Errorf("list the mails: %w", err)
	}
	slices.SortFunc(list, func(a, b catcher.Summary) int {
		return cmp.Or(a.ReceivedAt.Compare(b.ReceivedAt), cmp.Compare(receiver(a), receiver(b)), cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.ID, b.ID))
	})
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return 0, fmt.Errorf("make the folder of the mails: %w", err)
	}
	if err := clearMails(dir); err != nil {
		return 0, err
	}
	for i, s := range list {
		m, err := c.Store().GetCaught(ctx, s.ID)
		if err != nil {
			return i, fmt.Errorf("read a mail: %w", err)
		}
		name := fmt.Sprintf("%03d-%s-%s-%s.eml", i+1, slug(receiver(s), 24), slug(cmp.Or(s.Kind, "mail"), 12), slug(s.Subject, 40))
		if err := os.WriteFile(filepath.Join(dir, name), m.Raw, 0o644); err != nil {
			return i, fmt.Errorf("write a mail: %w", err)
		}
	}
	return len(list), nil
}

// clearMails removes what an earlier run wrote, and nothing else.
func clearMails(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("look into the folder of the mails: %w", err)
	}
	ours := regexp.MustCompile(`^\d{3,}-[a-z0-9-]+\.eml$`)
	for _, e := range entries {
		if e.Type().IsRegular() && ours.MatchString(e.Name()) {
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
				return fmt.Errorf("remove a mail of an earlier run: %w", err)
			}
		}
	}
	return nil
}

// receiver is the local part of the address that a mail went to.
func receiver(s catcher.Summary) string {
	to := s.To
	if len(s.EnvelopeTo) > 0 {
		to = s.EnvelopeTo[0]
	}
	local, _, _ := strings.Cut(to, "@")
	return local
}

// slug keeps of a text what every file system takes, in n letters at most.
func slug(text string, n int) string {
	var b strings.Builder
	plain := strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "ß", "ss")
	for _, r := range plain.Replace(strings.ToLower(text)) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
		if b.Len() >= n {
			break
		}
	}
	return cmp.Or(strings.Trim(b.String(), "-"), "x")
}
