package main

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

type versionJSON struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Changed bool   `json:"changed,omitempty"` // built from files that were not committed
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
}

func newVersion(r *root) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version of this program", Example: "  hearback version --json", Args: asUsed,
		RunE: func(*cobra.Command, []string) error {
			v := version()
			return r.print(v, func(p *page) {
				p.line("hearback %s (%s, %s/%s)", v.Version, v.Go, v.OS, v.Arch)
				if v.Commit != "" {
					p.line("commit %s", v.Commit)
				}
			})
		},
	}
}

// version is what the Go tool wrote into the program.
func version() versionJSON {
	v := versionJSON{Version: "unknown", Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if info.Main.Version != "" {
		v.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Commit = s.Value
		case "vcs.modified":
			v.Changed = s.Value == "true"
		}
	}
	return v
}
