/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/kernel/drift.h"

#include <assert.h>
#include <string.h>

static uint64_t
earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t
later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

void
drift_init(struct drift *d, uint64_t period)
{
	memset(d, 0, sizeof(*d));
	d->period = period;
}

/* What was told so far is answered by a check that begins now. */
static void
causes_clear(struct drift_space *s)
{
	s->touched = s->linked = s->asked = s->retry = DRIFT_NEVER;
}

void
drift_began(struct drift *d, unsigned ns, uint64_t now)
{
	struct drift_space *s = &d->spaces[ns];

	assert(ns < KERNEL_NAMESPACES);
	if (s->present)
		return;
	*s = (struct drift_space){ .present = true, .periodic = now + d->period };
	causes_clear(s);
	s->retry = now + DRIFT_WAIT_MIN;
}

void
drift_gone(struct drift *d, unsigned ns)
{
	assert(ns < KERNEL_NAMESPACES);
	d->spaces[ns] = (struct drift_space){ .present = false };
}

/* Calls EACH for NS, or for all there are. */
typedef void space_function(struct drift_space *s, uint64_t now);

static void
spaces_call(struct drift *d, unsigned ns, uint64_t now, space_function *each)
{
	for (unsigned i = 0; i < KERNEL_NAMESPACES; i++)
		if ((ns == DRIFT_ALL || ns == i) && d->spaces[i].present)
			each(&d->spaces[i], now);
}

static void
space_touched(struct drift_space *s, uint64_t now)
{
	s->touched = earlier(s->touched, now);
}

static void
space_linked(struct drift_space *s, uint64_t now)
{
	s->linked = earlier(s->linked, now);
	s->retry_wait = 0;
}

static void
space_asked(struct drift_space *s, uint64_t now)
{
	s->asked = earlier(s->asked, now);
}

void
drift_touched(struct drift *d, unsigned ns, uint64_t now)
{
	spaces_call(d, ns, now, space_touched);
}

void
drift_linked(struct drift *d, unsigned ns, uint64_t now)
{
	spaces_call(d, ns, now, space_linked);
}

void
drift_asked(struct drift *d, unsigned ns, uint64_t now)
{
	spaces_call(d, ns, now, space_asked);
}

static uint64_t
after(uint64_t time, uint64_t wait)
{
	return time == DRIFT_NEVER ? DRIFT_NEVER : time + wait;
}

static uint64_t
link_due(const struct drift_space *s)
{
	return after(s->linked, DRIFT_GATHER);
}

static uint64_t
touch_due(const struct drift_space *s)
{
	return s->touched == DRIFT_NEVER ? DRIFT_NEVER :
	    later(s->touched + DRIFT_GATHER, s->open);
}

static uint64_t
space_due(const struct drift_space *s)
{
	if (!s->present || s->running)
		return DRIFT_NEVER;
	return earlier(earlier(earlier(s->periodic, touch_due(s)),
	    earlier(link_due(s), s->asked)), s->retry);
}

static unsigned
first_due(const struct drift *d)
{
	unsigned best = 0;

	for (unsigned i = 1; i < KERNEL_NAMESPACES; i++)
		if (space_due(&d->spaces[i]) < space_due(&d->spaces[best]))
			best = i;
	return best;
}

bool
drift_next(struct drift *d, uint64_t now, unsigned *ns)
{
	unsigned first = first_due(d);
	struct drift_space *s = &d->spaces[first];

	if (space_due(s) > now)
		return false;
	s->running = true;
	s->by_link = s->linked != DRIFT_NEVER;
	s->by_touch = s->touched != DRIFT_NEVER;
	causes_clear(s);
	*ns = first;
	return true;
}

uint64_t
drift_deadline(const struct drift *d)
{
	return space_due(&d->spaces[first_due(d)]);
}

static uint64_t
doubled(uint64_t wait)
{
	return wait == 0 ? DRIFT_WAIT_MIN : earlier(wait * 2, DRIFT_WAIT_MAX);
}

/* Somebody had changed something, or had not for a whole period. */
static void
fight_judge(struct drift_space *s, const struct priv_checked *total, uint64_t period,
    uint64_t now)
{
	bool repaired = total->repaired != 0 || total->removed != 0;

	if (repaired && !s->by_link) {
		s->wait = doubled(s->wait);
		s->repaired = now;
		s->open = now + s->wait;
	} else if (!repaired && now - s->repaired >= period) {
		s->wait = 0;
	}
	if (s->by_touch)
		s->open = later(s->open, now + DRIFT_WAIT_MIN);
}

static void
failed_judge(struct drift_space *s, const struct priv_checked *total, uint64_t now)
{
	s->retry_wait = total->failed != 0 ? doubled(s->retry_wait) : 0;
	if (total->failed != 0)
		s->retry = earlier(s->retry, now + s->retry_wait);
}

void
drift_checked(struct drift *d, unsigned ns, const struct kernel_found *found, uint64_t now)
{
	struct drift_space *s = &d->spaces[ns];

	assert(ns < KERNEL_NAMESPACES);
	/* It may have gone, and another may have come, while the check was under way. */
	if (!s->present || !s->running)
		return;
	s->running = false;
	s->periodic = now + d->period;
	if (!found->ok) {
		/* What caused it is not answered. */
		s->retry = now + DRIFT_WAIT_MIN;
		return;
	}
	fight_judge(s, &found->total, d->period, now);
	failed_judge(s, &found->total, now);
}
