# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # variables shared between the files
# One virtual machine: four serial lines (see guest/init), an overlay on the initramfs, a time limit.

# An emulated machine that is starved at the wrong moment of its boot may hang, or die of a breakpoint that one
# CPU has taken back and another still runs into: about one in a few hundred on a busy host. The command has not
# begun then, so it is safe to start again: it is said, and with STRICT=1 not done.
readonly BOOT_LIMIT=45 BOOT_LIMIT_CPU=6
readonly LOOK_EVERY=60	# seconds between looks at a guest that uses a CPU all the time

vm_defaults()
{
	opt_layout=pair
	opt_mem=1G
	opt_smp=
	opt_host=${HOST:-}
	opt_append=
	opt_timeout=120
	opt_console=
	opt_keep_log=
	opt_kaslr=
	opt_tty=
	opt_no_vfio=
	opt_monitor=
	opt_evidence=
	opt_files=()
	opt_gets=()
	opt_env=()
}

# device_args LAYOUT: adds to devices; what two layouts have in common is there once
device_args()
{
	local name device found=
	while read -r name device; do
		[ "$name" = "$1" ] || continue
		found=1
		[ -z "$device" ] || [[ " ${devices[*]} " = *" $device "* ]] || devices+=(-device "$device")
	done < <(table_rows "$LAB/layouts")
	[ -n "$found" ] || die "$EX_USAGE" "no layout '$1'; there are: $(table_rows "$LAB/layouts" | awk '{ print $1 }' | sort -u | paste -sd' ')"
}

shell_quote()
{
	local word
	for word; do
		printf "'%s' " "${word//\'/\'\\\'\'}"
	done
	echo
}

# write_command DIR CMD...: one word is a script, several are an argument vector
write_command()
{
	local dir=$1 pair
	shift
	{
		echo '. /lab/lib.sh'
		for pair in "${opt_env[@]}"; do
			echo "export ${pair%%=*}=$(shell_quote "${pair#*=}")"
		done
		if [ $# -eq 1 ]; then
			printf '%s\n' "$1"
		else
			shell_quote "$@"
		fi
	} >"$dir/lab/run"
}

# overlay_file DIR HOST[:GUEST]
overlay_file()
{
	local host=${2%%:*} guest=${2#*:}
	[ "$guest" != "$2" ] || guest=/$(basename "$host")
	[ -e "$host" ] || die "$EX_USAGE" "--file $host: no such file"
	mkdir -p "$1/$(dirname "$guest")"
	cp -rL --preserve=mode "$host" "$1/$guest"
}

# terminal_size: as arguments of the guest's stty
terminal_size()
{
	local size
	size=$(stty size <&2 2>/dev/null) || size=
	# A terminal that does not know its size says 0 0.
	case $size in '' | 0*) size='24 80' ;; esac
	echo "rows ${size% *} cols ${size#* }"
}

# make_overlay DIR CMD...
make_overlay()
{
	local dir=$1 file binary=$LAB/../../build/vfioscope
	shift
	mkdir -p "$dir/lab" "$dir/bin"
	cp "$LAB/guest/init" "$dir/init"
	cp "$LAB/guest/lib.sh" "$dir/lab/lib.sh"
	[ ! -e "$binary" ] || cp -L "$binary" "$dir/bin/vfioscope"
	for file in "${opt_files[@]}"; do
		overlay_file "$dir" "$file"
	done
	[ -z "$opt_no_vfio" ] || : >"$dir/lab/no-vfio"
	[ "$host_iommu" != virtio ] || echo virtio-iommu >"$dir/lab/early"
	[ -z "$opt_tty" ] || terminal_size >"$dir/lab/tty"
	[ ${#opt_gets[@]} -eq 0 ] || printf '%s\n' "${opt_gets[@]%%:*}" >"$dir/lab/get"
	write_command "$dir" "$@"
}

# A directory that the base archive has as a link (sbin, usr/bin) must not be replaced by a directory:
# only what lies below is packed, and the kernel unpacks through the link.
pack_initrd()
{
	(cd "$run/overlay" && find . -mindepth 1 \
		! -path ./sbin ! -path ./usr ! -path ./usr/bin ! -path ./usr/sbin |
		cpio --quiet -o -H newc -R 0:0) >"$run/overlay.cpio"
	cat "$kernel/initramfs" "$run/overlay.cpio" >"$run/initrd"
}

# host_load NAME: sets host_*
host_load()
{
	local default note
	while read -r host_name host_cpus host_cpu host_image host_iommu host_hotplug host_with default note; do
		[ "$host_name" != "$1" ] || return 0
	done < <(table_rows "$LAB/hosts")
	die "$EX_USAGE" "no kind of host '$1'; there are: $(table_rows "$LAB/hosts" | awk '{ print $1 }' | paste -sd' ')"
}

# default_host NAME: the kind that a kernel runs on
default_host()
{
	table_rows "$LAB/hosts" | awk -v kernel="${1%%:*}" '
		NR == 1 { kind = $1 }
		{ n = split($8, names, ","); for (i = 1; i <= n; i++) if (names[i] == kernel) kind = $1 }
		END { print kind }'
}

# host_args: sets machine, of the loaded kind
host_args()
{
	local layout layouts=
	machine=(-cpu "$host_cpu" -smp "${opt_smp:=$host_cpus}")
	[ "$host_hotplug" != native ] || machine+=(-global ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off)
	case $host_iommu in
	virtio) machine+=(-device virtio-iommu-pci) ;;
	*) machine+=(-device "$host_iommu-iommu") ;;
	esac
	devices=()
	[ "$host_with" = - ] || layouts=${host_with//,/ }
	for layout in "$opt_layout" $layouts; do
		device_args "$layout"
	done
}

# tsc_words: the kernel parameter that saves the guest from calibrating its clock, where the processors that QEMU
# emulates hand out this machine's own counter (tsc_khz.c); refined later, but by 1 % at most
tsc_words()
{
	local tool
	[ "$(uname -m)" = x86_64 ] || return 0
	tool=$CACHE/tools/tsc_khz-$(hash_in <"$LAB/tsc_khz.c")
	if [ ! -x "$tool" ]; then
		mkdir -p "${tool%/*}"
		gcc -O2 -o "$tool.$$" "$LAB/tsc_khz.c" || die "$EX_SOFTWARE" "tsc_khz.c does not build"
		mv "$tool.$$" "$tool"
	fi
	echo "tsc_early_khz=$("$tool")"
}

cmdline()
{
	local iommu=${host_iommu}_iommu=on
	# It does not remap interrupts, and VFIO lets no device be used without that unless it is told so.
	[ "$host_iommu" != virtio ] || iommu=vfio_iommu_type1.allow_unsafe_interrupts=1
	echo "$iommu console=ttyS0 panic=-1 tsc=reliable $(tsc_words) no_timer_check random.trust_cpu=on" \
		"i8042.noaux i8042.nokbd $([ -n "$opt_console" ] && echo loglevel=7 || echo quiet loglevel=4) $opt_append"
}

# qemu_args: sets qemu; the caller connects fd set 1 to the output and fd set 2 to the status
qemu_args()
{
	local image=vmlinux
	# Only the decompressor of the compressed image randomises addresses.
	host_args
	[ -z "$opt_kaslr" ] && [ "$host_image" = direct ] || image=vmlinuz
	# shellcheck disable=SC2054 # the commas are QEMU's
	qemu=(qemu-system-x86_64 -machine q35,sata=off,smbus=off,usb=off -accel tcg,thread=multi
		"${machine[@]}" -m "$opt_mem" -nodefaults -no-user-config -display none -no-reboot
		"${devices[@]}"
		-kernel "$kernel/$image" -initrd "$run/initrd" -append "$(cmdline)"
		-chardev "file,id=console,path=$console" -device isa-serial,chardev=console,index=0
		-device isa-serial,chardev=output,index=1
		-chardev file,id=status,path=/dev/fdset/2,append=on -device isa-serial,chardev=status,index=2,irq=5
		-chardev "file,id=results,path=$run/results" -device isa-serial,chardev=results,index=3,irq=7
		-chardev "pipe,id=monitor,path=$run/monitor" -mon chardev=monitor,mode=control)
	[ -z "$opt_monitor" ] || qemu+=(-qmp "unix:$opt_monitor,server=on,wait=off")
}

# evidence_begin: what must survive our own death by SIGKILL lies in the folder from the start
evidence_begin()
{
	console=$run/console qemu_log=$run/qemu.log
	[ -n "$opt_evidence" ] || return 0
	mkdir -p "$opt_evidence"
	rm -f "$opt_evidence"/*
	console=$opt_evidence/console qemu_log=$opt_evidence/qemu.log
	: >"$console"
	printf '%q ' "$@" >"$opt_evidence/command"
	machine_load "begin" >"$opt_evidence/load"
}

# machine_load WORD: how busy the machine under the guest is, and whom it had to kill
machine_load()
{
	echo "$1: $(date '+%F %T'), load $(cat /proc/loadavg), $(nproc) CPUs"
	grep -E '^(MemAvailable|SwapFree):' /proc/meminfo
	head -n 1 /proc/pressure/cpu /proc/pressure/memory 2>/dev/null || true
	dmesg 2>/dev/null | grep -E 'Out of memory|oom-kill|Killed process' | tail -n 5 || true
}

# evidence_end: once for each machine that ran, so a repeated one adds to what there is
evidence_end()
{
	[ -n "$opt_evidence" ] || return 0
	machine_load "end" >>"$opt_evidence/load"
	{
		echo "guest: $vm_name on $host_name, $((SECONDS - vm_began)) s, $vm_cpu s of CPU"
		echo "status: ${vm_status:-none, the guest died}"
		echo "QEMU: $vm_exit"
		printf '%q ' "${qemu[@]}"
		echo
	} >>"$opt_evidence/summary"
}

# note_guest: a line for who counts guests: kernel, kind of host, seconds, CPU seconds of QEMU, status
note_guest()
{
	[ -n "${VFIOSCOPE_GUESTS:-}" ] || return 0
	echo "$vm_name $host_name $((SECONDS - vm_began)) $vm_cpu ${vm_status:-died}" >>"$VFIOSCOPE_GUESTS"
}

# child_seconds: user and system time of all children that were waited for; not in a subshell, which has none
child_seconds()
{
	times >"$run/times"
	children=$(sed -n '2s/[ms]/ /gp' "$run/times" | awk '{ print $1 * 60 + $2 + $3 * 60 + $4 }')
}

# end_machine: sets vm_exit to how QEMU ended, vm_cpu to its CPU time
end_machine()
{
	local state status=0 before children
	child_seconds
	before=$children
	state=$(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$vm_pid/status" 2>/dev/null) || state=Z
	kill -KILL "$vm_pid" 2>/dev/null || true
	wait "$vm_pid" 2>/dev/null || status=$?
	vm_exit="ended by the lab"
	[ "$state" != Z ] || vm_exit="ended by itself, status $status"
	[ "$state" != Z ] || [ $status -le 128 ] || vm_exit="killed by signal $((status - 128)), not by the lab"
	vm_pid=
	child_seconds
	vm_cpu=$(awk -v a="$before" -v b="$children" 'BEGIN { printf "%.1f", b - a }')
}

vm_clean_up()
{
	local pid
	for pid in ${vm_pid:-} ${tail_pid:-} ${cat_pid:-}; do
		kill -KILL "$pid" 2>/dev/null || true
	done
	wait 2>/dev/null || true
	vm_pid=
	tail_pid=
	cat_pid=
	[ -z "${terminal_state:-}" ] || stty "$terminal_state" 2>/dev/null || true
	[ -z "${run:-}" ] || rm -rf "$run"
	run=
}

# reap_dead_runs: a lab that was killed by SIGKILL leaves its directory behind
reap_dead_runs()
{
	local dir pid
	for dir in "${TMPDIR:-/tmp}"/vfioscope-lab.*.*; do
		pid=${dir#*/vfioscope-lab.}
		[ -d "/proc/${pid%%.*}" ] || [ ! -O "$dir" ] || rm -rf "$dir"
	done
}

# vm_prepare NAME CMD...
vm_prepare()
{
	local name=$1
	shift
	reap_dead_runs
	run=$(mktemp -d "${TMPDIR:-/tmp}/vfioscope-lab.$$.XXXXXX")
	trap vm_clean_up EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	trap 'exit 129' HUP
	host_load "${opt_host:-$(default_host "$name")}"
	evidence_begin "$@"
	make_overlay "$run/overlay" "$@"
	pack_initrd
	qemu_args
	mkfifo "$run/out" "$run/monitor.in" "$run/monitor.out"
}

# vm_start: the output goes through a cat, because QEMU wants a pipe to write to and our own stdout
# may be anything. Then only QEMU holds the writing ends: end of file means that it is gone.
vm_start()
{
	local out ctl both
	rm -f "$run/ctl"
	mkfifo "$run/ctl"
	cat <"$run/out" &
	cat_pid=$!
	# Opening one end of a fifo waits for the other, unless both are opened at once first.
	exec {out}>"$run/out" {both}<>"$run/ctl"
	# shellcheck disable=SC2094
	exec {status_fd}<"$run/ctl" {ctl}>"$run/ctl" {both}<&-
	# Our death by SIGKILL must not leave a machine behind.
	setpriv --pdeathsig KILL "${qemu[@]}" -add-fd "fd=$out,set=1" -add-fd "fd=$ctl,set=2" \
		-chardev file,id=output,path=/dev/fdset/1,append=on </dev/null >"$qemu_log" 2>&1 &
	vm_pid=$!
	exec {out}>&- {ctl}>&-
	[ -z "$opt_console" ] || follow_console
}

# monitor_ask JSON: sets reply to QEMU's answer; events in between are dropped. QEMU has both fifos open all
# the time, and so have we while we talk, since a fifo without a reader loses what is in it.
monitor_ask()
{
	echo "$1" >&"$monitor_in"
	while read -r -t 60 -u "$monitor_out" reply; do
		case $reply in *'"return"'* | *'"error"'*) return ;; esac
	done
	reply='"error": no answer within 60 s'
}

# monitor_words WORDS: sets reply to the answer to a command of QEMU's human monitor
monitor_words()
{
	local words=${1//\\/\\\\}
	if [ -z "${monitor_in:-}" ]; then
		exec {monitor_in}<>"$run/monitor.in" {monitor_out}<>"$run/monitor.out"
		monitor_ask '{"execute":"qmp_capabilities"}'
	fi
	monitor_ask "{\"execute\":\"human-monitor-command\",\"arguments\":{\"command-line\":\"${words//\"/\\\"}\"}}"
}

# monitor_command WORDS: it says nothing when all is well, or what was asked for.
monitor_command()
{
	local reply
	monitor_words "$1"
	case $reply in *'"return": ""'*) ;; *) say "monitor: $1: $reply" ;; esac
}

# looks NUMBER: at the registers and the stacks of the guest, since one that spins writes nothing. The addresses of a
# direct image are those of its /proc/kallsyms.
looks()
{
	local reply round stack cpu
	for ((round = 1; round <= $1; round++)); do
		monitor_words 'info registers -a'
		printf 'look %d: %b\n' $round "$reply"
		cpu=0
		for stack in $(grep -o 'RSP=[0-9a-f]*' <<<"$reply"); do
			monitor_words "cpu $cpu"
			monitor_words "x /160gx 0x${stack#RSP=}"
			printf 'look %d, the stack of CPU %d: %b\n' $round $cpu "$reply"
			cpu=$((cpu + 1))
		done
		sleep 0.2
	done
}

evidence_stuck()
{
	[ -z "$opt_evidence" ] || looks 3 >"$opt_evidence/stuck"
}

# int3_loops LOOKS: places where a CPU was seen, when it was also seen to come from there by an instruction of one byte
int3_loops()
{
	local top place
	sed -n 's/^look [0-9]*, the stack of CPU [0-9]*: {"return": "[0-9a-f]*: 0x\([0-9a-f]*\) .*/\1/p' "$1" | sort -u |
		while read -r top; do
			place=$(printf '%016x' $((0x$top - 1)))
			! grep -q "^RIP=$place " "$1" || echo "$place"
		done
}

# spins_on_int3: a CPU hits an int3 that is not in its memory, again and again: the emulator's fault (README.md)
spins_on_int3()
{
	local place reply
	looks 6 >"$run/looks"
	for place in $(int3_loops "$run/looks"); do
		monitor_words "x /1xb 0x$place"
		case $reply in *'0xcc'* | *'"error"'*) ;; *'0x'*) return 0 ;; esac
	done
	return 1
}

# is_busy: QEMU has used a CPU for most of the time since it was asked last
is_busy()
{
	local before=$busy_ticks since=$busy_since
	busy_ticks=$(sed 's/.*) //' "/proc/$vm_pid/stat" 2>/dev/null | awk '{ print $12 + $13 }')
	busy_ticks=${busy_ticks:-0} busy_since=$SECONDS
	[ $((busy_ticks - before)) -ge $(((busy_since - since) * 80)) ]
}

follow_console()
{
	: >>"$console"
	tail -n +1 -f "$console" >&2 2>/dev/null &
	tail_pid=$!
}

# vm_wait: until the guest has told its status, is gone, or the time is up; sets vm_status to a number,
# nothing, no-boot or timeout, and vm_died if the guest is gone
vm_wait()
{
	local line left rc=0 start=$SECONDS limit ready=
	boot_limit=$((BOOT_LIMIT + opt_smp * BOOT_LIMIT_CPU))
	limit=$((opt_timeout < boot_limit ? opt_timeout : boot_limit))
	vm_status=
	vm_died=
	busy_ticks=0 busy_since=$start
	while [ -z "$vm_status" ] && [ $rc -eq 0 ]; do
		line=
		left=$((start + limit > SECONDS ? start + limit - SECONDS : 1))
		read -r -t $((left < LOOK_EVERY ? left : LOOK_EVERY)) -u "$status_fd" line || rc=$?
		if [ $rc -gt 128 ] && [ $left -gt $LOOK_EVERY ]; then
			rc=0
			! is_busy || ! spins_on_int3 || vm_status=emulator
		fi
		case $line in
		ready) limit=$opt_timeout ready=1 ;;
		exit\ *) vm_status=${line#exit } ;;
		monitor\ *) monitor_command "${line#monitor }" ;;
		esac
	done
	[ -n "$vm_status" ] || [ $rc -le 128 ] || vm_status=timeout
	[ "$vm_status" != timeout ] || [ "$limit" -eq "$opt_timeout" ] || vm_status=no-boot
	[ -n "$vm_status" ] || vm_died=-died
	[ -n "$vm_status$ready" ] || vm_status=no-boot
}

vm_stop()
{
	end_machine
	wait "$cat_pid" || true
	cat_pid=
	exec {status_fd}<&-
	[ -z "${monitor_in:-}" ] || exec {monitor_in}>&- {monitor_out}>&-
	monitor_in=
	[ -z "$opt_console" ] || sleep 0.3 # for tail to catch up
	[ -z "$opt_keep_log" ] || tr -d '\r' <"$console" >"$opt_keep_log"
}

# take_results: best effort, a file may not be there
take_results()
{
	local get guest host
	[ ${#opt_gets[@]} -gt 0 ] || return 0
	mkdir "$run/got"
	(cd "$run/got" && gzip -dc ../results | cpio --quiet -id --no-absolute-filenames) 2>/dev/null || true
	for get in "${opt_gets[@]}"; do
		guest=${get%%:*}
		host=${get#*:}
		cp -r "$run/got/${guest#/}" "$host" 2>/dev/null || say "--get $guest: the guest did not send it"
	done
}

report_death()
{
	say "the guest died before the command ended ($vm_name on $host_name; QEMU $vm_exit); the end of its console:"
	{ tr -d '\r' <"$console" | tail -n 25; cat "$qemu_log"; } >&2
	exit "$EX_GUEST_DIED"
}

# is_emulators_fault: the guest died of an int3 that is not in its memory: the byte before the one that RIP points to.
# QEMU went on executing what had been translated before the kernel replaced it (README.md).
is_emulators_fault()
{
	[ -n "$vm_died" ] && awk '
		/int3: 0000 \[/ { seen = 1 }
		seen && match($0, /Code: .* <[0-9a-f][0-9a-f]>/) {
			stale = substr($0, RSTART + RLENGTH - 7, 2) != "cc"
			exit
		}
		END { exit !stale }' "$console"
}

vm_once()
{
	vm_began=$SECONDS
	vm_start
	vm_wait
	! is_emulators_fault || vm_status=emulator
	case $vm_status$vm_died in timeout | no-boot | emulator) evidence_stuck ;; esac
	vm_stop
	evidence_end
	note_guest
}

# may_start_again: sets how_it_failed. A test that had begun begins anew, which is no matter where its results are what
# the guest sends in the end.
may_start_again()
{
	[ -z "${STRICT:-}" ] || return
	case $vm_status in
	no-boot) how_it_failed="${vm_died:+died and }did not come up within $boot_limit s" ;;
	emulator)
		how_it_failed="hung on an int3 that is not in its memory"
		[ -z "$vm_died" ] || how_it_failed=${how_it_failed/hung on/died of}
		;;
	esac
	[ "$vm_status" = no-boot ] || { [ "$vm_status" = emulator ] && [ -n "$opt_evidence" ]; }
}

vm_run()
{
	vm_name=$1
	vm_prepare "$@"
	vm_once
	if may_start_again; then
		say "the guest ($vm_name on $host_name) $how_it_failed; once more"
		tail -n 5 "$console" | tr -d '\r' >&2
		[ -z "$opt_evidence" ] || cp "$console" "$console-first"
		vm_once
	fi
	case $vm_status$vm_died in
	timeout) die "$EX_TIMEOUT" "the command did not end within $opt_timeout s ($vm_name on $host_name)" ;;
	no-boot-died | emulator-died | -died) report_death ;;
	emulator) die "$EX_GUEST_DIED" "the guest hung on an int3 that is not in its memory ($vm_name on $host_name)" ;;
	no-boot) die "$EX_TIMEOUT" "the guest did not come up within $boot_limit s ($vm_name on $host_name)" ;;
	esac
	take_results
	exit "$vm_status"
}

# The status of a shell is nobody's business; in the background, because bash handles no signal
# while it waits for a foreground process.
vm_shell()
{
	local ctl
	[ -t 0 ] || die "$EX_USAGE" "lab shell needs a terminal; use lab run"
	opt_tty=1
	vm_prepare "$1" 'cd; exec sh -i'
	say "a shell in the guest; leave it with exit"
	terminal_state=$(stty -g)
	exec {ctl}>"$run/ctl"
	setpriv --pdeathsig KILL "${qemu[@]}" -add-fd "fd=$ctl,set=2" \
		-chardev stdio,id=output,signal=off <&0 2>"$qemu_log" &
	vm_pid=$!
	wait "$vm_pid" || die "$EX_GUEST_DIED" "$(tail -n 1 "$qemu_log")"
}
