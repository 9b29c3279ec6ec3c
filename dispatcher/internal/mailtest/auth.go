package mailtest

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
)

// auth answers AUTH (RFC 4954) with PLAIN, LOGIN or CRAM-MD5.
func (s *session) auth(line []byte) error {
	o := &s.sink.opts
	mechanism, initial, _ := strings.Cut(string(line[len("AUTH "):]), " ")
	mechanism = strings.ToUpper(mechanism)
	switch {
	case len(o.Users) == 0 || s.user != "":
		s.refuse("503 5.5.1 not now")
		return nil
	case o.NeedTLS && !s.encrypted:
		s.refuse("530 5.7.0 issue STARTTLS first")
		return nil
	case !s.encrypted && !o.OpenAuth:
		s.refuse("538 5.7.11 encryption required")
		return nil
	case !slices.Contains(o.Mechanisms, mechanism):
		s.refuse("504 5.5.4 unknown mechanism")
		return nil
	}
	var user string
	var ok bool
	var err error
	switch mechanism {
	case "PLAIN":
		user, ok, err = s.authPlain(initial)
	case "LOGIN":
		user, ok, err = s.authLogin()
	case "CRAM-MD5":
		user, ok, err = s.authCRAM()
	default: // offered, to see what a client makes of it
		s.refuse("504 5.5.4 not really")
		return nil
	}
	switch {
	case err != nil:
		return err
	case !ok:
		s.refuse("535 5.7.8 wrong user or password")
	default:
		s.user = user
		s.say("235 2.7.0 welcome")
	}
	return nil
}

func (s *session) authPlain(initial string) (string, bool, error) {
	if initial == "" {
		answer, err := s.ask("")
		if err != nil {
			return "", false, err
		}
		initial = base64.StdEncoding.EncodeToString(answer)
	}
	raw, err := base64.StdEncoding.DecodeString(initial)
	parts := bytes.Split(raw, []byte{0})
	if err != nil || len(parts) != 3 {
		return "", false, nil
	}
	return string(parts[1]), s.knows(string(parts[1]), string(parts[2])), nil
}

func (s *session) authLogin() (string, bool, error) {
	user, err := s.ask("Username:")
	if err != nil {
		return "", false, err
	}
	password, err := s.ask("Password:")
	if err != nil {
		return "", false, err
	}
	return string(user), s.knows(string(user), string(password)), nil
}

func (s *session) authCRAM() (string, bool, error) {
	const challenge = "<1.1@sink.test>"
	answer, err := s.ask(challenge)
	if err != nil {
		return "", false, err
	}
	user, digest, _ := strings.Cut(string(answer), " ")
	mac := hmac.New(md5.New, []byte(s.sink.opts.Users[user]))
	mac.Write([]byte(challenge))
	_, known := s.sink.opts.Users[user]
	return user, known && digest == hex.EncodeToString(mac.Sum(nil)), nil
}

// ask sends a challenge and gives the decoded answer; nil when it was none.
func (s *session) ask(challenge string) ([]byte, error) {
	s.say("334 " + base64.StdEncoding.EncodeToString([]byte(challenge)))
	line, err := s.line()
	if err != nil {
		return nil, err
	}
	answer, err := base64.StdEncoding.DecodeString(string(line))
	if err != nil {
		return nil, nil //nolint:nilerr // "*" or rubbish: a failed log-in, not a failed session
	}
	return answer, nil
}

func (s *session) knows(user, password string) bool {
	want, ok := s.sink.opts.Users[user]
	return ok && want == password
}
