/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The wall clock as a test wants it, for one process (LD_PRELOAD): shifted by as many seconds as the file that
 * NTK_SHIFT names says at that moment, in its first 8 bytes.  The next 8 count how often the time of day was asked for.
 * All other clocks are the kernel's.  A namespace has no wall clock of its own, so this is as near as a test
 * comes to an administrator who sets it.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct shift {
	int64_t seconds;
	uint64_t asked;
};

static volatile struct shift *shift;

/* At the start: later there is no file to be opened. */
static void __attribute__((constructor))
begin(void)
{
	const char *path = getenv("NTK_SHIFT");
	int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *at = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(*shift), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		abort();
	close(fd);
	shift = at;
}

int
clock_gettime(clockid_t clock, struct timespec *t)
{
	long status = syscall(SYS_clock_gettime, clock, t);

	if (status == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
		shift->asked++;
		t->tv_sec += shift->seconds;
	}
	return (int)status;
}

int
gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	struct timespec t;

	(void)zone;
	if (clock_gettime(CLOCK_REALTIME, &t) != 0)
		return -1;
	*tv = (struct timeval){ t.tv_sec, t.tv_nsec / 1000 };
	return 0;
}

time_t
time(time_t *out)
{
	struct timespec t;

	if (clock_gettime(CLOCK_REALTIME, &t) != 0)
		return -1;
	if (out != NULL)
		*out = t.tv_sec;
	return t.tv_sec;
}
