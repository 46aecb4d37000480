/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/kernel/diff.h"

#include <stdlib.h>

#include "ntkd/kernel/grow.h"

/* A diff that grows. */
struct work {
	struct kdiff *d;
	size_t size;
	bool failed;
};

static void
add(struct work *w, const struct kobj *from, const struct kobj *to)
{
	struct kchange *v = w->failed ? NULL : grow(w->d->v, w->d->n, 1, &w->size, sizeof(*v));

	w->failed = v == NULL;
	if (w->failed)
		return;
	w->d->v = v;
	w->d->v[w->d->n++] = (struct kchange){ from, to };
}

/* One walk over both sorted sets. */
static void
merge(struct work *w, const struct kset *have, const struct kset *want)
{
	size_t i = 0;
	size_t j = 0;

	while (i < have->n || j < want->n) {
		int c = i == have->n ? 1 : j == want->n ? -1 :
		    kobj_cmp(&have->v[i], &want->v[j]);

		if (c < 0) {
			add(w, &have->v[i++], NULL);
		} else if (c > 0) {
			add(w, NULL, &want->v[j++]);
		} else {
			if (!kobj_same_value(&have->v[i], &want->v[j]))
				add(w, &have->v[i], &want->v[j]);
			i++;
			j++;
		}
	}
}

static const struct kobj *
namespace_of(const struct kset *s)
{
	return kset_find(s, &(struct kobj){ .kind = KOBJ_NS });
}

bool
kdiff_make(struct kdiff *d, const struct kset *have, const struct kset *want)
{
	struct work w = { .d = d };
	const struct kobj *ns = namespace_of(have);

	*d = (struct kdiff){ .v = NULL };
	if (namespace_of(want) != NULL)
		merge(&w, have, want);
	else if (ns != NULL)
		add(&w, ns, NULL);
	if (w.failed) {
		kdiff_free(d);
		return false;
	}
	korder_sort(d->v, d->n);
	return true;
}

void
kdiff_free(struct kdiff *d)
{
	free(d->v);
	*d = (struct kdiff){ .v = NULL };
}
