#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the systemd unit takes away before the start, as far as that can be done without
# systemd: capabilities, new privileges, limits, mask.  Everything works with what is left, and
# none of the capabilities that are left is there for nothing.
. "$(dirname "$0")/lib.sh"
. "$NTK_SRCDIR/tests/integration/scenario.sh"

UNIT=$NTK_BUILD/contrib/ntkd.service
[[ -s $UNIT ]] || bail "there is no $UNIT"
command -v prlimit >/dev/null || skip_all 'needs prlimit'

# setting KEY: its value in the unit
setting()
{
	sed -n "s/^$1=//p" "$UNIT"
}

# bounds CAPABILITY…: as setpriv has it
bounds()
{
	local out=-all cap
	for cap; do
		cap=${cap#CAP_}
		out+=,+${cap,,}
	done
	echo "$out"
}

# through CAPABILITY…: makes $WORK/bin/ntkd start the daemon as the unit does, with these
REAL=$NTKD
through()
{
	cat >"$WORK/bin/ntkd" <<-END
	#!$BASH
	umask $(setting UMask)
	exec setpriv --bounding-set=$(bounds "$@") --inh-caps=-all --ambient-caps=-all --no-new-privs \\
		prlimit --core=$(setting LimitCORE) --nofile=$(setting LimitNOFILE) \\
		--memlock=$(setting LimitMEMLOCK) "$REAL" "\$@"
	END
	chmod +x "$WORK/bin/ntkd"
}
NTKD=$WORK/bin/ntkd
read -r -a caps <<<"$(setting CapabilityBoundingSet)"
diag "${caps[*]}"

scenario_system beta
system_config beta 'address = "1.0.1.0"' 'control-group = "64300"' 'operator-group = "64301"'
system_dump beta >"$WORK/before"
through "${caps[@]}"
for round in 1 2; do
	system_start_or_bail beta
	is "start $round: capabilities of ntkd" "$(grep -c '^Cap.*0000000000000000$' "/proc/${SYS_NTKD[beta]}/status")" 5
	check "start $round: an identity is loaded" ntk beta load_state "$SEED_STATE"
	ns=$(system_namespaces beta)
	is "start $round: its namespace is the page's" "$(system_facts beta "$ns")" "$(<"$FIXTURES/facts/seed-page")"
	system_end beta
	is "start $round: exit status" $? 0
	check_unchanged "start $round: nothing is left" beta "$WORK/before"
done

# After a crash the next start cleans up with the same few rights.
system_start_or_bail beta
ntk beta load_state "$SEED_STATE" >/dev/null
helper=$(system_helper beta)
kill -KILL "$helper" "${SYS_NTKD[beta]}"
system_reap beta "$helper"
system_start_or_bail beta
system_end beta
check_unchanged 'after a crash: nothing is left' beta "$WORK/before"

for cap in "${caps[@]}"; do
	less=()
	for other in "${caps[@]}"; do
		[[ $other == "$cap" ]] || less+=("$other")
	done
	through "${less[@]}"
	system_start beta
	status=$?
	if ((status != 0)); then
		ok "without $cap it does not start"
	else
		not_ok "without $cap it does not start"
	fi
	diag "$(tail -n 1 "$WORK/beta.log")"
	is "without $cap: exit status" "$(system_end beta; echo $?)" 1
done
check_unchanged 'the attempts leave nothing' beta "$WORK/before"
done_testing
