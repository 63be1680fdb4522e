/* faults.c: see faults.h. A call is __wrap_NAME here and __real_NAME where it was meant to go. */
#include "support/faults.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static _Atomic enum tt_fault present;
static atomic_size_t left;
static atomic_bool reached, full; /* full: after half a write, until the end */

void tt_faults_begin(enum tt_fault fault, size_t nth) {
    atomic_store(&left, nth);
    atomic_store(&reached, false);
    atomic_store(&full, false);
    atomic_store(&present, nth ? fault : TT_FAULT_NONE);
}

bool tt_faults_end(void) {
    atomic_store(&full, false);
    atomic_store(&present, TT_FAULT_NONE);
    return atomic_load(&reached);
}

/* True once: at the call that is to fail. */
static bool strike(enum tt_fault fault) {
    if (atomic_load(&present) != fault || atomic_load(&left) == 0) return false;
    if (atomic_fetch_sub(&left, 1) != 1) return false;
    atomic_store(&reached, true);
    return true;
}

/* What a file call that cannot be short is to do: true when it fails, with errno. */
static bool strike_call(bool interruptible) {
    if (strike(TT_FAULT_ERROR)) {
        errno = EIO;
        return true;
    }
    if (interruptible && strike(TT_FAULT_INTERRUPTED)) {
        errno = EINTR;
        return true;
    }
    return false;
}

/* ==== Memory ==== */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
char *__wrap_strdup(const char *text);

static bool strike_memory(void) {
    if (!strike(TT_FAULT_MEMORY)) return false;
    errno = ENOMEM;
    return true;
}

void *__wrap_malloc(size_t size) { return strike_memory() ? NULL : __real_malloc(size); }
void *__wrap_calloc(size_t count, size_t size) { return strike_memory() ? NULL : __real_calloc(count, size); }
void *__wrap_realloc(void *memory, size_t size) { return strike_memory() ? NULL : __real_realloc(memory, size); }
char *__wrap_strdup(const char *text) { return strike_memory() ? NULL : __real_strdup(text); }

/* ==== Files ==== */

ssize_t __real_read(int fd, void *buffer, size_t size);
ssize_t __real_pread(int fd, void *buffer, size_t size, off_t offset);
ssize_t __real_write(int fd, const void *buffer, size_t size);
ssize_t __real_pwrite(int fd, const void *buffer, size_t size, off_t offset);
int __real_open(const char *path, int flags, ...);
int __real_mkostemp(char *path, int flags);
int __real_fsync(int fd);
int __real_fdatasync(int fd);
int __real_rename(const char *from, const char *to);
int __real_mkdir(const char *path, mode_t mode);
FILE *__real_fopen(const char *path, const char *mode);
ssize_t __wrap_read(int fd, void *buffer, size_t size);
ssize_t __wrap_pread(int fd, void *buffer, size_t size, off_t offset);
ssize_t __wrap_write(int fd, const void *buffer, size_t size);
ssize_t __wrap_pwrite(int fd, const void *buffer, size_t size, off_t offset);
int __wrap_open(const char *path, int flags, ...);
int __wrap_mkostemp(char *path, int flags);
int __wrap_fsync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_rename(const char *from, const char *to);
int __wrap_mkdir(const char *path, mode_t mode);
FILE *__wrap_fopen(const char *path, const char *mode);

ssize_t __wrap_read(int fd, void *buffer, size_t size) {
    if (strike_call(true)) return -1;
    return __real_read(fd, buffer, size > 1 && strike(TT_FAULT_SHORT) ? 1 : size);
}

ssize_t __wrap_pread(int fd, void *buffer, size_t size, off_t offset) {
    if (strike_call(true)) return -1;
    return __real_pread(fd, buffer, size > 1 && strike(TT_FAULT_SHORT) ? 1 : size, offset);
}

/* How many of `size` bytes to write; 0: none, and errno says why. */
static size_t size_to_write(size_t size) {
    if (strike_call(true)) return 0;
    if (atomic_load(&full)) {
        errno = ENOSPC;
        return 0;
    }
    if (size > 1 && strike(TT_FAULT_SHORT)) return 1;
    if (size > 1 && strike(TT_FAULT_WRITE)) {
        atomic_store(&full, true);
        return size / 2;
    }
    return size;
}

ssize_t __wrap_write(int fd, const void *buffer, size_t size) {
    const size_t some = size_to_write(size);
    return some || size == 0 ? __real_write(fd, buffer, some) : -1;
}

ssize_t __wrap_pwrite(int fd, const void *buffer, size_t size, off_t offset) {
    const size_t some = size_to_write(size);
    return some || size == 0 ? __real_pwrite(fd, buffer, some, offset) : -1;
}

int __wrap_open(const char *path, int flags, ...) {
    mode_t mode = 0;
    if (flags & O_CREAT) {
        va_list args;
        va_start(args, flags);
        mode = va_arg(args, mode_t);
        va_end(args);
    }
    return strike_call(true) ? -1 : __real_open(path, flags, mode);
}

int __wrap_mkostemp(char *path, int flags) { return strike_call(false) ? -1 : __real_mkostemp(path, flags); }
int __wrap_fsync(int fd) { return strike_call(true) ? -1 : __real_fsync(fd); }
int __wrap_fdatasync(int fd) { return strike_call(true) ? -1 : __real_fdatasync(fd); }
int __wrap_rename(const char *from, const char *to) { return strike_call(false) ? -1 : __real_rename(from, to); }
int __wrap_mkdir(const char *path, mode_t mode) { return strike_call(false) ? -1 : __real_mkdir(path, mode); }
FILE *__wrap_fopen(const char *path, const char *mode) { return strike_call(false) ? NULL : __real_fopen(path, mode); }
