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
		bool has;		/* the node has it, or shall have it */
		unsigned tries;		/* in vain, since it came */
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

const char *
takeup_word(const struct takeup *t, size_t nic)
{
	struct nic_state now = takeup_nic(t, nic);

	if (!now.present)
		return "gone";
	if (now.problem != NULL)
		return "unfit";
	if (!t->nic[nic].has)
		return "waiting";
	if (!now.up)
		return "down";
	return now.carrier ? "used" : "no_carrier";
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
	return now->present && now->problem == NULL && !t->nic[nic].has;
}

/* A line about NIC, whose name it begins with. */
static void __attribute__((format(printf, 3, 4)))
say(struct takeup *t, size_t nic, const char *fmt, ...)
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
	log_info("interface", "%s %s%s", name_of(t, nic), text, held);
}

/* One that is down is set up by being prepared, as at the start. */
static void
give(struct takeup *t, size_t nic, const struct nic_state *now)
{
	char mac[MAC_TEXT];

	t->nic[nic].has = true;
	t->nic[nic].tries = 0;
	say(t, nic, "is taken up: number %u, %s", (unsigned)now->ifindex, mac_print(now->mac, mac));
	wire_nic(t->d->wire, nic, NIC_UP, now);
	if (!nic_is_usable(now))
		wire_nic(t->d->wire, nic, NIC_DOWN, now);
}

static void
take(struct takeup *t, size_t nic, const struct nic_state *now)
{
	t->nic[nic].has = false;
	t->nic[nic].tries = 0;
	say(t, nic, "is gone");
	kernel_let_go(t->d->kernel, nic);
	wire_nic(t->d->wire, nic, NIC_GONE, now);
}

static void
tell_change(struct takeup *t, size_t nic, enum nic_news news, const struct nic_state *now)
{
	char mac[MAC_TEXT];

	if (news == NIC_UP)
		say(t, nic, "is up, %s", mac_print(now->mac, mac));
	else
		say(t, nic, "%s", now->problem != NULL ? now->problem : !now->up ? "is down" :
		    "has no carrier");
}

static void
on_news(size_t nic, enum nic_news news, const struct nic_state *now, void *arg)
{
	struct takeup *t = arg;

	if (news == NIC_GONE) {
		take(t, nic, now);
	} else if (!is_wanted(t, nic, now)) {
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
		say(t, nic, "(number %u) cannot be taken up: what was made on the one that had its name is "
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
		t->nic[i].has = kernel_device(d->kernel, 0, i).present;
		if (t->nic[i].has)
			continue;
		log_warnx("interface", "%s does not exist: it is taken up when it comes", name_of(t, i));
		node_nic_gone(d->node, daemon_now(), (unsigned)i);
	}
}

bool
takeup_watch(struct takeup *t)
{
	kernel_on_looked(t->d->kernel, on_looked, t);
	return watch_on_nics(t->d->watch, on_news, t);
}
