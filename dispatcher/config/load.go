package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"reflect"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// maxFile is the largest file that is read, in bytes.
const maxFile = 1 << 20

type loader struct {
	file     string
	origins  map[string]Origin // of values, by path
	files    map[string]Origin // of secrets that are named by key_file, by the path of key
	env      environment
	inline   bool // a password stands in the file itself
	problems Problems
}

// Load reads the file at path, or none when path is empty, and the variables
// of env (in the form of os.Environ). All mistakes come together as
// [Problems]; a file that cannot be read at all is a plain error. Paths in the
// configuration are relative to the working folder.
func Load(path string, env []string) (*Config, error) {
	l := &loader{file: path, origins: map[string]Origin{}, files: map[string]Origin{}, env: newEnvironment(env)}
	c := bare()
	if path != "" {
		text, err := readFile(path)
		if err != nil {
			return nil, err
		}
		l.parse(text, c)
	}
	l.override(reflect.ValueOf(c).Elem(), "", envPrefix)
	c.derive()
	l.validate(c)
	if len(l.problems) > 0 {
		return nil, l.problems.sorted()
	}
	c.origins = l.origins
	maps.Copy(c.origins, l.files)
	c.Warnings = append(c.Warnings, l.warnings(c)...)
	return c, nil
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("read the configuration: %s is larger than a megabyte", path)
	}
	return text, nil
}

// parse reads YAML over the defaults in c.
func (l *loader) parse(text []byte, c *Config) {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var doc yaml.Node
	err := dec.Decode(&doc)
	if errors.Is(err, io.EOF) {
		return // nothing but comments
	}
	if err != nil {
		l.syntax(err)
		return
	}
	if len(doc.Content) > 0 {
		l.decode(doc.Content[0], reflect.ValueOf(c).Elem(), "")
	}
	var more yaml.Node
	switch err := dec.Decode(&more); {
	case errors.Is(err, io.EOF):
	case err != nil:
		l.syntax(err)
	default:
		l.badAt(&more, "", "keep all in one document", "a second document begins with ---")
	}
}

// syntax files what the YAML parser says, with the usual reason for it.
func (l *loader) syntax(err error) {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	where := Origin{File: l.file, Line: 1} // the parser leaves out the first
	if m := regexp.MustCompile(`^(?:[a-z ]*: )?line (\d+): `).FindStringSubmatch(text); m != nil {
		where.Line, _ = strconv.Atoi(m[1])
		text = text[len(m[0]):]
	}
	mend := "check the indentation, with spaces, and the colons of this line and the one before"
	switch {
	case strings.Contains(text, "mapping values are not allowed"):
		mend = `put quotes round a value that holds ": ", such as "redirect: me@example.org"`
	case strings.Contains(text, "tab"), strings.Contains(text, "cannot start any token"):
		mend = "indent with spaces, not with tabs; put quotes round a value that begins with a special character"
	}
	l.add("", where, mend, "is not YAML: %s", text)
}

// warnings are doubts about a configuration without mistakes.
func (l *loader) warnings(c *Config) []string {
	ws := l.unused()
	if info, err := os.Stat(l.file); err == nil && l.inline && runtime.GOOS != "windows" && info.Mode().Perm()&0o004 != 0 {
		ws = append(ws, fmt.Sprintf("%s holds a password and every user of this machine can read it (run: chmod 600 %s; or put the password into a file of its own and name that)", l.file, l.file))
	}
	for i := 1; i < len(c.Relays); i++ {
		ws = append(ws, fmt.Sprintf("relays[%d] (%s) takes no mail: only the first relay is used (remove it, or put it first)", i, c.Relays[i].Name))
	}
	return ws
}

// Origin tells where the value at a path was set, for example
// "relays[0].url"; the zero Origin for a default.
func (c *Config) Origin(path string) Origin { return originOf(c.origins, path) }

// Problem makes a [Problem] of a mistake that only a later check could find,
// so that it is told with its file and line like all others.
func (c *Config) Problem(path, message, mend string) Problem {
	return Problem{Path: path, Where: c.Origin(path), Message: message, Mend: mend}
}

// CheckRetention says whether the log and the messages are kept long enough
// for the longest way that a comment can take: the longest gap of a schedule
// with its catch-up and the longest hold. Whoever knows the schedules calls
// it. Only what was set is judged: a default is raised to what is needed by
// whoever purges.
func (c *Config) CheckRetention(need time.Duration) error {
	var ps Problems
	for path, have := range map[string]time.Duration{"retention.log": c.Retention.Log, "retention.messages": c.Retention.Messages} {
		if have < need && c.Origin(path) != (Origin{}) {
			days := (need + day - 1) / day * day
			ps = append(ps, c.Problem(path, fmt.Sprintf("is %s, but a comment can be on its way for %s with these schedules",
				formatDuration(have), formatDuration(need)), "set it to "+formatDuration(days)+" or more"))
		}
	}
	if len(ps) == 0 {
		return nil
	}
	return ps.sorted()
}
