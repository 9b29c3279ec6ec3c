package admin

import (
	"strings"

	"github.com/hearback/hearback/dispatcher"
)

type overviewView struct {
	Figures []fact
}

func (d *Desk) overview(v *visit) error {
	s, err := d.store.Stats(v.ctx())
	if err != nil {
		return err
	}
	return v.show("overview", "Overview", overviewView{Figures: []fact{{"Mails waiting", num(count(s.Waiting))}, {"Events waiting", num(count(s.Inbox))}}})
}

// clearNotice puts a notice away. It comes back when the trouble does.
func (d *Desk) clearNotice(v *visit) error {
	topic := v.r.PostForm.Get("topic")
	list, err := d.store.Notices(v.ctx())
	if err != nil {
		return err
	}
	for _, n := range list {
		if n.Topic == topic {
			if err := v.as("notice.clear", n.Topic, n.Text, "").Clear(v.ctx(), n.Topic); err != nil {
				return err
			}
			return v.done("/", "Put away: %s", strings.TrimSuffix(n.Text, "."))
		}
	}
	return dispatcher.NotFound("open notice", topic)
}
