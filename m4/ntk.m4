# SPDX-License-Identifier: GPL-2.0-or-later

# NTK_ADD_FLAG(VARIABLE, FLAG, [LINK]): appends FLAG to VARIABLE if the compiler
# takes it without a word; with a third argument the linker must take it too.
# -Werror is for clang, which only warns about flags it does not know.
AC_DEFUN([NTK_ADD_FLAG], [
	AS_VAR_PUSHDEF([cache], [ntk_cv_flag_$2])
	AC_CACHE_CHECK([whether $CC takes $2], [cache], [
		ntk_saved_cflags=$CFLAGS
		CFLAGS="$CFLAGS -Werror $2"
		m4_ifblank([$3],
			[AC_COMPILE_IFELSE([AC_LANG_PROGRAM()],
				[AS_VAR_SET([cache], [yes])], [AS_VAR_SET([cache], [no])])],
			[AC_LINK_IFELSE([AC_LANG_PROGRAM()],
				[AS_VAR_SET([cache], [yes])], [AS_VAR_SET([cache], [no])])])
		CFLAGS=$ntk_saved_cflags
	])
	AS_VAR_IF([cache], [yes], [$1="$$1 $2"])
	AS_VAR_POPDEF([cache])
])

# NTK_SWITCH(NAME, DEFAULT, HELP): --enable-NAME, its answer in enable_NAME.
AC_DEFUN([NTK_SWITCH], [
	AC_ARG_ENABLE([$1], [AS_HELP_STRING([--enable-$1], [$3 (default: $2)])],
		[], [enable_$1=$2])
	AS_CASE([$enable_$1], [yes|no], [],
		[AC_MSG_ERROR([--enable-$1 is yes or no, not "$enable_$1"])])
])
