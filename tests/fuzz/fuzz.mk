# SPDX-License-Identifier: GPL-2.0
# libFuzzer with ASan and UBSan on what reads files of strangers, and on what prints their names. `make fuzz FUZZ_SECONDS=60`

FUZZ_SECONDS ?= 30
FUZZ_SRC := $(sort $(wildcard tests/fuzz/fuzz_*.c))
FUZZ_BIN := $(FUZZ_SRC:tests/fuzz/%.c=$(BUILD)/fuzz/%)
# The fuzzer sees what its input reaches in these; the rest of the program comes from the archive of the unit tests.
# What a log becomes: the pure part of why, no collector.
FUZZ_WHY := $(wildcard user/base/*.c user/klog/*.c) user/snapshot/snapshot.c user/ledger/gaps.c user/event/device_name.c user/evidence/evidence.c \
	    user/evidence/names.c $(filter-out user/why/collect% user/why/print% $(addprefix user/why/,fallback.c running.c proc.c locks.c works.c), \
	    $(wildcard user/why/*.c))
# Of the readers of dumps those of files and page tables.
FUZZ_CORE := $(addprefix user/core/,bytes.c elf.c kdump.c notes.c file.c paging.c info.c image.c orc.c)
FUZZ_LIB := $(patsubst %.c,$(BUILD)/fuzz/%.o,$(FUZZ_CORE) $(wildcard user/code/*.c user/vfio/*.c user/inspect/*.c) \
	      user/kernel/kallsyms.c $(FUZZ_WHY))
FUZZ_FLAGS := -O1 -g -fno-omit-frame-pointer -fno-sanitize-recover=all

fuzz: $(FUZZ_BIN) ## fuzz the readers of files and the sinks, FUZZ_SECONDS (30) each
	@tests/fuzz/run $(BUILD)/fuzz $(FUZZ_SECONDS)

$(BUILD)/fuzz/user/%.o: user/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	@$(CLANG) $(filter-out -Wshadow,$(ALL_CFLAGS)) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link,address,undefined -MMD -MP -c $< -o $@

# The sinks need nearly all of the program: as the unit tests have it, with sanitizers, that is built anyway.
# What reads recordings is built for the fuzzer, too, which sees what its input reaches there.
FUZZ_RECORD := $(patsubst %.c,$(BUILD)/fuzz/%.o,$(wildcard user/record/[!cdrgt]*.c user/record/re[ap]*.c user/record/r[ou]*.c \
	      user/ledger/*.c user/run/session*.c user/event/record.c))
$(BUILD)/fuzz/fuzz_names: tests/unit/names_lab.h
$(BUILD)/fuzz/fuzz_record: $(FUZZ_RECORD)
$(BUILD)/fuzz/fuzz_names $(BUILD)/fuzz/fuzz_record: $(BUILD)/fuzz/fuzz_%: tests/fuzz/fuzz_%.c $(BUILD)/sanitized/libvfioscope.a
	@mkdir -p $(@D)
	@echo '  FUZZ  $@'
	@$(CLANG) $(ALL_CFLAGS) $(FUZZ_FLAGS) -fsanitize=fuzzer,address,undefined $(filter-out %.h %.a,$^) $(filter %.a,$^) $(LDLIBS) -o $@

$(BUILD)/fuzz/fuzz_%: tests/fuzz/fuzz_%.c $(FUZZ_LIB) $(BUILD)/sanitized/libvfioscope.a
	@echo '  FUZZ  $@'
	@$(CLANG) $(ALL_CFLAGS) $(FUZZ_FLAGS) -fsanitize=fuzzer,address,undefined $(filter-out %.a,$^) $(filter %.a,$^) $(LDLIBS) -o $@

-include $(FUZZ_LIB:.o=.d) $(FUZZ_RECORD:.o=.d)

.PHONY: fuzz
