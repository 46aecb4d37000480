#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Wrong configurations and starts that cannot work: one line says what, where and what to do, the
# exit status is 1, and nothing has changed.
. "$(dirname "$0")/lib.sh"

system_new one eth1=02:00:00:00:01:01
system_dump one >"$WORK/before"
conf=$WORK/one.conf

# -- values, with ntkd -t ---------------------------------------------------------

# wrong KEY VALUE [REGEX]: refused, by file and by -o, with key, value and what is allowed.
wrong()
{
	local key=$1 value=$2 regex=${3:-.} out status
	system_config one "$key = $value"
	out=$(in_system one "$NTKD" -t -c "$conf" 2>&1)
	status=$?
	if ((status != 1)) || [[ $out != *"$key"* || ! $out =~ $regex ]]; then
		not_ok "$key = $value" "status $status: $out"
		return
	fi
	ok "$key = $value"
	WRONG+=("$key = $value")
}
WRONG=()

wrong topology '"3.2.2.2"' 'power'
wrong topology '"4.1.2.2"'
wrong topology '"4.2.2."'
wrong topology '""'
wrong topology '"2.2.2.2"'
wrong topology '"4.65536.65536"'
wrong topology '"4,2,2,2"'
wrong range '"10.0.0.0"'
wrong range '"10.0.0.1/8"'
wrong range '"10.0.0.0/33"'
wrong range '"10.0.0.0/28"'
wrong range '"fd00::/8"'
wrong range '"224.0.0.0/8"'
wrong address '"1.0.1"'
wrong address '"1.0.1.2"'
wrong address '"1.0.1.x"'
wrong address '"1.0.1.0.0"'
wrong mode '"automatic"'
wrong anonymize-others maybe
wrong accept-anonymous 2
wrong subnet-level 4
wrong subnet-level -1
wrong subnet-level one
wrong max-paths 0
wrong max-paths 100000
wrong runtime-dir '"run"'
wrong runtime-dir '""'
wrong runtime-dir "\"/$(printf 'x%.0s' {1..200})\""
wrong control-socket '"control"'
wrong user '"root"'
wrong user '"0"'
wrong user '""'
wrong helper-user '"root"'
wrong helper-user "\"$NTK_UID\""
wrong routing-protocol 4
wrong routing-protocol 256
wrong tables '"251"'
wrong tables '"200-251"'
wrong tables '"255-200"'
wrong tables '"251-a"'
wrong more-tables '"11023-10000"'
wrong more-tables '"10000-10010"'
wrong more-tables '"10000-20000"'
wrong mark-mask 0
wrong mark-mask 0x5
wrong mark-mask 0x100000000
wrong allow-overlap perhaps
wrong rule-priority 0
wrong rule-priority 32766
wrong radar-interval 0
wrong radar-interval 99999999
wrong handover-delay -1
wrong handover-delay 999999999999

# -- the file itself ----------------------------------------------------------------

# wrong_file TITLE REGEX [CHECK]: $conf as it is now is refused; the line names the file.
wrong_file()
{
	local out status
	out=$(in_system one "$NTKD" -t -c "$conf" 2>&1)
	status=$?
	if ((status != 1)) || [[ ! $out =~ $2 ]]; then
		not_ok "$1" "status $status: $out"
	else
		ok "$1"
	fi
}

system_config one; echo 'colour = "red"' >>"$conf"
wrong_file 'unknown key' 'one\.conf:[0-9]+.*colour'
system_config one; echo 'mode = "manual"' >>"$conf"
wrong_file 'key given twice' 'one\.conf:[0-9]+.*mode'
system_config one; echo 'interface eth1 { }' >>"$conf"
wrong_file 'interface given twice' 'eth1'
system_config one; sed -i '/interface/d' "$conf"
wrong_file 'no interface' 'interface'
system_config one; echo 'interface a-name-that-is-too-long { }' >>"$conf"
wrong_file 'name of an interface too long' 'a-name-that-is-too-long'
system_config one; echo 'interface lo { }' >>"$conf"
wrong_file 'lo as interface' 'lo'
system_config one; echo 'mode =' >"$conf"
wrong_file 'truncated' 'one\.conf'
system_config one; printf 'mode = "man\0ual"\n' >>"$conf"
wrong_file 'a byte 0' 'one\.conf'
# shellcheck disable=SC2016
system_config one 'user = "${HOME}"'
wrong_file 'an environment variable' 'one\.conf'
head -c 70000 /dev/zero | tr '\0' '\n' >"$conf"
wrong_file 'too large' 'one\.conf'
rm "$conf"
wrong_file 'not there' 'one\.conf'
mkdir "$conf"
wrong_file 'a directory' 'one\.conf'
rmdir "$conf"
mkfifo "$conf"
wrong_file 'a pipe' 'one\.conf'
rm "$conf"

system_config one
out=$(in_system one "$NTKD" -t -c "$conf" 2>&1)
is 'a good one: exit status' $? 0
printf '%s\n' "$out" >"$WORK/again.conf"
is 'a good one: its canonical form is one of itself' \
	"$(in_system one "$NTKD" -t -c "$WORK/again.conf")" "$out"
check 'an override' in_system one "$NTKD" -t -c "$conf" -o max-paths=7
out=$(in_system one "$NTKD" -t -c "$conf" -o max-paths=0 2>&1)
is 'a wrong override: exit status' $? 1
like 'a wrong override: names the key' "$out" max-paths

# -- usage ----------------------------------------------------------------------------

for args in '--colour' '-c' '-o' 'word'; do
	# shellcheck disable=SC2086
	out=$(in_system one "$NTKD" $args 2>&1)
	is "ntkd $args: exit status" $? 2
done
check 'ntkd -V' "$NTKD" -V
check 'ntkd -h' "$NTKD" -h

# -- starts ----------------------------------------------------------------------------

# cannot TITLE REGEX [OPTION…]: ntkd does not start, says why, and nothing changes.
cannot()
{
	cannot_with 1 "$@"
}

cannot_with()
{
	local want=$1 title=$2 regex=$3 status
	shift 3
	system_launch one "$@"
	system_reap one
	status=$?
	is "$title: exit status" $status "$want"
	like "$title: says why" "$(<"$WORK/one.log")" "$regex"
	if ((status == 255)); then
		system_end one KILL
	fi
	check_unchanged "$title: nothing changes" one "$WORK/before"
}

system_config one; chmod 0664 "$conf"
cannot 'configuration writable by a group' 'one\.conf.*(writ|chmod|mode)'
system_config one; chmod 0646 "$conf"
cannot 'configuration writable by everybody' 'one\.conf.*(writ|chmod|mode)'
system_config one; chmod 0644 "$conf"; chown 64200 "$conf"
cannot "configuration that is not root's" 'one\.conf.*(root|own)'
chown 0 "$conf"

# Who exists is asked where ntkd shall run, so not by -t.
for key in user helper-user control-group operator-group; do
	system_config one "$key = \"no-such-name\""
	cannot "$key that does not exist" no-such-name
done

system_config one; echo 'interface eth9 { }' >>"$conf"
system_launch one
if wait_for 10 is_gone "${SYS_NTKD[one]}"; then
	system_reap one
	is 'an interface that is not there: exit status' $? 1
	like 'an interface that is not there: is named' "$(<"$WORK/one.log")" 'eth9'
else
	# Interfaces may come later.
	check 'an interface that is not there: starts with the others' wait_for 10 system_is_up one
	like 'an interface that is not there: is named' "$(<"$WORK/one.log")" 'eth9'
	system_end one
fi
check_unchanged 'an interface that is not there: nothing is left' one "$WORK/before"

system_config one
cannot 'helper that is not there' 'no-such-helper' --helper "$WORK/no-such-helper"
cannot 'helper that is no program' 'one\.conf' --helper "$conf"
cannot_with 3 'helper that ends at once' '[Hh]elper' --helper /bin/true

in_system one ip address add 10.1.2.3/24 dev lo
system_dump one >"$WORK/before"
cannot 'an address of the range on an interface of others' '10\.1\.2\.(3|0).*allow-overlap'
system_config one 'allow-overlap = true'
check 'the same with allow-overlap' system_start one
system_end one
is 'the same with allow-overlap: exit status' $? 0
check_unchanged 'the same with allow-overlap: nothing is left' one "$WORK/before"
in_system one ip address del 10.1.2.3/24 dev lo
in_system one ip route add blackhole 10.4.0.0/16
system_dump one >"$WORK/before"
system_config one
cannot 'a route of the range' '10\.4\.0\.0/16.*allow-overlap'
in_system one ip route del blackhole 10.4.0.0/16
in_system one ip route add blackhole default
system_dump one >"$WORK/before"
check 'a default route is no overlap' system_start one
system_end one
check_unchanged 'a default route stays' one "$WORK/before"
in_system one ip route del blackhole default
system_dump one >"$WORK/before"

system_start_or_bail one
system_dump one >"$WORK/running"
first=${SYS_NTKD[one]}
in_system one "$NTKD" -f -c "$conf" --helper "$NTK_HELPER" >"$WORK/second.log" 2>&1
is 'a second ntkd: exit status' $? 1
like 'a second ntkd: names the first' "$(<"$WORK/second.log")" "$first"
check_unchanged 'a second ntkd: nothing changes' one "$WORK/running"
check 'a second ntkd: the first one serves on' ntk one status
system_end one
check_unchanged 'nothing is left' one "$WORK/before"

# Programs that other users can reach.
cp "$NTKD" "$NTK_HELPER" "$WORK/bin/"
for user in "$NTK_UID" 65534; do
	in_system one setpriv --reuid "$user" --regid "$user" --clear-groups \
		"$WORK/bin/ntkd" -f -c "$conf" --helper "$WORK/bin/ntkd-priv" >"$WORK/other.log" 2>&1
	is "user $user cannot start it: exit status" $? 1
	like "user $user cannot start it: says why" "$(<"$WORK/other.log")" '[Rr]oot'
done
check 'but anybody can check a configuration' in_system one \
	setpriv --reuid 65534 --regid 65534 --clear-groups "$WORK/bin/ntkd" -t -c "$conf"
in_system one setpriv --bounding-set -sys_admin "$NTKD" -f -c "$conf" --helper "$NTK_HELPER" \
	>"$WORK/other.log" 2>&1
is 'root without CAP_SYS_ADMIN: exit status' $? 1
like 'root without CAP_SYS_ADMIN: says why' "$(<"$WORK/other.log")" '(capabilit|CAP_|permitted|right)'
"$WORK/bin/ntkd-priv" </dev/null >"$WORK/other.log" 2>&1
like 'the helper started by hand refuses' $? '^[12]$'
check_unchanged 'nothing is left' one "$WORK/before"
done_testing
