/* lock.c: see lock.h
 *
 * The lock is that of an open file description (F_OFD_SETLK): it ends with the process, needs no lock file that a crash
 * would leave behind, and, unlike a process' POSIX lock, is not lost when the same file is opened and closed elsewhere in
 * the program. Such a lock does not show its owner, so the process signs in the file. */
#include "states/lock.h"
#include "base/file.h"
#include "states/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static void this_host(char host[static 64]) {
    memset(host, 0, 64);
    if (gethostname(host, 63)) memset(host, 0, 64);
}

static bool fail_locked(int fd, const char *path, tt_error *err) {
    tt_states_writer writer = {0};
    char host[64];
    this_host(host);
    if (!tt_pread_all(fd, &writer, sizeof writer, TT_STATES_WRITER, path, NULL) || writer.process == 0)
        return tt_fail(err, TT_ERROR_IO, "another trimtab is writing to '%s': wait until it ends, or stop it", path);
    writer.host[sizeof writer.host - 1] = '\0';
    const bool here = strcmp(host, writer.host) == 0;
    return tt_fail(err, TT_ERROR_IO,
                   "another trimtab (pid %" PRIu64 "%s%s) is writing to '%s': wait until it ends, or stop it",
                   writer.process, here ? "" : " on ", here ? "" : writer.host, path);
}

static bool locks_are_unknown(int cause) {
    return cause == EINVAL || cause == ENOLCK || cause == ENOSYS || cause == EOPNOTSUPP;
}

bool tt_states_lock(int fd, const char *path, tt_error *err) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_OFD_SETLK, &lock) == 0 || locks_are_unknown(errno)) return true;
    if (errno == EAGAIN || errno == EACCES) return fail_locked(fd, path, err);
    return tt_fail_errno(err, "cannot lock '%s'", path);
}

bool tt_states_sign(int fd, const char *path, tt_error *err) {
    tt_states_writer writer = {.process = (uint64_t)getpid()};
    this_host(writer.host);
    return tt_pwrite_all(fd, &writer, sizeof writer, TT_STATES_WRITER, path, err);
}

int tt_states_lock_folder(const char *path, tt_error *err) {
    char *folder = tt_path_folder(path, err);
    if (!folder) return -1;
    const int fd = tt_open(folder, O_RDONLY | O_DIRECTORY, 0);
    int status = 0;
    if (fd < 0)
        tt_fail_errno(err, "cannot open the folder '%s'", folder);
    else
        do status = flock(fd, LOCK_EX);
        while (status && errno == EINTR); /* any other failure: a file system without such locks */
    free(folder);
    return fd;
}
