package client

import (
	"context"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"strconv"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/wire"
)

// SetSubscriber makes or changes the subscriber with the site's own id. Nil
// fields stay as they are.
func (c *Client) SetSubscriber(ctx context.Context, s dispatcher.EventSubscriber) (wire.Subscriber, error) {
	var out wire.Subscriber
	return out, c.Do(ctx, http.MethodPut, subscriberPath(s.ID), nil, &s, &out)
}

// Subscriber gives one by the site's own id.
func (c *Client) Subscriber(ctx context.Context, id string) (wire.Subscriber, error) {
	var out wire.Subscriber
	return out, c.Do(ctx, http.MethodGet, subscriberPath(id), nil, nil, &out)
}

// EraseSubscriber forgets one. That there is none (any more) is no error.
func (c *Client) EraseSubscriber(ctx context.Context, id string) error {
	err := c.Do(ctx, http.MethodDelete, subscriberPath(id), nil, nil, nil)
	if dispatcher.CodeOf(err) == dispatcher.CodeNotFound {
		return nil
	}
	return err
}

func subscriberPath(id string) string { return "/v1/subscribers/" + url.PathEscape(id) }

// Subscribers goes through all whose address or name contains the text, page by
// page. An error is the last.
func (c *Client) Subscribers(ctx context.Context, text string) iter.Seq2[wire.Subscriber, error] {
	return pages[wire.Subscriber](ctx, c, "/v1/subscribers", url.Values{"q": {text}})
}

// Subscribe lets a subscriber follow a target, or mutes it. Asking again
// changes nothing. What the reader has ended is a
// [dispatcher.CodeEnded] unless a later Consent of theirs is given.
func (c *Client) Subscribe(ctx context.Context, s dispatcher.EventSubscription) (wire.Subscription, error) {
	var out wire.Subscription
	return out, c.Do(ctx, http.MethodPost, "/v1/subscriptions", nil, &s, &out)
}

// Unsubscribe ends it in the site's name, or lifts a mute. Ending what has ended
// is no error.
func (c *Client) Unsubscribe(ctx context.Context, subscriber string, target dispatcher.Target, mute bool) error {
	query := url.Values{"subscriber": {subscriber}, "type": {string(target.Type)}, "mute": {strconv.FormatBool(mute)}}
	if target.ID != "" {
		query.Set("id", target.ID)
	}
	return c.Do(ctx, http.MethodDelete, "/v1/subscriptions", query, nil, nil)
}

// Subscriptions goes through those of one subscriber, or of the whole site when
// it is empty, ended ones too. An error is the last.
func (c *Client) Subscriptions(ctx context.Context, subscriber string) iter.Seq2[wire.Subscription, error] {
	return pages[wire.Subscription](ctx, c, "/v1/subscriptions", url.Values{"subscriber": {subscriber}})
}

// Messages goes through the mails to one subscriber, newest first, or to all
// when it is empty. An error is the last.
func (c *Client) Messages(ctx context.Context, subscriber string) iter.Seq2[wire.Message, error] {
	return pages[wire.Message](ctx, c, "/v1/messages", url.Values{"subscriber": {subscriber}})
}

// Explain says why a subscriber did or did not hear of a comment.
func (c *Client) Explain(ctx context.Context, subscriber, comment string) (wire.Explanation, error) {
	var out wire.Explanation
	return out, c.Do(ctx, http.MethodGet, "/v1/explain", url.Values{"subscriber": {subscriber}, "comment": {comment}}, nil, &out)
}

// pages goes through a list.
func pages[T any](ctx context.Context, c *Client, path string, query url.Values) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		query := maps.Clone(query)
		query.Set("limit", "500")
		for {
			var page wire.Page[T]
			if err := c.Do(ctx, http.MethodGet, path, query, nil, &page); err != nil {
				var none T
				yield(none, err)
				return
			}
			for i := range page.Items {
				if !yield(page.Items[i], nil) {
					return
				}
			}
			if page.Next == "" {
				return
			}
			query.Set("after", page.Next)
		}
	}
}
