# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # variables shared between the files
# Packages, through apt with its signatures checked, in a configuration of our own: the lists, the
# sources and the dpkg status of the host are neither read nor changed, its proxy settings are kept.

readonly KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

# host_entries: "URI SUITE" of every deb entry that apt has on this machine
host_entries()
{
	local parts=/etc/apt/sources.list.d
	cat /etc/apt/sources.list "$parts"/*.list 2>/dev/null |
		sed -n 's/^[[:space:]]*deb[[:space:]]\+\(\[[^]]*\][[:space:]]*\)\?\([^[:space:]]\+\)[[:space:]]\+\([^[:space:]]\+\).*/\2 \3/p'
	cat_paragraphs "$parts"/*.sources | awk '
		function flush(   i, j, n, m, u, s) {
			if (types ~ /(^| )deb( |$)/ && enabled !~ /^(no|false|0)$/) {
				n = split(uris, u, " "); m = split(suites, s, " ")
				for (j = 1; j <= m; j++) for (i = 1; i <= n; i++) print u[i], s[j]
			}
			types = uris = suites = enabled = key = ""
		}
		/^#/ { next }
		/^[[:space:]]*$/ { flush(); next }
		/^[^[:space:]]/ { key = tolower($0); sub(/:.*/, "", key); sub(/^[^:]*:/, "") }
		key == "types" { types = types " " $0 }
		key == "uris" { uris = uris " " $0 }
		key == "suites" { suites = suites " " $0 }
		key == "enabled" { enabled = $1 }
		END { flush() }'
}

# An empty line after each file, or two files would make one paragraph.
cat_paragraphs()
{
	local file
	for file; do
		[ ! -r "$file" ] || { cat "$file"; echo; }
	done
}

# host_mirror PATTERN: the first entry whose suite matches
host_mirror()
{
	host_entries | awk -v p="$1" '$2 ~ p && !n++ { print $1 }'
}

main_mirror()
{
	local codename
	codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
	echo "${VFIOSCOPE_MIRROR:-$(host_mirror "^($codename|(old)*stable|testing|unstable|sid)\$")}"
}

# Without an entry for it, the security archive is most likely next to the main one.
security_mirror()
{
	local uri main
	uri=${VFIOSCOPE_SECURITY_MIRROR:-$(host_mirror '-security$')}
	main=$(main_mirror)
	echo "${uri:-${main:+${main%/}-security}}"
}

# mirror_for SUITE: the host's mirror for it; only the suite is ours
mirror_for()
{
	local uri variable
	case $1 in
	*-security) variable=VFIOSCOPE_SECURITY_MIRROR uri=$(security_mirror) ;;
	*) variable=VFIOSCOPE_MIRROR uri=$(main_mirror) ;;
	esac
	[ -n "$uri" ] || die "$EX_UNAVAILABLE" "apt on this machine names no Debian mirror; set $variable=URI"
	echo "$uri"
}

# apt_set_up DIR: in a file read with -c, after the host's, so that ours wins where it has to
apt_set_up()
{
	local suite uri
	mkdir -p "$1/state/lists/partial" "$1/cache/archives/partial"
	for suite in ${row_suites//,/ }; do
		uri=$(mirror_for "$suite")
		echo "deb [arch=${row_arch:-amd64} signed-by=$KEYRING] $uri $suite main"
	done >"$1/sources.list"
	cat >"$1/apt.conf" <<-EOF
		Dir::Etc::sourcelist "$1/sources.list";
		Dir::Etc::sourceparts "/dev/null";
		Dir::Etc::preferences "/dev/null";
		Dir::Etc::preferencesparts "/dev/null";
		Dir::State "$1/state";
		Dir::State::lists "$1/state/lists";
		Dir::State::status "/dev/null";
		Dir::Cache "$1/cache";
		APT::Architecture "${row_arch:-amd64}";
		APT::Architectures "${row_arch:-amd64}";
		APT::Default-Release "";
		APT::Sandbox::User "root";
		APT::Get::AllowUnauthenticated "false";
		APT::Update::Error-Mode "any";
		Acquire::AllowInsecureRepositories "false";
		Acquire::GzipIndexes "true";
		Acquire::Languages "none";
		Acquire::Retries "2";
		#clear APT::Update::Pre-Invoke;
		#clear APT::Update::Post-Invoke;
		#clear APT::Update::Post-Invoke-Success;
		#clear DPkg::Post-Invoke;
	EOF
}

# apt_run DIR TOOL ARGS...: one clear line when it fails
apt_run()
{
	local dir=$1 tool=$2 attempt
	shift 2
	for attempt in 1 2; do
		"$tool" -qq -c "$dir/apt.conf" "$@" 2>"$dir/err" && return
		[ "$attempt" = 2 ] || sleep 2
	done
	die "$EX_UNAVAILABLE" "$tool $1 failed: $(grep -m1 '^E:' "$dir/err" || tail -n1 "$dir/err")" \
		"(network? another mirror can be named in VFIOSCOPE_MIRROR and VFIOSCOPE_SECURITY_MIRROR)"
}

# depends_of DIR PACKAGE: names that belong to the kernel; a metapackage leads to the real ones
depends_of()
{
	apt-cache -c "$1/apt.conf" --no-all-versions show "$2" 2>/dev/null | sed -n 's/^\(Pre-\)\?Depends: *//p' |
		tr ',|' '\n' | sed 's/^ *//; s/[ :(].*//' | grep -E '^linux-(image|base|binary|modules|headers|kbuild)-' || true
}

# closure DIR PACKAGE: it and the kernel packages it needs, real ones only
closure()
{
	local todo=("$2") seen=' ' package
	while [ ${#todo[@]} -gt 0 ]; do
		package=${todo[0]}
		todo=("${todo[@]:1}")
		[[ $seen != *" $package "* ]] || continue
		seen+="$package "
		[[ ! $package =~ ^linux-[a-z]+-[0-9] ]] || echo "$package"
		mapfile -t -O ${#todo[@]} todo < <(depends_of "$1" "$package")
	done
}

version_of()
{
	apt-cache -c "$1/apt.conf" --no-all-versions show "$2" 2>/dev/null | awk '/^Version:/ && !n++ { print $2 }'
}

# wanted_packages DIR: what the loaded row needs, as PACKAGE=VERSION
wanted_packages()
{
	local image version package
	image=$(closure "$1" "$row_package" | awk '/^linux-(image|binary)-/ && !n++')
	version=$(version_of "$1" "$image")
	[ -n "$version" ] ||
		die "$EX_UNAVAILABLE" "$row_package is not in $row_suites any more; put its successor into ${LAB##*/}/matrix"
	for package in $(closure "$1" "$row_package"); do
		echo "$package=$version"
	done
	! row_builds_modules || for package in $(closure "$1" "linux-headers-${image#linux-*-}"); do
		echo "$package=$version"
	done
	[ "$row_vfio" = stock ] || echo "linux-source-$(cut -d. -f1,2 <<<"$version")=$version"
}

# list_for NEEDS...
list_for()
{
	echo "$CACHE/debs/$(printf '%s\n' "$row_suites" "$row_package" "$@" | hash_in).list"
}

# deb_list: where the names of the row's packages are; a list with more in it does as well
deb_list()
{
	local full needs
	full=$(list_for headers source)
	mapfile -t needs < <(row_needs)
	if [ -e "$full" ]; then
		echo "$full"
	else
		list_for "${needs[@]}"
	fi
}

row_needs()
{
	! row_builds_modules || echo headers
	[ "$row_vfio" = stock ] || echo source
}

debs_complete()
{
	local deb
	[ -s "$(deb_list)" ] || return
	while read -r deb; do
		[ -e "$CACHE/debs/$deb" ] || return
	done <"$(deb_list)"
}

# debs GLOB...: paths of the loaded row's packages whose names match
debs()
{
	local deb glob
	while read -r deb; do
		for glob; do
			# shellcheck disable=SC2254 # a pattern is what is asked for
			case $deb in $glob) echo "$CACHE/debs/$deb" ;; esac
		done
	done <"$(deb_list)"
}

# download DIR PACKAGE=VERSION...
download()
{
	local dir=$1 file size missing=() bytes=0
	shift
	apt_run "$dir" apt-get download --print-uris "$@" >"$dir/uris"
	while read -r _ file size _; do
		echo "$file" >>"$dir/list"
		[ -e "$CACHE/debs/$file" ] && continue
		missing+=("${file%%_*}=$(deb_version "$file")")
		bytes=$((bytes + size))
	done <"$dir/uris"
	[ ${#missing[@]} -gt 0 ] || return 0
	say "downloading $((bytes / 1000000)) MB ($row_package and what goes with it)"
	(cd "$dir" && apt_run "$dir" apt-get download "${missing[@]}")
	mv "$dir"/*.deb "$CACHE/debs/"
}

# deb_version FILE: apt writes the colon of an epoch as %3a
deb_version()
{
	local version=${1#*_}
	version=${version%_*}
	echo "${version//%3a/:}"
}

fetch_locked()
{
	local dir packages
	debs_complete && return
	mkdir -p "$CACHE/debs"
	[ -e "$KEYRING" ] || die "$EX_UNAVAILABLE" "$KEYRING is missing; run tools/deps lab"
	dir=$(scratch_dir)
	say "reading the package lists of $row_suites"
	apt_set_up "$dir"
	apt_run "$dir" apt-get update
	packages=$(wanted_packages "$dir")
	# shellcheck disable=SC2086 # a list of words
	download "$dir" $packages
	mv "$dir/list" "$(deb_list)"
	rm -rf "$dir"
}

fetch()
{
	debs_complete || (cache_lock; fetch_locked)
}
