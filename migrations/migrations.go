// Package migrations holds the database's shape as numbered SQL files, one
// folder per dialect with the same file names. They only go forward and are
// never edited after a release.
package migrations

import (
	"embed"
	"fmt"
	"io/fs"
)

//go:embed postgres/*.sql sqlite/*.sql
var files embed.FS

// FS gives the migrations of a dialect, "postgres" or "sqlite".
func FS(dialect string) (fs.FS, error) {
	sub, err := fs.Sub(files, dialect)
	if err != nil {
		return nil, fmt.Errorf("no migrations for %s: %w", dialect, err)
	}
	return sub, nil
}
