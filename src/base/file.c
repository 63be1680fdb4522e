/* file.c: see file.h */
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int tt_open(const char *path, int flags, mode_t mode) {
    int fd;
    do fd = open(path, flags | O_CLOEXEC, mode);
    while (fd < 0 && errno == EINTR);
    return fd;
}

bool tt_wait_for_input(int fd, const atomic_bool *cancel) {
    enum { WAIT_MILLISECONDS = 100 };
    struct pollfd input = {.fd = fd, .events = POLLIN};
    while (!atomic_load(cancel)) {
        const int ready = poll(&input, 1, WAIT_MILLISECONDS);
        if (ready > 0 || (ready < 0 && errno != EINTR)) return true; /* reading will say what is wrong */
    }
    return false;
}

static bool fail_too_long(const char *path, size_t limit, tt_error *err) {
    char text[32];
    return tt_fail(err, TT_ERROR_INPUT, "'%s' is longer than the %s that such a file may have", path,
                   tt_bytes_text((double)limit, text));
}

/* Reads all there is into `*bytes`: `*used` bytes and a zero. */
static bool read_whole(int fd, const char *path, size_t limit, const atomic_bool *cancel, char **bytes, size_t *used,
                       tt_error *err) {
    for (size_t capacity = 0;;) {
        if (capacity - *used < 2) {
            const size_t wanted = capacity ? capacity * 2 : 65536;
            if (!tt_resize(bytes, wanted, 1, err)) return false;
            capacity = wanted;
        }
        if (cancel && !tt_wait_for_input(fd, cancel)) return tt_fail(err, TT_ERROR_INTERRUPTED, "interrupted");
        ssize_t got; /* a signal that only interrupts is no reason to wait again: there is input */
        do got = read(fd, *bytes + *used, capacity - *used - 1);
        while (got < 0 && errno == EINTR && !(cancel && atomic_load(cancel)));
        if (got < 0 && (errno == EINTR || (cancel && errno == EAGAIN))) continue;
        if (got < 0) return tt_fail_errno(err, "cannot read '%s'", path);
        if (got == 0) break;
        *used += (size_t)got;
        if (*used > limit) return fail_too_long(path, limit, err);
    }
    (*bytes)[*used] = '\0';
    return true;
}

char *tt_descriptor_read(int fd, const char *name, size_t limit, const atomic_bool *cancel, size_t *length, tt_error *err) {
    char *bytes = NULL;
    size_t used = 0;
    struct stat status;
    const bool too_long = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && (uintmax_t)status.st_size > limit;
    const bool ok = too_long ? fail_too_long(name, limit, err) : read_whole(fd, name, limit, cancel, &bytes, &used, err);
    if (!ok) {
        free(bytes);
        return NULL;
    }
    *length = used;
    return bytes;
}

char *tt_file_read_until(const char *path, size_t limit, const atomic_bool *cancel, size_t *length, tt_error *err) {
    /* open() would block on a pipe without a writer. */
    const int fd = tt_open(path, cancel ? O_RDONLY | O_NONBLOCK : O_RDONLY, 0);
    if (fd < 0) {
        tt_fail_errno(err, "cannot open '%s'", path);
        return NULL;
    }
    char *bytes = tt_descriptor_read(fd, path, limit, cancel, length, err);
    close(fd);
    return bytes;
}

char *tt_file_read(const char *path, size_t limit, size_t *length, tt_error *err) {
    return tt_file_read_until(path, limit, NULL, length, err);
}

bool tt_pread_all(int fd, void *buffer, size_t size, off_t offset, const char *path, tt_error *err) {
    for (size_t done = 0; done < size;) {
        const ssize_t got = pread(fd, (char *)buffer + done, size - done, offset + (off_t)done);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return tt_fail_errno(err, "cannot read '%s'", path);
        if (got == 0) return tt_fail(err, TT_ERROR_INPUT, "'%s' ends too early: it was cut short", path);
        done += (size_t)got;
    }
    return true;
}

bool tt_pwrite_all(int fd, const void *buffer, size_t size, off_t offset, const char *path, tt_error *err) {
    for (size_t done = 0; done < size;) {
        const ssize_t put = pwrite(fd, (const char *)buffer + done, size - done, offset + (off_t)done);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return tt_fail_errno(err, "cannot write '%s'", path);
        done += (size_t)put;
    }
    return true;
}

/* Renaming would replace a device or a pipe; for root, even /dev/null. */
static bool can_be_replaced(const char *path, tt_error *err) {
    struct stat status;
    if (stat(path, &status) || S_ISREG(status.st_mode)) return true;
    return tt_fail(err, TT_ERROR_IO, "cannot write '%s', which is a %s; name a file", path,
                   S_ISDIR(status.st_mode) ? "folder" : "device or a pipe");
}

/* Creates a file with a unique name: the last six letters of `path` are chosen here. mkostemp would make it private to
 * the owner; this file is as readable as any that the user creates. */
static int create_temporary(char *path) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    enum { CHOSEN = 6, ATTEMPTS = 100 };
    char *chosen = path + strlen(path) - CHOSEN;
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        for (int i = 0; i < CHOSEN; i++) chosen[i] = letters[arc4random_uniform(sizeof letters - 1)];
        const int fd = tt_open(path, O_RDWR | O_CREAT | O_EXCL, 0666);
        if (fd >= 0 || errno != EEXIST) return fd;
    }
    return -1;
}

bool tt_output_open(tt_output *output, const char *path, tt_error *err) {
    *output = (tt_output){.fd = -1};
    if (!can_be_replaced(path, err)) return false;
    output->path = tt_strdup(path, err);
    output->temporary = output->path ? tt_format(err, "%s.XXXXXX", path) : NULL;
    if (!output->temporary) {
        tt_output_abort(output);
        return false;
    }
    output->fd = create_temporary(output->temporary);
    if (output->fd < 0) {
        tt_fail_errno(err, "cannot write '%s'", path);
        free(output->temporary);
        output->temporary = NULL;
        tt_output_abort(output);
        return false;
    }
    return true;
}

bool tt_output_write(tt_output *output, const void *bytes, size_t length, tt_error *err) {
    if (!tt_pwrite_all(output->fd, bytes, length, (off_t)output->written, output->path, err)) return false;
    output->written += length;
    return true;
}

bool tt_output_commit(tt_output *output, tt_error *err) {
    int status;
    do status = fsync(output->fd);
    while (status && errno == EINTR);
    /* Pipes and some file systems have no fsync; the data there is as safe as it can be. */
    bool ok = status == 0 || errno == EINVAL || errno == EROFS || tt_fail_errno(err, "cannot write '%s'", output->path);
    if (close(output->fd) && errno != EINTR && ok) ok = tt_fail_errno(err, "cannot write '%s'", output->path);
    output->fd = -1;
    if (ok && rename(output->temporary, output->path)) ok = tt_fail_errno(err, "cannot write '%s'", output->path);
    if (ok) {
        free(output->temporary);
        output->temporary = NULL;
    }
    tt_output_abort(output);
    return ok;
}

void tt_output_abort(tt_output *output) {
    if (output->path && output->fd >= 0) close(output->fd);
    if (output->temporary) unlink(output->temporary);
    free(output->temporary);
    free(output->path);
    *output = (tt_output){.fd = -1};
}

bool tt_file_write(const char *path, const void *bytes, size_t length, tt_error *err) {
    tt_output output;
    if (!tt_output_open(&output, path, err)) return false;
    if (!tt_output_write(&output, bytes, length, err)) {
        tt_output_abort(&output);
        return false;
    }
    return tt_output_commit(&output, err);
}

bool tt_output_try(const char *path, tt_error *err) {
    tt_output output;
    if (!tt_output_open(&output, path, err)) return false;
    const bool ok = tt_output_write(&output, "", 1, err);
    tt_output_abort(&output);
    return ok;
}

bool tt_folder_try(const char *folder, tt_error *err) {
    char *probe = tt_path_join(folder, ".trimtab", err);
    const bool ok = probe && tt_output_try(probe, err);
    free(probe);
    return ok;
}

bool tt_make_folder(const char *path, tt_error *err) {
    char *copy = tt_strdup(path, err);
    if (!copy) return false;
    bool ok = true;
    for (char *end = copy + 1; ok; end++) {
        if (*end != '/' && *end != '\0') continue;
        const char kept = *end;
        *end = '\0';
        struct stat status;
        if (mkdir(copy, 0777) && errno != EEXIST)
            ok = tt_fail_errno(err, "cannot make the folder '%s'", path);
        else if (!kept && (stat(copy, &status) || !S_ISDIR(status.st_mode)))
            ok = tt_fail(err, TT_ERROR_IO, "'%s' is not a folder; give another name", path);
        *end = kept;
        if (!kept) break;
    }
    free(copy);
    return ok;
}

char *tt_path_join(const char *folder, const char *name, tt_error *err) {
    const size_t length = strlen(folder);
    return tt_format(err, length && folder[length - 1] == '/' ? "%s%s" : "%s/%s", folder, name);
}

const char *tt_path_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

char *tt_path_folder(const char *path, tt_error *err) {
    const char *name = tt_path_name(path);
    return name == path ? tt_strdup(".", err) : tt_strndup(path, (size_t)(name - path), err);
}
