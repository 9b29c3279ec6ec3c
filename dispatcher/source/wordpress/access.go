package wordpress

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// access is what the password turned out to be good for.
type access struct {
	at      time.Time // when it was tried
	queue   bool      // it shows the moderation queue and the authors' addresses
	warning string
}

const accessEvery = time.Hour

// checkAccess tries the password. The lists would not tell: WordPress answers
// a wrong one there as it answers a stranger.
func (w *Source) checkAccess(ctx context.Context) (warning string, err error) {
	now := w.Clock.Now()
	if w.Password == "" || now.Sub(w.access.at) < accessEvery && !w.access.at.IsZero() {
		return w.access.warning, nil
	}
	a := access{at: now}
	resp, err := w.ask(ctx, request{route: "/wp/v2/users/me", query: url.Values{"_fields": {"id"}}, auth: true, fresh: true})
	if err != nil {
		return "", err
	}
	if resp.Status != http.StatusOK {
		a.warning = fmt.Sprintf("the site refuses the application password (%d %s): comments are read as a stranger, approvals are found later and guests' own comments are not recognised; make a new one under Users › Profile › Application Passwords",
			resp.Status, readRefusal(resp.Body).Code)
		w.access = a
		return a.warning, nil
	}
	resp, err = w.ask(ctx, heldRequest(0))
	if err != nil {
		return "", err
	}
	if a.queue = resp.Status == http.StatusOK; !a.queue {
		a.warning = fmt.Sprintf("the user %q may not see comments that await moderation (%d %s): approvals are found later and guests' own comments are not recognised; give the user the role of an editor",
			w.Username, resp.Status, readRefusal(resp.Body).Code)
	}
	w.access = a
	return a.warning, nil
}

func heldRequest(offset int) request {
	return request{route: "/wp/v2/comments", auth: true, fresh: true, query: url.Values{
		"status": {"hold"}, "context": {"edit"}, "orderby": {"id"}, "order": {"desc"}, "_fields": {"id"},
		"per_page": {strconv.Itoa(pageSize)}, "offset": {strconv.Itoa(offset)},
	}}
}

// held lists the ids of comments that await moderation.
func (w *Source) held(ctx context.Context, offset int) (ids []int64, total int, err error) {
	resp, err := w.ask(ctx, heldRequest(offset))
	if err != nil {
		return nil, 0, err
	}
	if resp.Status == http.StatusUnauthorized || resp.Status == http.StatusForbidden {
		w.access = access{} // the password was withdrawn: try it again, and say so
		return nil, 0, nil
	}
	var list []comment
	if err := w.decode(resp, &list); err != nil {
		return nil, 0, err
	}
	for _, c := range list {
		ids = append(ids, int64(c.ID))
	}
	return ids, totalOf(resp), nil
}
