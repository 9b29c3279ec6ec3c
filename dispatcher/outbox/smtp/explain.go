package smtp

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"os"
	"strings"
	"syscall"

	"github.com/hearback/hearback/dispatcher"
)

// explain says in plain words why a session could not be opened, and the mend.
func (r *Relay) explain(at step, err error) *dispatcher.Error {
	says, mend := r.diagnose(at, err)
	var reply *textproto.Error
	if errors.As(err, &reply) {
		err = nil // its words are said already
	}
	return &dispatcher.Error{Code: dispatcher.CodeUnavailable, Message: "relay " + r.opts.Name + ": " + says, Mend: mend, Err: err}
}

func (r *Relay) diagnose(at step, err error) (says, mend string) {
	if says, mend := r.diagnoseTLS(err); says != "" {
		return says, mend
	}
	var problem *authProblem
	if errors.As(err, &problem) {
		return r.diagnoseAuth(problem)
	}
	var reply *textproto.Error
	if errors.As(err, &reply) {
		return r.diagnoseReply(at, reply)
	}
	var protocol textproto.ProtocolError
	if errors.As(err, &protocol) {
		return "what answers is no SMTP server", "check host and port in url; SMTP relays usually listen on 587 or 465"
	}
	switch at {
	case stepConnect:
		return r.diagnoseConnect(err)
	case stepTLS:
		return "the connection broke during the TLS handshake", r.tryStartTLS()
	case stepGreeting:
		if r.opts.port == portSubmissions && r.opts.TLS != TLSImplicit {
			return "connected, but no greeting came: port 465 expects TLS from the first byte", fmt.Sprintf("write url as smtps://%s:465", r.opts.host)
		}
		return "connected, but no greeting came", "check that an SMTP server listens there; if it expects TLS from the first byte, write url with smtps://"
	case stepHello:
		var lost net.Error
		if r.opts.TLS == TLSStartTLS && !errors.As(err, &lost) && !isEOF(err) {
			return "the relay does not offer STARTTLS, so nothing would be encrypted",
				"use smtps:// with port 465 if it has that; set tls to none only for a relay that you reach over a private network"
		}
	case stepStartTLS:
		return "the connection broke while TLS was set up", "look into the relay's log; its certificate or its TLS versions may be at fault"
	case stepAuth:
		return "the connection broke during log-in", "look into the relay's log; some relays block an address after failed log-ins"
	}
	return "the connection broke at " + string(at), "look into the relay's log"
}

func (r *Relay) diagnoseConnect(err error) (says, mend string) {
	where := net.JoinHostPort(r.opts.host, r.opts.port)
	var dns *net.DNSError
	var late net.Error
	switch {
	case errors.As(err, &dns):
		return fmt.Sprintf("the host name %q has no address", r.opts.host), "check the spelling of the host in url, and this machine's DNS"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens on " + where, "check host and port in url (587 and 465 are usual) and that the relay is running"
	case errors.As(err, &late) && late.Timeout(), errors.Is(err, os.ErrDeadlineExceeded):
		return "no answer from " + where, "a firewall may be in the way; many providers block port 25 outward, so try 587 or 465"
	default:
		return "cannot connect to " + where, "check host and port in url, and this machine's network"
	}
}

func (r *Relay) diagnoseTLS(err error) (says, mend string) {
	var (
		record    tls.RecordHeaderError
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
		invalid   x509.CertificateInvalidError
		alert     tls.AlertError
	)
	switch {
	case errors.As(err, &record):
		return "the relay does not speak TLS from the first byte on this port", r.tryStartTLS()
	case errors.As(err, &authority):
		return "the relay's certificate is signed by nobody this machine trusts", "let the relay send its whole certificate chain, or install its CA certificate on this machine"
	case errors.As(err, &host):
		return fmt.Sprintf("the relay's certificate is not for the name %q", r.opts.host), "write into url the host name that the certificate names: " + names(host.Certificate)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "the relay's certificate is not valid at this time", "renew the relay's certificate, or correct this machine's clock"
	case errors.As(err, &invalid):
		return "the relay's certificate is not valid", "renew the relay's certificate"
	case errors.As(err, &alert):
		return "the relay refused the TLS handshake", "the relay must offer TLS 1.2 or newer"
	}
	return "", ""
}

func (r *Relay) tryStartTLS() string {
	port := r.opts.port
	if port == portSubmissions {
		port = portSubmission
	}
	return fmt.Sprintf("write url as smtp://%s:%s, which is encrypted by STARTTLS; smtps:// is for port 465", r.opts.host, port)
}

func (r *Relay) diagnoseAuth(p *authProblem) (says, mend string) {
	switch {
	case p.needsTLS:
		return "the connection is not encrypted, and log-in would show the password to the network", "leave tls out or set it to starttls"
	case len(p.offered) == 0:
		return "a user is configured, but the relay offers no log-in here", "use the submission port 587 (or 465 with smtps://); or take the user out of url if the relay knows this machine by its address"
	default:
		return "the relay offers only log-ins that are not supported: " + strings.Join(p.offered, ", "), "let the relay offer PLAIN, LOGIN, SCRAM-SHA-256, SCRAM-SHA-1 or CRAM-MD5; providers that ask for OAuth usually sell an app password"
	}
}

func (r *Relay) diagnoseReply(at step, reply *textproto.Error) (says, mend string) {
	words := fmt.Sprintf("%d %s", reply.Code, strings.ReplaceAll(reply.Msg, "\n", " "))
	switch {
	case reply.Code == 535:
		return "the relay does not accept this user and password: " + words, "check the user in url and the password file; many providers need an app password here, or the full address as user"
	case reply.Code == 534:
		return "the relay wants another kind of password: " + words, "make an app password at the provider"
	case reply.Code == 530, reply.Code == 538, at == stepAuth && reply.Code == 504:
		return "the relay refuses this without encryption: " + words, "leave tls out or set it to starttls"
	case at == stepAuth && reply.Code >= 500:
		return "the relay refused the log-in: " + words, "check the user in url and the password file"
	case reply.Code < 500:
		return "the relay is not ready now: " + words, "wait; if it stays, look into the relay's log"
	case at == stepGreeting, at == stepHello:
		return "the relay refuses this machine: " + words, "let the relay accept this machine's address, and set hello to a name that resolves"
	default:
		return "the relay refused: " + words, "look into the relay's log"
	}
}

func names(c *x509.Certificate) string {
	if c == nil {
		return "(none)"
	}
	all := append([]string(nil), c.DNSNames...)
	for _, ip := range c.IPAddresses {
		all = append(all, ip.String())
	}
	if len(all) == 0 {
		return "(none)"
	}
	return strings.Join(all, ", ")
}

func isEOF(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }
