/* lock.h: lets one process at a time append to a states file, and tells a second one which the first is. */
#pragma once

#include "base/error.h"

/* Locks the open file for appending, or fails naming the process that has it ("another trimtab (pid 123) is writing to
 * ..."). The lock lasts until `fd` is closed or the process ends in any way. On a file system without locks there is no
 * protection. */
bool tt_states_lock(int fd, const char *path, tt_error *err);

/* Records this process in the file, for that message. The file must be locked. */
bool tt_states_sign(int fd, const char *path, tt_error *err);

/* Opens and locks the folder that contains `path`, waiting if necessary, so that two processes create the same file one
 * after the other. The caller closes the result; -1 on failure. */
int tt_states_lock_folder(const char *path, tt_error *err);
