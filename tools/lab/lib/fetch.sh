# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # variables shared between the files
# Packages, through apt with its signatures checked, in a configuration of our own: the lists, the
# sources and the dpkg status of the host are neither read nor changed, its proxy settings are kept.

readonly KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
readonly MOST_TRIES=12

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

# sources_of SUITE: lines for apt, the host's mirror first, then the archive that LAB_MIRROR names. What is in
# an archive has ended, so the dates of its lists are not looked at; its signatures are.
sources_of()
{
	local uri arch=${row_arch:-amd64} archive=${LAB_MIRROR:-}
	uri=$(mirror_for "$1") || [ -n "$archive" ] || exit
	[ -z "$uri" ] || echo "deb [arch=$arch signed-by=$KEYRING] $uri $1 main"
	[ -n "$archive" ] || return 0
	case $1 in *-security) echo "deb $(archive_options "$arch") ${archive%/}-security $1 main" ;; esac
	echo "deb $(archive_options "$arch") $archive $1 main"
}

archive_options()
{
	echo "[arch=$1 signed-by=${LAB_KEYRING:-$KEYRING} check-valid-until=no]"
}

# apt_configure DIR: in a file read with -c, after the host's, so that ours wins where it has to
apt_configure()
{
	mkdir -p "$1/state/lists/partial" "$1/cache/archives/partial"
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
		Acquire::AllowWeakRepositories "false";
		Acquire::GzipIndexes "true";
		Acquire::Languages "none";
		Acquire::Retries "2";
		#clear APT::Update::Pre-Invoke;
		#clear APT::Update::Post-Invoke;
		#clear APT::Update::Post-Invoke-Success;
		#clear DPkg::Post-Invoke;
	EOF
}

# apt_set_up DIR: with the lists of every suite of the loaded row that can be had, from the first mirror that has
# it. One that cannot is said and left out; the status is 1 when there is none at all.
apt_set_up()
{
	local suite
	apt_configure "$1"
	: >"$1/sources.had"
	for suite in ${row_suites//,/ }; do
		read_suite "$1" "$suite" || say "no suite $suite: $(cat "$1/why")"
	done
	mv "$1/sources.had" "$1/sources.list"
	[ -s "$1/sources.list" ]
}

# read_suite DIR SUITE: its lists; the source is added to DIR/sources.had
read_suite()
{
	local source
	echo "no source" >"$1/why"
	while read -r source; do
		echo "$source" >"$1/sources.list"
		if apt_try "$1" apt-get -o APT::Get::List-Cleanup=false update; then
			echo "$source" >>"$1/sources.had"
			return
		fi
	done < <(sources_of "$2")
	return 1
}

# apt_try DIR TOOL ARGS...: the first error goes into DIR/why
apt_try()
{
	local dir=$1 tool=$2 attempt
	shift 2
	for attempt in 1 2; do
		"$tool" -qq -c "$dir/apt.conf" "$@" 2>"$dir/err" && return
		# What is not there, or is not signed, will not be the next time either.
		! grep -qE '404|does not have a Release|not signed|signature|File not found|Hash Sum' "$dir/err" || break
		[ "$attempt" = 2 ] || sleep 2
	done
	{ grep -m1 '^[EW]:' "$dir/err" || tail -n1 "$dir/err"; } >"$dir/why"
	return 1
}

# depends_of DIR PACKAGE: names that belong to the kernel; a metapackage leads to the real ones. An image without a
# signature is the same one again.
depends_of()
{
	apt-cache -c "$1/apt.conf" --no-all-versions show "$2" 2>/dev/null | sed -n 's/^\(Pre-\)\?Depends: *//p' |
		tr ',|' '\n' | sed 's/^ *//; s/[ :(].*//' | grep -E '^linux-(image|base|binary|modules|headers|kbuild)-' |
		grep -v -- '-unsigned$' || true
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

# images DIR: of the loaded row, the best alternative first
images()
{
	local alternative alternatives
	IFS=, read -ra alternatives <<<"$row_packages"
	for alternative in "${alternatives[@]}"; do
		case $alternative in
		*[][\\*+]*) apt-cache -c "$1/apt.conf" pkgnames linux-image- | grep -xE "$alternative" | sort -Vr | head -n "$MOST_TRIES" ;;
		*) closure "$1" "$alternative" | awk '/^linux-(image|binary)-/ && !n++' ;;
		esac
	done | awk '!seen[$0]++'
}

# wanted_packages DIR IMAGE: what the loaded row needs with that image, as PACKAGE=VERSION
wanted_packages()
{
	local version package
	version=$(version_of "$1" "$2")
	[ -n "$version" ] || return
	for package in $(closure "$1" "$2"); do
		echo "$package=$version"
	done
	! row_builds_modules || for package in $(closure "$1" "linux-headers-${2#linux-*-}"); do
		echo "$package=$version"
	done
	[ "$row_vfio" = stock ] || echo "linux-source-$(cut -d. -f1,2 <<<"$version")=$version"
}

# list_for NEEDS...
list_for()
{
	echo "$CACHE/debs/$(printf '%s\n' "$row_suites" "$row_packages" "$@" | hash_in).list"
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

# download DIR PACKAGE=VERSION...: what of it is not in the cache; the names go into DIR/list
download()
{
	local dir=$1 file size missing=() bytes=0
	shift
	apt_try "$dir" apt-get download --print-uris "$@" >"$dir/uris" || return
	: >"$dir/list"
	while read -r _ file size _; do
		echo "$file" >>"$dir/list"
		[ -e "$CACHE/debs/$file" ] && continue
		missing+=("${file%%_*}=$(deb_version "$file")")
		bytes=$((bytes + size))
	done <"$dir/uris"
	[ ${#missing[@]} -gt 0 ] || return 0
	say "downloading $((bytes / 1000000)) MB (${1%%=*} and what goes with it)"
	if ! (cd "$dir" && apt_try "$dir" apt-get download "${missing[@]}"); then
		# The others came: they belong to a version that cannot be had as a whole.
		rm -f "$dir"/*.deb
		return 1
	fi
	mv "$dir"/*.deb "$CACHE/debs/"
}

# deb_version FILE: apt writes the colon of an epoch as %3a
deb_version()
{
	local version=${1#*_}
	version=${version%_*}
	echo "${version//%3a/:}"
}

# download_any DIR: the first image that can be had with all that belongs to it; a mirror's pool may be behind
# its lists, and an old suite loses its files one by one
download_any()
{
	local image packages
	for image in $(images "$1"); do
		packages=$(wanted_packages "$1" "$image") || continue
		# shellcheck disable=SC2086 # a list of words
		download "$1" $packages && return
		say "$image cannot be had: $(cat "$1/why")"
	done
	return 1
}

nothing_left()
{
	die "$EX_UNAVAILABLE" "no kernel '$row_name': $row_packages cannot be had from $row_suites;" \
		"set LAB_MIRROR to an archive that has it"
}

fetch_locked()
{
	local dir
	debs_complete && return
	mkdir -p "$CACHE/debs"
	[ -e "$KEYRING" ] || die "$EX_UNAVAILABLE" "$KEYRING is missing; run tools/deps lab"
	dir=$(scratch_dir)
	say "reading the package lists of $row_suites"
	if ! apt_set_up "$dir" || ! download_any "$dir"; then
		rm -rf "$dir"
		nothing_left
	fi
	mv "$dir/list" "$(deb_list)"
	rm -rf "$dir"
}

fetch()
{
	debs_complete || (cache_lock; fetch_locked)
}
