#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# serve and status on this machine. Where its kernel cannot be traced, that is what the page says; all else is
# the same. What a page of a host with findings looks like is in test_serve.c; metrics.bats asks Prometheus.

load ../assert
bats_require_minimum_version 1.5.0
TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
VFIOSCOPE=$TOP/build/vfioscope
SOCK=$TOP/build/tests/sock_try

setup_file()
{
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	export DIR=$BATS_FILE_TMPDIR SOCKET=$BATS_FILE_TMPDIR/s.sock
	chmod 755 "$DIR"
	mkdir "$DIR/node"
	start_serve -l "unix:$SOCKET" -t "$DIR/node/vfioscope.prom" || return
	URL=http://127.0.0.1:$(cat "$DIR/port")
	# The first page is there before it is known if this host can be traced.
	soon page_says 'vfioscope_confined\{process="tracer"\} 1' || return
	cp "$DIR/page" "$DIR/first"
}

teardown_file()
{
	[ ! -e "$DIR/pid" ] || kill "$(cat "$DIR/pid")"
}

# start_serve ARGUMENTS...: pid in $DIR/pid, the port that nobody else has in $DIR/port; answers when this returns
start_serve()
{
	local tries
	for tries in 1 2 3 4 5 6 7 8 9; do
		PORT=$((20000 + RANDOM % 10000))
		"$VFIOSCOPE" serve -l "127.0.0.1:$PORT" "$@" >"$DIR/out" 2>"$DIR/err" &
		echo $! >"$DIR/pid"
		echo $PORT >"$DIR/port"
		until curl -sf -o "$DIR/page" "http://127.0.0.1:$PORT/metrics"; do
			kill -0 "$(cat "$DIR/pid")" 2>/dev/null || break
			sleep 0.05
		done
		grep -q 'in use' "$DIR/err" || break
	done
	kill -0 "$(cat "$DIR/pid")" || { cat "$DIR/err"; return 1; }
}

setup()
{
	PORT=$(cat "$DIR/port")
	URL=http://127.0.0.1:$PORT
	PORCH=$(pgrep -P "$(cat "$DIR/pid")" -x vfioscope-porch)
}

# soon COMMAND...: until it succeeds, a minute at most
soon()
{
	local looks=0
	until "$@" 2>/dev/null; do
		looks=$((looks + 1))
		[ $looks -lt 1200 ] || { echo "in vain for a minute: $*"; return 1; }
		sleep 0.05
	done
}

# answers SOCKET
answers()
{
	curl -sf -o /dev/null --unix-socket "$1" http://any/metrics
}

# code EXPECTED CURL-ARGUMENTS...
code()
{
	local expected=$1
	shift
	is "$(curl -s -m 15 -o "$BATS_TEST_TMPDIR/body" -w '%{http_code}' "$@")" "$expected"
}

# page_says LINE: an extended pattern
page_says()
{
	curl -s -o "$DIR/page" "$URL/metrics" && grep -qxE "$1" "$DIR/page"
}

# of_page SERIES: its value on the page now
of_page()
{
	curl -s "$URL/metrics" | awk -v series="$1" '$1 == series { print $2 }'
}

can_trace()
{
	"$VFIOSCOPE" doctor >/dev/null 2>&1
}

@test "serve: the page says if this host is traced, and why not" {
	if can_trace; then
		is "$(of_page vfioscope_up)" 1
		skip "this kernel can be traced"
	fi
	is "$(of_page vfioscope_up)" 0
	grep -qE '^vfioscope_down_info\{why="[A-Za-z].{10,}"\} 1$' "$DIR/first"
	grep -qE '^vfioscope_hooks\{status="missing",required="true"\} [1-9]' "$DIR/first"
	code 503 "$URL/readyz"
	code 200 "$URL/healthz"
}

@test "serve: paths, methods and hosts" {
	code 200 "$URL/"
	code 200 -I "$URL/metrics"
	code 404 "$URL/metrics/"
	code 404 "$URL/status.json"
	code 404 --path-as-is "$URL/../../etc/passwd"
	code 405 -X POST "$URL/metrics"
	code 405 -X PUT -d x "$URL/metrics"
	code 400 -X GET -d x "$URL/metrics"
	code 421 -H 'Host: attacker.example:9836' "$URL/metrics"
	code 200 -H 'Host: localhost:1' "$URL/metrics"
	code 200 --unix-socket "$SOCKET" http://any/status.json
	curl -s -D - -o "$BATS_TEST_TMPDIR/body" "$URL/metrics" | grep -qi '^content-type: text/plain; version=0.0.4'
	curl -s -D - -o "$BATS_TEST_TMPDIR/body" -H 'Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5' \
		"$URL/metrics" | grep -qi '^content-type: application/openmetrics-text; version=1.0.0'
	is "$(tail -n 1 "$BATS_TEST_TMPDIR/body")" '# EOF'
}

# counted CODE NR: at least; the page is a second old at most
counted()
{
	[ "$(of_page "vfioscope_http_requests_total{code=\"$1\"}")" -ge "$2" ]
}

@test "serve: docs/fleet.md has each metric, and no other" {
	sed -n 's/^# TYPE //p' "$DIR/first" | sort >"$BATS_TEST_TMPDIR/page"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/page")" -gt 40 ]
	sed -n 's/^| `\([a-z_]*\)` | \(gauge\|counter\|histogram\) |.*/\1 \2/p' "$TOP/docs/fleet.md" | sort |
		diff "$BATS_TEST_TMPDIR/page" -
}

@test "serve: answers are counted" {
	before=$(of_page 'vfioscope_http_requests_total{code="404"}')
	for _ in 1 2 3; do
		code 404 "$URL/nothing" || return
	done
	soon counted 404 $((before + 3))
}

@test "serve: strangers go, and meanwhile each scrape is answered" {
	for _ in 1 2 3 4; do
		"$SOCK" slow "$PORT" >>"$BATS_TEST_TMPDIR/slow" 3>&- &
		"$SOCK" silent "$PORT" >>"$BATS_TEST_TMPDIR/silent" 3>&- &
	done
	head -c 100000 /dev/urandom | timeout 20 bash -c "cat >/dev/tcp/127.0.0.1/$PORT" 2>/dev/null || true
	for _ in $(seq 100); do
		curl -sf -m 10 -o "$BATS_TEST_TMPDIR/body" -w '%{time_total}\n' "$URL/metrics" >>"$BATS_TEST_TMPDIR/times" || return
	done
	is "$(wc -l <"$BATS_TEST_TMPDIR/times")" 100
	echo "# the slowest of 100 scrapes: $(sort -n "$BATS_TEST_TMPDIR/times" | tail -n 1) s, the 50th $(sort -n "$BATS_TEST_TMPDIR/times" | sed -n 50p) s" >&3
	wait
	echo "# borne: slow $(paste -sd' ' "$BATS_TEST_TMPDIR/slow") s, silent $(paste -sd' ' "$BATS_TEST_TMPDIR/silent") s" >&3
	is "$(cat "$BATS_TEST_TMPDIR/slow" "$BATS_TEST_TMPDIR/silent" | awk '$1 < 60' | wc -l)" 8
	soon page_says 'vfioscope_http_connections_refused_total [4-9]'
}

@test "serve: a crowd of silent connections keeps nobody out" {
	mkfifo "$BATS_TEST_TMPDIR/until"
	"$SOCK" crowd "$PORT" 40 <"$BATS_TEST_TMPDIR/until" >"$BATS_TEST_TMPDIR/crowd" 3>&- &
	exec 9>"$BATS_TEST_TMPDIR/until"
	soon [ -s "$BATS_TEST_TMPDIR/crowd" ]
	is "$(cat "$BATS_TEST_TMPDIR/crowd")" 40
	for _ in 1 2 3; do
		code 200 "$URL/metrics" || return
	done
	exec 9>&-
	wait $!
}

@test "serve: the process that answers has nothing: no capability, no file, not root" {
	grep -qE '^CapEff:\s+0+$' "/proc/$PORCH/status"
	grep -qE '^CapPrm:\s+0+$' "/proc/$PORCH/status"
	grep -qE '^Uid:\s+65534\s+65534\s+65534\s+65534$' "/proc/$PORCH/status"
	grep -qE '^Groups:\s*$' "/proc/$PORCH/status"
	grep -qE '^Seccomp:\s+2$' "/proc/$PORCH/status"
	grep -qE '^NoNewPrivs:\s+1$' "/proc/$PORCH/status"
	grep -qE '^vfioscope_confined\{process="porch"\} 1$' "$DIR/first"
	grep -qE '^vfioscope_confined\{process="tracer"\} 1$' "$DIR/first"
	find "/proc/$PORCH/fd" -type l -printf '%l\n' >"$BATS_TEST_TMPDIR/fds"
	grep -q socket: "$BATS_TEST_TMPDIR/fds"
	is "$(grep -vcE '^(/dev/null|socket:.*|anon_inode:\[event(poll|fd)\])$' "$BATS_TEST_TMPDIR/fds")" 0
	# The page itself is mapped for reading only.
	is "$(awk '$2 ~ /w.s/' "/proc/$PORCH/maps" | wc -l)" 1
}

@test "serve: a file for node_exporter, whole at each moment" {
	[ -s "$DIR/node/vfioscope.prom" ]
	absent 'process_|# EOF' "$DIR/node/vfioscope.prom"
	silent find "$DIR/node" -mindepth 1 ! -name vfioscope.prom ! -name vfioscope.prom.new
	for _ in $(seq 300); do
		is "$(tail -n 1 "$DIR/node/vfioscope.prom" | cut -d' ' -f1)" vfioscope_series_dropped || return
	done
	"$VFIOSCOPE" serve -l "unix:$BATS_TEST_TMPDIR/g.sock" -t "$BATS_TEST_TMPDIR/page" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	serve=$!
	soon answers "$BATS_TEST_TMPDIR/g.sock"
	kill $serve
	wait $serve
	grep -qx 'vfioscope_down_info{why="it was stopped"} 1' "$BATS_TEST_TMPDIR/page"
	ln -sf /dev/null "$BATS_TEST_TMPDIR/link"
	run -1 timeout 20 "$VFIOSCOPE" serve -l "unix:$BATS_TEST_TMPDIR/t.sock" -t "$BATS_TEST_TMPDIR/link"
	[[ "$output" == *"symbolic link"* ]]
}

@test "status: what serve knows, for people, as JSON, and for one matter" {
	run "$VFIOSCOPE" status --socket "$SOCKET"
	[[ "$output" == "vfioscope "*" on $(uname -r): "*"the fix"*deadlocks*unbinds*references*"not seen"* ]]
	"$VFIOSCOPE" status --socket "$SOCKET" --json >"$BATS_TEST_TMPDIR/state" || [ $? -eq 4 ]
	is "$(jq -r .type "$BATS_TEST_TMPDIR/state")" status
	"$TOP/tests/schema" "$BATS_TEST_TMPDIR/state"
}

@test "status: on a host that is not traced nothing is known to be well" {
	! can_trace || skip "this kernel can be traced"
	run -4 "$VFIOSCOPE" status --socket "$SOCKET"
	run -5 "$VFIOSCOPE" status --socket "$SOCKET" --for deadlock
	[[ "$output" == "deadlock: not known: does not trace: "* ]]
	run -2 "$VFIOSCOPE" status --socket "$SOCKET" --for unbind --exit-style npd
	run -3 "$VFIOSCOPE" status --socket "$SOCKET" --for unbind --exit-style nagios
	run -1 "$VFIOSCOPE" status --socket "$SOCKET" --for blind --exit-style npd
	[[ "$output" == "blind: does not trace: "* ]]
}

@test "status: without a serve it says so, and each style has its number for that" {
	NOBODY=$BATS_TEST_TMPDIR/nobody.sock
	run -1 "$VFIOSCOPE" status --socket "$NOBODY"
	[[ "$output" == *"no vfioscope serve answers there" ]]
	run -2 "$VFIOSCOPE" status --socket "$NOBODY" --for deadlock --exit-style npd
	run -3 "$VFIOSCOPE" status --socket "$NOBODY" --for deadlock --exit-style nagios
	is "$output" "unknown: no vfioscope serve answers there"
}

@test "status: a serve that does not answer is waited for no longer than a second" {
	"$SOCK" deaf "$BATS_TEST_TMPDIR/deaf.sock" 3>&- &
	deaf=$!
	soon [ -S "$BATS_TEST_TMPDIR/deaf.sock" ]
	run -2 timeout 30 "$VFIOSCOPE" status --socket "$BATS_TEST_TMPDIR/deaf.sock" --for deadlock --exit-style npd
	kill $deaf
	is "$output" "unknown: Connection timed out"
}

@test "serve: one to a socket; a dead one's is taken over" {
	run -1 timeout 20 "$VFIOSCOPE" serve -l "unix:$SOCKET"
	[[ "$output" == *"Address already in use" ]]
	mkdir "$BATS_TEST_TMPDIR/open"
	chmod 777 "$BATS_TEST_TMPDIR/open"
	run -1 timeout 20 "$VFIOSCOPE" serve -l "unix:$BATS_TEST_TMPDIR/open/s.sock"
	[[ "$output" == *"others may write to that folder" ]]
	for _ in 1 2; do
		"$VFIOSCOPE" serve -l "unix:$BATS_TEST_TMPDIR/again.sock" 2>"$BATS_TEST_TMPDIR/err" &
		serve=$!
		soon answers "$BATS_TEST_TMPDIR/again.sock" || { cat "$BATS_TEST_TMPDIR/err"; return 1; }
		kill -KILL $serve
		wait $serve || true
	done
}

# fed NR: times
fed()
{
	[ "$(grep -c '^WATCHDOG=1$' "$BATS_TEST_TMPDIR/told")" -ge "$1" ]
}

@test "serve: the manager of services is told, and its watchdog fed" {
	"$SOCK" manager "$BATS_TEST_TMPDIR/notify" >"$BATS_TEST_TMPDIR/told" 3>&- &
	manager=$!
	soon [ -S "$BATS_TEST_TMPDIR/notify" ]
	NOTIFY_SOCKET=$BATS_TEST_TMPDIR/notify WATCHDOG_USEC=400000 \
		"$VFIOSCOPE" serve -l "unix:$BATS_TEST_TMPDIR/n.sock" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	serve=$!
	soon fed 3
	kill $serve
	wait $serve
	soon grep -q '^STOPPING=1$' "$BATS_TEST_TMPDIR/told"
	kill $manager
	is "$(head -n 1 "$BATS_TEST_TMPDIR/told")" READY=1
	grep -q '^STATUS=.' "$BATS_TEST_TMPDIR/told"
}

@test "serve: sockets that the manager passes are taken, and no other is opened" {
	"$SOCK" pass "$BATS_TEST_TMPDIR/p.sock" "$VFIOSCOPE" serve 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	serve=$!
	soon answers "$BATS_TEST_TMPDIR/p.sock" || { cat "$BATS_TEST_TMPDIR/err"; return 1; }
	curl -s -o "$BATS_TEST_TMPDIR/body" --unix-socket "$BATS_TEST_TMPDIR/p.sock" http://any/metrics
	kill $serve
	wait $serve
	grep -q '^vfioscope_up ' "$BATS_TEST_TMPDIR/body"
}

# is_gone PID: or is a zombie that nobody has waited for
is_gone()
{
	case $(sed -n 's/^State:[[:space:]]*//p' "/proc/$1/status" 2>/dev/null) in '' | [ZX]*) ;; *) false ;; esac
}

@test "serve: ends with the process that answers, and that with it" {
	"$VFIOSCOPE" serve -l "unix:$BATS_TEST_TMPDIR/e.sock" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	serve=$!
	soon pgrep -P $serve -x vfioscope-porch
	porch=$(pgrep -P $serve -x vfioscope-porch)
	kill -KILL "$porch"
	status=0
	wait $serve || status=$?
	is $status 1
	grep -q 'the process that answers has ended' "$BATS_TEST_TMPDIR/err"
	"$VFIOSCOPE" serve -l "unix:$BATS_TEST_TMPDIR/f.sock" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	serve=$!
	soon pgrep -P $serve -x vfioscope-porch
	porch=$(pgrep -P $serve -x vfioscope-porch)
	kill -KILL $serve
	soon is_gone "$porch"
}
