/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd-priv/journal.h"

#include <errno.h>
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
	ssize_t n = pwrite(PRIV_FD_JOURNAL, r, sizeof(*r), i * (off_t)sizeof(*r));

	if (n >= 0 && n != (ssize_t)sizeof(*r))
		errno = ENOSPC;
	return n == (ssize_t)sizeof(*r);
}

bool
journal_add(const struct journal_record *r)
{
	off_t n = records(), i = 0;
	struct journal_record have;

	while (i < n && record_read(i, &have) && have.kind != JOURNAL_GONE)
		i++;
	return record_write(i, r);
}

/* Cuts off what is settled at the end. */
static void
trim(void)
{
	struct journal_record r;
	off_t n = records();

	while (n > 0 && record_read(n - 1, &r) && r.kind == JOURNAL_GONE)
		n--;
	if (ftruncate(PRIV_FD_JOURNAL, n * (off_t)sizeof(r)) != 0)
		log_warn("journal", "cannot be cut");
}

void
journal_walk(journal_each *each, void *arg)
{
	const struct journal_record gone = { .kind = JOURNAL_GONE };
	struct journal_record r;

	for (off_t i = records(); i-- > 0; ) {
		if (!record_read(i, &r) || r.kind == JOURNAL_GONE)
			continue;
		r.path[sizeof(r.path) - 1] = '\0';
		if (each(&r, arg) && !record_write(i, &gone))
			log_warn("journal", "cannot be written");
	}
	trim();
}
