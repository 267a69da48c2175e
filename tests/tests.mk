# SPDX-License-Identifier: GPL-2.0
# What `make check` builds and runs; tests/run does the running.

UNIT_SRC  := $(sort $(wildcard tests/unit/test_*.c))
UNIT_BIN  := $(UNIT_SRC:tests/unit/%.c=$(BUILD)/tests/%)
BENCH_BIN := $(BUILD)/tests/bench_refs
FIXTURES  := $(BUILD)/tests/fixtures
GUEST_SRC := $(sort $(wildcard tests/vm/*.c))
GUEST_BIN := $(GUEST_SRC:tests/vm/%.c=$(BUILD)/tests/%) $(BUILD)/tests/refwatch
SANITIZE  := -fsanitize=address,undefined -fno-omit-frame-pointer
TEST_OBJ  := $(patsubst %.c,$(BUILD)/sanitized/%.o,$(filter-out user/cmd/main.c,$(USER_SRC)))

# All processors build, unless the caller says how many.
JOBS = $(if $(findstring j,$(filter-out --%,$(MAKEFLAGS))),,-j$(shell nproc))

check: ## install what is missing, build, run all tests (VMs included)
	@tools/deps build test lab fuzz
	@+$(MAKE) --no-print-directory $(JOBS) all tests
	@tests/run all

check-fresh: ## make demo and make check in a fresh minimal Debian 12, with empty caches
	@tools/deps fresh
	@tools/fresh

check-fast: ## the tests that need no VM
	@tools/deps build test
	@+$(MAKE) --no-print-directory $(JOBS) all tests
	@tests/run fast

demo: ## install what is missing, build, show the deadlock caught live in a VM
	@tools/deps build lab
	@+$(MAKE) --no-print-directory all
	@tools/demo

deps: ## install what is missing to build, test and run the lab
	@tools/deps build test lab

soak: ## the long runs: 1000 starts, 100 kills, 10000 cycles, fuzzing, sanitizers (2 hours)
	@tools/deps build test lab fuzz fresh package
	@+$(MAKE) --no-print-directory all tests
	@tests/run soak

mutate: tests ## plant small faults into the pure files, see whether the unit tests notice (10 minutes)
	@CC='$(patsubst ccache,,$(firstword $(CC))) $(wordlist 2,9,$(CC))' CFLAGS='$(ALL_CFLAGS) -O1 $(SANITIZE) -g0' LDLIBS='$(LDLIBS)' LINKER='-fuse-ld=lld' \
		BUILD=$(BUILD) nice -n 19 tests/mutate $(MUTATE)

hosts: ## run every verb, way and holder on all kinds of host, write docs/hosts.md and the table of docs/why.md (an hour)
	@tools/deps build test lab
	@+$(MAKE) --no-print-directory all tests
	@tools/hosts-table

tests: $(BUILD)/bench/works $(BUILD)/tests/cancels $(UNIT_BIN) $(BENCH_BIN) $(GUEST_BIN) $(FIXTURES)/done \
	$(BUILD)/sanitized/vfioscope $(BUILD)/sanitized/vfio-stress

# Unit tests run with sanitizers, so everything they link is built a second time.
$(BUILD)/sanitized/%.o: %.c $(BUILD)/flags | $(SKEL)
	@mkdir -p $(@D)
	@$(CC) $(ALL_CFLAGS) -O1 $(SANITIZE) -MMD -MP -c $< -o $@

$(BUILD)/sanitized/libvfioscope.a: $(TEST_OBJ)
	@rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/tests/test_%: tests/unit/test_%.c $(BUILD)/sanitized/libvfioscope.a $(BUILD)/flags
	@mkdir -p $(@D)
	@echo '  TEST  $@'
	@$(CC) $(ALL_CFLAGS) -Itests/unit -O1 $(SANITIZE) -DVS_FIXTURES='"$(FIXTURES)"' -MMD -MP $< \
		$(OF_STRESS) $(BUILD)/sanitized/libvfioscope.a -lcmocka $(LDLIBS) -o $@

$(BUILD)/tests/test_stress_race: private OF_STRESS := $(BUILD)/sanitized/tools/stress/race.o \
	$(BUILD)/sanitized/tools/stress/sysfs.o
$(BUILD)/tests/test_stress_race: $(BUILD)/sanitized/tools/stress/race.o $(BUILD)/sanitized/tools/stress/sysfs.o

# The programs themselves, in guests too: there only the C library is needed besides.
$(BUILD)/sanitized/vfioscope: $(BUILD)/sanitized/user/cmd/main.o $(BUILD)/sanitized/libvfioscope.a
	@echo '  LINK  $@'
	@$(CC) $(CFLAGS) $(LDFLAGS) $(SANITIZE) -static-libasan -static-libubsan $^ \
		-Wl,-Bstatic $(filter-out -lm,$(LDLIBS)) -Wl,-Bdynamic -lm -o $@

$(BUILD)/sanitized/vfio-stress: $(STRESS_SRC:%.c=$(BUILD)/sanitized/%.o)
	@echo '  LINK  $@'
	@$(CC) $(SANITIZE) $^ -o $@

# What is measured runs as it is shipped: without sanitizers.
$(BUILD)/tests/bench_%: tests/unit/bench_%.c $(LIB) $(BUILD)/flags
	@mkdir -p $(@D)
	@echo '  BENCH $@'
	@$(CC) $(ALL_CFLAGS) -MMD -MP $< $(LIB) $(LDLIBS) -o $@

$(BUILD)/tests/blind_refs: private LDFLAGS += -Wl,--wrap=vs_snapper__take
$(BUILD)/tests/skewed: private LDFLAGS += -Wl,--wrap=bpf_object__load_skeleton

# Programs that run in the guests, static.
$(BUILD)/tests/%: tests/vm/%.c $(LIB) $(BUILD)/flags
	@mkdir -p $(@D)
	@$(CC) $(ALL_CFLAGS) $(LDFLAGS) -static -MMD -MP $< $(LIB) $(LDLIBS) -o $@

$(BUILD)/tests/cancels: tests/native/cancels.c $(BUILD)/flags
	@mkdir -p $(@D)
	@$(CC) $(ALL_CFLAGS) $< -o $@

$(BUILD)/tests/refwatch.skel.h: tests/oracle/refwatch.bpf.c tests/oracle/refwatch.h $(BUILD)/flags
	@mkdir -p $(@D)
	@$(CLANG) $(BPF_CFLAGS) -c $< -o $(BUILD)/tests/refwatch.bpf.o
	@$(BPFTOOL) gen skeleton $(BUILD)/tests/refwatch.bpf.o name refwatch_bpf > $@.tmp && mv $@.tmp $@

$(BUILD)/tests/refwatch: tests/oracle/refwatch.c $(BUILD)/tests/refwatch.skel.h
	@$(CC) $(ALL_CFLAGS) -I$(BUILD)/tests -static $< -lbpf -lelf -lzstd -lz -o $@

F := tests/unit/fixtures
FIXTURE_CFLAGS := -O2 -fno-pie -mcmodel=kernel -fcf-protection=none

# Each era of VFIO's references (see inspect_vfio.c), by gcc, and by clang for all architectures.
INSPECT_ERAS := 1 2 3 4 5 6 7 8 9 10 11 12 13
INSPECT_ARCHS := x86_64 aarch64 s390x powerpc64le
INSPECT_CFLAGS := -O2 -fno-pic -Wno-unused-function
INSPECT_X86 := -mcmodel=kernel -mno-red-zone

# inspect_link ARCH FLAGS ADDRESS: a small vmlinux of $$era
inspect_link = $(CLANG) --target=$(1)-linux-gnu $(INSPECT_CFLAGS) $(2) -DERA=$$era -static -nostdlib -fuse-ld=lld \
	-Wl,--image-base=$(3),-z,max-page-size=4096 $(F)/inspect_vfio.c $(F)/inspect_kernel.c -o $(@D)/linked-$(1)-$$era.o

$(FIXTURES)/inspect/done: $(F)/inspect_kernel.c $(F)/inspect_vfio.c $(BUILD)/flags
	@mkdir -p $(@D)
	@for era in $(INSPECT_ERAS); do \
		$(CC) $(INSPECT_CFLAGS) $(INSPECT_X86) -fcf-protection=none -g -DERA=$$era -c $(F)/inspect_vfio.c \
			-o $(@D)/gcc-$$era.o || exit 1; \
		for arch in $(INSPECT_ARCHS); do \
			[ $$arch = x86_64 ] && more='$(INSPECT_X86)' || more=; \
			$(CLANG) --target=$$arch-linux-gnu $(INSPECT_CFLAGS) $$more -g -DERA=$$era -c $(F)/inspect_vfio.c \
				-o $(@D)/$$arch-$$era.o || exit 1; \
		done; \
		$(call inspect_link,x86_64,$(INSPECT_X86),0xffffffff81000000) || exit 1; \
		$(call inspect_link,aarch64,-mno-outline-atomics,0xffff800010000000) || exit 1; done
	@touch $@

$(FIXTURES)/done: $(wildcard $(F)/kmod_* $(F)/text_* $(F)/*.txt) $(FIXTURES)/inspect/done $(BUILD)/flags
	@mkdir -p $(FIXTURES)
	@$(CC) $(FIXTURE_CFLAGS) -c $(F)/kmod_put.c -o $(FIXTURES)/kmod_put.o
	@$(CC) $(FIXTURE_CFLAGS) -c $(F)/kmod_locked.S -o $(FIXTURES)/kmod_locked.o
	@ld -r --build-id -o $(FIXTURES)/kmod.ko $(FIXTURES)/kmod_put.o $(FIXTURES)/kmod_locked.o
	@for alt in 12 13 14 15; do \
		$(CC) $(FIXTURE_CFLAGS) -DALT=$$alt -c $(F)/text_lists.S -o $(FIXTURES)/text_lists_$$alt.o || exit 1; done
	@xz -kfc --check=crc32 $(FIXTURES)/kmod.ko > $(FIXTURES)/kmod.ko.xz
	@zstd -qfc $(FIXTURES)/kmod.ko > $(FIXTURES)/kmod.ko.zst
	@gzip -nc $(FIXTURES)/kmod.ko > $(FIXTURES)/kmod.ko.gz
	@head -c 300M /dev/zero | xz -T1 -1c > $(FIXTURES)/bomb.xz
	@head -c 300M /dev/zero | zstd -qc > $(FIXTURES)/bomb.zst
	@head -c 300M /dev/zero | gzip -1nc > $(FIXTURES)/bomb.gz
	@for arch in aarch64 s390x powerpc64le; do \
		$(CLANG) --target=$$arch-linux-gnu -O2 -c $(F)/kmod_arch.c \
			-o $(FIXTURES)/kmod_$$arch.o || exit 1; done
	@cp $(F)/*.txt $(FIXTURES)/
	@touch $@

-include $(TEST_OBJ:.o=.d) $(BUILD)/sanitized/user/main.d $(UNIT_BIN:=.d) $(GUEST_BIN:=.d) $(BENCH_BIN:=.d)

.PHONY: mutate check check-fresh check-fast hosts soak demo deps tests
