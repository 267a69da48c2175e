#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Where the lab gets its kernels from: an archive in a folder, signed with a key of its own, with small packages of
# the real names. The host's mirror is not asked.

load ../assert
bats_require_minimum_version 1.5.0

setup_file()
{
	cd "$BATS_TEST_DIRNAME/../.." || return
	export GNUPGHOME=$BATS_FILE_TMPDIR/keys
	mkdir -m 700 "$GNUPGHOME"
	for key in lab stranger; do
		gpg --batch --quiet --passphrase '' --quick-generate-key "$key@example.org" rsa2048 sign never 2>/dev/null
		gpg --batch --quiet --export "$key@example.org" >"$BATS_FILE_TMPDIR/$key.gpg"
	done
}

teardown_file()
{
	gpgconf --kill gpg-agent 2>/dev/null || true
}

setup()
{
	cd "$BATS_TEST_DIRNAME/../.." || return
	A=$BATS_TEST_TMPDIR/archive
	mkdir -p "$A/pool"
	export VFIOSCOPE_CACHE=$BATS_TEST_TMPDIR/cache LAB_MIRROR=file:$A LAB_KEYRING=$BATS_FILE_TMPDIR/lab.gpg
	export VFIOSCOPE_MIRROR=file:$BATS_TEST_TMPDIR/none VFIOSCOPE_SECURITY_MIRROR=file:$BATS_TEST_TMPDIR/none
}

# package SUITE NAME VERSION [DEPENDS]
package()
{
	local dir=$BATS_TEST_TMPDIR/package file=pool/$2_$3_amd64.deb
	rm -rf "$dir"
	mkdir -p "$dir/DEBIAN" "$A/dists/$1/main/binary-amd64"
	cat >"$dir/DEBIAN/control" <<-EOF
		Package: $2
		Version: $3
		Architecture: amd64
		Maintainer: nobody <nobody@example.org>
		Depends: ${4:-libc6}
		Description: a package of the test
	EOF
	dpkg-deb --build --root-owner-group "$dir" "$A/$file" >/dev/null
	{
		cat "$dir/DEBIAN/control"
		echo "Filename: $file"
		echo "Size: $(stat -c %s "$A/$file")"
		echo "SHA256: $(sha256sum <"$A/$file" | cut -d' ' -f1)"
		echo
	} >>"$A/dists/$1/main/binary-amd64/Packages"
}

# kernel SUITE ABI VERSION: image, headers and source
kernel()
{
	package "$1" "linux-image-$2" "$3"
	package "$1" "linux-headers-$2" "$3"
	package "$1" "linux-source-$(cut -d. -f1,2 <<<"$3")" "$3"
}

# release SUITE [KEY]: signs its lists; with - nobody does
release()
{
	local dir=$A/dists/$1 list=main/binary-amd64/Packages
	cat >"$dir/Release" <<-EOF
		Suite: $1
		Codename: $1
		Architectures: amd64
		Components: main
		Date: Mon, 01 Jan 2024 00:00:00 UTC
		Valid-Until: Mon, 08 Jan 2024 00:00:00 UTC
		SHA256:
		 $(sha256sum <"$dir/$list" | cut -d' ' -f1) $(stat -c %s "$dir/$list") $list
	EOF
	[ "${2:-lab}" = - ] ||
		gpg --batch --quiet --local-user "${2:-lab}@example.org" --clearsign --output "$dir/InRelease" "$dir/Release"
}

# fetched: names and versions in the cache
fetched()
{
	find "$VFIOSCOPE_CACHE/debs" -name '*.deb' -printf '%f\n' | sort | paste -sd' '
}

@test "mirror: the newest kernel of the pattern, with headers of its version" {
	kernel bullseye-security 5.10.0-9-amd64 5.10.9-1
	kernel bullseye-security 5.10.0-51-amd64 5.10.300-1
	package bullseye-security linux-image-5.10.0-99-rt-amd64 5.10.300-1
	release bullseye-security
	tools/lab/lab fetch fixed
	is "$(fetched)" "linux-headers-5.10.0-51-amd64_5.10.300-1_amd64.deb linux-image-5.10.0-51-amd64_5.10.300-1_amd64.deb"
}

@test "mirror: a file that is gone leads to the next version, and it is said" {
	kernel bullseye-security 5.10.0-50-amd64 5.10.290-1
	kernel bullseye-security 5.10.0-51-amd64 5.10.300-1
	release bullseye-security
	rm "$A/pool/linux-headers-5.10.0-51-amd64_5.10.300-1_amd64.deb"
	run -0 tools/lab/lab fetch unfixed
	[[ "$output" == *"linux-image-5.10.0-51-amd64 cannot be had"* ]]
	[[ "$(fetched)" == *linux-image-5.10.0-50-amd64_5.10.290-1* ]]
	[[ "$(fetched)" != *linux-source-5.10_5.10.300-1* ]]
}

@test "mirror: when the suite of updates is gone, the other one does" {
	kernel bullseye 5.10.0-30-amd64 5.10.218-1
	release bullseye
	run -0 tools/lab/lab fetch fixed
	[[ "$output" == *"no suite bullseye-security: "* ]]
	[[ "$(fetched)" == *linux-image-5.10.0-30-amd64_5.10.218-1* ]]
}

@test "mirror: when nothing is left, one line says which suites, and what to set" {
	kernel bullseye 5.10.0-30-amd64 5.10.218-1
	release bullseye
	rm "$A"/pool/linux-image-*
	run -69 tools/lab/lab fetch fixed
	echo "$output"
	is "$(grep -c 'cannot be had from bullseye-security,bullseye; set LAB_MIRROR to an archive' <<<"$output")" 1
	[ ! -e "$VFIOSCOPE_CACHE/debs/"*.deb ]
}

@test "mirror: a metapackage is followed, wherever it points" {
	package bookworm linux-image-amd64 6.1.170-1 "linux-image-6.1.0-57-amd64 (= 6.1.170-1)"
	kernel bookworm 6.1.0-57-amd64 6.1.170-1
	release bookworm
	tools/lab/lab fetch 6.1
	[[ "$(fetched)" == *linux-image-6.1.0-57-amd64_6.1.170-1* ]]
	rm -rf "$VFIOSCOPE_CACHE" "$A/dists/bookworm"
	package bookworm linux-image-amd64 6.1.180-1 "linux-image-6.1.0-60-amd64 (= 6.1.180-1)"
	kernel bookworm 6.1.0-57-amd64 6.1.170-1
	kernel bookworm 6.1.0-60-amd64 6.1.180-1
	release bookworm
	tools/lab/lab fetch 6.1
	[[ "$(fetched)" == *linux-image-6.1.0-60-amd64_6.1.180-1* ]]
	[[ "$(fetched)" != *6.1.0-57* ]]
}

@test "mirror: without the metapackage the pattern does" {
	kernel bookworm 6.1.0-57-amd64 6.1.170-1
	release bookworm
	tools/lab/lab fetch 6.1
	[[ "$(fetched)" == *linux-image-6.1.0-57-amd64_6.1.170-1* ]]
}

# refused WORDS: by apt, for that reason, and nothing came
refused()
{
	run -69 tools/lab/lab fetch fixed
	echo "$output"
	grep -qiE "$1" <<<"$output" || return
	silent find "$VFIOSCOPE_CACHE" -name '*.deb'
}

@test "mirror: lists that nobody signed are refused" {
	kernel bullseye 5.10.0-30-amd64 5.10.218-1
	release bullseye -
	refused 'no suite bullseye: .*(not signed|signature)'
}

@test "mirror: lists that a stranger signed are refused" {
	kernel bullseye 5.10.0-30-amd64 5.10.218-1
	release bullseye stranger
	refused 'no suite bullseye: .*(not signed|signature|NO_PUBKEY)'
}

@test "mirror: an archive is checked with Debian's own key, when none is named" {
	kernel bullseye 5.10.0-30-amd64 5.10.218-1
	release bullseye
	unset LAB_KEYRING
	refused 'no suite bullseye: .*(not signed|signature|NO_PUBKEY)'
}

@test "mirror: lists that were altered after they were signed are refused" {
	kernel bullseye 5.10.0-30-amd64 5.10.218-1
	release bullseye
	sed -i 's/a package of the test/a package of another/' "$A/dists/bullseye/main/binary-amd64/Packages"
	refused 'no suite bullseye: .*(size|hash)'
}

@test "mirror: a package that was altered is refused" {
	kernel bullseye 5.10.0-30-amd64 5.10.218-1
	release bullseye
	printf x | dd of="$A/pool/linux-image-5.10.0-30-amd64_5.10.218-1_amd64.deb" bs=1 seek=100 conv=notrunc status=none
	refused 'linux-image-5.10.0-30-amd64 cannot be had: .*(hash|size)'
}
