# Everything a developer runs. `make test` is the one that must pass.
GO      ?= go
PKGS    ?= ./...
BIN     := bin/hearback
# Proofs by many random histories run whole without the race detector, and in a smaller cut with it.
PROOFS  := ./dispatcher ./dispatcher/internal/enginetest

.PHONY: build test lint crash interop bench fuzz tools clean

build:
	$(GO) build -o $(BIN) ./cmd/hearback

# All tests, on SQLite and on a private PostgreSQL that is started for them.
test: tools
	$(GO) run ./dispatcher/internal/pgtest/pgrun sh -c '$(GO) test -race -shuffle=on -timeout 11m $(PKGS) && $(GO) test -shuffle=on -timeout 11m $(PROOFS)'

# Installs what the tests need and cannot start by themselves.
tools:
	@sh .ci/tools

lint:
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo 'run gofmt -w on these'; exit 1; }
	$(GO) vet ./...
	$(GO) mod tidy -diff

# The proof that a crash loses nothing: 20,000 mails, 50 kills and more, on each database.
crash: tools build
	$(GO) run ./dispatcher/internal/crash -binary $(BIN)

# The proof against the real things: WordPress, Postfix and Exim from Debian's packages. Needs root; best in a container.
interop: build
	sh .ci/interop
	HEARBACK_BINARY=$(BIN) $(GO) test -tags interop -count=1 -v -timeout 10m ./dispatcher/internal/interop

bench: tools build
	$(GO) run ./dispatcher/internal/bench

fuzz:
	sh .ci/fuzz 20s

clean:
	rm -rf bin build
