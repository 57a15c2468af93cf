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

WARN    = -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wvla $(if $(WERROR),-Werror)
SANFLAG = $(if $(SAN),-fsanitize=address -fsanitize=undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
FLAGS   = -std=c11 -D_GNU_SOURCE -I. -MMD -MP -fno-plt -fstack-protector-strong $(WARN) $(SANFLAG)
VERSION = $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

CORE = error buf hex crc digest address clock loop log child proc port service factory_cli session
TRANSPORTS = options lock fd serial tty tcp exec pair fault table
BINDINGS = engine environment task clock hex crc digest port session proc slot system version state main
SCRIPTS = $(shell find scripts/jig -name '*.lua' | LC_ALL=C sort)
SIM_COMMON = agreement bytes
SIM_TOOL = factory_tool audit authority service misbehave
SIM_DEVICE = device endpoint firmware options outbox trouble wire

CORE_O = $(CORE:%=$(BUILD)/core/%.o)
TRANSPORTS_O = $(TRANSPORTS:%=$(BUILD)/transports/%.o)
BINDINGS_O = $(BINDINGS:%=$(BUILD)/bindings/%.o) $(BUILD)/scripts.o
SIM = examples/simulator

LUA_FLAGS = $(shell $(PKG) --cflags lua5.4)
ifeq ($(LINK),shared)
LIBS = -Wl,-E $(shell $(PKG) --libs lua5.4 libuv libserialport libcrypto) -l:liblua5.4-cjson.so
else
LIBS = -Wl,-E -Wl,--whole-archive -l:liblua5.4.a -Wl,--no-whole-archive -l:libuv_a.a \
       -l:libserialport.a -l:liblua5.4-cjson.a -l:libcrypto.a -lm -ldl -lpthread
endif
SIM_LIBS = -lcrypto

Q = $(if $(V),,@)
say = $(if $(V),,@echo "  $(1) $@";)

PROGRAMS = $(BUILD)/jig $(BUILD)/factory_tool $(BUILD)/device
SPEC_MODULES = $(BUILD)/spec/core.so $(BUILD)/spec/peer.so $(BUILD)/spec/ptyshim.so

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

$(BUILD)/scripts.c: scripts/embed.lua $(SCRIPTS) Makefile
	@mkdir -p $(@D)
	$(call say,EMBED)$(LUA) scripts/embed.lua $@ argparse=$(ARGPARSE) \
	    $(foreach f,$(SCRIPTS),$(subst /,.,$(patsubst scripts/%.lua,%,$(f:/init.lua=.lua)))=$(f))

$(BUILD)/scripts.o: $(BUILD)/scripts.c
	$(call say,CC)$(CC) $(FLAGS) $(FLAGS_FOR) $(CFLAGS) -c -o $@ $<

ARGPARSE = $(shell $(LUA) -e 'print(package.searchpath("argparse", package.path) or "argparse.lua")')

$(BUILD)/factory_tool: $(SIM_TOOL:%=$(BUILD)/$(SIM)/%.o) $(SIM_COMMON:%=$(BUILD)/$(SIM)/%.o)
	$(call say,LINK)$(CC) $(CFLAGS) $(SANFLAG) $(LDFLAGS) -o $@ $^ $(SIM_LIBS)
$(BUILD)/device: $(SIM_DEVICE:%=$(BUILD)/$(SIM)/%.o) $(SIM_COMMON:%=$(BUILD)/$(SIM)/%.o)
	$(call say,LINK)$(CC) $(CFLAGS) $(SANFLAG) $(LDFLAGS) -o $@ $^ $(SIM_LIBS)

# what specs need besides jig
SO = $(CC) $(filter-out -fsanitize%,$(FLAGS)) $(LUA_FLAGS) $(CFLAGS) -fPIC -shared -Wl,-Bsymbolic
$(BUILD)/spec/core.so: spec/support/core.c $(patsubst %,core/%.c,address factory_cli buf digest hex error)
	@mkdir -p $(@D)
	$(call say,SO)$(SO) -o $@ $^ -lcrypto
$(BUILD)/spec/%.so: spec/support/%.c
	@mkdir -p $(@D)
	$(call say,SO)$(SO) -o $@ $^

specs: $(PROGRAMS) $(SPEC_MODULES)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

.PHONY: all specs
