/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTKD_PRIV_X_NFT_H
#define NTKD_PRIV_X_NFT_H

/*
 * Marks and address translation: one nftables table of our own per namespace.
 *
 *   table ip ntkd {
 *     map peers { type ether_addr : verdict }
 *     chain prerouting { hook prerouting, mangle: ether saddr vmap @peers }
 *     chain peer_250 { meta mark set meta mark & ~mask | 250 }
 *     chain dstnat, srcnat: only while there is something to translate
 *   }
 *
 * One lookup, however many neighbours; other people's bits of the mark stay.  The
 * changes of one transaction are one batch, which the kernel does as a whole or not
 * at all.
 */

#include "ntkd-priv/ledger.h"
#include "common/nlq.h"

/* True for the kinds that are done here. */
bool x_nft_has(uint8_t kind);

/* Collects the changes of one namespace, in order. */
struct nft_batch {
	struct nlq q;
	const struct conf *conf;
	const struct ledger *ledger;
	unsigned ns;
	bool table;		/* the table will be there */
	bool nat;		/* so will the nat chains */
	bool nat_changed;
	uint32_t nat_step;
	bool open;
};

void x_nft_begin(struct nft_batch *b, const struct conf *c, const struct ledger *l, unsigned ns);

/*
 * Adds one change.  Marks are written at once, translations when the batch is
 * committed, from what the ledger then holds.
 */
void x_nft_change(struct nft_batch *b, const struct change *ch, uint32_t step);

/*
 * Sends the batch; when the kernel refuses it, writes the whole table anew from the
 * ledger, since somebody may have changed it.  0 or errno, with ERR, whose step is that of
 * the first change that the kernel refused, if it names one.  On success the namespace's slot
 * in L knows what is there now.
 */
int x_nft_commit(struct nft_batch *b, struct ledger *l, struct nlq_error *err);

/*
 * Compares the table of namespace NS with the ledger, and writes it anew if need be.  What
 * became of it (enum priv_fate; 0: nothing was to be done), with the errno of a failure in
 * *ERROR.
 *
 * What is there is compared by a digest: with that of the table as it was last written as a
 * whole, if no other commit came between writing and reading; else the table is written
 * anew, and the digests before and after are compared.
 */
uint8_t x_nft_check(const struct conf *c, struct ledger *l, unsigned ns, int *error);

/* The table, for people. */
#define X_NFT_TABLE "table ip ntkd"

/* Removes the table of the default namespace, if it is ours by its comment; errno or 0. */
int x_nft_remove_table(struct nl_sock *nft);

#endif
