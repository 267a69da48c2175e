# SPDX-License-Identifier: GPL-2.0
# What `make check` builds and runs; tests/run does the running.

UNIT_SRC  := $(sort $(wildcard tests/unit/test_*.c))
UNIT_BIN  := $(UNIT_SRC:tests/unit/%.c=$(BUILD)/tests/%)
FIXTURES  := $(BUILD)/tests/fixtures
GUEST_BIN := $(BUILD)/tests/verifier $(BUILD)/tests/refwatch $(BUILD)/tests/extuser
SANITIZE  := -fsanitize=address,undefined -fno-omit-frame-pointer
TEST_OBJ  := $(patsubst %.c,$(BUILD)/sanitized/%.o,$(filter-out user/main.c,$(USER_SRC)))

check: ## install what is missing, build, run all tests (VMs included)
	@tools/deps build test lab
	@+$(MAKE) --no-print-directory all tests
	@tests/run all

check-fast: ## the tests that need no VM
	@tools/deps build test
	@+$(MAKE) --no-print-directory all tests
	@tests/run fast

demo: ## install what is missing, build, show the deadlock caught live in a VM
	@tools/deps build lab
	@+$(MAKE) --no-print-directory all
	@tools/demo

deps: ## install what is missing to build, test and run the lab
	@tools/deps build test lab

tests: $(BUILD)/bench/works $(UNIT_BIN) $(GUEST_BIN) $(FIXTURES)/done

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
		$(BUILD)/sanitized/libvfioscope.a -lcmocka $(LDLIBS) -o $@

$(BUILD)/tests/verifier: tests/vm/verifier.c $(BUILD)/flags
	@mkdir -p $(@D)
	@$(CC) $(ALL_CFLAGS) -static $< -lbpf -lelf -lzstd -lz -o $@

$(BUILD)/tests/extuser: tests/vm/extuser.c $(BUILD)/flags
	@mkdir -p $(@D)
	@$(CC) $(ALL_CFLAGS) -static $< -o $@

$(BUILD)/tests/refwatch.skel.h: tests/oracle/refwatch.bpf.c tests/oracle/refwatch.h $(BUILD)/flags
	@mkdir -p $(@D)
	@$(CLANG) $(BPF_CFLAGS) -c $< -o $(BUILD)/tests/refwatch.bpf.o
	@$(BPFTOOL) gen skeleton $(BUILD)/tests/refwatch.bpf.o name refwatch_bpf > $@.tmp && mv $@.tmp $@

$(BUILD)/tests/refwatch: tests/oracle/refwatch.c $(BUILD)/tests/refwatch.skel.h
	@$(CC) $(ALL_CFLAGS) -I$(BUILD)/tests -static $< -lbpf -lelf -lzstd -lz -o $@

F := tests/unit/fixtures
FIXTURE_CFLAGS := -O2 -fno-pie -mcmodel=kernel -fcf-protection=none

$(FIXTURES)/done: $(wildcard $(F)/kmod_*) $(BUILD)/flags
	@mkdir -p $(FIXTURES)
	@$(CC) $(FIXTURE_CFLAGS) -c $(F)/kmod_put.c -o $(FIXTURES)/kmod_put.o
	@$(CC) $(FIXTURE_CFLAGS) -c $(F)/kmod_locked.S -o $(FIXTURES)/kmod_locked.o
	@ld -r --build-id -o $(FIXTURES)/kmod.ko $(FIXTURES)/kmod_put.o $(FIXTURES)/kmod_locked.o
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

-include $(TEST_OBJ:.o=.d) $(UNIT_BIN:=.d)

.PHONY: check check-fast demo deps tests
