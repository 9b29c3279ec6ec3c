package outbox

import (
	"context"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/render"
)

// Look composes a message as it would go out now and changes nothing: comments
// that were removed since are left out. The mail holds its reader's own links,
// so it is for who may act for them. An error of code not_found says that the
// message, its reader or all it told of is gone.
func (s *Stage) Look(ctx context.Context, id int64) ([]byte, render.Info, error) {
	m, _, err := s.o.Store.Message(ctx, id)
	if err != nil {
		return nil, render.Info{}, err
	}
	to, err := s.o.Store.Recheck(ctx, []dispatcher.Message{m})
	if err != nil {
		return nil, render.Info{}, err
	}
	var ids []int64
	for _, it := range m.Items {
		ids = append(ids, it.Comment)
	}
	if err := s.content.refresh(ctx, s.o.Clock.Now()); err != nil {
		return nil, render.Info{}, err
	}
	pieces, err := s.content.pieces(ctx, ids)
	if err != nil {
		return nil, render.Info{}, err
	}
	j := &job{m: m, to: to[m.ID], pieces: pieces}
	for _, it := range m.Items {
		if pieces[it.Comment].visible() {
			j.items = append(j.items, it)
		}
	}
	gone := func(what, mend string) error {
		return &dispatcher.Error{Code: dispatcher.CodeNotFound, Message: what, Mend: mend}
	}
	switch {
	case j.to.Gone:
		return nil, render.Info{}, gone("the reader was erased, and with them what the mail said", "the attempts are kept")
	case len(j.items) == 0 && len(m.Items) > 0:
		return nil, render.Info{}, gone("all that the mail told of was removed from the site", "there is nothing left to show")
	}
	mail, err := s.mail(ctx, j, "")
	if err != nil {
		return nil, render.Info{}, err
	}
	return s.o.Renderer.Compose(ctx, nil, mail)
}
