/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NTK_COMMON_MONO_H
#define NTK_COMMON_MONO_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Monotonic time, µs.  For programs; protocol code is handed the time. */
uint64_t mono_now(void);

#ifdef __cplusplus
}
#endif

#endif
