// A reader, a subscription and a comment, from Go:
//
//	HEARBACK_URL=http://127.0.0.1:8025 HEARBACK_KEY=hb_… go run ./docs/examples/go
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/hearback/hearback/dispatcher"
	"github.com/hearback/hearback/dispatcher/client"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := run(ctx); err != nil {
		log.Fatal(err) // it names the field and the mend
	}
}

func run(ctx context.Context) error {
	c, err := client.New(client.Options{URL: os.Getenv("HEARBACK_URL"), Key: os.Getenv("HEARBACK_KEY")})
	if err != nil {
		return err
	}
	// Who they are. Confirmed says that the site knows the address to be theirs; without it they are asked by mail first.
	if _, err := c.SetSubscriber(ctx, dispatcher.EventSubscriber{ID: "u-1", Email: client.Set("ann@example.org"), Name: client.Set("Ann"),
		AuthorIDs: client.Set([]string{"u-1"}), Confirmed: client.Set(true)}); err != nil {
		return err
	}
	// What they want to hear of. Who has left comes back only by themselves.
	_, err = c.Subscribe(ctx, dispatcher.EventSubscription{Subscriber: "u-1", Target: client.Thread("post-7")})
	if err != nil && dispatcher.CodeOf(err) != dispatcher.CodeEnded {
		return err
	}
	// What happened. The id names the event: sending it again changes nothing.
	receipt, err := c.Send(ctx, dispatcher.Event{
		ID: "c-1-published", Type: dispatcher.CommentPublished, Time: time.Now(),
		Thread:  &dispatcher.EventThread{ID: "post-7", URL: "https://blog.example.org/7", Title: "On clocks"},
		Comment: &dispatcher.EventComment{ID: "c-1", HTML: "<p>Who winds them, with Go?</p>"},
		Author:  &dispatcher.EventAuthor{ID: "u-2", Name: "Patrick"},
	})
	if err != nil {
		return err
	}
	fmt.Printf("%d accepted\n", receipt.Accepted)
	return nil
}
