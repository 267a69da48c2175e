#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# inspect on running kernels: vfio.ko loaded, not loaded, and VFIO built in (kallsyms and kcore).
load vm

in_guest()
{
	run "$TOP/tools/lab/lab" run "$@"
	echo "$output"
}

@test "inspect: running fixed kernel, vfio.ko loaded, checked against its build-id" {
	in_guest fixed --host "${HOST:-amd}" -- 'vfioscope inspect'
	[ "$status" -eq 0 ]
	[[ "$output" == *FIXED*"the loaded vfio has the same build-id as its file"* ]]
	[[ "$output" == *"vfio_group_put_bg+0x"*"refcount_dec_and_mutex_lock"* ]]
}

@test "inspect: running unfixed kernel, as a user without privileges" {
	in_guest unfixed -- 'su -s /bin/sh nobody -c "vfioscope inspect --running"'
	[ "$status" -eq 3 ]
	[[ "$output" == *VULNERABLE*"iommu_group_unregister_notifier"* ]]
}

@test "inspect: the file on disk is not what is loaded" {
	in_guest unfixed --file "$("$TOP/tools/lab/lab" path fixed vfio.ko):/opt/vfio.ko" -- \
		'cp /opt/vfio.ko "$(find /lib/modules -name vfio.ko)"; vfioscope inspect'
	[ "$status" -eq 5 ]
	[[ "$output" == *INCONCLUSIVE*"not what is loaded"* ]]
}

@test "inspect: 6.12, vfio.ko not loaded" {
	in_guest 6.12 --no-vfio -- 'vfioscope inspect'
	[ "$status" -eq 0 ]
	[[ "$output" == *NOT-APPLICABLE*"vfio is not loaded"* ]]
}

@test "inspect: VFIO built in and fixed, from the kernel's memory" {
	in_guest builtin -- 'vfioscope inspect; echo "root: status $?"
		su -s /bin/sh nobody -c "vfioscope inspect; echo \"nobody: status \$?\""'
	[[ "$output" == *"FIXED  "*"/proc/kcore"*"takes the address of vfio_group_put_bg"* ]]
	[[ "$output" == *"root: status 0"* ]]
	[[ "$output" == *"vfioscope inspect: "*sudo*"nobody: status 6"* ]]
}

# boot_image IMAGE: what inspect says there, and its status, on the console
boot_image()
{
	local dir=$BATS_TEST_TMPDIR
	mkdir -p "$dir/root/bin" "$dir/root/proc" "$dir/root/sys" "$dir/root/dev" "$dir/root/etc"
	cp "$(command -v busybox)" "$dir/root/bin/busybox"
	cp "$TOP/build/vfioscope" "$dir/root/bin/"
	ln -s busybox "$dir/root/bin/sh"
	cp "$BATS_TEST_DIRNAME/builtin-init" "$dir/root/init"
	(cd "$dir/root" || exit; find . | cpio --quiet -o -H newc -R 0:0) >"$dir/initramfs"
	timeout 120 qemu-system-x86_64 -accel tcg -cpu max -m 512 -nographic -no-reboot -kernel "$1" \
		-initrd "$dir/initramfs" -append 'console=ttyS0 quiet panic=-1' </dev/null | tr -d '\r'
}

# Minutes to build, so only `make soak` does.
@test "inspect: VFIO built in and unfixed, from the kernel's memory" {
	[ -z "${FETCH:-}" ] || "$TOP/tools/lab/inspect-table" --fetch vmlinuz-unfixed
	image=$("$TOP/tools/lab/inspect-table" --path vmlinuz-unfixed) ||
		skip "the kernel is not in the cache: tools/lab/inspect-table --fetch vmlinuz-unfixed"
	run boot_image "$image"
	echo "$output"
	[[ "$output" == *"VULNERABLE  "*"vfio_group_release+0x"*"iommu_group_unregister_notifier"* ]]
	[[ "$output" == *"root: status 3"* ]]
}
