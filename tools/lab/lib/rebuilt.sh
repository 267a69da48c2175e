# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # variables shared between the files
# A shipped kernel whose modules of VFIO are built again, from the source of the very version, with options that it
# was built without: those in options.NAME, on top of its own. The image and all other modules stay as shipped.

row_is_rebuilt()
{
	[ -e "$(rebuilt_options)" ]
}

rebuilt_options()
{
	echo "$LAB/options.$row_vfio"
}

rebuilt_image_dir()
{
	echo "$CACHE/images/$row_vfio-$({
		image_debs
		debs 'linux-source-*' 'linux-headers-*'
		cat "$(rebuilt_options)" "$LAB/guest/modules" "$LAB/lib/kernel.sh" "$LAB/lib/rebuilt.sh"
	} | hash_in)"
}

# shipped_image: the image as it comes out of its packages
shipped_image()
{
	(row_vfio=stock && make_image && image_dir)
}

# configure_rebuilt DIR SHIPPED: DIR/out is ready to build modules that fit the shipped image: with its configuration, the
# checksums of what it exports, and its types, on which those of a module stand
configure_rebuilt()
{
	cat "$2/config" "$(rebuilt_options)" >"$1/out/.config"
	kbuild_in "$1" olddefconfig >"$1/log" || build_failed "$1"
	grep -E '^(# )?CONFIG_' "$(rebuilt_options)" | grep -vxFf "$1/out/.config" >&2 &&
		die "$EX_SOFTWARE" "options.$row_vfio: the options above cannot be had"
	kbuild_in "$1" KERNELRELEASE="$(cat "$2/release")" modules_prepare >"$1/log" || build_failed "$1"
	dpkg-deb --fsys-tarfile "$(debs 'linux-headers-*-amd64_*')" | tar -xO --wildcards '*/Module.symvers' \
		>"$1/out/Module.symvers"
	cp "$2/vmlinux" "$1/out/vmlinux"
}

# unpack_source DIR: what Kconfig, modules_prepare and the modules need, a tenth of the tree: whole, it takes a minute
# to be removed on a busy disk
unpack_source()
{
	local deb top
	deb=$(debs 'linux-source-*')
	top=$(basename "${deb%%_*}")
	mkdir "$1/source"
	dpkg-deb --fsys-tarfile "$deb" | tar -xO --wildcards './usr/src/linux-source-*.tar.xz' |
		tar -xJ -C "$1/source" --strip-components=1 --wildcards '*/Kconfig*' '*/Makefile*' '*/Kbuild*' \
			"$top"/{scripts,include,arch/x86,security/selinux,kernel/bounds.c,kernel/time/timeconst.bc} \
			"$top"/tools/{arch,bpf,build,include,lib,objtool,scripts} \
			"$top"/{drivers/vfio,drivers/iommu/iommufd,drivers/iommu/iommu-priv.h,samples/vfio-mdev,lib/interval_tree.c}
}

# take_source DIR: what is built, as it is in the tree, in DIR/modules. What an option adds to the kernel image, the
# shipped one lacks: that goes into iommufd.ko.
take_source()
{
	local path
	for path in drivers/vfio drivers/iommu/iommufd drivers/iommu/iommu-priv.h samples/vfio-mdev lib/interval_tree.c; do
		mkdir -p "$1/modules/${path%/*}"
		cp -r "$1/source/$path" "$1/modules/$path"
	done
	sed -i 's/^obj-$(CONFIG_IOMMUFD_DRIVER).*/iommufd-y += iova_bitmap.o span.o/' "$1/modules/drivers/iommu/iommufd/Makefile"
	cat >"$1/modules/drivers/iommu/iommufd/span.c" <<-'EOF'
		#include <linux/export.h>
		#undef EXPORT_SYMBOL_GPL
		#define EXPORT_SYMBOL_GPL(symbol)
		#include "../../../lib/interval_tree.c"
	EOF
	echo 'obj-m := drivers/iommu/iommufd/ drivers/vfio/ samples/vfio-mdev/' >"$1/modules/Kbuild"
}

# install_rebuilt DIR IMAGE: in place of those that were shipped, without debug information, which these do not have either
install_rebuilt()
{
	local module tree
	tree=$2/lib/modules/$(cat "$2/release")/kernel
	rm -rf "$tree/drivers/vfio"
	(cd "$1/modules" && find . -name '*.ko') | while read -r module; do
		mkdir -p "$tree/${module%/*}"
		rm -f "$tree/${module%.ko}".ko*
		strip --strip-debug -o "$tree/$module" "$1/modules/$module"
	done
}

make_rebuilt_image()
{
	local dir image final shipped
	final=$(rebuilt_image_dir)
	[ ! -d "$final" ] || return 0
	shipped=$(shipped_image)
	dir=$(scratch_dir)
	image=$(scratch_dir)
	mkdir "$dir/out"
	say "building the modules of VFIO for $row_name (half a minute on two CPUs)"
	unpack_source "$dir"
	configure_rebuilt "$dir" "$shipped"
	take_source "$dir"
	kbuild_in "$dir" KERNELRELEASE="$(cat "$shipped/release")" KCFLAGS="-ffile-prefix-map=$dir/modules/=" \
		M="$dir/modules" modules >"$dir/log" || build_failed "$dir"
	cp -a "$shipped/." "$image/"
	install_rebuilt "$dir" "$image"
	publish "$image" "$final"
	rm -rf "$dir"
}
