# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
step verifier verifier /lab/*.bpf.o
# What tests/facts has recorded of these kernels.
step facts vfioscope doctor --json --save-facts $OUT/facts.json
vfio_unload
step facts-not-loaded vfioscope doctor --json --save-facts $OUT/facts-not-loaded.json
