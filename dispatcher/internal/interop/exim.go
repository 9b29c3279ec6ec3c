package interop

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

const eximConfig = `spool_directory = {dir}/spool
exim_path = {exim}
log_file_path = {dir}/log/%slog
pid_file_path = {dir}/pid
primary_hostname = exim.blog.example
exim_user = {uid}
exim_group = {gid}
deliver_drop_privilege
never_users =
keep_environment =
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
tls_advertise_hosts = *
tls_certificate = {pair}
auth_advertise_hosts = ${if eq{$tls_in_cipher}{}{}{*}}
message_size_limit = {limit}
smtputf8_advertise_hosts = *
chunking_advertise_hosts =
smtp_accept_queue_per_connection = 0
smtp_enforce_sync = true
log_selector = +tls_cipher +smtp_protocol_error +smtp_syntax_error +received_recipients
acl_smtp_rcpt = rcpt
acl_smtp_data = data

begin acl
rcpt:
  deny !authenticated = *
       message = relaying needs a password
  deny !local_parts = {boxes}
       message = 5.1.1 no such person here
  accept domains = reader.example
data:
  accept

begin routers
boxes:
  driver = accept
  local_parts = {boxes}
  transport = maildir

begin transports
maildir:
  driver = appendfile
  directory = {dir}/boxes/reader.example/$local_part_data
  maildir_format
  create_directory
  envelope_to_add
  return_path_add
  user = {uid}
  group = {gid}

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${if and{{eq{$auth2}{{user}}}{eq{$auth3}{{password}}}}}
  server_set_id = $auth2
`

// NewExim starts Exim with its configuration, spool and boxes in a folder of
// its own: STARTTLS, AUTH, SMTPUTF8, and no mercy for a client that speaks
// out of turn.
func NewExim(t testing.TB) *Office {
	t.Helper()
	dir := spot(t)
	o := &Office{Addr: FreeAddr(t), t: t, boxes: filepath.Join(dir, "boxes")}
	ca, pair := Certify(t, dir)
	o.CA = ca
	uid, gid := account(t, queueOwner)
	for _, name := range []string{"spool", "log", "boxes"} {
		own(t, folder(t, filepath.Join(dir, name), 0o750), uid, gid)
	}
	own(t, pair, uid, gid)
	_, port, _ := strings.Cut(o.Addr, ":")
	config := write(t, 0o644, filepath.Join(dir, "exim.conf"), "%s", strings.NewReplacer("{dir}", dir, "{exim}", Unpacked(t, "usr/sbin/exim4"), "{uid}", strconv.Itoa(uid), "{gid}", strconv.Itoa(gid),
		"{port}", port, "{pair}", pair, "{limit}", strconv.Itoa(SizeLimit), "{user}", User, "{password}", Password,
		"{boxes}", strings.ToLower(strings.Join(Boxes(), " : "))).Replace(eximConfig))
	// Exim asks for the account that Debian's package makes, which is not
	// installed: a list of accounts for this one process names it.
	passwd := write(t, 0o644, filepath.Join(dir, "passwd"), "root:x:0:0:root:/root:/bin/sh\nDebian-exim:x:%d:%d::/nonexistent:/bin/false\n", uid, gid)
	group := write(t, 0o644, filepath.Join(dir, "group"), "root:x:0:\nDebian-exim:x:%d:\n", gid)
	cmd := exec.Command(Unpacked(t, "usr/sbin/exim4"), "-C", config, "-bdf", "-q1s")
	cmd.Env = append(os.Environ(), "LD_PRELOAD=libnss_wrapper.so", "NSS_WRAPPER_PASSWD="+passwd, "NSS_WRAPPER_GROUP="+group)
	o.log = func() string {
		said := ""
		for _, name := range []string{"main", "reject", "panic"} {
			b, _ := os.ReadFile(filepath.Join(dir, "log", name+"log")) // none before the first word
			said += fmt.Sprintf("%s: %s\n", name, b)
		}
		return said
	}
	p := Start(t, "exim", cmd)
	guard(t, p)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the end of Exim's logs:\n%s", tail(o.Log(), 4000))
		}
	})
	p.Until("Exim", 30*time.Second, func() bool { return Listening(o.Addr) })
	return o
}
