package interop

import (
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// MariaDB starts a private MariaDB that listens on a socket only, with one
// empty database, and gives the socket.
func MariaDB(t testing.TB, database string) (socket string) {
	t.Helper()
	dir := t.TempDir()
	data, socket := filepath.Join(dir, "data"), filepath.Join(dir, "db.sock")
	Run(t, exec.Command("mariadb-install-db", "--no-defaults", "--user=root", "--datadir="+data,
		"--auth-root-authentication-method=normal", "--skip-test-db"))
	server := Start(t, "mariadbd", exec.Command("mariadbd", "--no-defaults", "--user=root", "--datadir="+data, "--socket="+socket,
		"--skip-networking", "--pid-file="+filepath.Join(dir, "pid"), "--innodb-buffer-pool-size=64M", "--innodb-flush-log-at-trx-commit=0"))
	create := func() bool {
		return exec.Command("mariadb", "--no-defaults", "--socket="+socket, "--user=root", "-e", "CREATE DATABASE "+database+" CHARACTER SET utf8mb4").Run() == nil
	}
	server.Until("the database", 30*time.Second, create)
	return socket
}
