# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Reads the systemd unit, for tests without a running systemd.

UNIT=$NTK_BUILD/contrib/ntkd.service

# unit_settings: the lines KEY=VALUE of its section [Service]
unit_settings()
{
	sed -n '/^\[Service\]/,/^\[Install\]/p' "$UNIT" | grep '^[A-Za-z]*='
}

# expand WORD…: calls and groups of calls as calls
expand()
{
	local word
	for word; do
		case $word in
		@*) systemd-analyze syscall-filter --no-pager "$word" | sed -n 's/^ \{4\}\([@a-z0-9_-]*\)$/\1/p' |
			while read -r call; do expand "$call"; done ;;
		*) echo "$word" ;;
		esac
	done
}

# unit_calls FILE: writes there what SystemCallFilter= leaves, a call on each line
unit_calls()
{
	local line
	: >"$1"
	while read -r line; do
		# shellcheck disable=SC2046,SC2086
		case $line in
		~*) expand ${line#\~} | sort -u | comm -23 "$1" - >"$1.next" ;;
		*) { cat "$1"; expand $line; } | sort -u >"$1.next" ;;
		esac
		mv "$1.next" "$1"
	done < <(sed -n 's/^SystemCallFilter=//p' "$UNIT")
}
