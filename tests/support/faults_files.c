/* faults_files.c: the calls on files, pipes, sockets and processes; see faults.h. A call is __wrap_NAME here and __real_NAME
 * where it was meant to go. */
#include "support/faults.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static bool strike(enum tt_fault fault, int with) {
    if (!tt_faults_strike(fault)) return false;
    errno = with;
    return true;
}

static bool strike_call(void) { return strike(TT_FAULT_ERROR, EIO); }
static bool strike_interruptible(void) { return strike_call() || strike(TT_FAULT_INTERRUPTED, EINTR); }
static bool strike_waiting(void) { return strike(TT_FAULT_INTERRUPTED, EINTR); }
static bool strike_borne(void) { return strike(TT_FAULT_BORNE, EIO); }

/* __wrap_NAME, which gives `failed` where `condition` says so. */
#define FILE_CALL(type, failed, condition, name, parameters, ...)                                                           \
    type __real_##name parameters;                                                                                          \
    type __wrap_##name parameters;                                                                                          \
    type __wrap_##name parameters { return condition ? failed : __real_##name(__VA_ARGS__); }

/* ==== Reading and writing, which can also be done in part ==== */

ssize_t __real_read(int fd, void *buffer, size_t size);
ssize_t __real_pread(int fd, void *buffer, size_t size, off_t offset);
ssize_t __real_write(int fd, const void *buffer, size_t size);
ssize_t __real_pwrite(int fd, const void *buffer, size_t size, off_t offset);
ssize_t __wrap_read(int fd, void *buffer, size_t size);
ssize_t __wrap___read_chk(int fd, void *buffer, size_t size, size_t room);
ssize_t __wrap_pread(int fd, void *buffer, size_t size, off_t offset);
ssize_t __wrap___pread_chk(int fd, void *buffer, size_t size, off_t offset, size_t room);
ssize_t __wrap_write(int fd, const void *buffer, size_t size);
ssize_t __wrap_pwrite(int fd, const void *buffer, size_t size, off_t offset);

ssize_t __wrap_read(int fd, void *buffer, size_t size) {
    if (strike_interruptible()) return -1;
    return __real_read(fd, buffer, size > 1 && tt_faults_strike(TT_FAULT_SHORT) ? 1 : size);
}

ssize_t __wrap_pread(int fd, void *buffer, size_t size, off_t offset) {
    if (strike_interruptible()) return -1;
    return __real_pread(fd, buffer, size > 1 && tt_faults_strike(TT_FAULT_SHORT) ? 1 : size, offset);
}

/* What _FORTIFY_SOURCE makes of them. */
ssize_t __wrap___read_chk(int fd, void *buffer, size_t size, size_t room) {
    return size > room ? -1 : __wrap_read(fd, buffer, size);
}

ssize_t __wrap___pread_chk(int fd, void *buffer, size_t size, off_t offset, size_t room) {
    return size > room ? -1 : __wrap_pread(fd, buffer, size, offset);
}

/* How many of `size` bytes to write; 0: none, and errno says why. */
static size_t size_to_write(size_t size) {
    if (strike_interruptible()) return 0;
    if (tt_faults_disk_full()) {
        errno = ENOSPC;
        return 0;
    }
    if (size > 1 && tt_faults_strike(TT_FAULT_SHORT)) return 1;
    return size > 1 && tt_faults_strike(TT_FAULT_WRITE) ? size / 2 : size;
}

ssize_t __wrap_write(int fd, const void *buffer, size_t size) {
    const size_t some = size_to_write(size);
    return some || size == 0 ? __real_write(fd, buffer, some) : -1;
}

ssize_t __wrap_pwrite(int fd, const void *buffer, size_t size, off_t offset) {
    const size_t some = size_to_write(size);
    return some || size == 0 ? __real_pwrite(fd, buffer, some, offset) : -1;
}

/* ==== What must be told when it fails ==== */

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...) {
    mode_t mode = 0;
    if (flags & O_CREAT) {
        va_list args;
        va_start(args, flags);
        mode = va_arg(args, mode_t);
        va_end(args);
    }
    return strike_interruptible() ? -1 : __real_open(path, flags, mode);
}

FILE_CALL(int, -1, strike_interruptible(), __open_2, (const char *path, int flags), path, flags)
FILE_CALL(int, -1, strike_call(), mkostemp, (char *path, int flags), path, flags)
FILE_CALL(int, -1, strike_interruptible(), fsync, (int fd), fd)
FILE_CALL(int, -1, strike_interruptible(), fdatasync, (int fd), fd)
FILE_CALL(int, -1, strike_call(), rename, (const char *from, const char *to), from, to)
FILE_CALL(int, -1, strike_call(), mkdir, (const char *path, mode_t mode), path, mode)

FILE_CALL(char *, NULL, strike_call(), realpath, (const char *path, char *resolved), path, resolved)
FILE_CALL(int, -1, strike_call(), pipe2, (int ends[2], int flags), ends, flags)

/* ==== What a caller may do without ==== */

FILE_CALL(int, -1, strike_borne() || strike_waiting(), flock, (int fd, int operation), fd, operation)
FILE_CALL(FILE *, NULL, strike_borne(), fopen, (const char *path, const char *mode), path, mode)
FILE_CALL(int, -1, strike_borne(), stat, (const char *path, struct stat *status), path, status)
FILE_CALL(int, -1, strike_borne(), fstat, (int fd, struct stat *status), fd, status)
FILE_CALL(int, -1, strike_borne(), fstatvfs, (int fd, struct statvfs *status), fd, status)
FILE_CALL(int, -1, strike_borne(), fchmod, (int fd, mode_t mode), fd, mode)
FILE_CALL(int, -1, strike_borne(), access, (const char *path, int mode), path, mode)
FILE_CALL(int, EIO, strike_borne(), posix_fadvise, (int fd, off_t offset, off_t size, int advice), fd, offset, size, advice)
FILE_CALL(int, -1, strike_borne(), socket, (int domain, int type, int protocol), domain, type, protocol)
FILE_CALL(ssize_t, -1, strike_borne() || strike_waiting(), send, (int fd, const void *data, size_t size, int flags), fd,
          data, size, flags)

/* It is closed all the same, as Linux does it. */
int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd) {
    const bool fails = strike_borne(), interrupted = !fails && strike_waiting();
    const int status = __real_close(fd);
    if (fails || interrupted) errno = fails ? EIO : EINTR;
    return fails || interrupted ? -1 : status;
}

int __real_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...) {
    va_list args;
    va_start(args, command);
    void *what = command == F_GETFD || command == F_GETFL ? NULL : va_arg(args, void *);
    va_end(args);
    return strike_borne() ? -1 : __real_fcntl(fd, command, what);
}

/* ==== What waits ==== */

FILE_CALL(int, -1, strike_waiting(), poll, (struct pollfd * polled, nfds_t count, int timeout), polled, count, timeout)
FILE_CALL(int, -1, strike_waiting(), connect, (int fd, const struct sockaddr *to, socklen_t size), fd, to, size)
FILE_CALL(int, -1, strike_waiting(), nanosleep, (const struct timespec *wanted, struct timespec *left), wanted, left)
FILE_CALL(pid_t, -1, strike_waiting(), waitpid, (pid_t child, int *status, int options), child, status, options)
FILE_CALL(ssize_t, -1, strike_borne() || strike_waiting(), getrandom, (void *buffer, size_t size, unsigned flags), buffer,
          size, flags)
