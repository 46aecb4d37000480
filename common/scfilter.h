/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_COMMON_SCFILTER_H
#define NTK_COMMON_SCFILTER_H

/*
 * System call filters as data: a table of rules, each with its reason, becomes
 * a libseccomp filter.  What no rule allows ends the process (or traps, in
 * development, so that the call can be named).
 */

#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The runtime of the address sanitizer makes calls of its own; builds for testing allow them. */
#if defined(__SANITIZE_ADDRESS__)
#define SC_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SC_SANITIZED 1
#endif
#endif

enum { SC_ARGS = 3 };

struct sc_rule {
	int call;			/* SCMP_SYS(name) */
	const char *name;		/* for listings */
	const char *why;		/* what needs it; shown to auditors */
	unsigned n_args;
	struct scmp_arg_cmp args[SC_ARGS];	/* all must hold */
	int error;			/* 0: allow; else the call fails with this errno */
};

#define SC_ALLOW(call_, why_)	{ SCMP_SYS(call_), #call_, why_, 0, { { 0 } }, 0 }
#define SC_ALLOW_IF(call_, why_, n_, ...) { SCMP_SYS(call_), #call_, why_, n_, { __VA_ARGS__ }, 0 }
#define SC_ERRNO_IF(call_, error_, why_, n_, ...) { SCMP_SYS(call_), #call_, why_, n_, { __VA_ARGS__ }, error_ }

/* One comparison: argument N equals V; argument N masked with M equals V. */
#define SC_EQ(n, v)		{ n, SCMP_CMP_EQ, (uint64_t)(v), 0 }
#define SC_MASK(n, m, v)	{ n, SCMP_CMP_MASKED_EQ, (uint64_t)(m), (uint64_t)(v) }

enum sc_mode {
	SC_KILL,	/* production: the process dies by SIGSYS */
	SC_TRAP,	/* development: SIGSYS can be caught; scfilter names the call on stderr and exits */
};

/*
 * Loads the N rules for the calling process, with no_new_privs already set, as a
 * binary tree.  False with WHY (static) on failure; the caller must exit.
 */
bool scfilter_load(const struct sc_rule *rules, size_t n, enum sc_mode mode, const char **why);

#ifdef __cplusplus
}
#endif

#endif
