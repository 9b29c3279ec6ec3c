package api

import (
	"github.com/hearback/hearback/dispatcher/store"
	"github.com/hearback/hearback/dispatcher/wire"
)

// explainQuery names a reader and a comment.
type explainQuery struct {
	Subscriber string `query:"subscriber" need:"true" doc:"the site's own id of the reader"`
	Comment    string `query:"comment" need:"true" doc:"the site's own id of the comment"`
}

// explain says why a reader did or did not hear of a comment.
func (a *API) explain(c *call, q explainQuery) (wire.Explanation, error) {
	e, err := a.o.Store.Explain(c.context(), c.site, q.Subscriber, q.Comment)
	return explanationOf(&e), err
}

func explanationOf(e *store.Explanation) wire.Explanation {
	out := wire.Explanation{Site: e.Site, Subscriber: e.Subscriber, Comment: e.Comment, Verdict: wire.Verdict(e.Verdict), Why: e.Why, Reason: e.Reason,
		Sentence: e.Sentence, State: (*wire.ExplainedComment)(e.State), Subscriptions: []wire.ExplainedSubscription{}, Mutes: e.Mutes, ReadUpTo: e.ReadUpTo}
	for _, s := range e.Subscriptions {
		out.Subscriptions = append(out.Subscriptions, wire.ExplainedSubscription(s))
	}
	for _, m := range e.Messages {
		out.Messages = append(out.Messages, wire.ExplainedMessage(m))
	}
	for _, h := range e.Holds {
		out.Holds = append(out.Holds, wire.ExplainedHold(h))
	}
	return out
}
