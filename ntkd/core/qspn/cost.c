/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/core/qspn/cost.h"

#include "proto/peermsg.h"

uint64_t
cost_add(uint64_t a, uint64_t b)
{
	if (a > COST_MAX || b > COST_MAX || a + b > COST_MAX)
		return COST_DEAD;
	return a + b;
}

static bool
is_measured(uint64_t cost)
{
	return cost != COST_NULL && cost != COST_DEAD;
}

bool
cost_is_significant(uint64_t old, uint64_t new_)
{
	if (!is_measured(old) || !is_measured(new_))
		return old != new_;
	return new_ > old + new_ * 3 / 10 || new_ < old - old * 3 / 10;
}

bool
nodes_is_significant(uint32_t old, uint32_t new_)
{
	uint64_t o = old, n = new_;

	return 10 * n > 11 * o || 10 * n < 9 * o;
}

bool
cost_read(uint8_t kind, uint64_t us, uint64_t *cost)
{
	switch (kind) {
	case PEER_COST_MEASURED:
		*cost = us;
		return us >= 1 && us <= COST_MAX;
	case PEER_COST_NULL:
		*cost = COST_NULL;
		return true;
	case PEER_COST_DEAD:
		*cost = COST_DEAD;
		return true;
	}
	return false;
}

void
cost_write(uint64_t cost, uint8_t *kind, uint64_t *us)
{
	*us = is_measured(cost) ? cost : 0;
	*kind = cost == COST_NULL ? PEER_COST_NULL : cost == COST_DEAD ? PEER_COST_DEAD :
	    PEER_COST_MEASURED;
}
