# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # variables shared between the files
# What every room of the lab uses: messages, the cache, the tables.

readonly EX_USAGE=64 EX_UNAVAILABLE=69 EX_SOFTWARE=70 EX_TIMEOUT=124 EX_GUEST_DIED=125

say()
{
	printf 'lab: %s\n' "$*" >&2
}

# die STATUS WORDS...: one printable line, whatever it quotes; of a long one both ends
die()
{
	local status=$1 line
	shift
	line=${*//[^[:print:]]/?}
	[ ${#line} -le 190 ] || line="${line::90} ... ${line: -90}"
	say "$line"
	exit "$status"
}

cache_root()
{
	if [ -n "${VFIOSCOPE_CACHE:-}" ]; then
		echo "$VFIOSCOPE_CACHE"
	elif [ -n "${XDG_CACHE_HOME:-}" ]; then
		echo "$XDG_CACHE_HOME/vfioscope"
	elif [ -n "${HOME:-}" ]; then
		echo "$HOME/.cache/vfioscope"
	else
		echo /var/cache/vfioscope
	fi
}

# The lock is held until the calling subshell ends.
cache_lock()
{
	mkdir -p "$CACHE"
	exec 9>"$CACHE/lock"
	flock -n 9 || { say "waiting for another lab that fills the cache"; flock 9; }
	# Whoever left something here did not live to release the lock.
	rm -rf "$CACHE/tmp"
}

# hash_in: of the standard input; short, because it names files and directories
hash_in()
{
	sha256sum | cut -c1-12
}

# publish TMP FINAL: a reader sees a whole directory or none
publish()
{
	mkdir -p "$(dirname "$2")"
	rm -rf "$2"
	mv -T "$1" "$2"
}

scratch_dir()
{
	mkdir -p "$CACHE/tmp"
	mktemp -d "$CACHE/tmp/XXXXXX"
}

# table_rows FILE: without comments and empty lines
table_rows()
{
	sed -e '/^[[:space:]]*#/d' -e '/^[[:space:]]*$/d' "$1"
}

# row_load NAME: sets row_*
row_load()
{
	local name
	case $1 in mutant:*) mutant_load "${1#mutant:}"; return ;; esac
	while read -r name row_when row_suites row_packages row_vfio row_extra row_note; do
		[ "$name" = "$1" ] || continue
		row_name=$name
		row_patch=patches/$row_vfio.patch
		[ "$row_extra" != - ] || row_extra=
		return
	done < <(table_rows "$LAB/matrix")
	die "$EX_USAGE" "no kernel '$1' in the matrix; there are: $(row_names | paste -sd' ')"
}

# names_of WHEN: the rows that are for that
names_of()
{
	table_rows "$LAB/matrix" | awk -v when="$1" '$2 == when { print $1 }'
}

row_names()
{
	table_rows "$LAB/matrix" | awk '{ print $1 }'
}

# mutant_load NAME: the row fixed, with another vfio.ko
mutant_load()
{
	local name patch finds never note
	while read -r name patch finds never note; do
		[ "$name" = "$1" ] || continue
		row_load fixed
		row_name=mutant-$name row_vfio=mutant row_patch=$patch
		row_finds=$finds row_never=$never row_note=$note
		return
	done < <(table_rows "$LAB/mutants/table")
	die "$EX_USAGE" "no mutant '$1'; there are: $(mutant_names | paste -sd' ')"
}

mutant_names()
{
	table_rows "$LAB/mutants/table" | awk '{ print $1 }'
}

# row_has_own_vfio: vfio.ko is built here and replaces the shipped one
row_has_own_vfio()
{
	[ "$row_vfio" != stock ] && ! row_is_built
}

row_builds_modules()
{
	row_has_own_vfio || row_is_rebuilt || [ -n "$row_extra" ]
}

need_tools()
{
	local tool
	for tool in qemu-system-x86_64 busybox cpio xz zstd patch make gcc strip setpriv flock; do
		command -v "$tool" >/dev/null || die "$EX_UNAVAILABLE" "$tool is missing; run tools/deps lab"
	done
}
