package interop

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// Accounts that every Debian has and that nothing else here uses. Postfix
// wants an owner of its queue and a group that own nothing more.
const (
	queueOwner = "uucp"
	queueGroup = "news"
)

// SizeLimit is the longest mail that a server takes: ordinary mails are
// shorter, one with very many comments is not.
const SizeLimit = 30000

const mainCF = `compatibility_level = 3.6
queue_directory = {queue}
data_directory = {data}
daemon_directory = {lib}/sbin
shlib_directory = {lib}
command_directory = {bin}
meta_directory = {etc}
import_environment = MAIL_CONFIG={etc} LD_LIBRARY_PATH={lib}
maillog_file = {log}
maillog_file_prefixes = {dir}
mail_owner = {owner}
setgid_group = {group}
default_privs = nobody
myhostname = mail.blog.example
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks =
alias_maps =
local_recipient_maps =
smtputf8_enable = yes
message_size_limit = {limit}
smtpd_tls_security_level = encrypt
smtpd_tls_chain_files = {pair}
smtpd_tls_loglevel = 1
smtpd_sasl_auth_enable = yes
smtpd_tls_auth_only = yes
cyrus_sasl_config_path = {etc}/sasl
smtpd_sasl_local_domain = blog.example
smtpd_recipient_restrictions = check_recipient_access texthash:{etc}/refused, check_policy_service inet:{policy}, permit_sasl_authenticated, reject
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_error_sleep_time = 0
virtual_mailbox_domains = reader.example
virtual_mailbox_base = {boxes}
virtual_mailbox_maps = texthash:{etc}/boxes
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
`

// NewPostfix starts Postfix with its configuration, queue and boxes in a
// folder of its own: STARTTLS, AUTH by Cyrus SASL, greylisting, SMTPUTF8.
func NewPostfix(t testing.TB) *Office {
	t.Helper()
	dir := spot(t)
	o := &Office{Addr: FreeAddr(t), t: t, boxes: filepath.Join(dir, "boxes")}
	ca, pair := Certify(t, dir)
	o.CA = ca
	uid, gid := account(t, queueOwner)
	own(t, folder(t, o.boxes, 0o700), uid, gid)
	config, queue, data := folder(t, filepath.Join(dir, "etc"), 0o755), filepath.Join(dir, "queue"), folder(t, filepath.Join(dir, "data"), 0o700)
	own(t, data, uid, gid)
	spool(t, queue, uid)
	log := filepath.Join(dir, "log")
	write(t, 0o644, filepath.Join(config, "refused"), "policy@reader.example 550 5.7.1 Not from you\n")
	boxes := ""
	for _, name := range Boxes() {
		boxes += strings.ToLower(fmt.Sprintf("%s@reader.example reader.example/%[1]s/\n", name))
	}
	write(t, 0o644, filepath.Join(config, "boxes"), "%s", boxes)
	write(t, 0o644, filepath.Join(config, "sasl", "smtpd.conf"), "pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: %s\nmech_list: PLAIN LOGIN\n", saslUser(t, dir, uid, gid))
	libraries := Unpacked(t, "usr/lib/postfix")
	settings := strings.NewReplacer("{queue}", queue, "{data}", data, "{lib}", libraries, "{bin}", Unpacked(t, "usr/sbin"), "{etc}", config, "{dir}", dir, "{log}", log,
		"{owner}", queueOwner, "{group}", queueGroup, "{limit}", strconv.Itoa(SizeLimit), "{pair}", pair, "{policy}", greylist(t), "{boxes}", o.boxes,
		"{uid}", strconv.Itoa(uid), "{gid}", strconv.Itoa(gid)).Replace(mainCF)
	write(t, 0o644, filepath.Join(config, "main.cf"), "%s", settings)
	master(t, config, o.Addr)
	cmd := exec.Command(filepath.Join(libraries, "sbin", "master"), "-d", "-c", config)
	cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+libraries, "MAIL_CONFIG="+config)
	o.log = func() string { b, _ := os.ReadFile(log); return string(b) } // none before the first word
	p := Start(t, "postfix", cmd)
	guard(t, p)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the end of Postfix's log:\n%s", tail(o.Log(), 4000))
		}
	})
	p.Until("Postfix", 30*time.Second, func() bool { return Listening(o.Addr) })
	return o
}

// spool makes the folders of Postfix's queue, as its set-up script does.
func spool(t testing.TB, queue string, uid int) {
	t.Helper()
	group, err := user.LookupGroup(queueGroup)
	if err != nil {
		t.Fatal(err)
	}
	gid, err := strconv.Atoi(group.Gid)
	if err != nil {
		t.Fatal(err)
	}
	folder(t, queue, 0o755)
	folder(t, filepath.Join(queue, "pid"), 0o755)
	for _, name := range strings.Fields("active bounce corrupt defer deferred flush hold incoming private saved trace") {
		own(t, folder(t, filepath.Join(queue, name), 0o700), uid, 0)
	}
	own(t, folder(t, filepath.Join(queue, "public"), 0o710), uid, gid)
	own(t, folder(t, filepath.Join(queue, "maildrop"), 0o730), uid, gid)
}

// master writes which of Postfix's daemons run: one door, and what delivers.
func master(t testing.TB, config, addr string) {
	t.Helper()
	text := addr + " inet n - n - - smtpd\n"
	for _, service := range []string{
		"cleanup unix n - n - 0 cleanup", "qmgr unix n - n 300 1 qmgr", "tlsmgr unix - - n 1000? 1 tlsmgr",
		"rewrite unix - - n - - trivial-rewrite", "bounce unix - - n - 0 bounce", "defer unix - - n - 0 bounce",
		"trace unix - - n - 0 bounce", "verify unix - - n - 1 verify", "proxymap unix - - n - - proxymap",
		"error unix - - n - - error", "retry unix - - n - - error", "discard unix - - n - - discard",
		"virtual unix - n n - - virtual", "anvil unix - - n - 1 anvil", "postlog unix-dgram n - n - 1 postlogd",
	} {
		text += service + "\n"
	}
	write(t, 0o644, filepath.Join(config, "master.cf"), "%s", text)
}

// saslUser makes a base of accounts for Cyrus SASL with one account.
func saslUser(t testing.TB, dir string, uid, gid int) (base string) {
	t.Helper()
	folder(t, filepath.Join(dir, "etc", "sasl"), 0o755)
	base = filepath.Join(dir, "sasldb2")
	cmd := exec.Command("saslpasswd2", "-p", "-c", "-f", base, "-u", "blog.example", User)
	cmd.Stdin = strings.NewReader(Password)
	Run(t, cmd)
	own(t, base, uid, gid)
	return base
}

// greylist serves Postfix's policy protocol: the first try of a mail to
// grey@reader.example is put off, the next one is taken.
func greylist(t testing.TB) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var tries atomic.Int64
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := l.Accept()
			if err != nil {
				return // closed
			}
			go policy(c, &tries) // ends with Postfix, which holds the other end
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-ended
	})
	return l.Addr().String()
}

// policy answers one connection: names and values, a line each, up to an empty
// line.
func policy(c net.Conn, tries *atomic.Int64) {
	defer c.Close()
	recipient := ""
	lines := bufio.NewScanner(c)
	for lines.Scan() {
		name, value, ok := strings.Cut(lines.Text(), "=")
		switch {
		case name == "recipient":
			recipient = value
		case !ok:
			answer := "DUNNO"
			if recipient == "grey@reader.example" && tries.Add(1) == 1 {
				answer = "451 4.7.1 Greylisted, come again"
			}
			if _, err := fmt.Fprintf(c, "action=%s\n\n", answer); err != nil {
				return
			}
		}
	}
}

func account(t testing.TB, name string) (uid, gid int) {
	t.Helper()
	u, err := user.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	if uid, err = strconv.Atoi(u.Uid); err == nil {
		gid, err = strconv.Atoi(u.Gid)
	}
	if err != nil {
		t.Fatal(err)
	}
	return uid, gid
}

func own(t testing.TB, path string, uid, gid int) {
	t.Helper()
	if err := os.Chown(path, uid, gid); err != nil {
		t.Fatal(err)
	}
}
