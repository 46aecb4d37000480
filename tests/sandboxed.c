/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Only in builds with --enable-sanitizers, linked into ntkd and ntkd-priv: the
 * search for leaks at the end of a process needs /proc and a second process,
 * neither of which a sandboxed program has.  The environment is emptied before the
 * helper starts, so the option cannot be given there.  The unit tests do search.
 */
const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
	return "detect_leaks=0";
}
