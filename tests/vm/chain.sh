# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2154
# Any chain of any subsystem: a test module that deadlocks on request, and its legal look-alikes.
tracing early -q --json
modprobe chainlock
echo call >/sys/module/chainlock/parameters/run
echo nested >/sys/module/chainlock/parameters/run
stopped INT
tracing self -q --json
sleep 1
(echo self >/sys/module/chainlock/parameters/run) &
wait_for $OUT/self chain-deadlock
stopped INT
tracing text -q
stopped INT
