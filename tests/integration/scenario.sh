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

# beta's old identity in the middle of its migration (scenario.md, the seed page), as load_state takes it.
SEED_STATE=$FIXTURES/seed-page.json
