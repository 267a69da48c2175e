#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# What keeps a VM from starting with a device: each cause, made in a guest, with its words; and the kernel itself agrees.
# EVERY=1: all kernels and all causes.
load vm

# kernel:causes:kernel parameters:kind of host
GUESTS="fixed:pair:: 7.x:pair::"
[ -z "${EVERY:-}" ] || GUESTS="$GUESTS 6.1:pair:: 6.12:pair:: iommufd:cdev:: fixed:no_iommu:intel_iommu=off:
	6.12:no_iommu:intel_iommu=off: fixed:interrupts:intremap=off: 6.12:interrupts:intremap=off: 6.12:slots::pciehp
	fixed:slots::pciehp"

setup_file()
{
	local guest kernel causes append host
	for guest in $GUESTS; do
		IFS=: read -r kernel causes append host <<<"$guest"
		# shellcheck disable=SC2086 # words are wanted
		OUT=$BATS_FILE_TMPDIR/$kernel-$causes vm "$kernel" start.sh --env "CAUSE=$causes" --file "$TOP/build/tests/holder:/bin/holder" \
			${append:+--append "$append"} ${host:+--host "$host"} || return
	done
}

# with CAUSES COMMAND...: in each guest that has made them
with()
{
	local causes=$1 guest seen=
	shift
	for guest in $GUESTS; do
		case $guest in *:"$causes":*) ;; *) continue ;; esac
		OUT=$BATS_FILE_TMPDIR/${guest%%:*}-$causes
		"$@" || { echo "in $guest"; return 1; }
		seen=1
	done
	[ -n "$seen" ] || skip "only with EVERY=1"
}

# blocked NAME KIND SAYS NEXT: by that alone
blocked()
{
	has_status "$1" 7 &&
		is "$(jq -r '"\(.cases | length) \(.cases[0].verdict) \(.cases[0].confidence)"' "$OUT/$1")" "1 cannot-start high" &&
		is "$(jq -r '.cases[0].start | map(select(.blocks).kind) | join(" ")' "$OUT/$1")" "$2" &&
		in_text "$1" says "$3" && in_text "$1" next "$4"
}

# in_text NAME MEMBER PATTERN
in_text()
{
	jq -r ".cases[0].$2" "$OUT/$1" | grep -qE "$3" || { echo "$1: $2 lacks: $3"; jq -r ".cases[0].$2" "$OUT/$1"; return 1; }
}

# free NAME: nothing is in the way
free()
{
	has_status "$1" 0 && is "$(jq -r '.cases[] | "\(.verdict) \(.start | map(select(.blocks)) | length)"' "$OUT/$1")" "idle 0"
}

# given NAME, refused NAME: the kernel gave the device out then, or did not
given()
{
	grep -q ready "$OUT/$1-try.holder" || { cat "$OUT/$1-try.holder"; return 1; }
}

refused()
{
	says_not "$1-try.holder" ready && says "$1-try.holder" '^holder: '
}

of_override()
{
	blocked override driver-override 'driver_override, .* says pci-stub' 'echo > /sys/bus/pci/devices/0000:00:05.0/driver_override' &&
		refused override
}

@test "start: a driver_override that was left behind" {
	with pair of_override
}

of_fine()
{
	free fine && given fine && free stub && given stub
}

@test "start: nothing is in the way, also of a group with pci-stub in it, and the kernel gives the device out" {
	with pair of_fine
}

of_user()
{
	has_status user 7 && says user 'user nobody may not open' && says user 'LIMITS' &&
		blocked user-json permission 'belongs to root:root, mode 0600' 'OWNER="nobody"'
}

@test "start: an ordinary user is told that the file is not his" {
	with pair of_user
}

of_busy()
{
	local who
	who=$(grep -o 'pid=[0-9]*' "$OUT/busy.holder" | cut -d= -f2)
	blocked busy busy "busy: holder\[$who\] has group 1 open" 'stop it first' &&
		blocked busy-no-bpf busy "busy: holder\[$who\] has group 1 open" 'stop it first' && refused busy
}

@test "start: busy, and who has the group, with BPF and without" {
	with pair of_busy
}

of_said()
{
	local report
	report=$(grep '^{' "$OUT/said")
	has_status said 3 && says said '^vfio 0000:00:05.0: Could not open' &&
		is "$(jq -r '"\(.said.kind) \(.cases[0].verdict) \(.cases[0].device)"' <<<"$report")" "busy cannot-start 0000:00:05.0"
}

@test "start: what QEMU says is recognised and answered, and its status stays" {
	with pair of_said
}

of_not_viable()
{
	blocked not-viable not-viable 'group 1 is not viable: 0000:00:05.1 \(.*another function of the same card\) is at driver iosf_mbi_pci' \
		'driverctl set-override 0000:00:05.1 vfio-pci' && refused not-viable &&
		blocked wrong-driver wrong-driver '0000:00:05.1 .*is bound to iosf_mbi_pci' 'driverctl set-override 0000:00:05.1'
}

@test "start: a group that is not viable, and by which function of it" {
	with pair of_not_viable
}

of_no_module()
{
	blocked no-module no-driver 'bound to no driver' 'modprobe vfio-pci'
}

@test "start: VFIO is not loaded" {
	with pair of_no_module
}

of_cdev()
{
	blocked cdev busy 'has 0000:00:05.0 open by its own node' 'stop it first' && refused cdev
}

@test "start: the device is open by its own node" {
	with cdev of_cdev
}

of_no_iommu()
{
	blocked no-iommu no-iommu 'Its command line has intel_iommu=off' 'take intel_iommu=off off'
}

@test "start: the IOMMU is off" {
	with no_iommu of_no_iommu
}

of_interrupts()
{
	blocked interrupts unsafe-interrupts 'remaps no interrupts' 'take intremap=off' && refused interrupts &&
		free allowed && given allowed
}

@test "start: interrupts are not remapped, and are allowed so" {
	with interrupts of_interrupts
}

of_slots()
{
	blocked bridge bridge '0000:00:10.0 is a bridge' 'devices behind it' && free alive &&
		blocked gone gone 'its config space reads all ones' '/remove'
}

@test "start: a bridge, and a device that does not answer any more" {
	with slots of_slots
}
