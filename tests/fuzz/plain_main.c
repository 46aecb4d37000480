/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * main() of a fuzz target where there is no fuzzer: every file of the target's
 * corpus runs once, whole and cut short in several places, so that what a fuzzer
 * once found stays found.  Reports as TAP.  With arguments: those files only.
 */

#include <dirent.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CUTS = 16, MOST = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

/* A block of exactly SIZE bytes, so that a sanitizer sees every read past its end. */
static bool
run_bytes(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size > 0 ? size : 1);

	if (copy == NULL)
		return false;
	memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
	return true;
}

static bool
run_file(const char *path)
{
	static uint8_t data[MOST];
	FILE *f = fopen(path, "rb");
	size_t size;
	bool ok;

	if (f == NULL)
		return false;
	size = fread(data, 1, sizeof(data), f);
	ok = !ferror(f) && feof(f);
	fclose(f);
	for (size_t i = 0; ok && i < CUTS; i++)
		ok = run_bytes(data, size * i / CUTS);
	return ok && run_bytes(data, size);
}

static int
visible(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

/* The corpus of target NAME ("fuzz_conf"); the count of its files, -1 without any. */
static int
list_corpus(const char *name, char *dir, size_t size, struct dirent ***list)
{
	const char *top = getenv("NTK_SRCDIR");
	int n;

	snprintf(dir, size, "%s/tests/fuzz/corpus/%s", top != NULL ? top : ".", name);
	n = scandir(dir, list, visible, alphasort);
	return n > 0 ? n : -1;
}

static int
report(int number, const char *path, const char *name)
{
	bool ok = run_file(path);

	printf("%s %d - %s\n", ok ? "ok" : "not ok", number, name);
	return !ok;
}

static int
run_corpus(const char *target)
{
	char dir[PATH_MAX - 256];
	char path[PATH_MAX];
	struct dirent **list = NULL;
	int n = list_corpus(target, dir, sizeof(dir), &list);
	int failed = 0;

	if (n < 0) {
		printf("1..1\nnot ok 1 - %s has files\n", dir);
		free(list);
		return 1;
	}
	printf("1..%d\n", n);
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, list[i]->d_name);
		failed += report(i + 1, path, list[i]->d_name);
		free(list[i]);
	}
	free(list);
	return failed > 0;
}

int
main(int argc, char **argv)
{
	int failed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (LLVMFuzzerInitialize != NULL)
		LLVMFuzzerInitialize(&argc, &argv);
	if (argc < 2)
		return run_corpus(basename(argv[0]));
	printf("1..%d\n", argc - 1);
	for (int i = 1; i < argc; i++)
		failed += report(i, argv[i], argv[i]);
	return failed > 0;
}
