/* file.h: reading whole files, and writing files that are either complete or absent.
 *
 * Every call that a signal can interrupt is resumed where it was (EINTR), and a short write is completed. */
#pragma once

#include "base/error.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The content of `path`, with a zero byte after its `*length` bytes; more than `limit` bytes is TT_ERROR_INPUT. The
 * caller frees it. */
char *tt_file_read(const char *path, size_t limit, size_t *length, tt_error *err);

/* The same for a source that may block, such as a pipe: fails with TT_ERROR_INTERRUPTED soon after `*cancel` becomes
 * true. `cancel` NULL: never. */
char *tt_file_read_until(const char *path, size_t limit, const atomic_bool *cancel, size_t *length, tt_error *err);

/* The same from an open descriptor, which stays open. `name` is for messages. */
char *tt_descriptor_read(int fd, const char *name, size_t limit, const atomic_bool *cancel, size_t *length, tt_error *err);

/* Waits until `fd` has something to read, has ended, or has an error; false if `*cancel` becomes true first. A signal may
 * arrive between the check and the wait, so every wait is short. */
bool tt_wait_for_input(int fd, const atomic_bool *cancel);

/* open() with O_CLOEXEC, repeated after a signal. */
int tt_open(const char *path, int flags, mode_t mode);

/* Reads or writes all `size` bytes at `offset`; a file that ends earlier is an error. `path` is for messages. */
bool tt_pread_all(int fd, void *buffer, size_t size, off_t offset, const char *path, tt_error *err);
bool tt_pwrite_all(int fd, const void *buffer, size_t size, off_t offset, const char *path, tt_error *err);

/* A file being written, under a temporary name next to `path`; tt_output_commit renames it to `path`. If `path` exists
 * and is not a file, but a folder or a device, it is refused. */
typedef struct tt_output {
    int fd;
    char *path;
    char *temporary;
    uint64_t written; /* bytes so far */
} tt_output;

bool tt_output_open(tt_output *output, const char *path, tt_error *err);
bool tt_output_write(tt_output *output, const void *bytes, size_t length, tt_error *err);

/* Flushes to the disk and renames. On failure it removes the temporary file and leaves any earlier file at `path`
 * untouched. The output is closed either way. */
bool tt_output_commit(tt_output *output, tt_error *err);

/* Removes the temporary file. Harmless on an output that is closed or was never opened (`{0}`). */
void tt_output_abort(tt_output *output);

/* Checks that `path` can be written, before long work that ends there. Leaves nothing behind. */
bool tt_output_try(const char *path, tt_error *err);

/* The same for files in `folder`. */
bool tt_folder_try(const char *folder, tt_error *err);

/* tt_output_open, _write and _commit in one. */
bool tt_file_write(const char *path, const void *bytes, size_t length, tt_error *err);

/* Creates `path` and the folders above it, as far as they do not exist. */
bool tt_make_folder(const char *path, tt_error *err);

/* "FOLDER/NAME". The caller frees it. */
char *tt_path_join(const char *folder, const char *name, tt_error *err);

/* The part of `path` after its last slash. */
const char *tt_path_name(const char *path);

/* The folder part of `path`, with its slash; "." if there is none. The caller frees it. */
char *tt_path_folder(const char *path, tt_error *err);
