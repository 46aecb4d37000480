# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034
#
# The six systems of the reference scenario; read after lib.sh.

SCENARIO=(alfa beta gamma delta mu epsilon)
declare -A SCENARIO_MAC=(
	[alfa]=00:16:3e:fd:e2:aa [beta]=00:16:3e:ec:a3:e1 [gamma]=00:16:3e:5b:78:d5
	[delta]=00:16:3e:1a:c4:45 [mu]=00:16:3e:2d:8d:de [epsilon]=00:16:3e:3c:14:33
)
declare -A SCENARIO_ADDRESS=(
	[alfa]=3.0.1.0 [beta]=1.0.1.0 [gamma]=2.1.1.0
	[delta]=3.1.0.1 [mu]=1.0.1.1 [epsilon]=3.1.0.0
)

# scenario_system NAME: makes that system and its configuration; starts nothing.
scenario_system()
{
	system_new "$1" "eth1=${SCENARIO_MAC[$1]}"
	system_config "$1" "address = \"${SCENARIO_ADDRESS[$1]}\""
}

# beta's old identity in the middle of its migration (the seed page), as load_state takes it.
SEED_STATE=$FIXTURES/states/seed-page-beta-n1.json

# The settings of every system and namespace that runs (spec/kernel-state 3).
SETTINGS='sysctl conf/DEV/arp_announce 2
sysctl conf/DEV/arp_ignore 1
sysctl conf/DEV/rp_filter 0
sysctl conf/all/rp_filter 0
sysctl ip_forward 1'

# wanted FIXTURE: tests/fixtures/expected/FIXTURE.txt, which the function from facts to kernel state
# is tested against, in the words of tests/integration/facts, tables by their MACs.
wanted()
{
	awk '
		/^(namespace|dev 0)$/ { next }
		$1 == "address" && $2 ~ /^169\.254\./ { print "address DEV OWN/32"; next }
		$1 == "address" { print "address", $4 == "lo" ? "lo" : "DEV", $2 "/32"; next }
		$1 == "neighbour" { print "route main", $2 "/32 dev DEV src OWN"; next }
		$1 == "source-nat" { print "snat", $3, "to", $5; next }
		/^(route|mark|rule) / { sub(/ dev 0/, " dev DEV"); print; next }
		{ print "not understood:", $0 }' "$FIXTURES/expected/$1.txt" | sort
}

# made NAME [NAMESPACE]: the kernel state there in the same words; settings apart.
made()
{
	system_facts "$@" | awk '
		{ line[NR] = $0 }
		$1 == "mark" { mac[$3] = $2; line[NR] = "mark " $2 }
		END {
			mac[251] = "ntk"
			mac[254] = "main"
			for (i = 1; i <= NR; i++) {
				n = split(line[i], w, " ")
				if (w[1] == "sysctl")
					continue
				if (w[1] == "route" && w[2] in mac)
					sub("^route " w[2], "route " mac[w[2]], line[i])
				if (w[1] == "rule")
					line[i] = "rule " mac[w[n]] (w[2] == "mark" && w[3] != w[n] ? " by " w[3] : "")
				print line[i]
			}
		}' | sort
}

# settings NAME [NAMESPACE]: the settings there, to be compared with SETTINGS.
settings()
{
	system_facts "$@" | grep '^sysctl '
}

# expected PHASE NAME: the fixture, with the link-locals that the neighbours' interfaces have
expected()
{
	local name script=
	for name in "${SCENARIO[@]}"; do
		script+="s/\\b${LINKLOCAL[$name]//./\\.}\\b/$(own_linklocal "$name")/g;"
	done
	script+="s/\\b${BETAS_OTHER_LINKLOCAL//./\\.}\\b/$(other_linklocal)/g;"
	wanted "$1-$2-n0" | sed "$script" | sort
}

own_linklocal()
{
	in_system "$1" ip -4 -o address show dev eth1 |
		sed -n '1s/.* \(169\.254\.[0-9.]*\)\/32 .*/\1/p'
}

# As the fixtures call them.
declare -A LINKLOCAL=(
	[alfa]=169.254.69.30 [beta]=169.254.96.141 [gamma]=169.254.94.223
	[delta]=169.254.253.216 [mu]=169.254.119.176 [epsilon]=169.254.163.36
)
BETAS_OTHER_MAC=00:16:3e:ee:af:d1
BETAS_OTHER_LINKLOCAL=169.254.27.218

# Of the pseudo-interface in beta's other namespace; nothing when there is none.
other_linklocal()
{
	local ns
	ns=$(system_namespaces beta)
	[[ -z $ns ]] || in_system beta ip -n "$ns" -4 -o address show |
		sed -n 's/.* \(169\.254\.[0-9.]*\)\/32 .*/\1/p' | head -n 1
}

# is_quiet PHASE: every default namespace is what the fixture says
is_quiet()
{
	local name
	for name in "${SCENARIO[@]}"; do
		[[ $(made_names "$name") == "$(expected "$1" "$name")" ]] || return 1
	done
}

# made_names NAME: what is there, beta's pseudo-interface called as the fixtures do
made_names()
{
	local mac
	mac=$(other_mac)
	made "$1" | sed "s/${mac:-none}/$BETAS_OTHER_MAC/" | sort
}

other_mac()
{
	local ns
	ns=$(system_namespaces beta)
	[[ -z $ns ]] || in_system beta ip -n "$ns" -o link show type macvlan |
		sed -n 's/.*link\/ether \([0-9a-f:]*\).*/\1/p' | head -n 1
}

# silent NAME ADDRESS…: those of the addresses that do not answer a ping from there, sorted
silent()
{
	local name=$1
	shift
	in_system "$name" "$BASH" -c '
		for a; do
			ping -n -q -c 1 -W 5 "$a" >/dev/null 2>&1 || echo "$a" &
		done
		wait' silent "$@" | sort
}

# reachable PHASE: lines "FROM TO ADDRESS…" of tests/fixtures/reachable.txt
reachable()
{
	sed -n "s/^$1 //p" "$FIXTURES/reachable.txt"
}
