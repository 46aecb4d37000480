/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/core/nbh/nbh.h"

/* Spec 11.2.  Divisions of integers: towards zero. */
void
nbh_cost_sample(struct nbh_cost *c, uint32_t rtt)
{
	int64_t delta = (int64_t)rtt - c->smoothed;

	if (!c->known) {
		*c = (struct nbh_cost){ .smoothed = rtt, .official = rtt, .known = true };
		return;
	}
	delta = delta > 0 ? delta / 10 : delta / 3;
	c->smoothed = (uint32_t)(c->smoothed + delta);
}

bool
nbh_cost_settle(struct nbh_cost *c)
{
	const uint64_t smoothed = c->smoothed, official = c->official;

	if (2 * smoothed >= official && smoothed <= 2 * official)
		return false;
	c->official = c->smoothed;
	return true;
}
