/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd-priv/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "common/privfd.h"
#include "tests/unit/tap.h"

enum { SEEN = 8 };

static char lines[400];		/* of the log */

static void
on_line(enum log_level level, const char *line, void *arg)
{
	(void)level;
	(void)arg;
	strncat(lines, line, sizeof(lines) - strlen(lines) - 1);
}

/* The log tells TEXT, or nothing when it is empty; then it is empty again. */
static void
logged(const char *text)
{
	CU_ASSERT(text[0] == '\0' ? lines[0] == '\0' : strstr(lines, text) != NULL);
	lines[0] = '\0';
}

/* What a walk was shown, and for which values it says "settled". */
struct walk {
	uint32_t seen[SEEN];
	size_t n;
	uint32_t settled;	/* one value; 0 means none, UINT32_MAX all */
};

static bool
look(const struct journal_record *r, void *arg)
{
	struct walk *w = arg;

	CU_ASSERT_FATAL(w->n < SEEN);
	w->seen[w->n++] = r->value;
	return w->settled == UINT32_MAX || r->value == w->settled;
}

static void
walk(struct walk *w, uint32_t settled)
{
	*w = (struct walk){ .settled = settled };
	journal_walk(look, w);
}

/* An empty journal in the place where the helper has it. */
static void
open_empty(void)
{
	char path[] = "/tmp/ntk-journal.XXXXXX";
	int fd = mkstemp(path);

	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_FATAL(dup2(fd, PRIV_FD_JOURNAL) == PRIV_FD_JOURNAL);
	if (fd != PRIV_FD_JOURNAL)
		close(fd);
	unlink(path);
}

static off_t
size(void)
{
	struct stat st;

	CU_ASSERT_FATAL(fstat(PRIV_FD_JOURNAL, &st) == 0);
	return st.st_size;
}

static off_t
size_of(unsigned records)
{
	return (off_t)(records * sizeof(struct journal_record));
}

static void
add(uint32_t value)
{
	const struct journal_record r = { .kind = JOURNAL_NAMESPACE, .value = value };

	CU_ASSERT(journal_add(&r));
}

static void
test_order(void)
{
	struct walk w;

	open_empty();
	walk(&w, 0);
	CU_ASSERT_EQUAL(w.n, 0);
	for (uint32_t i = 1; i <= 3; i++)
		add(i);
	CU_ASSERT_EQUAL(size(), size_of(3));
	for (int again = 0; again < 2; again++) {
		walk(&w, 0);
		CU_ASSERT_EQUAL(w.n, 3);
		for (uint32_t i = 0; i < 3; i++)
			CU_ASSERT_EQUAL(w.seen[i], 3 - i);
		CU_ASSERT_EQUAL(size(), size_of(3));
	}
}

/* Settled in the middle: never shown again, and its place is used again. */
static void
test_settled(void)
{
	struct walk w;

	open_empty();
	for (uint32_t i = 1; i <= 3; i++)
		add(i);
	walk(&w, 2);
	CU_ASSERT_EQUAL(w.n, 3);
	CU_ASSERT_EQUAL(size(), size_of(3));
	walk(&w, 0);
	CU_ASSERT_EQUAL(w.n, 2);
	CU_ASSERT(w.seen[0] == 3 && w.seen[1] == 1);
	add(4);
	CU_ASSERT_EQUAL(size(), size_of(3));
	walk(&w, 0);
	CU_ASSERT_EQUAL(w.n, 3);
	CU_ASSERT(w.seen[0] == 3 && w.seen[1] == 4 && w.seen[2] == 1);
	logged("");
}

/* What is settled at the end is cut off, whatever stands before it is kept. */
static void
test_trim(void)
{
	struct walk w;

	open_empty();
	for (uint32_t i = 1; i <= 3; i++)
		add(i);
	walk(&w, 2);
	walk(&w, 3);
	CU_ASSERT_EQUAL(size(), size_of(1));
	walk(&w, 0);
	CU_ASSERT(w.n == 1 && w.seen[0] == 1);
	walk(&w, UINT32_MAX);
	CU_ASSERT_EQUAL(size(), 0);
	logged("");
}

/* A record that a crash cut short is neither shown nor in the way of the next one. */
static void
test_cut_short(void)
{
	struct walk w;

	open_empty();
	add(1);
	add(2);
	CU_ASSERT(ftruncate(PRIV_FD_JOURNAL, size() - 1) == 0);
	walk(&w, 0);
	CU_ASSERT(w.n == 1 && w.seen[0] == 1);
	add(3);
	CU_ASSERT_EQUAL(size(), size_of(2));
	walk(&w, 0);
	CU_ASSERT(w.n == 2 && w.seen[0] == 3 && w.seen[1] == 1);
}

static bool
path_ends(const struct journal_record *r, void *arg)
{
	bool *ended = arg;

	*ended = memchr(r->path, '\0', sizeof(r->path)) != NULL;
	return false;
}

static void
test_path(void)
{
	struct journal_record r = { .kind = JOURNAL_FORWARDING };
	bool ended = false;

	open_empty();
	memset(r.path, 'x', sizeof(r.path));
	CU_ASSERT(journal_add(&r));
	journal_walk(path_ends, &ended);
	CU_ASSERT(ended);
}

/* A full file system: what could be written in part was not noted. */
static void
test_full(void)
{
	const struct journal_record r = { .kind = JOURNAL_NAMESPACE, .value = 3 };
	struct rlimit whole, tight;
	struct walk w;

	open_empty();
	add(1);
	CU_ASSERT_FATAL(getrlimit(RLIMIT_FSIZE, &whole) == 0);
	tight = whole;
	tight.rlim_cur = (rlim_t)size() + sizeof(r) / 2;
	CU_ASSERT_FATAL(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	CU_ASSERT_FATAL(setrlimit(RLIMIT_FSIZE, &tight) == 0);
	errno = 0;
	CU_ASSERT_FALSE(journal_add(&r));
	CU_ASSERT_EQUAL(errno, ENOSPC);
	CU_ASSERT_FATAL(setrlimit(RLIMIT_FSIZE, &whole) == 0);
	walk(&w, 0);
	CU_ASSERT(w.n == 1 && w.seen[0] == 1);
}

/* One that cannot be written answers so, with the error; one that cannot be read is empty. */
static void
test_unusable(void)
{
	const struct journal_record r = { .kind = JOURNAL_NAMESPACE, .value = 1 };
	struct walk w;
	int fd = open("/dev/null", O_RDONLY);

	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_FATAL(dup2(fd, PRIV_FD_JOURNAL) == PRIV_FD_JOURNAL);
	if (fd != PRIV_FD_JOURNAL)
		close(fd);
	errno = 0;
	CU_ASSERT_FALSE(journal_add(&r));
	CU_ASSERT_EQUAL(errno, EBADF);
	walk(&w, 0);
	logged("cannot be cut");
	close(PRIV_FD_JOURNAL);
	walk(&w, 0);
	CU_ASSERT_EQUAL(w.n, 0);
	logged("cannot be read");
}

/* What cannot be settled stays, and the log says so. */
static void
test_read_only(void)
{
	char path[] = "/tmp/ntk-journal.XXXXXX";
	const struct journal_record r = { .kind = JOURNAL_NAMESPACE, .value = 5 };
	int fd = mkstemp(path), reading;
	struct walk w;

	CU_ASSERT_FATAL(fd >= 0 && write(fd, &r, sizeof(r)) == sizeof(r));
	reading = open(path, O_RDONLY | O_CLOEXEC);
	unlink(path);
	CU_ASSERT_FATAL(reading >= 0 && dup2(reading, PRIV_FD_JOURNAL) == PRIV_FD_JOURNAL);
	walk(&w, UINT32_MAX);
	CU_ASSERT_EQUAL(w.n, 1);
	logged("cannot be written");
	walk(&w, 0);
	CU_ASSERT(w.n == 1 && w.seen[0] == 5);
	close(fd);
	close(reading);
}

int
main(void)
{
	static const struct tap_test tests[] = {
		{ "shows its records from the newest to the oldest", test_order },
		{ "forgets what is settled, and uses its place", test_settled },
		{ "cuts off what is settled at the end, and nothing else", test_trim },
		{ "passes over a record that was cut short", test_cut_short },
		{ "shows a path that ends, whatever the file holds", test_path },
		{ "notes nothing by halves when there is no room", test_full },
		{ "says when it cannot be written, and is empty when it cannot be read",
		    test_unusable },
		{ "keeps what cannot be settled", test_read_only },
	};

	log_set_hook(on_line, NULL);
	return TAP_RUN(tests);
}
