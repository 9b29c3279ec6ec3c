package browsertest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

// findChromium gives the program to start.
func findChromium() (string, error) {
	if path := os.Getenv(EnvChromium); path != "" {
		if _, err := exec.LookPath(path); err != nil {
			return "", fmt.Errorf("%s names no program: %w", EnvChromium, err)
		}
		return path, nil
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome",
		"/Applications/Chromium.app/Contents/MacOS/Chromium", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("no Chromium is installed (chromium, chromium-browser and google-chrome were looked for on the PATH): " +
		"run `make tools`, or install it, for example with `apt-get install chromium`, or name one in " + EnvChromium)
}

// readAxe reads axe-core from where .ci/tools puts it, below the folder of
// go.mod.
func readAxe() (string, error) {
	root, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("looking for axe-core: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			break
		}
		if up := filepath.Dir(root); up != root {
			root = up
			continue
		}
		return "", errors.New("looking for axe-core: no folder above this one has a go.mod: run the tests in the checkout")
	}
	path := filepath.Join(root, "node_modules", "axe-core", "axe.min.js")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%s is not there: run `make tools`, which installs axe-core with npm", path)
	}
	if err != nil {
		return "", fmt.Errorf("reading axe-core: %w", err)
	}
	return string(text), nil
}
