/* lock.h: one process at a time appends to a states file, and the second is told which the first one is. */
#pragma once

#include "base/error.h"

/* Locks the open file for appending, or fails naming the process that has it ("another trimtab (pid 123) is writing to
 * ..."). The lock lasts until `fd` is closed or the process ends, however it ends. Where a file system knows no locks
 * there is none. */
bool tt_states_lock(int fd, const char *path, tt_error *err);

/* Notes this process in the file, for that message. The file is locked. */
bool tt_states_sign(int fd, const char *path, tt_error *err);

/* Opens and locks the folder that `path` is in, waiting if need be: two processes that make the same file do so one after
 * the other. The caller closes the result; -1 on failure. */
int tt_states_lock_folder(const char *path, tt_error *err);
