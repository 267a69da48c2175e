#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# The units before systemd's own tools, and the Debian package. With LINTIAN=1 (make soak) lintian judges it, too.
load ../assert

setup_file()
{
	cd "$BATS_TEST_DIRNAME/../.." || return
	export DIR=$BATS_FILE_TMPDIR
	mkdir "$DIR/first" "$DIR/second"
	SOURCE_DATE_EPOCH=1700000000 tools/package/deb "$DIR/first" >"$DIR/made" || return
	PACKAGE=$(cat "$DIR/made")
	export PACKAGE
	dpkg-deb --extract "$PACKAGE" "$DIR/root" && dpkg-deb --control "$PACKAGE" "$DIR/control"
}

setup()
{
	cd "$BATS_TEST_DIRNAME/../.." || return
}

# verified UNIT: by systemd, with the program that was built in the place of the one that is not installed
verified()
{
	sed "s|/usr/sbin/vfioscope|$PWD/build/vfioscope|; /^Documentation=/d" tools/package/vfioscope.service >"$BATS_TEST_TMPDIR/vfioscope.service"
	sed '/^Documentation=/d' tools/package/vfioscope.socket >"$BATS_TEST_TMPDIR/vfioscope.socket"
	systemd-analyze verify "$BATS_TEST_TMPDIR/$1" 2>&1 | grep -F "$BATS_TEST_TMPDIR" || [ $? -eq 1 ]
}

@test "package: systemd finds nothing unknown in the units" {
	silent verified vfioscope.service
	silent verified vfioscope.socket
	echo 'NoSuchOption=yes' >>"$BATS_TEST_TMPDIR/vfioscope.service"
	systemd-analyze verify "$BATS_TEST_TMPDIR/vfioscope.service" 2>&1 | grep -q NoSuchOption
}

@test "package: the service is confined to 3.0 or better" {
	systemd-analyze security --offline=true --no-pager --threshold=30 tools/package/vfioscope.service >"$BATS_TEST_TMPDIR/security"
	echo "#$(tail -n 1 "$BATS_TEST_TMPDIR/security")" >&3
}

# Each of these hides what vfioscope reads, and says nothing: with them it would be armed and blind.
@test "package: the service has no option that blinds vfioscope" {
	absent '^(ProtectKernelTunables|ProtectKernelModules|ProtectKernelLogs|PrivateUsers|PrivateDevices)=' \
		tools/package/vfioscope.service
	grep -q '^CapabilityBoundingSet=.*CAP_SYSLOG' tools/package/vfioscope.service
}

@test "package: it has the program, its pages, the units, alerts and runbooks, and not vfio-stress" {
	"$DIR/root/usr/sbin/vfioscope" --version
	for page in docs/man/vfioscope*.8; do
		[ -s "$DIR/root/usr/share/man/man8/$(basename "$page").gz" ] || { echo "no $page"; return 1; }
	done
	for runbook in docs/runbooks/*.md; do
		[ -s "$DIR/root/usr/share/doc/vfioscope/runbooks/$(basename "$runbook")" ] || { echo "no $runbook"; return 1; }
	done
	[ -s "$DIR/root/lib/systemd/system/vfioscope.service" ]
	[ -s "$DIR/root/lib/systemd/system/vfioscope.socket" ]
	[ -s "$DIR/root/usr/lib/sysusers.d/vfioscope.conf" ]
	[ -s "$DIR/root/usr/share/doc/vfioscope/examples/alerts.yml" ]
	silent find "$DIR/root" -name '*stress*'
	silent find "$DIR/root" -perm /6022 ! -type l
	(cd "$DIR/root" && md5sum --quiet -c "$DIR/control/md5sums")
}

@test "package: the same sources give the same bytes" {
	sleep 1
	SOURCE_DATE_EPOCH=1700000000 tools/package/deb "$DIR/second"
	cmp "$PACKAGE" "$DIR/second/$(basename "$PACKAGE")"
}

@test "package: lintian has nothing to say" {
	[ -n "${LINTIAN:-}" ] || skip "LINTIAN=1 asks it"
	silent lintian --allow-root --no-tag-display-limit "$PACKAGE"
}
