# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # variables shared between the files
# From packages to something that boots:
#   built/      the same of a kernel that is built here (built.sh)
#   images/     vmlinuz, vmlinux, config and the few modules a guest gets, as shipped
#   kbuild/     headers to build modules against
#   sources/    drivers/vfio
#   modules/    modules we built
#   kernels/    one directory per row of the matrix: the image with our modules put in, and its initramfs
# Each name ends in a hash of everything that went in, so that a change makes a new one.

uint_at()
{
	od -An -t "u$2" -j "$3" -N "$2" "$1" | tr -d ' '
}

# unpack_vmlinux VMLINUZ: the ELF file inside (offsets: Documentation/x86/boot.rst). QEMU enters it
# directly, which saves the guest the decompression: 2 s of boot instead of 6.
unpack_vmlinux()
{
	local start offset length
	start=$((($(uint_at "$1" 1 0x1f1) + 1) * 512))
	offset=$(uint_at "$1" 4 0x248)
	length=$(uint_at "$1" 4 0x24c)
	# The payload ends in its size, four bytes that no decompressor likes.
	dd if="$1" bs=1M iflag=skip_bytes,count_bytes skip=$((start + offset)) count=$((length - 4)) status=none |
		decompress_with "$(od -An -tx1 -j $((start + offset)) -N 4 "$1")"
}

# decompress_with MAGIC
decompress_with()
{
	case $1 in
	*fd\ 37\ 7a\ 58) xz -dc ;;
	*28\ b5\ 2f\ fd) zstd -dcq ;;
	*1f\ 8b\ *) gzip -dc ;;
	*) return 1 ;;
	esac
}

image_debs()
{
	debs 'linux-image-*' 'linux-base-*' 'linux-binary-*' 'linux-modules-*'
}

# unpack_modules DIR NAME...: from lib/ or, since Debian 13, usr/lib/. A module may be in any of the
# packages, or built in, so a pattern without a match is no error.
unpack_modules()
{
	local dir=$1 deb name patterns=()
	shift
	for name; do
		patterns+=("*/${name//[-_]/[-_]}.ko" "*/${name//[-_]/[-_]}.ko.*")
	done
	for deb in $(image_debs); do
		dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$dir" --wildcards --transform 's,^\./usr/lib/,./lib/,' \
			"${patterns[@]}" '*/modules.order' '*/modules.builtin' '*/modules.builtin.modinfo' \
			'./boot/vmlinuz-*' './boot/config-*' './usr/lib/modules/*/vmlinuz' './usr/lib/modules/*/config' \
			2>/dev/null || true
	done
}

# missing_modules DIR: what the modules in it need besides
missing_modules()
{
	local file name
	find "$1" -name '*.ko*' | while read -r file; do
		case $file in
		*.xz) xz -dc "$file" ;;
		*.zst) zstd -dcq "$file" ;;
		*) cat "$file" ;;
		esac | tr '\0' '\n' | sed -n 's/^depends=//p'
	done | tr ',' '\n' | sort -u | while read -r name; do
		[ -z "$name" ] || find "$1" -name "${name//[-_]/[-_]}.ko*" | grep -q . || echo "$name"
	done
}

unpack_needed_modules()
{
	local names last=
	names=$(table_rows "$LAB/guest/modules")
	while [ -n "$names" ] && [ "$names" != "$last" ]; do
		# shellcheck disable=SC2086 # a list of words
		unpack_modules "$1" $names
		last=$names
		names=$(missing_modules "$1")
	done
}

image_dir()
{
	row_is_built && built_image_dir && return
	echo "$CACHE/images/$({ image_debs; cat "$LAB/guest/modules" "$LAB/lib/kernel.sh"; } | hash_in)"
}

make_image()
{
	local dir final
	row_is_built && { make_built_image; return; }
	final=$(image_dir)
	[ ! -d "$final" ] || return 0
	say "unpacking the kernel $row_name (about 5 s)"
	dir=$(scratch_dir)
	unpack_needed_modules "$dir"
	mv "$dir"/boot/vmlinuz-* "$dir/vmlinuz" 2>/dev/null || mv "$dir"/lib/modules/*/vmlinuz "$dir/vmlinuz"
	mv "$dir"/boot/config-* "$dir/config" 2>/dev/null || mv "$dir"/lib/modules/*/config "$dir/config" 2>/dev/null || true
	rm -rf "${dir:?}/boot"
	ls "$dir/lib/modules" >"$dir/release"
	unpack_vmlinux "$dir/vmlinuz" | dd conv=sparse iflag=fullblock bs=64k status=none of="$dir/vmlinux" ||
		die "$EX_SOFTWARE" "cannot unpack the kernel of $row_name"
	publish "$dir" "$final"
}

kbuild_dir()
{
	echo "$CACHE/kbuild/$({ debs 'linux-headers-*' 'linux-kbuild-*'; cat "$LAB/lib/kernel.sh"; } | hash_in)"
}

# make_kbuild: the headers name their own place by absolute paths, so they are given the new one.
make_kbuild()
{
	local dir deb final
	final=$(kbuild_dir)
	[ ! -d "$final" ] || return 0
	say "unpacking the kernel headers"
	dir=$(scratch_dir)
	for deb in $(debs 'linux-headers-*' 'linux-kbuild-*'); do
		dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$dir" ./usr/src ./usr/lib 2>/dev/null || true
	done
	grep -rlE --include=Makefile --include=.kernelvariables '/usr/(src|lib)/linux-' "$dir/usr/src" |
		xargs -r sed -i -E "s,/usr/(src|lib)/linux-,$final/usr/\\1/linux-,g"
	publish "$dir" "$final"
}

headers_dir()
{
	echo "$(kbuild_dir)/usr/src/linux-headers-$(cat "$(image_dir)/release")"
}

# run_kbuild DIR: output only when it fails. Paths are mapped, for the build-id not to depend on them.
run_kbuild()
{
	local map
	map="-ffile-prefix-map=$1=. -ffile-prefix-map=$(kbuild_dir)=/kbuild"
	make -C "$(headers_dir)" M="$1" CC=gcc KCFLAGS="$map" -j"$(nproc)" modules >"$1/log" 2>&1 && return
	tail -n 20 "$1/log" >&2
	die "$EX_SOFTWARE" "the kernel module in $1 does not build; its log is above"
}

source_dir()
{
	echo "$CACHE/sources/$(debs 'linux-source-*' | hash_in)"
}

# make_source: only drivers/vfio, the tree is a gigabyte
make_source()
{
	local dir final
	final=$(source_dir)
	[ ! -d "$final" ] || return 0
	say "unpacking drivers/vfio (about 15 s)"
	dir=$(scratch_dir)
	dpkg-deb --fsys-tarfile "$(debs 'linux-source-*')" | tar -xO --wildcards './usr/src/linux-source-*.tar.xz' |
		tar -xJ -C "$dir" --strip-components=1 --wildcards 'linux-source-*/drivers/vfio/*'
	publish "$dir" "$final"
}

# vfio_name: the same for every row with the same patch
vfio_name()
{
	basename "$row_patch" .patch
}

vfio_dir()
{
	echo "$CACHE/modules/vfio-$(vfio_name)-$({ debs 'linux-source-*' 'linux-headers-*'; cat "$LAB/$row_patch" "$LAB/lib/kernel.sh"; } | hash_in)"
}

make_vfio()
{
	local dir final
	final=$(vfio_dir)
	[ ! -d "$final" ] || return 0
	say "building the $(vfio_name) vfio.ko (about 5 s)"
	dir=$(scratch_dir)
	cp -r "$(source_dir)/drivers" "$dir/"
	patch -s -p1 -d "$dir" <"$LAB/$row_patch" >&2 || die "$EX_SOFTWARE" "$row_patch does not apply"
	# Alone: its own Makefile would want the rest of the directory too.
	mkdir "$dir/alone"
	cp "$dir/drivers/vfio/vfio.c" "$dir/alone/"
	echo 'obj-m := vfio.o' >"$dir/alone/Kbuild"
	run_kbuild "$dir/alone"
	publish_module "$dir/alone/vfio.ko" "$final"
	rm -rf "$dir"
}

# publish_module FILE FINAL: without debug information, which the shipped ones do not have either
publish_module()
{
	local dir
	dir=$(scratch_dir)
	strip --strip-debug -o "$dir/$(basename "$1")" "$1"
	publish "$dir" "$2"
}

# extra_dir MODULE
extra_dir()
{
	echo "$CACHE/modules/$1-$({ debs 'linux-headers-*'; cat "$LAB/modules/$1"/*  "$LAB/lib/kernel.sh"; } | hash_in)"
}

make_extra()
{
	local dir final
	final=$(extra_dir "$1")
	[ ! -d "$final" ] || return 0
	say "building $1.ko (about 5 s)"
	dir=$(scratch_dir)
	cp "$LAB/modules/$1"/* "$dir/"
	run_kbuild "$dir"
	publish_module "$dir/$1.ko" "$final"
	rm -rf "$dir"
}

kernel_parts()
{
	local module
	image_dir
	stat -c '%s %Y' "$(command -v busybox)"
	! row_has_own_vfio || vfio_dir
	for module in ${row_extra//,/ }; do
		extra_dir "$module"
	done
}

kernel_dir()
{
	echo "$CACHE/kernels/$row_name-$({ kernel_parts; cat "$LAB/lib/kernel.sh"; } | hash_in)"
}

# install_modules DIR: ours go over the shipped ones
install_modules()
{
	local tree module
	tree=$1/lib/modules/$(cat "$1/release")
	! row_has_own_vfio || cp "$(vfio_dir)/vfio.ko" "$tree/kernel/drivers/vfio/vfio.ko"
	for module in ${row_extra//,/ }; do
		mkdir -p "$tree/extra"
		cp "$(extra_dir "$module")/$module.ko" "$tree/extra/"
	done
	busybox depmod -b "$1" "$(cat "$1/release")"
}

# make_initramfs DIR: not compressed, it is small and the guest's CPU is slow
make_initramfs()
{
	local root=$1/root applet
	mkdir -p "$root"/{bin,dev,etc,lab,proc,root,run,sys,tmp,usr,var}
	cp "$(command -v busybox)" "$root/bin/busybox"
	for applet in $(busybox --list); do
		[ "$applet" = busybox ] || ln -s busybox "$root/bin/$applet"
	done
	ln -s bin "$root/sbin"
	ln -s ../bin "$root/usr/bin"
	ln -s ../bin "$root/usr/sbin"
	echo 'root::0:0:root:/root:/bin/sh
nobody:x:65534:65534:nobody:/:/bin/sh' >"$root/etc/passwd"
	echo 'root:x:0:
nogroup:x:65534:' >"$root/etc/group"
	cp -a "$1/lib" "$root/lib"
	(cd "$root" && find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0) >"$1/initramfs"
	rm -rf "$root"
}

make_kernel()
{
	local dir final
	final=$(kernel_dir)
	[ ! -d "$final" ] || return 0
	dir=$(scratch_dir)
	cp -al "$(image_dir)/." "$dir/"
	rm -rf "${dir:?}/lib"
	cp -a "$(image_dir)/lib" "$dir/lib"
	install_modules "$dir"
	make_initramfs "$dir"
	publish "$dir" "$final"
	prune
}

# prune: what no run has touched for two hours is most likely made from files that have changed since.
# Not at once: another checkout may share the cache, and a test may hold a path.
prune()
{
	find "$CACHE"/kernels "$CACHE"/images "$CACHE"/kbuild "$CACHE"/sources "$CACHE"/modules \
		-mindepth 1 -maxdepth 1 -mmin +120 -exec rm -rf {} + 2>/dev/null || true
	# What takes minutes to build may stay for a week.
	[ ! -d "$CACHE/built" ] || find "$CACHE/built" -mindepth 1 -maxdepth 1 -mtime +7 -exec rm -rf {} + || true
}

# touch_parts: for prune; the cache may be another user's
touch_parts()
{
	touch -c "$kernel" "$(image_dir)" 2>/dev/null || true
	! row_builds_modules || touch -c "$(kbuild_dir)" 2>/dev/null || true
	! row_has_own_vfio || touch -c "$(vfio_dir)" "$(source_dir)" 2>/dev/null || true
}

build_locked()
{
	local module
	make_image
	! row_builds_modules || make_kbuild
	! row_has_own_vfio || { make_source; make_vfio; }
	for module in ${row_extra//,/ }; do
		make_extra "$module"
	done
	make_kernel
}

kernel_complete()
{
	debs_complete && [ -d "$(kernel_dir)" ]
}

# kernel_ready NAME: sets kernel to the directory that boots
kernel_ready()
{
	row_load "$1"
	need_tools
	kernel_complete || (cache_lock; fetch_locked; build_locked)
	kernel=$(kernel_dir)
	touch_parts
}
