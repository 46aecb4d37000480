/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntkd/io/takeup.h"

#include <event2/event.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/log.h"
#include "common/tbf.h"
#include "ntkd/io/events.h"
#include "ntkd/io/watch.h"
#include "ntkd/io/wire.h"

enum { LINE = 300, HELD = 64 };

struct takeup {
	struct daemon *d;
	struct event *retry;
	struct {
		bool has;		/* the node has it, or shall have it … */
		ntk_mac_t mac;		/* … with this hardware address */
		unsigned tries;		/* in vain, since it came */
		const char *twin;	/* whose hardware address it has, as was told; NULL: nothing was */
		struct tbf lines;	/* of the log; what is held back is told with the next */
	} nic[CONF_INTERFACES];
};

static const char *
name_of(const struct takeup *t, size_t nic)
{
	return t->d->conf.interfaces[nic].name;
}

struct nic_state
takeup_nic(const struct takeup *t, size_t nic)
{
	struct kernel_dev dev = kernel_device(t->d->kernel, 0, nic);
	const struct nic_state *told = watch_nic(t->d->watch, nic);

	return told != NULL ? *told : (struct nic_state){ .present = dev.present,
		.ifindex = dev.ifindex, .mac = dev.mac, .up = true, .carrier = true };
}

/*
 * The interface that the node has and that has the hardware address of NIC, which it has not; NULL: none.
 * Spec/neighborhood 8.1 ends the daemon for it; one that runs already shall not end for what is plugged in.
 */
static const char *
twin_of(const struct takeup *t, size_t nic, ntk_mac_t mac)
{
	for (size_t i = 0; i < t->d->conf.n_interfaces && !t->nic[nic].has; i++)
		if (t->nic[i].has && mac_cmp(t->nic[i].mac, mac) == 0)
			return name_of(t, i);
	return NULL;
}

const char *
takeup_word(const struct takeup *t, size_t nic)
{
	struct nic_state now = takeup_nic(t, nic);

	if (!now.present)
		return "gone";
	if (now.problem != NULL || twin_of(t, nic, now.mac) != NULL)
		return "unfit";
	if (!t->nic[nic].has)
		return "waiting";
	if (!now.up)
		return "down";
	return now.carrier ? "used" : "no_carrier";
}

const char *
takeup_why(const struct takeup *t, size_t nic, char buf[TAKEUP_WHY])
{
	struct nic_state now = takeup_nic(t, nic);
	const char *twin = twin_of(t, nic, now.mac);

	if (!now.present || (now.problem == NULL && t->nic[nic].has))
		return NULL;
	if (now.problem != NULL)
		snprintf(buf, TAKEUP_WHY, "%s", now.problem);
	else if (twin != NULL)
		snprintf(buf, TAKEUP_WHY, "has the hardware address of %s and is not used: neighbours could not tell "
		    "them apart; give one of them another (ip link set dev %s address ...)", twin, name_of(t, nic));
	else
		snprintf(buf, TAKEUP_WHY, "is taken up when what was made on the one that had its name is gone");
	return buf;
}

/* The helper has found the interface that is there now. */
static bool
is_found(const struct takeup *t, size_t nic, const struct nic_state *now)
{
	struct kernel_dev dev = kernel_device(t->d->kernel, 0, nic);

	return dev.present && dev.ifindex == now->ifindex;
}

static bool
is_wanted(const struct takeup *t, size_t nic, const struct nic_state *now)
{
	return now->present && now->problem == NULL && !t->nic[nic].has && twin_of(t, nic, now->mac) == NULL;
}

/* A line about NIC, whose name it begins with; a warning when somebody has to do something. */
static void __attribute__((format(printf, 4, 5)))
say(struct takeup *t, size_t nic, bool warn, const char *fmt, ...)
{
	struct tbf *lines = &t->nic[nic].lines;
	char text[LINE], held[HELD] = "";
	va_list ap;

	if (!tbf_pass(lines, daemon_now()))
		return;
	if (lines->refused > 0)
		snprintf(held, sizeof(held), " (%llu lines held back before this one)",
		    (unsigned long long)lines->refused);
	lines->refused = 0;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(warn ? log_warnx : log_info)("interface", "%s %s%s", name_of(t, nic), text, held);
}

/* One that is down is set up by being prepared, as at the start. */
static void
give(struct takeup *t, size_t nic, const struct nic_state *now)
{
	char mac[MAC_TEXT];

	t->nic[nic].has = true;
	t->nic[nic].mac = now->mac;
	t->nic[nic].tries = 0;
	t->nic[nic].twin = NULL;
	say(t, nic, false, "is taken up: number %u, %s", (unsigned)now->ifindex, mac_print(now->mac, mac));
	wire_nic(t->d->wire, nic, NIC_UP, now);
	if (!nic_is_usable(now))
		wire_nic(t->d->wire, nic, NIC_DOWN, now);
}

static void
take(struct takeup *t, size_t nic, const struct nic_state *now)
{
	t->nic[nic].has = false;
	t->nic[nic].tries = 0;
	t->nic[nic].twin = NULL;
	say(t, nic, false, "is gone");
	kernel_let_go(t->d->kernel, nic);
	wire_nic(t->d->wire, nic, NIC_GONE, now);
}

static void
tell_change(struct takeup *t, size_t nic, enum nic_news news, const struct nic_state *now)
{
	char mac[MAC_TEXT];

	if (news == NIC_UP)
		say(t, nic, false, "is up, %s", mac_print(now->mac, mac));
	else
		say(t, nic, now->problem != NULL, "%s", now->problem != NULL ? now->problem : !now->up ? "is down" :
		    "has no carrier");
}

/* Once for each that has its hardware address, however often its state changes. */
static void
tell_twin(struct takeup *t, size_t nic, const char *twin)
{
	char why[TAKEUP_WHY];

	if (t->nic[nic].twin == twin)
		return;
	t->nic[nic].twin = twin;
	say(t, nic, true, "%s", takeup_why(t, nic, why));
}

static void
on_news(size_t nic, enum nic_news news, const struct nic_state *now, void *arg)
{
	struct takeup *t = arg;
	const char *twin = now->problem == NULL ? twin_of(t, nic, now->mac) : NULL;

	if (news == NIC_GONE) {
		take(t, nic, now);
	} else if (twin != NULL) {
		tell_twin(t, nic, twin);
	} else if (!is_wanted(t, nic, now)) {
		t->nic[nic].mac = now->mac;
		tell_change(t, nic, news, now);
		wire_nic(t->d->wire, nic, news, now);
	} else if (is_found(t, nic, now)) {
		give(t, nic, now);
	} else {
		kernel_look(t->d->kernel);
	}
	events_nic(t->d, nic, takeup_word(t, nic));
	daemon_pump(t->d);
}

/* Another one is in its place still, or the helper is asked too often. */
static void
in_vain(struct takeup *t, size_t nic, const struct nic_state *now)
{
	if (++t->nic[nic].tries == TAKEUP_PATIENCE)
		say(t, nic, true, "(number %u) cannot be taken up: what was made on the one that had its name is "
		    "not all gone, or ntkd-priv does not find it; tried again every second",
		    (unsigned)now->ifindex);
}

static void
on_looked(bool ok, void *arg)
{
	static const struct timeval later = { TAKEUP_RETRY, 0 };
	struct takeup *t = arg;

	(void)ok;
	for (size_t i = 0; i < t->d->conf.n_interfaces; i++) {
		struct nic_state now = takeup_nic(t, i);

		if (!is_wanted(t, i, &now))
			continue;
		if (is_found(t, i, &now)) {
			give(t, i, &now);
			events_nic(t->d, i, takeup_word(t, i));
		} else {
			in_vain(t, i, &now);
			event_add(t->retry, &later);
		}
	}
}

static void
on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct takeup *t = arg;

	(void)fd;
	(void)what;
	kernel_look(t->d->kernel);
	daemon_pump(t->d);
}

struct takeup *
takeup_new(struct daemon *d)
{
	struct takeup *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->d = d;
	for (size_t i = 0; i < CONF_INTERFACES; i++)
		tbf_init(&t->nic[i].lines, TAKEUP_LINES, 1, daemon_now());
	t->retry = evtimer_new(d->base, on_retry, t);
	if (t->retry == NULL) {
		free(t);
		return NULL;
	}
	return t;
}

void
takeup_free(struct takeup *t)
{
	if (t == NULL)
		return;
	kernel_on_looked(t->d->kernel, NULL, NULL);
	event_free(t->retry);
	free(t);
}

void
takeup_begin(struct takeup *t)
{
	struct daemon *d = t->d;

	for (size_t i = 0; i < d->conf.n_interfaces; i++) {
		struct kernel_dev dev = kernel_device(d->kernel, 0, i);
		const char *twin = twin_of(t, i, dev.mac);

		t->nic[i].has = dev.present && twin == NULL;
		t->nic[i].mac = dev.mac;
		if (t->nic[i].has)
			continue;
		if (dev.present)
			tell_twin(t, i, twin);
		else
			say(t, i, true, "does not exist: it is taken up when it comes");
		node_nic_gone(d->node, daemon_now(), (unsigned)i);
	}
}

bool
takeup_watch(struct takeup *t)
{
	kernel_on_looked(t->d->kernel, on_looked, t);
	return watch_on_nics(t->d->watch, on_news, t);
}
