#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# The page, the alerts and the rules before the real promtool, Prometheus, amtool and node_exporter of Debian 12.
load ../assert
TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
PAGE=$TOP/build/tests/serve_page

setup_file()
{
	BIN=$("$TOP/tests/native/prometheus") || return
	export BIN DIR=$BATS_FILE_TMPDIR
}

teardown_file()
{
	local pid
	for pid in "$DIR"/*.pid; do
		[ ! -e "$pid" ] || kill "$(cat "$pid")"
	done
}

# soon COMMAND...: until it succeeds, a minute at most
soon()
{
	local looks=0
	until "$@" 2>/dev/null; do
		looks=$((looks + 1))
		[ $looks -lt 600 ] || { echo "in vain for a minute: $*"; return 1; }
		sleep 0.1
	done
}

@test "metrics: promtool finds nothing to complain of in a calm page, a busy one and one at all limits" {
	for how in calm busy full; do
		"$PAGE" prometheus $how >"$BATS_TEST_TMPDIR/$how" || return
		silent "$BIN/promtool" check metrics <"$BATS_TEST_TMPDIR/$how" || return
		"$PAGE" textfile $how >"$BATS_TEST_TMPDIR/$how.file" || return
		silent "$BIN/promtool" check metrics <"$BATS_TEST_TMPDIR/$how.file" || return
	done
	echo "# series: $(grep -c '^[a-z]' "$BATS_TEST_TMPDIR/calm") calm, $(grep -c '^[a-z]' "$BATS_TEST_TMPDIR/full") at all limits, $(wc -c <"$BATS_TEST_TMPDIR/full") bytes" >&3
	[ "$(grep -c '^[a-z]' "$BATS_TEST_TMPDIR/full")" -lt 400 ]
	printf 'vfioscope_bad_total 1\n# TYPE x y z\n' >"$BATS_TEST_TMPDIR/bad"
	run "$BIN/promtool" check metrics <"$BATS_TEST_TMPDIR/bad"
	[ "$status" -ne 0 ]
}

@test "metrics: the rules and alerts are right, and their tests pass" {
	cd "$TOP/docs/fleet"
	"$BIN/promtool" check rules alerts.yml recording.yml
	"$BIN/promtool" test rules alerts.test.yml
	"$BIN/amtool" check-config alertmanager.yml
}

@test "metrics: each alert has a runbook, each runbook an alert, and what it must say" {
	sed -n 's/^ *- alert: //p' "$TOP/docs/fleet/alerts.yml" | sort -u >"$BATS_TEST_TMPDIR/alerts"
	find "$TOP/docs/runbooks" -name '*.md' -printf '%f\n' | sed 's/\.md$//' | sort >"$BATS_TEST_TMPDIR/runbooks"
	diff "$BATS_TEST_TMPDIR/alerts" "$BATS_TEST_TMPDIR/runbooks"
	while read -r alert; do
		grep -q "runbooks/$alert.md\"" "$TOP/docs/fleet/alerts.yml" || { echo "no link to $alert"; return 1; }
		for heading in Meaning Impact Diagnosis Mitigation 'Over when'; do
			grep -qx "## $heading" "$TOP/docs/runbooks/$alert.md" || { echo "$alert: no $heading"; return 1; }
		done
	done <"$BATS_TEST_TMPDIR/alerts"
	for alert in VfioDeadlock VfioUnbindWaits; do
		grep -qx '## Do not' "$TOP/docs/runbooks/$alert.md" || return
	done
}

@test "metrics: the alerts ask for no series that no page has" {
	"$PAGE" prometheus full | grep -oE '^[a-z_]+' | sort -u >"$BATS_TEST_TMPDIR/has"
	grep -hE 'expr:|description:' "$TOP"/docs/fleet/*.yml | grep -oE 'vfioscope_[a-z_]+' | sort -u >"$BATS_TEST_TMPDIR/asked"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/asked")" -gt 10 ]
	silent comm -13 "$BATS_TEST_TMPDIR/has" "$BATS_TEST_TMPDIR/asked"
}

free_port()
{
	local port
	while port=$((20000 + RANDOM % 10000)) && (exec 8<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
	echo $port
}

ready()
{
	curl -sf -o /dev/null "$1"
}

# alert NAME FIELD: of the firing one, as Prometheus shows it
alert()
{
	curl -sf "http://127.0.0.1:$PROMETHEUS/api/v1/alerts" |
		jq -r "[.data.alerts[] | select(.labels.alertname == \"$1\" and .state == \"firing\")][0].$2 // empty"
}

fires()
{
	[ -n "$(alert "$1" activeAt)" ]
}

start_prometheus()
{
	local page=$1
	cat >"$DIR/prometheus.yml" <<-YML
		global: {evaluation_interval: 1s}
		rule_files: ["$TOP/docs/fleet/alerts.yml"]
		scrape_configs:
	YML
	sed -n '/^- job_name/,$p' "$TOP/docs/fleet/scrape.yml" |
		sed "s/scrape_interval: .*/scrape_interval: 1s/; s/scrape_timeout: .*/scrape_timeout: 1s/; s/127.0.0.1:9836/127.0.0.1:$page/" \
		>>"$DIR/prometheus.yml"
	"$BIN/promtool" check config "$DIR/prometheus.yml"
	"$BIN/prometheus" --config.file="$DIR/prometheus.yml" --storage.tsdb.path="$DIR/tsdb" --log.level=error \
		--web.listen-address="127.0.0.1:$PROMETHEUS" >"$DIR/prometheus.log" 2>&1 3>&- &
	echo $! >"$DIR/prometheus.pid"
	soon ready "http://127.0.0.1:$PROMETHEUS/-/ready"
}

# It asks for OpenMetrics, and would refuse a page that is not right as a whole.
@test "metrics: Prometheus scrapes it, and its alerts name the deadlock and who an unbind waits for" {
	port=$(free_port)
	PROMETHEUS=$(free_port)
	"$PAGE" serve "127.0.0.1:$port" "$DIR/now" 2>"$DIR/page.err" 3>&- &
	echo $! >"$DIR/page.pid"
	soon ready "http://127.0.0.1:$port/metrics"
	start_prometheus "$port" || { cat "$DIR/prometheus.log"; return 1; }
	up() { [ "$(curl -sf "http://127.0.0.1:$PROMETHEUS/api/v1/query?query=up" | jq -r '.data.result[0].value[1]')" = 1 ]; }
	soon up || { curl -s "http://127.0.0.1:$PROMETHEUS/api/v1/targets"; return 1; }
	silent alert VfioDeadlock activeAt
	before=$(date +%s.%N)
	: >"$DIR/now"
	soon fires VfioDeadlock
	echo "# from the event to the alert: $(awk -v from="$before" -v to="$(date +%s.%N)" 'BEGIN { printf "%.1f", to - from }') s, with a scrape and an evaluation each second" >&3
	soon fires VfioUnbindWaits
	is "$(alert VfioDeadlock labels.severity)" critical
	[[ "$(alert VfioUnbindWaits annotations.description)" == \
		"127.0.0.1:$port: for 10m"*' 0000:00:05.0 waits for qemu "a\b\x0a (file).' ]] || {
		alert VfioUnbindWaits annotations.description
		return 1
	}
	is "$(curl -sf "http://127.0.0.1:$PROMETHEUS/api/v1/targets" | jq -r '.data.activeTargets[0].health')" up
}

@test "metrics: node_exporter takes the file as it is" {
	mkdir -p "$DIR/node" "$DIR/files"
	"$PAGE" textfile full >"$DIR/files/vfioscope.prom"
	ln -s "$DIR/files/vfioscope.prom" "$DIR/node/vfioscope.prom"
	port=$(free_port)
	"$BIN/prometheus-node-exporter" --collector.disable-defaults --collector.textfile \
		--collector.textfile.directory="$DIR/node" --web.listen-address="127.0.0.1:$port" >"$DIR/node.log" 2>&1 3>&- &
	echo $! >"$DIR/node.pid"
	soon ready "http://127.0.0.1:$port/metrics"
	curl -sf "http://127.0.0.1:$port/metrics" >"$BATS_TEST_TMPDIR/metrics"
	grep -qx 'node_textfile_scrape_error 0' "$BATS_TEST_TMPDIR/metrics"
	grep -o '^vfioscope_[a-z_]*' "$DIR/files/vfioscope.prom" | sort >"$BATS_TEST_TMPDIR/written"
	grep -o '^vfioscope_[a-z_]*' "$BATS_TEST_TMPDIR/metrics" | sort | diff "$BATS_TEST_TMPDIR/written" -
	grep -q '^node_textfile_mtime_seconds{file=".*vfioscope.prom"}' "$BATS_TEST_TMPDIR/metrics"
}
