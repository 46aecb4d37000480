/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/ownnet.h"

#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/tap.h"

static bool
loopback_up(void)
{
	struct ifreq req = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool ok;

	req.ifr_flags = IFF_UP;
	ok = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &req) == 0;
	if (fd >= 0)
		close(fd);
	return ok;
}

bool
ownnet_enter(void)
{
	static bool there;

	if (there)
		return true;
	if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
		tap_skip("needs a network namespace of its own: %s", strerror(errno));
		return false;
	}
	there = loopback_up();
	CU_ASSERT_TRUE(there);
	return there;
}

bool
ownnet_run(const char *fmt, ...)
{
	char command[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	fflush(NULL);
	return system(command) == 0;
}
