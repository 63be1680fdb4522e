/* states.c: creates, opens, writes and reads a states file; see states.h. layout.h has its bytes.
 *
 * A crash at any moment is safe, because a sample counts only by a commit record, and a record is written only when its
 * samples are on the disk: vectors, fdatasync, record, fdatasync. The records alternate between two places, so a
 * half-written one leaves the one before. Whatever a crash leaves beyond the last record is overwritten.
 *
 * Memory: a few vectors. The file is read and written piece by piece, never mapped, so none of it counts as this process'
 * memory; the kernel caches what it has room for. */
#include "states/states.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "states/layout.h"
#include "states/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

struct tt_states {
    int fd;
    bool append;
    bool unsure; /* a commit failed half-way: only opening again shows what is on the disk */
    char *path;
    char *identity;
    tt_states_shape shape;
    tt_states_header header;
    uint64_t sequence;                  /* of the last commit record */
    uint64_t committed;                 /* samples from the first on */
    uint8_t ahead[TT_STATES_AHEAD / 8]; /* which of those after them: see layout.h */
    struct umac64_ctx check;
};

/* ==== Queries ==== */

const tt_states_shape *tt_states_shape_of(const tt_states *states) { return &states->shape; }
const char *tt_states_identity(const tt_states *states) { return states->identity; }
uint64_t tt_states_committed(const tt_states *states) { return states->committed; }

bool tt_states_has(const tt_states *states, uint64_t sample) {
    return sample < states->committed || tt_states_is_ahead(states->ahead, sample - states->committed);
}

uint64_t tt_states_held(const tt_states *states) {
    uint64_t held = states->committed;
    for (uint64_t i = 0; i < TT_STATES_AHEAD; i++) held += tt_states_is_ahead(states->ahead, i);
    return held;
}

/* The sample after the last one that counts. */
static uint64_t end_of(const tt_states *states) {
    uint64_t last = TT_STATES_AHEAD;
    while (last > 0 && !tt_states_is_ahead(states->ahead, last - 1)) last--;
    return states->committed + last;
}

void tt_states_close(tt_states *states) {
    if (!states) return;
    if (states->fd >= 0) close(states->fd);
    free(states->path);
    free(states->identity);
    free(states);
}

/* The vector's number in the file. */
static uint64_t place_of(const tt_states *states, uint64_t sample, uint32_t block, uint32_t row) {
    return (sample * states->shape.blocks + block) * states->shape.rows + row;
}

static off_t offset_of(const tt_states *states, uint64_t place) {
    return (off_t)(states->header.data_offset + place * tt_states_vector_size(&states->shape));
}

/* Fails unless the file system of `fd` has room for `needed` more bytes. */
static bool check_space(int fd, uint64_t needed, const char *path, tt_error *err) {
    struct statvfs status;
    char needed_text[32], free_text[32];
    if (fstatvfs(fd, &status)) return true; /* not every file system reports it */
    const double available = (double)status.f_bavail * (double)status.f_frsize;
    if ((double)needed <= available) return true;
    return tt_fail(
        err, TT_ERROR_IO,
        "'%s' needs %s but its file system has only %s free: make room, take fewer samples, or name another folder", path,
        tt_bytes_text((double)needed, needed_text), tt_bytes_text(available, free_text));
}

/* ==== Creating ==== */

/* The file up to its first sample, complete or absent. */
static bool write_beginning(const char *path, const tt_states_header *header, const char *identity, tt_error *err) {
    uint8_t *bytes = tt_alloc((size_t)header->data_offset, 1, err);
    if (!bytes) return false;
    tt_states_commit commit;
    tt_states_commit_fill(&commit, header, 0, 0, NULL);
    memcpy(bytes, header, sizeof *header);
    memcpy(bytes + tt_states_commit_offset(0), &commit, sizeof commit);
    memcpy(bytes + TT_STATES_IDENTITY, identity, (size_t)header->identity_length);
    const bool ok = tt_file_write(path, bytes, (size_t)header->data_offset, err);
    free(bytes);
    return ok;
}

/* Flushing the folder makes the file's name survive a crash. Some file systems do not support that. */
static bool flush_folder(int folder, const char *path, tt_error *err) {
    int status;
    do status = fsync(folder);
    while (status && errno == EINTR);
    return status == 0 || errno == EINVAL || errno == EROFS || tt_fail_errno(err, "cannot write '%s'", path);
}

/* With the folder locked, no process appends to the file at `path`, if there is one, and none can start to. */
static tt_states *create_in(int folder, const char *path, const tt_states_header *header, const char *identity,
                            tt_error *err) {
    const int old = tt_open(path, O_RDWR | O_NONBLOCK, 0);
    if (old < 0 && errno != ENOENT) {
        tt_fail_errno(err, "cannot replace '%s'", path);
        return NULL;
    }
    const bool ok = (old < 0 || tt_states_lock(old, path, err)) && write_beginning(path, header, identity, err) &&
                    flush_folder(folder, path, err);
    if (old >= 0) close(old);
    return ok ? tt_states_open(path, true, err) : NULL;
}

tt_states *tt_states_create(const char *path, const tt_states_shape *shape, const char *identity, tt_error *err) {
    const size_t identity_length = strlen(identity);
    if (!tt_states_shape_check(shape, err)) return NULL;
    if (identity_length > tt_states_identity_limit) {
        tt_fail(err, TT_ERROR_USAGE, "the description of the run is too long for '%s'", path);
        return NULL;
    }
    const int folder = tt_states_lock_folder(path, err);
    if (folder < 0) return NULL;
    tt_states *states = NULL;
    if (check_space(folder, tt_states_size(shape, identity_length), path, err)) {
        tt_states_header header;
        tt_states_header_fill(&header, shape, identity, identity_length);
        states = create_in(folder, path, &header, identity, err);
    }
    close(folder);
    return states;
}

/* ==== Opening ==== */

/* Opens `path` and, for appending, locks it. If the name was given to a new file in between, it tries again. (O_NONBLOCK:
 * a pipe of that name must not block the program; it does not affect files.) */
static int open_file(const char *path, bool append, tt_error *err) {
    for (;;) {
        const int fd = tt_open(path, (append ? O_RDWR : O_RDONLY) | O_NONBLOCK, 0);
        if (fd < 0) {
            tt_fail_errno(err, "cannot open '%s'", path);
            return -1;
        }
        struct stat opened, named;
        if (!append) return fd;
        if (!tt_states_lock(fd, path, err)) {
            close(fd);
            return -1;
        }
        if (fstat(fd, &opened) == 0 && stat(path, &named) == 0 && opened.st_ino == named.st_ino &&
            opened.st_dev == named.st_dev)
            return fd;
        close(fd);
    }
}

static bool read_header(tt_states *states, uint64_t file_size, tt_error *err) {
    tt_states_header *header = &states->header;
    const size_t there = file_size < sizeof *header ? (size_t)file_size : sizeof *header;
    if (!tt_pread_all(states->fd, header, there, 0, states->path, err)) return false;
    if (there == sizeof *header || memcmp(header->magic, "TTSTATES", sizeof header->magic) != 0) {
        if (!tt_states_header_check(header, states->path, err)) return false;
        if (file_size >= header->data_offset) return true;
    }
    return tt_fail(err, TT_ERROR_INPUT, "'%s' ends within its header: it was cut short; capture again", states->path);
}

static bool read_identity(tt_states *states, tt_error *err) {
    const size_t length = (size_t)states->header.identity_length;
    states->identity = tt_alloc(length + 1, 1, err);
    if (!states->identity || !tt_pread_all(states->fd, states->identity, length, TT_STATES_IDENTITY, states->path, err))
        return false;
    if (!tt_states_digest_is(states->header.identity_digest, states->identity, length) || strlen(states->identity) != length)
        return tt_fail(err, TT_ERROR_INPUT,
                       "the header of '%s' is damaged: its description of the run is not what was written; "
                       "capture again",
                       states->path);
    return true;
}

/* The newer valid one of the two commit records. */
static bool read_commits(tt_states *states, uint64_t file_size, tt_error *err) {
    bool found = false;
    for (uint64_t turn = 0; turn < 2; turn++) {
        tt_states_commit commit;
        if (!tt_pread_all(states->fd, &commit, sizeof commit, tt_states_commit_offset(turn), states->path, err))
            return false;
        if (!tt_states_commit_valid(&commit, &states->header) || commit.sequence % 2 != turn) continue;
        if (found && commit.sequence < states->sequence) continue;
        found = true;
        states->sequence = commit.sequence;
        states->committed = commit.samples;
        memcpy(states->ahead, commit.ahead, sizeof states->ahead);
    }
    if (!found)
        return tt_fail(err, TT_ERROR_INPUT, "'%s' is damaged: both its commit records are; capture again", states->path);
    if (file_size < states->header.data_offset + end_of(states) * states->header.sample_size)
        return tt_fail(err, TT_ERROR_INPUT,
                       "'%s' was cut short: it should hold %" PRIu64 " samples but ends before; capture again", states->path,
                       tt_states_held(states));
    return true;
}

static bool begin(tt_states *states, const char *path, bool append, tt_error *err) {
    states->append = append;
    states->path = tt_strdup(path, err);
    states->fd = states->path ? open_file(path, append, err) : -1;
    if (states->fd < 0) return false;
    struct stat status;
    if (fstat(states->fd, &status)) return tt_fail_errno(err, "cannot read '%s'", path);
    if (!S_ISREG(status.st_mode)) return tt_fail(err, TT_ERROR_INPUT, "'%s' is not a file", path);
    const uint64_t file_size = (uint64_t)status.st_size;
    if (!read_header(states, file_size, err) || !read_identity(states, err) || !read_commits(states, file_size, err))
        return false;
    const tt_states_header *header = &states->header;
    states->shape = (tt_states_shape){header->samples, header->rows, header->blocks, header->width};
    tt_states_check_begin(&states->check, header);
    /* Reads are strided: we announce the next ones to the kernel, which must not guess. */
    (void)posix_fadvise(states->fd, 0, 0, POSIX_FADV_RANDOM);
    if (!append) return true;
    const uint64_t missing = (header->samples - tt_states_held(states)) * header->sample_size;
    return check_space(states->fd, missing, path, err) && tt_states_sign(states->fd, path, err);
}

tt_states *tt_states_open(const char *path, bool append, tt_error *err) {
    tt_states *states = tt_alloc(1, sizeof *states, err);
    if (!states) return NULL;
    states->fd = -1;
    if (begin(states, path, append, err)) return states;
    tt_states_close(states);
    return NULL;
}

/* ==== Writing ==== */

/* Copies `count` vectors from `data` (in `rows` x `blocks` order, its first sample's at place `base`) to `piece`, in the
 * file's order and with their check values. */
static void lay_out(tt_states *states, uint8_t *piece, const float *data, uint64_t base, uint64_t first_place,
                    uint64_t count) {
    const tt_states_shape *shape = &states->shape;
    const size_t values = (size_t)shape->width * sizeof(float);
    const uint64_t per_sample = (uint64_t)shape->blocks * shape->rows;
    for (uint64_t place = first_place; place < first_place + count; place++) {
        const uint64_t sample = (place - base) / per_sample, within = (place - base) % per_sample;
        const uint64_t block = within / shape->rows, row = within % shape->rows;
        const float *vector = data + ((sample * shape->rows + row) * shape->blocks + block) * shape->width;
        const uint64_t value = tt_states_check(&states->check, place, vector, shape->width);
        memcpy(piece, vector, values);
        memcpy(piece + values, &value, sizeof value);
        piece += values + sizeof value;
    }
}

static bool write_samples(tt_states *states, uint64_t first_sample, uint64_t count, const float *data, tt_error *err) {
    const uint64_t vector_size = tt_states_vector_size(&states->shape);
    const uint64_t per_sample = (uint64_t)states->shape.blocks * states->shape.rows;
    const uint64_t first = first_sample * per_sample, end = first + count * per_sample;
    const uint64_t most = vector_size < (1u << 20) ? (1u << 20) / vector_size : 1; /* in one piece: about 1 MiB */
    const uint64_t at_once = most < end - first ? most : end - first;
    uint8_t *piece = tt_alloc((size_t)at_once, (size_t)vector_size, err);
    if (!piece) return false;
    bool ok = true;
    for (uint64_t place = first, some; ok && place < end; place += some) {
        some = at_once < end - place ? at_once : end - place;
        lay_out(states, piece, data, first, place, some);
        ok = tt_pwrite_all(states->fd, piece, (size_t)(some * vector_size), offset_of(states, place), states->path, err);
    }
    free(piece);
    return ok;
}

static bool flush(tt_states *states, tt_error *err) {
    int status;
    do status = fdatasync(states->fd);
    while (status && errno == EINTR);
    return status == 0 || tt_fail_errno(err, "cannot write '%s'", states->path);
}

static bool commit(tt_states *states, uint64_t committed, const uint8_t ahead[static TT_STATES_AHEAD / 8], tt_error *err) {
    tt_states_commit record;
    const uint64_t sequence = states->sequence + 1;
    tt_states_commit_fill(&record, &states->header, sequence, committed, ahead);
    if (!tt_pwrite_all(states->fd, &record, sizeof record, tt_states_commit_offset(sequence), states->path, err) ||
        !flush(states, err)) {
        states->unsure = true;
        return false;
    }
    states->sequence = sequence;
    states->committed = committed;
    memcpy(states->ahead, ahead, sizeof states->ahead);
    return true;
}

/* Commits what counts, and samples [first, first + count) with it. */
static bool commit_with(tt_states *states, uint64_t first, uint64_t count, tt_error *err) {
    uint8_t ahead[TT_STATES_AHEAD / 8] = {0};
    uint64_t committed = states->committed;
    while (committed < states->shape.samples &&
           (tt_states_has(states, committed) || (committed >= first && committed - first < count)))
        committed++;
    for (uint64_t i = 0; i < TT_STATES_AHEAD; i++) {
        const uint64_t sample = committed + i;
        if (tt_states_has(states, sample) || (sample >= first && sample - first < count))
            ahead[i / 8] |= (uint8_t)(1u << i % 8);
    }
    return commit(states, committed, ahead, err);
}

static bool check_place(const tt_states *states, uint64_t first, uint64_t count, tt_error *err) {
    if (first > states->shape.samples || count > states->shape.samples - first)
        return tt_fail(err, TT_ERROR_USAGE,
                       "'%s' is for %" PRIu64 " samples: %" PRIu64 " from sample %" PRIu64 " on do not fit", states->path,
                       states->shape.samples, count, first);
    const uint64_t end = end_of(states);
    for (uint64_t sample = first; sample < first + count && sample < end; sample++)
        if (tt_states_has(states, sample))
            return tt_fail(err, TT_ERROR_USAGE, "'%s' has sample %" PRIu64 " already", states->path, sample);
    if (first != states->committed && first + count > states->committed + TT_STATES_AHEAD)
        return tt_fail(err, TT_ERROR_USAGE,
                       "'%s' lacks sample %" PRIu64 ", and cannot count one so far ahead of it as %" PRIu64, states->path,
                       states->committed, first + count - 1);
    return true;
}

bool tt_states_put(tt_states *states, uint64_t first, uint64_t count, const float *data, tt_error *err) {
    if (!states->append) return tt_fail(err, TT_ERROR_USAGE, "'%s' was opened for reading alone", states->path);
    if (states->unsure)
        return tt_fail(err, TT_ERROR_IO, "writing to '%s' failed before: start again, and it goes on with what is safe",
                       states->path);
    if (!check_place(states, first, count, err)) return false;
    if (count == 0) return true;
    return write_samples(states, first, count, data, err) && flush(states, err) && commit_with(states, first, count, err);
}

/* ==== Reading ==== */

enum { AHEAD = 64 }; /* samples whose vectors are announced in advance: keeps the disk's queue filled */

struct reader {
    const tt_states *states;
    struct umac64_ctx check;
    uint8_t *buffer; /* one vector and its check value */
};

static bool read_vector(struct reader *reader, uint64_t sample, uint32_t block, uint32_t row, tt_error *err) {
    const tt_states *states = reader->states;
    const uint64_t place = place_of(states, sample, block, row);
    const size_t size = (size_t)tt_states_vector_size(&states->shape);
    if (!tt_pread_all(states->fd, reader->buffer, size, offset_of(states, place), states->path, err)) return false;
    uint64_t expected;
    memcpy(&expected, reader->buffer + size - sizeof expected, sizeof expected);
    if (tt_states_check(&reader->check, place, (const float *)(const void *)reader->buffer, states->shape.width) == expected)
        return true;
    return tt_fail(err, TT_ERROR_INPUT,
                   "'%s' is damaged: sample %" PRIu64 " (block %" PRIu32 ", prompt %" PRIu32
                   ") is not what was written; capture again",
                   states->path, sample, block, row);
}

static void ask_for(const tt_states *states, uint64_t sample, uint32_t block, uint32_t row) {
    const off_t offset = offset_of(states, place_of(states, sample, block, row));
    (void)posix_fadvise(states->fd, offset, (off_t)tt_states_vector_size(&states->shape), POSIX_FADV_WILLNEED);
}

static bool read_differences(struct reader *reader, uint32_t block, uint32_t row, uint32_t baseline, uint64_t count,
                             float *out, tt_error *err) {
    const tt_states *states = reader->states;
    const uint32_t width = states->shape.width;
    for (uint64_t asked = 0, sample = 0; sample < count; sample++, out += width) {
        for (; asked < count && asked < sample + AHEAD; asked++) {
            ask_for(states, asked, block, baseline);
            ask_for(states, asked, block, row);
        }
        if (!read_vector(reader, sample, block, row, err)) return false;
        memcpy(out, reader->buffer, (size_t)width * sizeof *out);
        if (!read_vector(reader, sample, block, baseline, err)) return false;
        const float *from = (const float *)(const void *)reader->buffer;
        for (uint32_t i = 0; i < width; i++) out[i] -= from[i];
    }
    return true;
}

bool tt_states_differences(const tt_states *states, uint32_t block, uint32_t row, uint32_t baseline, uint64_t count,
                           float *out, tt_error *err) {
    const tt_states_shape *shape = &states->shape;
    if (block >= shape->blocks || row >= shape->rows || baseline >= shape->rows)
        return tt_fail(err, TT_ERROR_USAGE,
                       "'%s' has %" PRIu32 " blocks and %" PRIu32 " prompts a sample: there is no block %" PRIu32
                       " with prompts %" PRIu32 " and %" PRIu32,
                       states->path, shape->blocks, shape->rows, block, row, baseline);
    if (count > states->committed)
        return tt_fail(err, TT_ERROR_USAGE, "'%s' holds %" PRIu64 " samples, not %" PRIu64, states->path, states->committed,
                       count);
    struct reader reader = {.states = states, .check = states->check};
    reader.buffer = tt_alloc(1, (size_t)tt_states_vector_size(shape), err);
    const bool ok = reader.buffer && read_differences(&reader, block, row, baseline, count, out, err);
    free(reader.buffer);
    return ok;
}
