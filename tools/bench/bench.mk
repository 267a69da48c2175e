# SPDX-License-Identifier: GPL-2.0
# `make bench`: what vfioscope costs, beside the tools that people use today.

BENCH     := $(BUILD)/bench
BENCH_BIN := $(BENCH)/renames $(BENCH)/works $(BENCH)/miss $(BENCH)/host

bench: ## install what is missing, build, measure the cost beside bpftrace, perf, trace-cmd
	@tools/deps build bench
	@+$(MAKE) --no-print-directory all $(BENCH_BIN)
	@tools/bench/run

$(BENCH)/%: tools/bench/%.c tools/bench/median.h tools/bench/load.h $(BUILD)/flags
	@mkdir -p $(@D)
	@$(CC) $(ALL_CFLAGS) -static $< -o $@

$(BENCH)/miss.bpf.o: tools/bench/miss.bpf.c $(BUILD)/bpf/latency/state.bpf.o
	@mkdir -p $(@D)
	@$(CLANG) $(BPF_CFLAGS) -c $< -o $(BENCH)/miss_only.bpf.o
	@$(BPFTOOL) gen object $@ $(BUILD)/bpf/latency/state.bpf.o $(BENCH)/miss_only.bpf.o

$(BENCH)/miss.skel.h: $(BENCH)/miss.bpf.o
	@$(BPFTOOL) gen skeleton $< name miss_bpf > $@.tmp && mv $@.tmp $@

$(BENCH)/miss: tools/bench/miss.c $(BENCH)/miss.skel.h
	@$(CC) $(ALL_CFLAGS) -I$(BENCH) -static $< -lbpf -lelf -lzstd -lz -o $@

$(BENCH)/empty.bpf.o: tools/bench/empty.bpf.c $(BUILD)/bpf/latency/state.bpf.o
	@mkdir -p $(@D)
	@$(CLANG) $(BPF_CFLAGS) -c $< -o $(BENCH)/empty_only.bpf.o
	@$(BPFTOOL) gen object $@ $(BENCH)/empty_only.bpf.o

$(BENCH)/empty.skel.h: $(BENCH)/empty.bpf.o
	@$(BPFTOOL) gen skeleton $< name empty_bpf > $@.tmp && mv $@.tmp $@

$(BENCH)/host: tools/bench/host.c tools/bench/load.h $(BENCH)/empty.skel.h $(LIB)
	@$(CC) $(ALL_CFLAGS) -static $< $(LIB) $(LDLIBS) -o $@

.PHONY: bench
