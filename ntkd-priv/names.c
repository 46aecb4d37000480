/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd-priv/names.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "common/privfd.h"

static const char names_new[] = PRIV_TABLE_NAMES ".new";

static bool
lines_write(int fd, const struct ledger *l)
{
	char mac[MAC_TEXT], line[48];
	int len;

	for (unsigned i = PEER_NTK; i < LEDGER_PEERS; i++) {
		const struct peer *p = &l->peer[i];

		if (!p->slot.used)
			continue;
		len = i == PEER_NTK ? snprintf(line, sizeof(line), "%u\tntk\n", p->table) :
		    snprintf(line, sizeof(line), "%u\tntk_from_%s\n", p->table,
		    mac_print_upper(p->mac, mac));
		if (write(fd, line, (size_t)len) != len)
			return false;
	}
	return true;
}

void
names_write(const struct ledger *l)
{
	int fd = openat(PRIV_FD_RUN, names_new, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW |
	    O_CLOEXEC, 0644);
	bool ok = fd >= 0 && lines_write(fd, l);

	if (fd >= 0)
		close(fd);
	if (ok && renameat(PRIV_FD_RUN, names_new, PRIV_FD_RUN, PRIV_TABLE_NAMES) == 0)
		return;
	log_warn("names", "the names of tables cannot be written");
	unlinkat(PRIV_FD_RUN, names_new, 0);
}

void
names_remove(void)
{
	unlinkat(PRIV_FD_RUN, names_new, 0);
	unlinkat(PRIV_FD_RUN, PRIV_TABLE_NAMES, 0);
}
