//go:build !unix

package store

// Lock does nothing where the system has no file locks that end with their
// process: there the administrator sees to it that one daemon serves a file.
func (s *Store) Lock() (release func() error, err error) {
	return func() error { return nil }, nil
}
