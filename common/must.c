/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/must.h"

#include <stddef.h>
#include <stdlib.h>

#include "common/log.h"

void *
must(void *p)
{
	must_be(p != NULL);
	return p;
}

void
must_be(int condition)
{
	if (condition)
		return;
	log_error("memory", "exhausted; ending, the next start cleans up");
	abort();
}
