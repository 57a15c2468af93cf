# jig. `make` builds build/jig; `make demo` and `make test` are enough on a fresh machine.
# Variables of yours: CC CFLAGS LDFLAGS PREFIX DESTDIR; V=1 shows commands; LINK=shared for
# distributions (default: archives, for a fast start); SAN=1 builds with ASan and UBSan.
CC      ?= gcc
CFLAGS  ?= -O2 -g
PREFIX  ?= /usr/local
LINK    ?= archives
BUILD   ?= build$(if $(SAN),/san)
LUA     ?= lua5.4
PKG     ?= pkg-config
# ---- no edits needed below this line ----

# Debian packages: to build, to run specs and the demo, to check
BUILD_DEPS = gcc make pkg-config lua5.4 liblua5.4-dev libuv1-dev libserialport-dev libssl-dev \
             libsqlite3-dev libedit-dev libusb-1.0-0-dev libudev-dev lua-argparse lua-cjson-dev
TEST_DEPS  = $(BUILD_DEPS) libedit2 lua-busted openssl strace tmux groff-base libusb-1.0-0 umockdev systemd zsh libumockdev-dev
RIG_DEPS   = $(BUILD_DEPS) lua-busted libusb-1.0-0 qemu-system-x86 busybox-static udev kmod cpio
CHECK_DEPS = $(TEST_DEPS) git clang clang-format clang-tidy cppcheck lua-check valgrind
DEPS      ?= $(TEST_DEPS)


WARN    = -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wvla $(if $(WERROR),-Werror)
SANFLAG = $(if $(SAN),-fsanitize=address -fsanitize=undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
FLAGS   = -std=c11 -D_GNU_SOURCE -I. -MMD -MP -fno-plt -fstack-protector-strong $(WARN) $(SANFLAG)
VERSION = $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

CORE = error buf hex crc digest dumps guard pinned bundle address beneath clock loop arrival log secret pty prompt handover lend environment child player proc port service factory_cli judge \
       seat gate_watch gate session \
       $(LEDGER) $(JOURNAL)
LEDGER = store facts chain sign schema effects ledger ledger_rules ledger_verify ledger_compare ledger_prune ledger_sign
JOURNAL = folder process owner emergency_file emergency scribe journal
TRANSPORTS = options lock fd connect sysfs holders serial_find serial usb_library usb_find usb_list usb_pipe usb_request usb udev tty tcp tls tls_trust tls_words \
             exec pair stage stdin fault table
BINDINGS = engine budget coverage watchdog environment coroutine pattern bounded task clock hex crc digest sign guard pin secret port devices gate session journal ledger lineedit editline proc slot source system host version memory developer state ahead world world_hooks world_record main
SCRIPTS = $(shell find scripts/jig -name '*.lua' | LC_ALL=C sort)
# What `jig help` prints: NAME=FILE
PAGES = jig=README.md scripts=scripts/README.md spec=spec/README.md examples=examples/README.md \
        transports=transports/README.md station=examples/station/README.md simulator=examples/simulator/README.md
SIM_COMMON = agreement bytes
SIM_TOOL = factory_tool audit authority service misbehave pin
SIM_DEVICE = device endpoint firmware options outbox trouble wire

CORE_O = $(CORE:%=$(BUILD)/core/%.o)
TRANSPORTS_O = $(TRANSPORTS:%=$(BUILD)/transports/%.o)
BINDINGS_O = $(BINDINGS:%=$(BUILD)/bindings/%.o) $(BUILD)/scripts.o
SIM = examples/simulator

LUA_FLAGS = $(shell $(PKG) --cflags lua5.4)
ifeq ($(LINK),shared)
LIBS = -Wl,-E $(shell $(PKG) --libs lua5.4 libuv libserialport libssl libcrypto sqlite3) -l:liblua5.4-cjson.so
SIM_LIBS = -lcrypto
else
# -no-pie: relocating the archives' tables of pointers would cost a quarter of the start-up time.
# Modules in C find Lua's functions in the program, and those alone.
LIBS = -no-pie -Wl,--export-dynamic-symbol='lua*' \
       -Wl,--whole-archive -l:liblua5.4.a -Wl,--no-whole-archive -l:libuv_a.a \
       -l:libserialport.a -l:liblua5.4-cjson.a -l:libssl.a -l:libcrypto.a \
       -l:libsqlite3.a -lm -ldl -lpthread
SIM_LIBS = -no-pie -l:libcrypto.a -ldl -lpthread
endif

say = $(if $(V),,@echo "  $(1) $@";)

PROGRAMS = $(BUILD)/jig $(BUILD)/factory_tool $(BUILD)/device
SPEC_MODULES = $(patsubst %,$(BUILD)/spec/%.so,core loop ledger journal peer ptyshim slowname tls fakeusb mockdev memory)

all: $(PROGRAMS)

$(BUILD)/jig: $(CORE_O) $(TRANSPORTS_O) $(BINDINGS_O)
	$(call say,LINK)$(CC) $(CFLAGS) $(SANFLAG) $(LDFLAGS) -o $@ $^ $(LIBS)

# core/ and transports/ do not see Lua's headers
$(BUILD)/core/%.o $(BUILD)/transports/%.o: FLAGS_FOR =
$(BUILD)/bindings/%.o $(BUILD)/scripts.o: FLAGS_FOR = $(LUA_FLAGS)
$(BUILD)/bindings/version.o: FLAGS_FOR += -DJIG_VERSION='"$(VERSION)"'

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(FLAGS) $(FLAGS_FOR) $(CFLAGS) -c -o $@ $<

PAGE_FILES = $(foreach p,$(PAGES),$(lastword $(subst =, ,$(p))))
$(BUILD)/scripts.c: scripts/embed.lua $(SCRIPTS) $(PAGE_FILES) Makefile
	@mkdir -p $(@D)
	$(call say,EMBED)$(LUA) scripts/embed.lua $@ argparse=$(ARGPARSE) $(PAGES:%=jig.pages.%) \
	    $(foreach f,$(SCRIPTS),$(subst /,.,$(patsubst scripts/%.lua,%,$(f)))=$(f))

$(BUILD)/scripts.o: $(BUILD)/scripts.c
	$(call say,CC)$(CC) $(FLAGS) $(FLAGS_FOR) $(CFLAGS) -c -o $@ $<

ARGPARSE = $(shell $(LUA) -e 'print(package.searchpath("argparse", package.path) or "argparse.lua")')

$(BUILD)/factory_tool: $(SIM_TOOL:%=$(BUILD)/$(SIM)/%.o) $(SIM_COMMON:%=$(BUILD)/$(SIM)/%.o)
	$(call say,LINK)$(CC) $(CFLAGS) $(SANFLAG) $(LDFLAGS) -o $@ $^ $(SIM_LIBS)
$(BUILD)/device: $(SIM_DEVICE:%=$(BUILD)/$(SIM)/%.o) $(SIM_COMMON:%=$(BUILD)/$(SIM)/%.o)
	$(call say,LINK)$(CC) $(CFLAGS) $(SANFLAG) $(LDFLAGS) -o $@ $^ $(SIM_LIBS)

# what specs need besides jig
SO = $(CC) $(filter-out -fsanitize%,$(FLAGS)) $(LUA_FLAGS) $(CFLAGS) -fPIC -shared -Wl,-Bsymbolic
$(BUILD)/spec/core.so: spec/support/core.c $(patsubst %,core/%.c,address factory_cli buf digest dumps hex error)
	@mkdir -p $(@D)
	$(call say,SO)$(SO) -o $@ $^ -lcrypto
$(BUILD)/spec/loop.so: spec/support/loop.c \
    $(patsubst %,core/%.c,error buf hex digest clock guard pinned loop arrival log secret pty prompt handover lend environment child player proc service factory_cli judge \
    seat gate_watch gate session \
    $(LEDGER) $(JOURNAL))
	@mkdir -p $(@D)
	$(call say,SO)$(SO) $(SANFLAG) -o $@ $^ $(shell $(PKG) --libs libuv sqlite3) -lcrypto -lpthread
$(BUILD)/spec/ledger.so: spec/support/ledger.c \
    $(patsubst %,core/%.c,error buf hex digest $(LEDGER))
	@mkdir -p $(@D)
	$(call say,SO)$(SO) $(SANFLAG) -o $@ $^ $(shell $(PKG) --libs sqlite3) -lcrypto
$(BUILD)/spec/journal.so: spec/support/journal.c spec/support/faultvfs.c \
    $(patsubst %,core/%.c,error buf hex digest clock loop log $(LEDGER) $(JOURNAL))
	@mkdir -p $(@D)
	$(call say,SO)$(SO) $(SANFLAG) -o $@ $^ $(shell $(PKG) --libs libuv sqlite3) -lcrypto
$(BUILD)/spec/memory.so: SO += -Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc -Wl,--wrap=free
$(BUILD)/spec/memory.so: spec/support/memory.c bindings/memory.c
	@mkdir -p $(@D)
	$(call say,SO)$(SO) -o $@ $^
$(BUILD)/spec/tls.so: spec/support/tls.c
	@mkdir -p $(@D)
	$(call say,SO)$(SO) -o $@ $^ -lssl -lcrypto
# under the real one's name, which jig loads at first use
$(BUILD)/spec/fakeusb.so: SO += -Wl,-soname,libusb-1.0.so.0
$(BUILD)/spec/mockdev.so: spec/support/mockdev.c
	@mkdir -p $(@D)
	$(call say,SO)$(SO) $(subst -I/,-isystem /,$(shell $(PKG) --cflags umockdev-1.0)) -o $@ $^ \
	    $(shell $(PKG) --libs umockdev-1.0)
$(BUILD)/spec/%.so: spec/support/%.c
	@mkdir -p $(@D)
	$(call say,SO)$(SO) -o $@ $^

# a kernel with USB devices that are played; without umockdev there is none, and its specs say so
MOCKUSB = $(if $(shell $(PKG) --exists umockdev-1.0 2>/dev/null && echo yes),$(BUILD)/spec/mockusb)
MOCK_FLAGS = $(patsubst -I%,-isystem %,$(shell $(PKG) --cflags umockdev-1.0 2>/dev/null))
$(BUILD)/spec/mockusb: $(patsubst %,spec/support/%,mockusb.c mockusb_calls.c mockusb_urb.c mockusb.h)
	@mkdir -p $(@D)
	$(call say,MOCK)$(CC) $(filter-out -MMD -MP -fsanitize% -fno-sanitize%,$(FLAGS)) $(CFLAGS) -o $@ $(filter %.c,$^) \
	    $(MOCK_FLAGS) $(shell $(PKG) --libs umockdev-1.0)

# what follows a jig and kills it; never under a sanitizer, which traces too
KILL = $(BUILD)/kill/tracer $(BUILD)/kill/lines
$(BUILD)/kill/tracer: spec/kill/calls.c
$(BUILD)/kill/%: spec/kill/%.c spec/kill/calls.h
	@mkdir -p $(@D)
	$(call say,KILL)$(CC) $(filter-out -MMD -MP -fsanitize% -fno-sanitize%,$(FLAGS)) $(CFLAGS) -o $@ \
	    $(filter %.c,$^) -lpthread

# devices that the rig plugs into the kernel of its guest
$(BUILD)/rig/plug: $(patsubst %,spec/rig/%.c,plug firmware ftdi token bus usbip) $(patsubst %,spec/rig/%.h,firmware bus usbip)
	@mkdir -p $(@D)
	$(call say,RIG)$(CC) $(filter-out -MMD -MP,$(FLAGS)) $(CFLAGS) -static -o $@ $(filter %.c,$^)

# ---- what `make install` adds: man pages and completions ----

MANUAL = $(BUILD)/share/jig.1 $(BUILD)/share/jig-recipe.5 $(BUILD)/share/jig-station.5
DATE = $(shell git log -1 --format=%cs 2>/dev/null || date +%F)
$(MANUAL): $(BUILD)/share/%: scripts/man.lua $(BUILD)/jig
	@mkdir -p $(@D)
	$(call say,MAN)$(LUA) $< $(basename $*) $(DATE) $(VERSION) $(BUILD)/jig > $@.new && mv $@.new $@

COMPLETIONS = $(patsubst %,$(BUILD)/share/jig.%,bash zsh fish)
$(COMPLETIONS): $(BUILD)/share/jig.%: $(BUILD)/jig
	@mkdir -p $(@D)
	$(call say,COMPLETE)$< help --completion $* > $@.new && mv $@.new $@

specs: $(PROGRAMS) $(SPEC_MODULES) $(MOCKUSB) $(KILL) $(BUILD)/bench/tool $(MANUAL) $(COMPLETIONS)

# what the benchmark needs, and a gang of 1,000: never sanitized, which would multiply the time of each
# start; musl, where it is installed, makes the tool that starts fastest
BENCH = floor tool board measure codec
$(BUILD)/bench/tool: CC := $(or $(shell command -v musl-gcc),$(CC))
$(BUILD)/bench/floor: BENCH_LIBS = $(LUA_FLAGS) -l:liblua5.4.a -lm
$(BUILD)/bench/codec: core/hex.c core/crc.c core/error.c
$(BUILD)/bench/%: spec/bench/%.c spec/bench/frame.h
	@mkdir -p $(@D)
	$(call say,BENCH)$(CC) $(filter-out -MMD -MP -fsanitize% -fno-sanitize%,$(FLAGS)) $(CFLAGS) -static -o $@ \
	    $(filter %.c,$^) $(BENCH_LIBS)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)


# ---- everything a person types ----

# Says which of DEPS are missing and installs them: at once as root or by sudo, on a terminal after
# asking. Where dpkg is unknown it prints the list and stops.
deps:
	@command -v dpkg-query >/dev/null || { echo "install with your package manager: $(DEPS)"; exit 1; }; \
	missing=$$(for p in $(DEPS); do dpkg-query -W -f='$${Status}' $$p 2>/dev/null | \
	    grep -q 'ok installed' || printf '%s ' $$p; done); \
	[ -n "$$missing" ] || exit 0; echo "missing: $$missing"; \
	[ "$$(id -u)" = 0 ] && sudo= || sudo=sudo; \
	command -v $$sudo true >/dev/null || { echo "needs root: apt-get install $$missing"; exit 1; }; \
	if [ -t 0 ]; then printf 'install them now? [y/N] '; read -r answer; \
	    [ "$$answer" = y ] || [ "$$answer" = Y ] || exit 1; fi; \
	$$sudo apt-get update -qq && \
	$$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing

demo: deps
	@$(MAKE) --no-print-directory all
	@$(BUILD)/jig examples/demo.lua

# SPECS=path runs some of them; JOBS=1: one file after the other
JOBS ?= $(shell nproc)
test: deps
	@$(MAKE) --no-print-directory specs
	JIG_BUILD=$(BUILD) $(BUILD)/jig test --jobs $(JOBS) --limit 1800 $(SPECS)

# Devices on a real kernel's USB stack, in guests of QEMU's; CASE=usb runs some of them, and CYCLES=1000 repeats
# more often. See spec/rig/README.md
rig:
	@$(MAKE) --no-print-directory deps DEPS="$(RIG_DEPS)" || true
	@$(MAKE) --no-print-directory all $(BUILD)/rig/plug
	@CYCLES=$(CYCLES) spec/rig/run.sh $(BUILD) $(CASE)

# Kills jig before each call that changes something; EVERY=5: before each fifth. See spec/kill/README.md
kill-all:
	@$(MAKE) --no-print-directory deps DEPS="$(TEST_DEPS)"
	@$(MAKE) --no-print-directory specs
	JIG_BUILD=$(BUILD) $(BUILD)/jig spec/kill/kill.lua $(EVERY)

# Makes each mistake of spec/mutants/list.lua in a copy, and looks whether a proof finds it. See spec/mutants/README.md
mutants:
	@$(MAKE) --no-print-directory deps DEPS="$(TEST_DEPS)"
	@$(MAKE) --no-print-directory specs
	@$(BUILD)/jig spec/mutants/run.lua $(MUTANT)

# Makes every product that `jig init` offers and tests it: some minutes. PRODUCT=serial-slip: those with that name
products:
	@$(MAKE) --no-print-directory deps DEPS="$(TEST_DEPS)"
	@$(MAKE) --no-print-directory all
	@$(BUILD)/jig spec/bench/products.lua $(PRODUCT)

# ROUNDS=7 interleaved rounds, UNITS=1000000 in the journal; see spec/bench/README.md
UNITS ?= 100000
bench: deps
	@$(MAKE) --no-print-directory all $(BENCH:%=$(BUILD)/bench/%) $(BUILD)/spec/ledger.so
	@$(BUILD)/jig spec/bench/bench.lua $(abspath $(BUILD))/bench
	@$(BUILD)/jig spec/bench/gangs.lua $(abspath $(BUILD))/bench
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
	    JIG_BUILD=$(BUILD) $(BUILD)/jig spec/bench/millions.lua "$$folder/journal.db" $(UNITS) --measure

# SECONDS=n for each target, or RUNS=n inputs; TARGET=name: that one alone. See spec/fuzz/README.md
TARGET      ?= $(notdir $(wildcard spec/fuzz/corpus/*))
FUZZ_FLAGS   = -std=c11 -D_GNU_SOURCE -I. $(LUA_FLAGS) -g -O1 -fsanitize=fuzzer,address,undefined \
               -fno-sanitize-recover=undefined $(FUZZ_MORE)
FUZZ_SOURCES = $(CORE:%=core/%.c) $(TRANSPORTS:%=transports/%.c) $(patsubst %,bindings/%.c,$(filter-out main,$(BINDINGS)))
FUZZ_O       = $(FUZZ_SOURCES:%.c=$(BUILD)/fuzz/%.o) $(BUILD)/fuzz/scripts.o
FUZZ_DICT    = $(if $(wildcard spec/fuzz/$(1).dict),-dict=spec/fuzz/$(1).dict)
LENGTH      ?= 1500
fuzz: SECONDS := $(if $(filter command%,$(origin SECONDS)),$(SECONDS),10)
fuzz: $(TARGET:%=fuzz-%)
$(TARGET:%=fuzz-%): fuzz-%: $(BUILD)/fuzz/%
	@mkdir -p $(BUILD)/fuzz/corpus/$* $(BUILD)/fuzz/work/$*
	@echo "fuzz $*"; $< $(if $(RUNS),-runs=$(RUNS),-max_total_time=$(SECONDS)) $(call FUZZ_DICT,$*) -max_len=$(LENGTH) \
	    -print_final_stats=1 -verbosity=0 -timeout=20 -artifact_prefix=$(BUILD)/fuzz/$*- $(BUILD)/fuzz/corpus/$* spec/fuzz/corpus/$*

# Makes each mistake of spec/fuzz/mutants.lua in a copy, and looks whether its target finds it
fuzz-mutants: $(BUILD)/jig $(TARGET:%=$(BUILD)/fuzz/%)
	@FUZZ_CLANG="clang $(FUZZ_FLAGS)" FUZZ_LIBS="$(BUILD)/fuzz/jig.a $(LIBS)" $(BUILD)/jig spec/fuzz/run_mutants.lua $(MUTANT)

# Which lines of its sources each target has reached with the inputs that were kept
fuzz-lines: $(BUILD)/jig $(TARGET:%=$(BUILD)/fuzz/%)
	@FUZZ_CLANG="clang $(FUZZ_FLAGS)" FUZZ_LIBS="$(BUILD)/fuzz/jig.a $(LIBS)" $(BUILD)/jig spec/fuzz/lines.lua $(TARGET)

# A target is C, or Lua that lua.c runs.
FUZZ_C = $(patsubst spec/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard spec/fuzz/*.c))
$(filter-out $(FUZZ_C),$(patsubst spec/fuzz/%.lua,$(BUILD)/fuzz/%,$(wildcard spec/fuzz/*.lua))): $(BUILD)/fuzz/lua
	@ln -f $< $@
$(FUZZ_C): $(BUILD)/fuzz/%: spec/fuzz/%.c spec/fuzz/fuzz.h $(BUILD)/fuzz/jig.a
	$(call say,FUZZ)clang $(FUZZ_FLAGS) -o $@ $< $(BUILD)/fuzz/jig.a $(LIBS) $(if $(filter lua,$*),-Xlinker --wrap=jig_coverage_line)
$(BUILD)/fuzz/jig.a: $(FUZZ_O)
	$(call say,AR)rm -f $@ && ar rcs $@ $^
$(BUILD)/fuzz/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CLANG)clang $(FUZZ_FLAGS) -MMD -MP -c -o $@ $<
$(BUILD)/fuzz/bindings/version.o: FUZZ_MORE += -DJIG_VERSION='"fuzz"'
# what every line of Lua goes through tells a fuzzer nothing
$(patsubst %,$(BUILD)/fuzz/bindings/%.o,budget coverage engine memory): FUZZ_MORE += -fno-sanitize=all -fno-sanitize-coverage=trace-pc-guard
$(BUILD)/fuzz/scripts.o: $(BUILD)/scripts.c
	@mkdir -p $(@D)
	$(call say,CLANG)clang $(FUZZ_FLAGS) -c -o $@ $<

C_FILES   = $(shell git ls-files '*.c' '*.h')
LUA_FILES = $(shell git ls-files '*.lua')

lint:
	$(call say,clang-format)clang-format --dry-run -Werror $(C_FILES)
	$(call say,luacheck)luacheck -q $(LUA_FILES)
	$(call say,cppcheck)cppcheck --quiet -j $(JOBS) --std=c11 --enable=warning,performance,portability \
	    --inline-suppr --error-exitcode=1 --library=gtk -I. $(filter %.c,$(C_FILES))
	$(call say,clang-tidy)printf '%s\n' $(filter %.c,$(C_FILES)) | xargs -P $(JOBS) -I '{}' clang-tidy --quiet \
	    --warnings-as-errors='*' '{}' -- -std=c11 -D_GNU_SOURCE -I. $(LUA_FLAGS) $(MOCK_FLAGS) -DJIG_VERSION='""' 2>/dev/null

# lint, then the specs as they are, under ASan and UBSan, and those that run C once under valgrind; ALL=1: all of them
step = @echo "== make $(1)"; $(MAKE) --no-print-directory $(1)
check:
	@$(MAKE) --no-print-directory deps DEPS="$(CHECK_DEPS)"
	$(call step,lint)
	$(call step,test WERROR=1)
	$(call step,test WERROR=1 SAN=1)
	$(call step,valgrind)
	$(if $(ALL),$(call step,valgrind-flow))

# The specs that run C of jig's in their own process; ALL=1: also those that are Lua alone (the framings, say), and
# those of flows that start no jig. spec/flow/proofs_spec.lua is not among them: thousands of paths are too many for
# valgrind, and SAN=1 goes them one fault at a time; nor clocks_spec.lua, which holds real time
# against virtual. What valgrind says goes to files: it warns at each pidfd_open, which it does not know.
VALGRIND_SPECS = spec/core spec/bindings spec/transports \
    $(if $(ALL),spec/scripts $(IN_PROCESS:%=spec/flow/%_spec.lua),$(wildcard spec/scripts/*_spec.lua))
IN_PROCESS = escapes
FOUND = Invalid|Conditional|Use of|Syscall param|Mismatched|Source and|Process terminating|[0-9,]+ .*definitely lost
VALGRIND_BEGIN = @rm -rf $(BUILD)/valgrind && mkdir -p $(BUILD)/valgrind/log && cp spec/support/valgrind.sh $(BUILD)/valgrind/jig
VALGRIND_END = result=$$?; ! grep -rhE -A20 '^==[0-9]+== ($(FOUND))' $(BUILD)/valgrind/log && exit $$result
valgrind: specs
	$(VALGRIND_BEGIN)
	@specs=$$(find $(or $(SPECS),$(VALGRIND_SPECS)) -name '*_spec.lua' | LC_ALL=C sort) && test -n "$$specs" && \
	    echo "$$specs" | JIG_BUILD=$(BUILD) xargs -P $(JOBS) -n 20 $(BUILD)/valgrind/jig test; $(VALGRIND_END)

# The other specs of flows: each jig that they start runs under valgrind, and they themselves do not. The one of gangs
# is not among them: hundreds of slots in one jig are too many for valgrind, and SAN=1 runs them. Nor is the one of
# signed recipes: a station that says trust refuses the JIG_MEMORY that valgrind needs.
NOT_UNDER_VALGRIND = $(IN_PROCESS) clocks gang proofs signed
VALGRIND_FLOWS = $(filter-out $(NOT_UNDER_VALGRIND:%=spec/flow/%_spec.lua),$(wildcard spec/flow/*_spec.lua))
valgrind-flow: specs
	$(VALGRIND_BEGIN)
	@for f in $(filter-out jig san valgrind%,$(notdir $(wildcard $(BUILD)/*))); do ln -s ../$$f $(BUILD)/valgrind/$$f; done
	JIG_BUILD=$(BUILD)/valgrind $(BUILD)/jig test --jobs $(JOBS) --limit 3600 $(or $(SPECS),$(VALGRIND_FLOWS)); $(VALGRIND_END)

# what a station is set up with: see examples/station/README.md
STATION = $(addprefix examples/station/,README.md station.lua jig.sysusers jig.tmpfiles jig.modules)
SHARE = $(DESTDIR)$(PREFIX)/share
install: $(BUILD)/jig $(MANUAL) $(COMPLETIONS)
	install -D -m 755 $(BUILD)/jig $(DESTDIR)$(PREFIX)/bin/jig
	install -D -m 644 -t $(SHARE)/man/man1 $(BUILD)/share/jig.1
	install -D -m 644 -t $(SHARE)/man/man5 $(BUILD)/share/jig-recipe.5 $(BUILD)/share/jig-station.5
	install -D -m 644 $(BUILD)/share/jig.bash $(SHARE)/bash-completion/completions/jig
	install -D -m 644 $(BUILD)/share/jig.zsh $(SHARE)/zsh/site-functions/_jig
	install -D -m 644 $(BUILD)/share/jig.fish $(SHARE)/fish/vendor_completions.d/jig.fish
	install -D -m 644 -t $(SHARE)/doc/jig/station $(STATION)
	sed 's|/usr/local/bin/|$(PREFIX)/bin/|' examples/station/jig-station.service \
	    > $(SHARE)/doc/jig/station/jig-station.service
	cd scripts/meta && find . -name '*.lua' -exec install -D -m 644 {} \
	    $(abspath $(DESTDIR)$(PREFIX))/share/jig/meta/{} \;

clean:
	rm -rf build

.PHONY: all specs deps demo test rig kill-all mutants fuzz fuzz-mutants fuzz-lines products bench lint check valgrind valgrind-flow install clean
