# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Steady streams of packets between systems, and what became of them (tests/steady.c): read after lib.sh.
#
# A stream is written ping:FROM:ADDRESS, or tcp:FROM:TO:ADDRESS for a connection to TO, which has ADDRESS.

STEADY=${NTK_STEADY:-$NTK_BUILD/tests/steady}
STREAMS=()
declare -A STREAM_PID=()
STREAM_PORT=7000
STREAM_US=${NTK_STREAM_US:-10000}	# between packets

# steady NAME FILE ARG…: starts it there and waits until it is ready
steady()
{
	local name=$1 file=$2
	shift 2
	: >"$file"	# an earlier one of the same name was ready, too
	nsenter -t "${SYS_PID[$name]}" -m -n -- "$STEADY" "$@" </dev/null >"$file" 2>&1 &
	STREAM_PID[$file]=$!
	wait_for 10 grep -qx ready "$file" || bail "$name: steady $*: $(<"$file")"
}

# streams_start STREAM…
streams_start()
{
	local stream kind from to address
	[[ -x $STEADY ]] || bail "needs $STEADY: make check builds it"
	STREAMS=("$@")
	STREAM_PID=()
	for stream in "${STREAMS[@]}"; do
		IFS=: read -r kind from to address <<<"$stream"
		case $kind in
		ping) steady "$from" "$WORK/$stream" ping "$to" "$STREAM_US" ;;
		tcp)
			((++STREAM_PORT))
			steady "$to" "$WORK/$stream.take" take $STREAM_PORT
			steady "$from" "$WORK/$stream" give "$address" $STREAM_PORT "$STREAM_US"
			;;
		esac
	done
}

# streams_stop: ends them and waits until all that was on its way is counted
streams_stop()
{
	local stream file
	for stream in "${STREAMS[@]}"; do
		kill -TERM "${STREAM_PID[$WORK/$stream]}"
	done
	for file in "${!STREAM_PID[@]}"; do
		wait_for 20 is_gone "${STREAM_PID[$file]}" || bail "steady does not end: ${file##*/}"
		wait "${STREAM_PID[$file]}"
	done
}

# counted_as FILE WORD: the number after that word in the last line
counted_as()
{
	sed -n "\$s/.* $2 \\([0-9]*\\).*/\\1/p" "$WORK/$1"
}

ms()
{
	printf '%d.%d' $(($1 / 1000)) $(($1 % 1000 / 100))
}

streams_table()
{
	local s kind from to address
	printf '  %-26s %6s %8s %5s %9s %6s %6s\n' pings sent answered lost overflow pause rtt
	for s in "${STREAMS[@]}"; do
		IFS=: read -r kind from to address <<<"$s"
		[[ $kind == ping ]] || continue
		printf '  %-7s %-18s %6d %8d %5d %9d %6s %6s\n' "$from" "$to" "$(counted_as "$s" sent)" \
			"$(counted_as "$s" answered)" "$(counted_as "$s" lost)" "$(counted_as "$s" overflow)" \
			"$(ms "$(counted_as "$s" pause)")" "$(ms "$(counted_as "$s" rtt)")"
		stream_losses "$s"
	done
	for s in "${STREAMS[@]}"; do
		IFS=: read -r kind from to address <<<"$s"
		[[ $kind == tcp ]] || continue
		printf '  connection %s to %s, %s: %d octets, %d received, %d wrong, %d segments sent again, pause %s ms\n' \
			"$from" "$to" "$address" "$(counted_as "$s" bytes)" "$(counted_as "$s" confirmed)" \
			"$(counted_as "$s.take" wrong)" "$(counted_as "$s" retransmitted)" \
			"$(ms "$(counted_as "$s.take" pause)")"
	done
}

# stream_losses STREAM: when and why, if any
stream_losses()
{
	sed -n 's/^lost \([0-9]*\) \([0-9]*\) \([0-9]*\) \([0-9]*\) /\1 \2 \3 \4 /p' "$WORK/$1" |
	while read -r first count since until why; do
		printf '    lost: %d from number %d, at %d.%03d s to %d.%03d s: %s\n' "$count" "$first" \
			$((since / 1000000)) $((since / 1000 % 1000)) $((until / 1000000)) $((until / 1000 % 1000)) "$why"
	done
}

# Was nothing lost but perhaps what we had no room for?
stream_whole()
{
	(($(counted_as "$1" sent) > 100 && $(counted_as "$1" lost) <= $(counted_as "$1" overflow)))
}

stream_lives()
{
	(($(counted_as "$1" bytes) > 10000 && $(counted_as "$1" bytes) == $(counted_as "$1" confirmed) &&
		$(counted_as "$1.take" wrong) == 0))
}

# streams_check TEXT STREAM…: a test for each
streams_check()
{
	local s kind from to address text=$1
	shift
	for s; do
		IFS=: read -r kind from to address <<<"$s"
		case $kind in
		ping) check "$text: no ping of $from to $to is lost" stream_whole "$s" ;;
		tcp) check "$text: the connection of $from to $to, $address, is whole" stream_lives "$s" ;;
		esac
	done
}
