# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
step verifier verifier /lab/*.bpf.o
