# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # variables shared between the files
# A kernel that the lab builds itself, from linux-source and allnoconfig: the row whose VFIO is built in. Others
# have only their modules of VFIO built (rebuilt.sh).

row_is_built()
{
	[ "$row_vfio" = builtin ] || row_is_rebuilt
}

built_image_dir()
{
	row_is_rebuilt && { rebuilt_image_dir; return; }
	echo "$CACHE/built/$({ debs 'linux-source-*'; cat "$LAB/config.builtin" "$LAB/lib/built.sh"; } | hash_in)"
}

# built_source DIR: the tree that inspect-table has unpacked, if it has; else one that goes away with DIR. A
# build outside of it changes nothing in it.
built_source()
{
	local kept
	kept=$CACHE/inspect/trees/none-$(debs 'linux-source-*' | hash_in)
	if [ -d "$kept" ]; then
		ln -s "$kept" "$1/source"
		return
	fi
	say "unpacking the kernel's source (a minute)"
	mkdir "$1/source"
	dpkg-deb --fsys-tarfile "$(debs 'linux-source-*')" | tar -xO --wildcards './usr/src/linux-source-*.tar.xz' |
		tar -xJ -C "$1/source" --strip-components=1
}

# kbuild_in DIR ARGS...: make in DIR/source into DIR/out
kbuild_in()
{
	local dir=$1
	shift
	nice -n 5 make -C "$dir/source" O="$dir/out" ARCH=x86_64 CC=gcc -j"$(nproc)" \
		KCFLAGS="-ffile-prefix-map=$dir/source=. -Wno-error" \
		KBUILD_BUILD_TIMESTAMP=1970-01-01 KBUILD_BUILD_USER=lab KBUILD_BUILD_HOST=lab "$@" 2>&1
}

build_failed()
{
	tail -n 20 "$1/log" >&2
	die "$EX_SOFTWARE" "the kernel of $row_name does not build; the end of its log is above"
}

# show_progress: of what make prints, one line in 300
show_progress()
{
	local line lines=0 start=$SECONDS
	while read -r line; do
		echo "$line"
		lines=$((lines + 1))
		[ $((lines % 300)) -ne 0 ] || say "  $lines steps done, $((SECONDS - start)) s"
	done
}

configure_built()
{
	kbuild_in "$1" KCONFIG_ALLCONFIG="$LAB/config.builtin" allnoconfig >"$1/log" || build_failed "$1"
	# Kconfig drops in silence what depends on something that is not set.
	grep '^CONFIG_' "$LAB/config.builtin" | grep -vxFf "$1/out/.config" >&2 &&
		die "$EX_SOFTWARE" "config.builtin: the options above cannot be had"
	return 0
}

# collect_built DIR IMAGE: what boots, and what says that VFIO is built in
collect_built()
{
	local out=$1/out tree
	cp "$out/include/config/kernel.release" "$2/release"
	cp "$out/.config" "$2/config"
	cp "$out/arch/x86/boot/bzImage" "$2/vmlinuz"
	strip --strip-debug -o "$2/vmlinux" "$out/vmlinux"
	tree=$2/lib/modules/$(cat "$2/release")
	mkdir -p "$tree"
	cp "$out/modules.builtin" "$out/modules.builtin.modinfo" "$tree/"
	: >"$tree/modules.order"
}

make_built_image()
{
	local dir image final
	row_is_rebuilt && { make_rebuilt_image; return; }
	final=$(built_image_dir)
	[ ! -d "$final" ] || return 0
	dir=$(scratch_dir)
	image=$(scratch_dir)
	mkdir "$dir/out"
	built_source "$dir"
	say "building the kernel $row_name (about 5 minutes on two CPUs)"
	configure_built "$dir"
	kbuild_in "$dir" vmlinux bzImage | show_progress >"$dir/log" || build_failed "$dir"
	collect_built "$dir" "$image"
	publish "$image" "$final"
	rm -rf "$dir"
}
