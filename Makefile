# SPDX-License-Identifier: GPL-2.0
# vfioscope: `make help` lists what there is to make.

BUILD   ?= build
CC      ?= gcc
CLANG   ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)
STRIP   ?= strip
PREFIX  ?= /usr/local
DESTDIR ?=

CFLAGS  ?= -O2 -g
ARCH    := $(shell uname -m)
BPFARCH := $(subst x86_64,x86,$(subst aarch64,arm64,$(ARCH)))

WARN    := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes
WERROR  ?= -Werror
INCLUDE := -I. -Iuser -I$(BUILD)
# Nothing unwinds through our code; the tables would be a twentieth of the program.
ALL_CFLAGS := -std=gnu11 -D_GNU_SOURCE -fno-asynchronous-unwind-tables $(CFLAGS) $(WARN) $(WERROR) $(INCLUDE)
# Debian's libmicrohttpd.a wants GnuTLS, whose static library wants p11-kit, which has none: stubs that refuse
# take its place, so that there is no TLS in the binary.
NO_TLS  := $(BUILD)/libnotls.a
LDLIBS  := -lbpf -ldw -lelf -ljansson -lcap -lseccomp -l:libmicrohttpd.a $(NO_TLS) \
	   -llzma -lzstd -llz4 -lbz2 -lz -lm
BPF_CFLAGS := -g -O2 -target bpf -D__TARGET_ARCH_$(BPFARCH) -Wall -Werror \
	      -Ivmlinux -Ivmlinux/$(ARCH) -Ibpf -I/usr/include/$(ARCH)-linux-gnu

# Each folder of bpf/ becomes one object: bpf/trace/*.bpf.c -> trace_bpf.skel.h.
BPF_SRC  := $(sort $(wildcard bpf/*/*.bpf.c))
BPF_OBJ  := $(BPF_SRC:%.bpf.c=$(BUILD)/%.bpf.o)
BPF_ROOM := $(sort $(patsubst bpf/%/,%,$(dir $(BPF_SRC))))
SKEL     := $(BPF_ROOM:%=$(BUILD)/%_bpf.skel.h)
USER_SRC := $(sort $(wildcard user/*/*.c))
USER_OBJ := $(USER_SRC:%.c=$(BUILD)/%.o)
# Everything but main(): what the unit tests link with.
LIB      := $(BUILD)/libvfioscope.a
LIB_OBJ  := $(filter-out $(BUILD)/user/cmd/main.o,$(USER_OBJ))

all: $(BUILD)/vfioscope $(BUILD)/vfio-stress ## build build/vfioscope and build/vfio-stress, static binaries

# libmicrohttpd calls gnutls_global_init() and wants 0; it calls the others only for TLS.
$(NO_TLS):
	@mkdir -p $(@D)
	@echo '  GEN   $@'
	@nm $$($(CC) -print-file-name=libmicrohttpd.a) 2>/dev/null | \
	 awk '$$1 == "U" && /gnutls_/ && !seen[$$2]++ { print "int " $$2 "(void) { return " ($$2 == "gnutls_global_init" ? 0 : -1) "; }" }' \
	 > $(@D)/notls.c
	@$(CC) -O2 -c $(@D)/notls.c -o $(@D)/notls.o
	@rm -f $@ && $(AR) rcs $@ $(@D)/notls.o

# A change of flags rebuilds what they are for.
$(BUILD)/flags: FORCE | $(NO_TLS)
	@mkdir -p $(@D)
	@echo '$(CC) $(ALL_CFLAGS) $(LDLIBS) $(CLANG) $(BPF_CFLAGS) $(BPF_SRC)' | cmp -s - $@ || \
	 echo '$(CC) $(ALL_CFLAGS) $(LDLIBS) $(CLANG) $(BPF_CFLAGS) $(BPF_SRC)' > $@

$(BUILD)/%.bpf.o: %.bpf.c $(BUILD)/flags
	@mkdir -p $(@D)
	@echo '  BPF   $<'
	@$(CLANG) $(BPF_CFLAGS) -MMD -MP -c $< -o $@

# libbpf 1.1 links extern maps wrongly unless their definition (state.bpf.c) comes first.
define bpf_room
$(BUILD)/$(1).bpf.o: $$(filter %/$(1)/state.bpf.o,$$(BPF_OBJ)) \
		$$(filter-out %/state.bpf.o,$$(filter $(BUILD)/bpf/$(1)/%,$$(BPF_OBJ)))
	@echo '  LINK  $$@'
	@$(BPFTOOL) gen object $$@ $$^

$(BUILD)/$(1)_bpf.skel.h: $(BUILD)/$(1).bpf.o
	@echo '  SKEL  $$@'
	@$(BPFTOOL) gen skeleton $$< name $(1)_bpf > $$@.tmp && mv $$@.tmp $$@
endef
$(foreach room,$(BPF_ROOM),$(eval $(call bpf_room,$(room))))

$(BUILD)/user/%.o: user/%.c $(BUILD)/flags | $(SKEL)
	@mkdir -p $(@D)
	@echo '  CC    $<'
	@$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

$(LIB): $(LIB_OBJ)
	@rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/vfioscope: $(BUILD)/user/cmd/main.o $(LIB)
	@echo '  LINK  $@'
	@$(CC) $(CFLAGS) $(LDFLAGS) -static $^ $(LDLIBS) -o $@

# The one program that changes a host: it shares nothing with vfioscope.
STRESS_SRC := $(sort $(wildcard tools/stress/*.c))
STRESS_OBJ := $(STRESS_SRC:%.c=$(BUILD)/%.o)

$(BUILD)/tools/%.o: tools/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	@echo '  CC    $<'
	@$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/vfio-stress: $(STRESS_OBJ)
	@echo '  LINK  $@'
	@$(CC) $(CFLAGS) $(LDFLAGS) -static $^ -o $@

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: all ## install under DESTDIR and PREFIX (/usr/local)
	install -D -m 755 $(BUILD)/vfioscope $(DESTDIR)$(PREFIX)/sbin/vfioscope
	install -D -m 755 $(BUILD)/vfio-stress $(DESTDIR)$(PREFIX)/sbin/vfio-stress
	install -d $(DESTDIR)$(PREFIX)/share/man/man8
	install -m 644 docs/man/*.8 $(DESTDIR)$(PREFIX)/share/man/man8

deb: all ## make a Debian package in build/, with the service; DEBFULLNAME and DEBEMAIL say who makes it
	@tools/package/deb $(BUILD)

clean: ## remove what was built
	rm -rf $(BUILD)

include tests/tests.mk
include tests/fuzz/fuzz.mk
include tools/bench/bench.mk

-include $(BPF_OBJ:.o=.d) $(USER_OBJ:.o=.d) $(STRESS_OBJ:.o=.d)

FORCE:
.PHONY: all help install deb clean FORCE
.DELETE_ON_ERROR:
