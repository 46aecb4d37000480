/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_CORE_QSPN_INT_H
#define NTKD_CORE_QSPN_INT_H

/*
 * What the files of the routing core share: the state of a manager, and what each file
 * does for the others.  A public function stores time and list of actions in the
 * manager (call_begin()), so that those below need not hand them on.
 */

#include "ntkd/core/qspn/cost.h"
#include "ntkd/core/qspn/fps.h"
#include "ntkd/core/qspn/qspn.h"
#include "ntkd/core/qspn/scratch.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NEVER UINT64_MAX
#define MS UINT64_C(1000)	/* µs */
#define SECOND (1000 * MS)

enum {
	ARC_WORDS = 4,			/* of 64 bits: a set of arcs */
	ARC_SLOTS = 64 * ARC_WORDS,	/* the most that max_arcs may be */
};

/* Why a full ETP was asked for: what follows its answer. */
enum why {
	WHY_NEWS = 1 << 0,	/* nothing but to learn */
	WHY_ADDED = 1 << 1,	/* a new arc: a full ETP goes back */
	WHY_BOOT = 1 << 2,	/* the next step of the bootstrap */
};

struct arc {
	uint32_t number;	/* the caller's */
	uint32_t id;		/* in paths, random, not 0 */
	uint32_t call;		/* the request under way, 0 none */
	uint8_t slot;		/* in sets of arcs */
	uint8_t why;		/* bits of enum why */
	uint64_t cost;
	uint64_t since;
	uint64_t asked;		/* when a full ETP was last asked for because of old numbers (A5) */
	uint64_t ask_at;	/* when to do it again, NEVER */
	bool known;		/* peer and at are */
	bool numbered;		/* incarnation and seq are */
	uint8_t late;		/* answers in a row whose numbers were older than seq */
	bool told;		/* told_*: what the neighbour recorded of our g-node that it sees */
	uint8_t told_level;
	uint32_t told_nodes;
	uint64_t incarnation, seq;
	struct coord at;	/* coord_n(peer) */
	struct naddr peer;
	struct fingerprint told_fp;
};

/* What an update changed about a path: bits. */
enum change {
	CHANGE_NODES = 1 << 0,	/* how many are inside the destination */
	CHANGE_ANY = 1 << 1,
	CHANGE_WORSE = 1 << 2,	/* a neighbour may want another one now, or it went (A1) */
	CHANGE_CLOSED = 1 << 3,	/* nothing: another one to the same destination got worse (A1) */
};

/*
 * A path: stored, being examined (scratch memory, no references counted), or only
 * remembered to tell neighbours that it is gone.
 */
struct path {
	uint32_t refs;
	uint32_t nodes;
	uint64_t cost;		/* advertised: from the gateway on */
	uint64_t told;		/* the same as it was told last, recorded or not (A30) */
	struct fpref *fp;
	struct arc *arc;	/* NULL when it is neither stored nor put aside any more */
	uint32_t told_at;	/* bit i: of use outside our g-node of level i when it was told last */
	uint16_t n;
	/* There are many paths: flags share their bytes. */
	unsigned char changed : 4;	/* by this update (V_d of spec 4.10): enum change */
	unsigned char news : 4;		/* listed: enum change */
	bool stored : 1;
	bool exposed : 1;
	bool listed : 1;	/* in the news of this call */
	bool hidden : 1;	/* stored: its fingerprint is that of a younger island (A31) */
	bool held : 1;		/* nobody shall hear of it yet: news_dest() */
	bool spoken : 1;	/* a message told of it */
	bool spare : 1;		/* put aside (spare.c) */
	bool blind : 1;		/* then: a hop was unknown when its destination was last looked at */
	struct qspn_hop hops[];
};

struct dest {
	struct coord at;
	uint32_t nodes;		/* destination data, spec 4.16 */
	uint32_t root;		/* isqrt(9 * nodes), 0 for a virtual one */
	struct fpref *fp;	/* held by one of the paths */
	uint16_t n;
	uint16_t size;
	struct path **v;	/* cheapest first */
};

struct dests {
	struct dest **v;	/* by position */
	size_t n, size;
};

/* A g-node adjacent to one of ours (Z_i of spec 4.10), and how many paths enter it. */
struct adjacent {
	struct coord at;
	uint32_t n;
};

struct cands {
	struct path **v;	/* of scratch memory, as the paths */
	size_t n, size;
};

/* What an event has to tell. */
struct news {
	struct path **v;	/* references */
	size_t n, size;
	bool own;		/* fingerprints or counts of our own g-nodes changed */
};

/* A path to be told, and over which arcs (A4). */
struct dirty {
	struct path *p;
	uint8_t news;		/* enum change */
	uint64_t arcs[ARC_WORDS];
};

struct split {
	struct coord at;
	uint64_t elder, younger;	/* ids */
	uint64_t hide;			/* when the younger one is hidden (A31), NEVER: it was */
	uint64_t when;			/* when it counts as a split */
};

struct range {
	uint8_t from, to;
};

enum boot_phase {
	BOOT_DONE,
	BOOT_ASKING,		/* outer arcs, one after the other */
	BOOT_WAITING,		/* for an ETP, or for the end of patience */
	BOOT_ROUND,		/* over: every arc is asked once more before we present ourselves */
};

enum timer {
	TIMER_PERIODIC,
	TIMER_OPERATION,	/* members have changed their position, or never will */
	TIMER_FLUSH,		/* pacing */
	TIMER_BOOT,		/* end of patience */
	TIMER_PRESENT,
	TIMER_NOTICE,		/* of a changed coordinate */
	TIMER_FLOOD,		/* of a split */
	TIMER_REMOVE,		/* dismissal */
	TIMERS,
};

struct qspn {
	const struct qspn_params *p;
	const struct topo *topo;
	unsigned levels;
	struct rng rng;

	uint64_t now;		/* of this call */
	struct qspn_out *out;
	struct qspn_action lost;	/* where actions go for which there is no memory */
	struct scratch scratch;
	bool failed;

	struct naddr me;
	struct range ranges[TOPO_LEVELS];	/* oldest first; none: a main identity */
	unsigned n_ranges;

	struct arc **arc;	/* by number */
	size_t n_arcs, arcs_size;
	uint64_t slots[ARC_WORDS];	/* taken */

	struct dests *level;	/* the map */
	size_t n_paths;
	bool unswept;		/* a destination is gone: there may be paths through it */
	bool unused;		/* one is new: spare paths through it may be of use now */
	bool unserved;		/* a neighbour's g-node is new: no path may lead around it */
	struct path **spare;	/* paths put aside, by path_cmp() */
	size_t n_spares, spares_size;
	struct adjacent *adj;	/* by coordinate */
	size_t n_adj, adj_size;
	struct fps fps;
	struct fingerprint *fp;	/* own, 0 to levels */
	uint32_t *nodes;	/* own, 0 to levels */

	uint64_t incarnation, seq;
	uint32_t last_call;
	uint64_t timer[TIMERS];
	uint64_t deadline;	/* the earliest of all, as of the end of the last call */

	enum boot_phase boot;
	unsigned guest, host;	/* k and hl of spec 3.3; k is levels when bootstrapped */
	uint32_t *queue;	/* numbers of arcs to be asked */
	size_t n_queue, queue_size;

	struct news news;
	struct dirty *dirty;	/* by path */
	size_t n_dirty, dirty_size;
	bool dirty_own;		/* see news.own */
	bool dirty_all;		/* too many: everybody gets a full ETP instead */
	uint64_t flushed;	/* when it was last done */

	struct coord *flood;	/* destinations seen split for the first time (B) */
	size_t n_flood, flood_size;
	struct split *split;
	size_t n_splits, splits_size;

	struct coord notice;	/* the coordinate given up */
	unsigned prepared;	/* level + 1 of the operation under way, 0 none */
	bool dismissing;

	struct qspn_stats stats;
};

static inline bool
amended(const struct qspn *q, enum qspn_amendment a)
{
	return (q->p->amendments & (uint32_t)a) != 0;
}

/* A29: everything told to a neighbour is remembered there. */
static inline bool
relies_on_memory(const struct qspn *q)
{
	const uint32_t all = QSPN_A26_OUTSIDE | QSPN_A27_SPARE | QSPN_A29_MEMORY;

	return (q->p->amendments & all) == all;
}

/* qspn.c */
struct qspn *qspn_new(const struct qspn_params *p, const struct rng *rng, uint64_t now,
    const struct naddr *me, const struct fingerprint *fp0);	/* no arcs, no map; NULL: memory */
void call_begin(struct qspn *q, uint64_t now, struct qspn_out *out);
void call_end(struct qspn *q);
void deadline_refresh(struct qspn *q);
void own_start(struct qspn *q);
void timer_set(struct qspn *q, enum timer t, uint64_t after);

/* out.c: an action to be filled in; never NULL, but lost when memory is exhausted. */
struct qspn_action *act(struct qspn *q, enum qspn_action_kind kind);
/* One with a message, whose reference it takes. */
void act_message(struct qspn *q, enum qspn_action_kind kind, uint32_t arc, uint32_t call,
    struct qspn_msg *m);

/* path.c */
struct path *path_scratch(struct qspn *q, size_t n);	/* NULL: out of memory, as below */
struct path *path_keep(struct qspn *q, const struct path *p);	/* a lasting copy, one reference */
void path_drop(struct qspn *q, struct path *p);
uint64_t path_total(const struct path *p);
struct coord path_end(const struct path *p);
bool path_has(const struct path *p, struct coord c);
bool path_has_arc(const struct path *p, uint32_t id);
bool path_same(const struct path *a, const struct path *b);	/* spec 1.8: hops and arcs */
/* Orders by destination (lowest level first), number of hops, hops, arcs: breaks ties, too. */
int path_cmp(const struct path *a, const struct path *b);
/* Is one of its hops one of our own g-nodes? */
bool path_touches_us(const struct qspn *q, const struct path *p);
bool is_us(const struct qspn *q, struct coord c);
bool is_virtual(const struct qspn *q, struct coord c);

/* map.c */
struct dest *map_find(const struct qspn *q, struct coord c);
struct dest *map_add(struct qspn *q, struct coord c);
void map_remove(struct qspn *q, struct dest *d);
struct path *map_same(const struct qspn *q, const struct path *p);	/* the stored one like P */
/* Replaces the paths of D by the N at V, whose references pass to it. */
bool dest_set(struct qspn *q, struct dest *d, struct path **v, size_t n);
void dest_refresh(const struct qspn *q, struct dest *d);
bool dest_agrees(const struct dest *d, const struct path *p);	/* reports the valid fingerprint */
bool dest_shows(const struct qspn *q, const struct dest *d, const struct path *p);	/* others may see it */
void path_stored(struct qspn *q, struct path *p);	/* counts it */
void path_unstored(struct qspn *q, struct path *p);
bool path_is_blind(const struct qspn *q, const struct path *p);	/* a hop of it is unknown */

/* adjacent.c */
void adjacent_count(struct qspn *q, const struct path *p, bool more);
struct around {
	const struct coord *near;	/* V_nd of spec 4.11 */
	size_t n_near;
	const struct coord *adj;	/* Z, of all levels */
	size_t n_adj;
};
bool around_make(struct qspn *q, struct around *a);

/* select.c */
struct choice {
	struct path *p;
	uint64_t total;
	uint32_t *weight;	/* of its hops but the last */
	bool fresh;		/* not stored yet */
	bool told;		/* a message tells of it now */
	bool mandatory, kept;
	bool aside;		/* not kept, but remembered (A27) */
	bool barred;		/* put aside, and not needed */
};
uint32_t isqrt(uint64_t n);
/* Millionths (spec 4.13). */
uint32_t adapted_threshold(uint32_t max_ratio, unsigned gateways, uint32_t size);
/* A destination before an update of it. */
struct before {
	bool known;
	unsigned gateways;
	uint32_t nodes;
};
struct before select_before(const struct dest *d);	/* NULL: not known */
/* Marks what is kept of the N at V, which are sorted. */
bool select_paths(struct qspn *q, const struct before *b, struct coord at, const struct around *a,
    struct choice *v, size_t n);

/* spare.c */
size_t spare_first(const struct qspn *q, struct coord at);	/* index of the first one to AT */
void spare_add(struct qspn *q, struct path *p);	/* takes the reference */
void spare_take(struct qspn *q, struct path *p);	/* gives the reference */
void spare_drop(struct qspn *q, struct path *p);
void spare_free(struct qspn *q);
/* Bars those of the N at V, which are sorted, that are put aside and not needed. */
void spare_bar(struct qspn *q, const struct around *a, struct choice *v, size_t n);
/* Marks what is to be put aside of the N at V, which are sorted and selected. */
void spare_choose(const struct qspn *q, struct choice *v, size_t n);

/* update.c */
void cands_add(struct qspn *q, struct cands *c, struct path *p);
void cands_forget(struct qspn *q, struct cands *c);
/* CHANGED: all paths that begin with it count as changed; may be NULL.  Gives C's paths up. */
void map_update(struct qspn *q, struct cands *c, const struct arc *changed);
/*
 * Every path, stored or put aside, for which DOOMED is true goes; told, signalled, and A15 done
 * afterwards.
 */
typedef bool doomed_fn(const struct qspn *q, const struct path *p, const void *arg);
void map_drop(struct qspn *q, doomed_fn *doomed, const void *arg);
bool through_arc(const struct qspn *q, const struct path *p, const void *arc);
/* A15 after destinations went, A27 after others came. */
void map_sweep(struct qspn *q);

/* expose.c */
struct tally {
	uint16_t added, changed, removed;
};
void expose_dest(const struct qspn *q, struct dest *d, struct tally *t);
void expose_signal(struct qspn *q, struct coord at, size_t before, size_t after,
    const struct tally *t);

/* revise.c: all of them give C's candidates; false when an ETP is cyclic and to be left. */
bool revise(struct qspn *q, struct arc *a, const struct peer_etp *m, const struct naddr *sender,
    struct cands *c, struct coord *hops, size_t *n_hops);
/* TELLS_ALL: a full ETP brings the news, which tells the paths too. */
void arc_learn_peer(struct qspn *q, struct arc *a, const struct naddr *peer, bool tells_all,
    struct cands *c);
void cands_dead(struct qspn *q, struct cands *c, const struct path *p);	/* a dead copy */
void cands_as_is(struct qspn *q, struct cands *c, const struct path *p);	/* a copy */

/* own.c */
void own_refresh(struct qspn *q);
bool own_compute(const struct qspn *q, unsigned level, const struct fingerprint *below,
    uint32_t nodes_below, struct fingerprint *fp, uint32_t *nodes, struct scratch *s);
void own_level0(struct qspn *q);

/* split.c */
/* BEFORE: ids of the N fingerprints that D's paths had. */
void split_check(struct qspn *q, struct dest *d, const uint64_t *before, size_t n);
size_t split_ids(const struct dest *d, uint64_t *ids);	/* room for d->n */
void split_forget(struct qspn *q, struct coord at);	/* AT is no destination any more */
void split_tick(struct qspn *q);
void split_flood(struct qspn *q);
uint64_t split_deadline(const struct qspn *q);

/* validate.c */
bool validate_etp(struct qspn *q, const struct arc *a, const struct peer_etp *m,
    struct naddr *sender);
bool validate_request(struct qspn *q, const struct arc *a, const struct peer_addr *from,
    struct naddr *requester);
struct fingerprint fingerprint_read(unsigned levels, const struct peer_fp *f);

/* compose.c */
struct item {
	struct path *p;
	bool dead;
	bool brief;		/* told by its mark: the neighbour knows it (A28) */
	uint8_t news;		/* enum change */
	uint32_t told_at;	/* as the path's was when nothing of the message was written yet */
	uint32_t ignore;
};
struct item item_make(const struct qspn *q, struct path *p);
uint32_t path_sum(const struct path *p, size_t first);	/* of its arcs from there on */
uint32_t ignore_outside(const struct qspn *q, const struct path *p);
/* From outside our g-node of LEVEL, do A and B, paths to one destination, look the same? */
bool look_same(const struct path *a, const struct path *b, unsigned level);
/* Does the neighbour behind TO know P by a mark that no other path has (A28)? */
bool has_mark(const struct qspn *q, const struct arc *to, const struct path *p);
/* Is I of use to the neighbour at AT? */
bool item_for(const struct item *i, struct coord at);
struct qspn_msg *compose_etp(struct qspn *q, bool full, const struct coord *hops, size_t n_hops,
    const struct item *v, size_t n);
/* What changed, for the neighbour behind TO alone. */
struct qspn_msg *compose_change(struct qspn *q, const struct arc *to, const struct item *v,
    size_t n);
struct qspn_msg *compose_full(struct qspn *q, const struct coord *hops, size_t n_hops);
struct qspn_msg *compose_for(struct qspn *q, const struct arc *a);	/* spec 4.6 */
struct qspn_msg *compose_plain(struct qspn *q, uint8_t type, uint8_t level);
struct qspn_msg *compose_request(struct qspn *q);

/* announce.c */
void news_add(struct qspn *q, struct path *p, unsigned what);	/* enum change */
/* What of D changed or came; WORSE: something that was told of it got worse, or went. */
void news_dest(struct qspn *q, const struct dest *d, bool worse);
void news_close(struct qspn *q, const struct dest *d);	/* A1: all paths of D */
void news_forget(struct qspn *q);
/* FROM: the arc over which it came, or NULL; HOPS: of the ETP to send when there is no pacing. */
void news_publish(struct qspn *q, const struct arc *from, const struct coord *hops, size_t n_hops);
void announce_end(struct qspn *q);	/* of a call: sends what is not to wait */
void announce_flush(struct qspn *q);
void told(struct qspn *q, struct arc *a, const struct qspn_msg *m);	/* M goes out over A */
void announce_full(struct qspn *q);
void send_etp(struct qspn *q, struct arc *a, struct qspn_msg *m);	/* takes no reference */
void send_full(struct qspn *q, struct arc *a);
void arc_undirty(struct qspn *q, const struct arc *a);
void dirty_clear(struct qspn *q);

/* arc.c */
struct arc *arc_find(const struct qspn *q, uint32_t number);
struct arc *arc_new(struct qspn *q, uint32_t number, uint64_t cost, uint32_t id);
void arc_free_all(struct qspn *q);
void arc_leave(struct qspn *q, struct arc *a, bool ask);	/* spec 4.4; asks the others */
void arc_fail(struct qspn *q, struct arc *a, bool bad_link);	/* the same, and it is signalled */
void arc_shed(struct qspn *q, struct arc *a);	/* signalled; nobody is asked */
void arc_ask(struct qspn *q, struct arc *a, enum why why);
void arcs_recoord(struct qspn *q);	/* our address changed */
bool arc_is_in(const uint64_t *set, const struct arc *a);

/* etp.c */
void etp_process(struct qspn *q, struct arc *a, const struct peer_etp *m,
    const struct naddr *sender, bool tell);
struct naddr peer_as_read(const struct qspn *q, const struct arc *a, struct naddr n);

/* boot.c */
bool is_bootstrapped(const struct qspn *q);
void boot_start(struct qspn *q);
void boot_next(struct qspn *q);
void boot_answer(struct qspn *q, struct arc *a, const struct peer_etp *m, const struct naddr *s);
void boot_etp(struct qspn *q, struct arc *a, const struct peer_etp *m, const struct naddr *s);
void boot_timeout(struct qspn *q);
void boot_enqueue(struct qspn *q, uint32_t number);
void boot_dequeue(struct qspn *q, uint32_t number);
void periodic_start(struct qspn *q);

/* identity.c */
void identity_notice(struct qspn *q);
void identity_remove(struct qspn *q);
void identity_told_to_go(struct qspn *q, const struct arc *a, unsigned level);

#ifdef __cplusplus
}
#endif

#endif
