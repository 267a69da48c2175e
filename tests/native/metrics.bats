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

# npd_rule CONDITION SOCKET: runs it as node-problem-detector would; the status and the length of its words
npd_rule()
{
	local args words status=0
	mapfile -t args < <(jq -r ".rules[] | select(.condition == \"$1\") | .args[]" "$TOP/docs/fleet/node-problem-detector.json")
	[ ${#args[@]} -gt 3 ] || return
	words=$(timeout 3 "$TOP/build/vfioscope" "${args[@]}" --socket "$2") || status=$?
	echo "$status $words"
}

# 0: the condition is false, 1: true, anything else: unknown.
@test "metrics: the rules of node-problem-detector, before and after the deadlock and without an answer" {
	"$PAGE" serve "unix:$DIR/npd.sock" "$DIR/npd-now" 2>"$DIR/npd.err" 3>&- &
	echo $! >"$DIR/npd.pid"
	asked() { npd_rule VFIODeadlock "$DIR/npd.sock" | grep -q '^0 '; }
	soon asked
	is "$(npd_rule VFIOUnbindStuck "$DIR/npd.sock")" "0 unbind: none waits for long"
	is "$(npd_rule VFIOMonitorBlind "$DIR/npd.sock")" "0 blind: no"
	: >"$DIR/npd-now"
	told() { npd_rule VFIODeadlock "$DIR/npd.sock" | grep -q '^1 deadlock: 1 task waits'; }
	soon told
	npd_rule VFIOUnbindStuck "$DIR/npd.sock" | grep -q '^1 unbind: 0000:00:05.0 waits for 10m '
	for condition in VFIODeadlock VFIOUnbindStuck VFIOMonitorBlind; do
		npd_rule $condition "$DIR/nobody.sock" | grep -q '^2 unknown: ' || return
	done
	is "$(jq -r '.rules[].condition' "$TOP/docs/fleet/node-problem-detector.json" | sort | paste -sd' ')" \
		"$(jq -r '.conditions[].type' "$TOP/docs/fleet/node-problem-detector.json" | sort | paste -sd' ')"
	[ "$(jq .pluginConfig.max_output_length "$TOP/docs/fleet/node-problem-detector.json")" -ge 300 ]
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

# expressions: of the dashboard, one a line, with its variables filled in
expressions()
{
	jq -r '.panels[].targets[]?.expr' "$TOP/docs/fleet/dashboard.json" | sed 's/\$instance/.*/g; s/\$__rate_interval/1m/g'
}

# answers EXPRESSION: with a series at least
answers()
{
	[ "$(curl -sf --data-urlencode "query=$1" "http://127.0.0.1:$PROMETHEUS/api/v1/query" | jq '.data.result | length')" -ge 1 ]
}

@test "metrics: the dashboard is whole: unique ids, 24 columns, no data source but the variable" {
	dashboard=$TOP/docs/fleet/dashboard.json
	is "$(jq '[.panels[].id] | length == (unique | length)' "$dashboard")" true
	is "$(jq 'all(.panels[].gridPos; .x + .w <= 24)' "$dashboard")" true
	is "$(jq -r '[.. | .datasource? // empty | .uid] | unique | join(" ")' "$dashboard")" '${datasource}'
	is "$(jq '[.panels[].targets[]?.expr | select(test("rate\\(")) | test("__rate_interval")] | all' "$dashboard")" true
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
	expressions >"$BATS_TEST_TMPDIR/expressions"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/expressions")" -gt 15 ]
	while read -r expression; do
		soon answers "$expression" || { echo "the dashboard asks in vain: $expression"; return 1; }
	done <"$BATS_TEST_TMPDIR/expressions"
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
