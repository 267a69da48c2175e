# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # variables shared between the files
# Binaries to inspect, out of packages of any architecture, or built from linux-source-5.10:
#   inspect/files/    one file per row of the table
#   inspect/trees/    the whole source, as shipped and with a patch
#   inspect/build/    build folders, kept for the next patch or configuration
# Names end in a hash of what went in, as everywhere in the lab.

# The cache's tmp/ goes away whenever a lab fills the cache; this may run beside one.
scratch_dir()
{
	mkdir -p "$CACHE/inspect/tmp"
	mktemp -d "$CACHE/inspect/tmp/XXXXXX"
}

# binary_load NAME: sets bin_*
binary_load()
{
	local name
	while read -r name bin_verdict bin_arch bin_from bin_note; do
		[ "$name" = "$1" ] || continue
		bin_name=$name
		return
	done < <(table_rows "$LAB/binaries")
	die "$EX_USAGE" "no row '$1' in the table; there are: $(binary_names | paste -sd' ')"
}

binary_names()
{
	table_rows "$LAB/binaries" | awk '{ print $1 }'
}

# apt_state: set up once for each set of suites and architecture; packages are picked from it by name
apt_state()
{
	local dir
	dir="$apt_dirs/$(echo "$row_suites $row_arch" | hash_in)"
	if [ ! -e "$dir/ready" ]; then
		say "reading the package lists of $row_suites, $row_arch"
		mkdir -p "$dir"
		apt_set_up "$dir" || die "$EX_UNAVAILABLE" "none of $row_suites can be had for $row_arch; set LAB_MIRROR"
		touch "$dir/ready"
	fi
	echo "$dir"
}

# candidates DIR oldest|newest REGEX: names of packages, the wanted one first
candidates()
{
	local order=
	[ "$2" = oldest ] || order=-r
	apt-cache -c "$1/apt.conf" pkgnames linux- | grep -xE "$3" | sort -V $order | head -n 12
}

# download_one DIR SCRATCH: the first candidate, on stdin, that the mirror still has; a pool can be behind its index
download_one()
{
	local package version
	while read -r package; do
		version=$(version_of "$1" "$package")
		say "downloading $package $version ($row_arch)"
		if (cd "$2" && apt_try "$1" apt-get download "$package=$version"); then
			echo "$package $version"
			return
		fi
	done
	return 1
}

# deb_binary FILE: vfio.ko of the package, and nothing else of its 60 MB
deb_binary()
{
	local dir scratch which regex words
	IFS=: read -r _ row_suites which regex <<<"$bin_from"
	row_arch=$bin_arch
	dir=$(apt_state)
	scratch=$(scratch_dir)
	words=$(candidates "$dir" "$which" "$regex" | download_one "$dir" "$scratch") ||
		die "$EX_UNAVAILABLE" "no package $regex for $row_arch from $row_suites"
	extract_vfio "$scratch"/*.deb "$scratch"
	publish_file "$(find "$scratch" -name 'vfio.ko*' | head -n1)" "$1" "$words"
	rm -rf "$scratch"
}

extract_vfio()
{
	dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" --wildcards '*/drivers/vfio/vfio.ko*' 2>/dev/null ||
		die "$EX_SOFTWARE" "no vfio.ko in ${1##*/}"
}

# publish_file FILE FINAL WORDS: the words go beside it, for the table
publish_file()
{
	mkdir -p "${2%/*}"
	echo "$3" >"$2.from"
	cp --sparse=always "$1" "$2.tmp"
	mv "$2.tmp" "$2"
}

# source_tree PATCH: the whole source with the patch, or as shipped
source_tree()
{
	local dir final
	final="$CACHE/inspect/trees/$1-$({ debs 'linux-source-*'; [ "$1" = none ] || cat "$LAB/patches/$1.patch"; } | hash_in)"
	if [ ! -d "$final" ]; then
		dir=$(scratch_dir)
		if [ "$1" = none ]; then
			say "unpacking the source (a minute)"
			dpkg-deb --fsys-tarfile "$(debs 'linux-source-*')" | tar -xO --wildcards './usr/src/linux-source-*.tar.xz' |
				tar -xJ -C "$dir" --strip-components=1
		else
			cp -al "$(source_tree none)/." "$dir/"
			patch -s -p1 -d "$dir" <"$LAB/patches/$1.patch" >&2 ||
				die "$EX_SOFTWARE" "patches/$1.patch does not apply"
		fi
		publish "$dir" "$final"
	fi
	echo "$final"
}

# kernel_make PATCH OUT ARGS...: make in the source tree, output only when it fails
kernel_make()
{
	local tree out=$2 karch cross=""
	tree=$(source_tree "$1")
	shift 2
	case $bin_arch in
	amd64) karch=x86_64 ;;
	arm64) karch=arm64 cross=aarch64-linux-gnu- ;;
	ppc64el) karch=powerpc cross=powerpc64le-linux-gnu- ;;
	s390x) karch=s390 cross=s390x-linux-gnu- ;;
	esac
	command -v "${cross}gcc" >/dev/null || die "$EX_UNAVAILABLE" "${cross}gcc is missing; run tools/deps inspect"
	nice -n 19 make -C "$tree" O="$out" ARCH=$karch CROSS_COMPILE=$cross CC="$(compiler_of "$cross")" -j"$(nproc)" \
		KCFLAGS="-ffile-prefix-map=$tree=. -Wno-error" KBUILD_BUILD_TIMESTAMP=1970-01-01 "$@" >"$out/log" 2>&1 && return
	tail -n 20 "$out/log" >&2
	die "$EX_SOFTWARE" "the kernel for $bin_name does not build; the end of its log is above"
}

# compiler_of CROSS
compiler_of()
{
	case $bin_compiler in
	clang) echo clang ;;
	*) echo "${1}gcc" ;;
	esac
}

# configure PATCH OUT y|m: allnoconfig and what VFIO needs
configure()
{
	sed "s/=VFIO\$/=$3/" "$LAB/config.inspect" >"$2/fragment"
	[ "$bin_arch" != amd64 ] || cat "$LAB/config.inspect-amd64" >>"$2/fragment"
	[ "$bin_arch" != ppc64el ] || printf 'CONFIG_%s=y\n' PPC64 CPU_LITTLE_ENDIAN PPC_PSERIES EEH >>"$2/fragment"
	[ "$bin_compiler" != gcc-g ] || printf 'CONFIG_%s=y\n' DEBUG_KERNEL DEBUG_INFO >>"$2/fragment"
	kernel_make "$1" "$2" KCONFIG_ALLCONFIG="$2/fragment" allnoconfig
	grep -qx "CONFIG_VFIO=$3" "$2/.config" || die "$EX_SOFTWARE" "$bin_name: VFIO cannot be configured"
}

# build_dir PATCH y|m
build_dir()
{
	local dir
	dir="$CACHE/inspect/build/$bin_arch-$bin_compiler-$2-$1-$(cat "$LAB"/config.inspect* "$LAB/lib/binaries.sh" | hash_in)"
	mkdir -p "$dir"
	echo "$dir"
}

# module_binary FILE
module_binary()
{
	local patch out file strip=
	IFS=: read -r _ patch bin_compiler <<<"$bin_from"
	if [ "$bin_compiler" = gcc-stripped ]; then
		bin_compiler=gcc strip=y
	fi
	say "building $bin_name (a minute)"
	out=$(build_dir "$patch" m)
	[ -e "$out/.config" ] || configure "$patch" "$out" m
	kernel_make "$patch" "$out" modules_prepare
	kernel_make "$patch" "$out" drivers/vfio/vfio.ko
	file=$out/drivers/vfio/vfio.ko
	if [ -n "$strip" ]; then
		strip --strip-unneeded -o "$out/stripped.ko" "$file"
		file=$out/stripped.ko
	fi
	publish_file "$file" "$1" "linux-source-5.10, $bin_compiler"
}

# builtin_binary FILE: the unfixed kernel is built in the folder of the fixed one, most of it is the same
builtin_binary()
{
	local kind patch out file
	IFS=: read -r kind patch bin_compiler <<<"$bin_from"
	say "building $bin_name (4 minutes, the second one faster)"
	out=$(build_dir "$patch" y)
	[ -e "$out/.config" ] || configure "$patch" "$out" y
	kernel_make "$patch" "$out" vmlinux bzImage
	case $kind in
	vmlinux) file=$out/vmlinux ;;
	*) file=$out/arch/x86/boot/bzImage ;;
	esac
	publish_file "$file" "$1" "linux-source-5.10, $bin_compiler"
}

# binary_file: where the loaded row's file is or will be; what follows the newest package is fetched once
binary_file()
{
	local base
	case $bin_from in
	deb*) base=$(echo "$bin_arch $bin_from" | hash_in) ;;
	*) base=$({ echo "$bin_arch $bin_from"; cat "$LAB"/config.inspect* "$LAB"/patches/*.patch; } | hash_in) ;;
	esac
	echo "$CACHE/inspect/files/$bin_name-$base"
}

make_binary()
{
	case $bin_from in
	deb:*) deb_binary "$1" ;;
	deb-stripped:*)
		deb_binary "$1"
		strip --strip-unneeded "$1"
		;;
	module:*) module_binary "$1" ;;
	vmlinu?:*) builtin_binary "$1" ;;
	*) die "$EX_USAGE" "$bin_name: what is '$bin_from'?" ;;
	esac
}

# binary_ready NAME: sets binary
binary_ready()
{
	binary_load "$1"
	binary=$(binary_file)
	[ -e "$binary" ] || (make_binary "$binary") || exit
}
