/* scratch.c: see scratch.h */
#include "support/scratch.h"
#include "base/file.h"

#include <cmocka.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/trimtab-test-XXXXXX";
static pid_t owner; /* who made it; 0: nobody yet */

typedef struct kept_path {
    struct kept_path *next;
    char path[];
} kept_path;

static kept_path *kept;

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *place) {
    (void)status, (void)type, (void)place;
    return remove(path);
}

static void remove_folder(void) {
    if (getpid() != owner) return; /* a test's child ends here */
    nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    for (kept_path *next; kept; kept = next) {
        next = kept->next;
        free(kept);
    }
}

const char *scratch_folder(void) {
    if (owner) return folder;
    if (!mkdtemp(folder)) fail_msg("cannot make %s", folder);
    owner = getpid();
    atexit(remove_folder);
    return folder;
}

const char *scratch_path(const char *name) {
    const size_t start = strlen(scratch_folder()) + 1, size = start + strlen(name) + 1;
    for (const kept_path *other = kept; other; other = other->next)
        if (!strcmp(other->path + start, name)) return other->path;
    kept_path *made = malloc(sizeof *made + size);
    assert_non_null(made);
    snprintf(made->path, size, "%s/%s", folder, name);
    made->next = kept;
    kept = made;
    return made->path;
}

const char *scratch_subfolder(const char *name) {
    const char *path = scratch_path(name);
    tt_error err;
    if (!tt_make_folder(path, &err)) fail_msg("%s", err.message);
    return path;
}

const char *scratch_file(const char *name, const char *bytes, size_t length) {
    const char *path = scratch_path(name);
    tt_error err;
    if (!tt_file_write(path, bytes, length, &err)) fail_msg("%s", err.message);
    return path;
}

const char *scratch_text(const char *name, const char *text) { return scratch_file(name, text, strlen(text)); }
