# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# TAP for shell scripts: source it, call ok, not_ok or verdict, end with finish.

SRCDIR=${NTK_SRCDIR:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}
BUILD=${NTK_BUILD:-$SRCDIR/build}
tap_count=0
tap_failed=0

ok()
{
	tap_count=$((tap_count + 1))
	printf 'ok %d - %s\n' "$tap_count" "$*"
}

not_ok()
{
	tap_count=$((tap_count + 1))
	tap_failed=$((tap_failed + 1))
	printf 'not ok %d - %s\n' "$tap_count" "$*"
}

skip()
{
	tap_count=$((tap_count + 1))
	printf 'ok %d - %s # SKIP %s\n' "$tap_count" "$1" "$2"
}

# verdict NAME TEXT: good when TEXT is empty, else TEXT says what is wrong.
verdict()
{
	if [ -z "$2" ]; then
		ok "$1"
	else
		not_ok "$1"
		note "$2"
	fi
}

note()
{
	printf '%s\n' "$*" | sed 's/^/# /'
}

skip_all()
{
	printf '1..0 # SKIP %s\n' "$*"
	exit 0
}

finish()
{
	printf '1..%d\n' "$tap_count"
	[ "$tap_failed" -eq 0 ]
	exit
}
