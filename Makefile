# Tokentray. `make` alone says what there is.

# Where Go's own installer puts it; sudo's PATH lacks it.
export PATH := $(PATH):/usr/local/go/bin
# Everything that is made here lies in bin/; Go keeps its caches where it always does.
export STATICCHECK_CACHE := $(CURDIR)/bin/cache

PROGRAM := bin/tokentrayctl
BUILD   := CGO_ENABLED=0 go build -o $(PROGRAM) ./cmd/tokentrayctl
APP     := bin/tokentray
# Is there a desktop to show a window on?
SCREEN  := $(or $(DISPLAY),$(WAYLAND_DISPLAY),$(filter-out Linux,$(shell uname)))
ID      := dev.tokentray.Tokentray
PREFIX  := $(if $(filter 0,$(shell id -u)),/usr/local,$(HOME)/.local)
# The race detector needs cgo; "ci" gives the window's tests fixed fonts. With
# -race the bindings of OpenGL would be built a second time, which takes minutes:
# the one package that has them goes without.
TEST    := CGO_ENABLED=1 go test -race -tags ci
RACED    = $$(go list ./... | grep -v /cmd/tokentray$$)

.PHONY: help run run-app run-ctl test fuzz e2e pictures measure-ui test-long bench simulate clean build app install uninstall setup-run setup-app setup-test setup-bench

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

run: $(if $(SCREEN),run-app,run-ctl) ## build and start: the app, or without a screen the engine on the command line

run-app: app
	@echo "==> $(APP)"
	@exec $(APP)

# Without an account the engine has nothing to do: the demo shows what it would.
# A wrong setting or a store that is away is no reason for it: run tells that.
run-ctl: build
	@command=run; \
	if $(PROGRAM) status --short 2>/dev/null | grep -q '^0 accounts'; then command=demo; fi; \
	echo "==> $(PROGRAM) $$command (Ctrl-C stops it)"; \
	exec $(PROGRAM) $$command

test: setup-test ## every check and test (what CI runs)
	@[ -d bin/cache ] || echo "The first time, downloading and building adds 2 to 4 minutes."
	@echo "==> gofmt"
	@files=$$(git -c core.quotePath=false ls-files '*.go') || exit 1; \
	bad=$$(printf '%s\n' "$$files" | while IFS= read -r f; do [ ! -e "$$f" ] || printf '%s\0' "$$f"; done | \
		xargs -0 "$$(go env GOROOT)/bin/gofmt" -l) || exit 1; \
	[ -z "$$bad" ] || { printf 'not formatted (cure: gofmt -w FILE):\n%s\n' "$$bad"; exit 1; }
	@echo "==> go vet"
	@go vet ./...
	@echo "==> staticcheck"
	@go tool staticcheck ./...
	@echo "==> go mod tidy -diff"
	@go mod tidy -diff
	@echo "==> build without cgo"
	@$(BUILD)
	@echo "==> go test -race (some ten minutes)"
	@$(TEST) -timeout 40m $(RACED)
	@echo "==> go test cmd/tokentray (the first time builds the bindings of OpenGL: some 4 minutes)"
	@go test -timeout 15m ./cmd/tokentray

e2e: setup-test ## the real app on a desktop without a screen, driven as a person would; makes docs/pictures
	@echo "==> end to end (under a minute)"
	@scripts/e2e

pictures: setup-test ## every picture in docs/pictures, taken of the real app: some minutes
	@TOKENTRAY_ALL_PICTURES=1 scripts/e2e

measure-ui: setup-app ## what the app costs and how fast it is, beside an empty window (some 12 minutes)
	@scripts/measure-ui

# FUZZTIME is how long each target runs.
FUZZTIME ?= 20s
fuzz: setup-test ## every fuzz target, each for 20 s (FUZZTIME=5m for longer)
	@scripts/fuzz $(FUZZTIME)

test-long: setup-test ## the tests with their longer runs, some 20 minutes
	TOKENTRAY_LONG=1 $(TEST) -timeout 60m -count=1 $(RACED)

bench: setup-bench ## the numbers of docs/PERFORMANCE.md, each beside what it is compared with: some 15 minutes
	@scripts/bench

# A month without trouble, a month with it, laptops, and a day of a million accounts.
simulate: build ## play a month in a minute or two: the deadline queue beside the guide's poll (docs/PERFORMANCE.md)
	@$(PROGRAM) simulate
	@echo; echo "==> with restarts and outages"; $(PROGRAM) simulate --interval 15m --restarts 3 --outage 3h --store-outage 1h
	@echo; echo "==> on a laptop"; $(PROGRAM) simulate --accounts 10 --interval 15m --restarts 1 --outage 3h --sleep 8h
	@echo; echo "==> a million accounts, 50 keepers"; $(PROGRAM) simulate --accounts 1000000 --keepers 50 --days 1 --interval 15m

clean: ## remove bin/, all that was made here
	rm -rf bin

app: setup-app ## build bin/tokentray, the desktop app
	@[ -e $(APP) ] || echo "Building $(APP). The first time takes some 4 minutes, mostly for the bindings of OpenGL."
	@go build -o $(APP) ./cmd/tokentray

install: app build ## install both programs, the menu entry and the icon under ~/.local, or /usr/local as root
	@install -Dm755 $(APP) $(PREFIX)/bin/tokentray
	@install -Dm755 $(PROGRAM) $(PREFIX)/bin/tokentrayctl
	@install -Dm644 assets/$(ID).desktop $(PREFIX)/share/applications/$(ID).desktop
	@install -Dm644 assets/icon.png $(PREFIX)/share/icons/hicolor/256x256/apps/$(ID).png
	@echo "installed under $(PREFIX); start it with: tokentray"

uninstall: ## remove what install put there; accounts and settings stay
	@rm -f $(PREFIX)/bin/tokentray $(PREFIX)/bin/tokentrayctl $(PREFIX)/share/applications/$(ID).desktop \
		$(PREFIX)/share/icons/hicolor/256x256/apps/$(ID).png
	@echo "removed from $(PREFIX)"

build: setup-run ## build bin/tokentrayctl
	@[ -e $(PROGRAM) ] || echo "Building $(PROGRAM). The first time takes 1 to 3 minutes: modules are downloaded and compiled."
	@$(BUILD)

setup-run:
	@scripts/setup run
setup-app:
	@scripts/setup app
setup-test:
	@scripts/setup test
setup-bench:
	@scripts/setup bench
