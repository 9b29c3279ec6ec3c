package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/hearback/hearback/dispatcher/app"
	"github.com/hearback/hearback/dispatcher/config"
)

// newServe makes `hearback serve`, the daemon.
func newServe(r *root) *cobra.Command {
	return &cobra.Command{
		Use:     "serve",
		Short:   "Run the daemon",
		Example: "  hearback serve\n  hearback serve --config /etc/hearback/config.yaml",
		Long: "Run the daemon: poll the sources, take events, send digests, serve the API and the readers' pages.\n" +
			"Without a configuration it keeps its data in hearback.db in this folder, and all mail in the built-in catcher.",
		Args: asUsed,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := r.config()
			if err != nil {
				return err
			}
			log := newLog(r.errs, c.Log)
			for _, w := range c.Warnings {
				log.Warn(w)
			}
			tuneMemory(r.env)
			stop, err := startProfiler(r.env, log)
			if err != nil {
				return err
			}
			defer stop()
			a, err := app.New(cmd.Context(), app.Options{Config: c, Clock: r.clock, Log: log, Version: version().Version})
			if err != nil {
				return err
			}
			fmt.Fprintf(r.errs, "Hearback %s is up: %s\n", version().Version, c.HTTP.BaseURL)
			if a.Catcher != nil {
				fmt.Fprintf(r.errs, "No relay is configured: mails stay in the built-in catcher, %s/catcher/\nName one under relays in config.yaml (write it with `hearback init`) to send real mail.\n", c.HTTP.BaseURL)
			}
			if err := r.tellFirstLink(cmd.Context(), a, c); err != nil {
				return errors.Join(err, a.Close())
			}
			return a.Run(cmd.Context())
		},
	}
}

// newLog makes the daemon's log on standard error.
func newLog(w io.Writer, c config.Log) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Level)); err != nil {
		level = slog.LevelInfo // the config was checked; an empty one means info
	}
	o := &slog.HandlerOptions{Level: level}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}
