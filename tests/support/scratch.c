/* scratch.c: see scratch.h */
#include "support/scratch.h"
#include "base/file.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64];
static char paths[32][128];
static size_t path_count;

static void remove_folder(void) {
    DIR *entries = opendir(folder);
    for (const struct dirent *entry; entries && (entry = readdir(entries));) {
        char path[sizeof folder + sizeof entry->d_name];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] != '.') unlink(path);
    }
    if (entries) closedir(entries);
    rmdir(folder);
}

const char *scratch_file(const char *name, const char *bytes, size_t length) {
    if (!folder[0]) {
        snprintf(folder, sizeof folder, "/tmp/trimtab-test-XXXXXX");
        if (!mkdtemp(folder)) fail_msg("cannot make %s", folder);
        atexit(remove_folder);
    }
    char *path = paths[path_count++ % (sizeof paths / sizeof *paths)];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    tt_error err;
    if (!tt_file_write(path, bytes, length, &err)) fail_msg("%s", err.message);
    return path;
}

const char *scratch_text(const char *name, const char *text) { return scratch_file(name, text, strlen(text)); }
