# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
# Kernels without a deferred put: other works are followed all the same.
step plain vfioscope latency
step all vfioscope latency --all --blame full --json -d 3s
step one vfioscope latency --work vmstat_update --work vmstat_shepherd --json -d 3s
