/* file.h: reading whole files, and writing files that are either complete or not there.
 *
 * Every call that can be interrupted by a signal is taken up again where it was (EINTR), and a short write is completed. */
#pragma once

#include "base/error.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The content of `path`, zero-terminated beyond `*length`; at most `limit` bytes, else TT_ERROR_INPUT. The caller frees. */
char *tt_file_read(const char *path, size_t limit, size_t *length, tt_error *err);

/* The same for what may keep one waiting, such as a pipe: ends with TT_ERROR_INTERRUPTED soon after `*cancel` has become
 * true. `cancel` NULL: nothing ends it. */
char *tt_file_read_until(const char *path, size_t limit, const atomic_bool *cancel, size_t *length, tt_error *err);

/* The same from a descriptor that is open already and stays so. `name` is for messages. */
char *tt_descriptor_read(int fd, const char *name, size_t limit, const atomic_bool *cancel, size_t *length, tt_error *err);

/* Waits until there is something to read from `fd`, its end or an error; false where `*cancel` is true first. The signal
 * that sets it may come between the look at it and the wait, which it then does not end: so no wait is long. */
bool tt_wait_for_input(int fd, const atomic_bool *cancel);

/* open() with O_CLOEXEC, taken up again after a signal. */
int tt_open(const char *path, int flags, mode_t mode);

/* Reads or writes all `size` bytes at `offset`; a file that ends earlier is an error. `path` is for messages. */
bool tt_pread_all(int fd, void *buffer, size_t size, off_t offset, const char *path, tt_error *err);
bool tt_pwrite_all(int fd, const void *buffer, size_t size, off_t offset, const char *path, tt_error *err);

/* A file in the making: written under a temporary name beside `path`, renamed over it by tt_output_commit. What is there and
 * is no file, such as a folder or a device, is refused. */
typedef struct tt_output {
    int fd;
    char *path;
    char *temporary;
    uint64_t written; /* bytes so far */
} tt_output;

bool tt_output_open(tt_output *output, const char *path, tt_error *err);
bool tt_output_write(tt_output *output, const void *bytes, size_t length, tt_error *err);

/* Flushes to the disk and renames. On failure the temporary file is removed, and what was at `path` before is untouched.
 * Either way the output is closed. */
bool tt_output_commit(tt_output *output, tt_error *err);

/* Removes the temporary file. Harmless on an output that is closed or was never opened (`{0}`). */
void tt_output_abort(tt_output *output);

/* Whether `path` can be written: for what takes long to make. Leaves nothing behind. */
bool tt_output_try(const char *path, tt_error *err);

/* The same for files in `folder`. */
bool tt_folder_try(const char *folder, tt_error *err);

/* tt_output_open, _write and _commit in one. */
bool tt_file_write(const char *path, const void *bytes, size_t length, tt_error *err);

/* Makes `path` and the folders above it. One that is there already is fine. */
bool tt_make_folder(const char *path, tt_error *err);

/* "FOLDER/NAME" in memory of the caller's. */
char *tt_path_join(const char *folder, const char *name, tt_error *err);

/* The part of `path` behind its last slash. */
const char *tt_path_name(const char *path);

/* The folder that `path` is in, with its slash; "." where it names none. The caller frees. */
char *tt_path_folder(const char *path, tt_error *err);
