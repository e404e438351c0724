# The only entry to building, testing and measuring foliolab. `make help` lists the targets.
# Every target does the set-up it needs; stamps under build/stamps/ make it quick when nothing is to be done.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

STAMPS := build/stamps
BIN := node_modules/.bin

NATIVE := emulator/engine/native
NATIVE_SOURCES := $(shell find $(NATIVE) scripts/build-native.mjs -type f -not -path '*/target/*' -not -name '*.node' 2>/dev/null)
TS_SOURCES := $(shell find index.ts emulator kernel-model lab -type f -name '*.ts' 2>/dev/null)

CROSS_CC := aarch64-linux-gnu-gcc
GUEST_CFLAGS := -O2 -static -std=gnu11 -Wall -Wextra -Werror
# The same programs with musl instead of glibc: another malloc, another start-up, no lazily probed features.
MUSL_LIB := build/musl/usr/lib/aarch64-linux-musl
MUSL_CFLAGS := $(GUEST_CFLAGS) -mno-outline-atomics -nostdinc -isystem build/musl/usr/include/aarch64-linux-musl -nostdlib -nostartfiles
GUESTS := $(patsubst guest-programs/%.c,build/guest/%,$(wildcard guest-programs/*.c))

RUN_TESTS := node --import tsx tests/run.mjs

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1\t\2/' | expand -t 12

# --- set-up -----------------------------------------------------------------------------------------------------

# All of them at once; and those of one group, for who wants no more (packages.txt).
$(STAMPS)/packages: scripts/packages.txt scripts/install-packages.sh
	@mkdir -p $(@D)
	scripts/install-packages.sh
	@touch $@

$(STAMPS)/packages-%: scripts/packages.txt scripts/install-packages.sh
	@mkdir -p $(@D)
	scripts/install-packages.sh $*
	@touch $@

# npm writes this file at the end of every install, so it is the stamp.
node_modules/.package-lock.json: package-lock.json
	npm ci --no-audit --no-fund >&2
	@touch $@

$(STAMPS)/native: $(STAMPS)/packages-native node_modules/.package-lock.json $(NATIVE_SOURCES)
	@mkdir -p $(@D)
	@if [ -f scripts/build-native.mjs ]; then echo "node scripts/build-native.mjs"; node scripts/build-native.mjs >&2; fi
	@touch $@

dist/.stamp: node_modules/.package-lock.json tsconfig.json tsconfig.build.json scripts/build-cli.mjs scripts/warm-up-program.mjs $(TS_SOURCES)
	@mkdir -p dist
	$(BIN)/tsc -p tsconfig.build.json
	node scripts/build-cli.mjs
	@touch $@

build/guest/%: guest-programs/%.c guest-programs/guest.h $(STAMPS)/packages-guests
	@mkdir -p $(@D)
	$(CROSS_CC) $(GUEST_CFLAGS) -o $@ $<

build/musl/.stamp: scripts/fetch-musl.sh
	scripts/fetch-musl.sh build/musl
	@touch $@

build/guest-musl/%: guest-programs/%.c guest-programs/guest.h build/musl/.stamp $(STAMPS)/packages-guests
	@mkdir -p $(@D)
	$(CROSS_CC) $(MUSL_CFLAGS) -isystem "$$($(CROSS_CC) -print-file-name=include)" -o $@ $(MUSL_LIB)/crt1.o $(MUSL_LIB)/crti.o $< \
	  -Wl,--start-group $(MUSL_LIB)/libc.a -lgcc -lgcc_eh -Wl,--end-group $(MUSL_LIB)/crtn.o

.PHONY: setup
setup: $(STAMPS)/packages node_modules/.package-lock.json ## Debian packages and npm packages

.PHONY: native
native: $(STAMPS)/native ## the Unicorn addon

.PHONY: guests
guests: $(GUESTS) ## cross-compile guest-programs/ into build/guest/

.PHONY: guests-musl
guests-musl: $(GUESTS:build/guest/%=build/guest-musl/%) ## the same programs, statically linked with musl, into build/guest-musl/

.PHONY: lab
lab: dist/.stamp ## the command line, in dist/: all that a run on the WebAssembly engine needs

.PHONY: build
build: lab native ## the command line, and the addon for --engine unicorn

# --- checks -----------------------------------------------------------------------------------------------------

.PHONY: check
check: $(STAMPS)/native ## types, lint, Rust lint and format
	$(BIN)/tsc --noEmit
	$(BIN)/eslint .
	@if [ -f $(NATIVE)/Cargo.toml ]; then $(MAKE) --no-print-directory check-native; fi

.PHONY: check-native
check-native: $(STAMPS)/packages-native
	cargo fmt --manifest-path $(NATIVE)/Cargo.toml --check
	cargo clippy --release --manifest-path $(NATIVE)/Cargo.toml --all-targets -- -D warnings

.PHONY: test
test: setup build guests build/web/index.html ## the fast tests; the last line is `N passed, N failed`
	@$(RUN_TESTS) .test.ts

.PHONY: test-slow
test-slow: setup build guests ## the slow tests (tests/**/*.slow.ts)
	@$(RUN_TESTS) .slow.ts 60

build/bench/%.so: bench/peer/%.c $(STAMPS)/packages
	@mkdir -p $(@D)
	gcc -O2 -Wall -Wextra -Werror -shared -fPIC -fvisibility=hidden -o $@ $<

.PHONY: bench
bench: setup build guests build/bench/tlb-peer.so ## speed against qemu-aarch64 with and without a TLB plugin; ARGS="--runs 9 gups"
	@scripts/fetch-sysroot.sh build/sysroot
	@$(BIN)/tsx bench/run.ts $(ARGS)
	@$(BIN)/tsx bench/kernel.ts

build/web/index.html: node_modules/.package-lock.json $(TS_SOURCES) $(wildcard web/*) scripts/build-web.mjs
	@$(MAKE) --no-print-directory guests
	@node scripts/build-web.mjs $@

.PHONY: web
web: build/web/index.html ## the lab as one page for a browser: build/web/index.html

.PHONY: demo
demo: lab guests ## seven programs under the seven configurations, compared
	@scripts/demo.sh

.PHONY: golden
golden: lab $(STAMPS)/packages-guests ## recordings of real Linux against the model; GOLDEN=<file.json> PROGRAMS=<folder of C sources> ARGS="--only anon_seq"
	@node dist/lab/golden/main.js --programs $(or $(PROGRAMS),golden/prog) --build build/golden$(if $(PROGRAMS),-$(notdir $(patsubst %/,%,$(PROGRAMS)))) $(ARGS) $(GOLDEN)

.PHONY: parity
parity: setup build ## real programs of Debian arm64 packages in foliolab and under qemu-aarch64, compared; ARGS="--only sqlite --configs 64k"
	@scripts/fetch-sysroot.sh build/sysroot
	@$(BIN)/tsx parity/run.ts $(ARGS)

.PHONY: selftests
selftests: setup build ## the kernel's own mm selftests, built from Debian's linux-source-6.12 and compared with real Linux; ARGS="--only cow" SELFTESTS_LINUX=DIR
	@scripts/fetch-selftests.sh build/selftests/linux
	@$(BIN)/tsx selftests/run.ts $(ARGS)

.PHONY: clean
clean: ## remove what make built, but not node_modules
	rm -rf build dist $(NATIVE)/target $(NATIVE)/foliolab-engine.node
