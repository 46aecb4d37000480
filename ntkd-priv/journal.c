/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd-priv/journal.h"

#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "common/privfd.h"

static off_t
records(void)
{
	struct stat st;

	if (fstat(PRIV_FD_JOURNAL, &st) == 0)
		return st.st_size / (off_t)sizeof(struct journal_record);
	log_warn("journal", "cannot be read");
	return 0;
}

static bool
record_read(off_t i, struct journal_record *r)
{
	off_t at = i * (off_t)sizeof(*r);

	return pread(PRIV_FD_JOURNAL, r, sizeof(*r), at) == (ssize_t)sizeof(*r);
}

static bool
record_write(off_t i, const struct journal_record *r)
{
	off_t at = i * (off_t)sizeof(*r);

	return pwrite(PRIV_FD_JOURNAL, r, sizeof(*r), at) == (ssize_t)sizeof(*r);
}

bool
journal_add(const struct journal_record *r)
{
	off_t n = records(), i = n;
	struct journal_record have;

	if (r->kind == JOURNAL_NAMESPACE)
		for (i = 0; i < n; i++)
			if (record_read(i, &have) && have.kind == JOURNAL_GONE)
				break;
	return record_write(i, r);
}

void
journal_forget_namespace(uint32_t number)
{
	const struct journal_record gone = { .kind = JOURNAL_GONE };
	struct journal_record r;

	for (off_t i = records(); i-- > 0; )
		if (record_read(i, &r) && r.kind == JOURNAL_NAMESPACE && r.value == number &&
		    !record_write(i, &gone))
			log_warn("journal", "cannot be written");
}

void
journal_walk(journal_each *each, void *arg)
{
	struct journal_record r;

	for (off_t i = records(); i-- > 0; )
		if (record_read(i, &r)) {
			r.path[sizeof(r.path) - 1] = '\0';
			each(&r, arg);
		}
}

void
journal_clear(void)
{
	if (ftruncate(PRIV_FD_JOURNAL, 0) != 0)
		log_warn("journal", "cannot be emptied");
}
