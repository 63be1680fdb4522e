/* layout.h: the bytes of a states file, apart from reading and writing them. docs/states-format.md is the same in prose.
 *
 *   header      one page: what the file is, its shape, where things are; written once
 *   commits     two pages, a record in each, written in turn: which samples count
 *   writer      one page: which process is appending, for the message to a second one
 *   identity    JSON, up to a page's end
 *   samples     [sample][block][row], each a vector of `width` F32 values with its check value behind it
 *
 * The order within a sample is the one that finding directions needs: it works block by block, on a baseline and two rows
 * of every axis, so everything it needs of a sample lies in one run of rows x width x 4 bytes; the reader requests the
 * next samples' runs in advance. Across samples the order is that of capture: a batch is one run, mostly at the end,
 * whatever the shape. */
#pragma once

#include "base/error.h"
#include "base/hash.h"
#include "states/shape.h"

#include <nettle/umac.h>
#include <sys/types.h>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the file is little-endian, and written as memory has it");

enum {
    TT_STATES_VERSION = 1,
    TT_STATES_BYTE_ORDER = 0x01020304,
    TT_STATES_BYTE_ORDER_SWAPPED = 0x04030201,
    TT_STATES_PAGE = 4096, /* parts of the file that are written separately never share a physical sector of a disk */
    TT_STATES_COMMITS = TT_STATES_PAGE,
    TT_STATES_WRITER = 3 * TT_STATES_PAGE,
    TT_STATES_IDENTITY = 4 * TT_STATES_PAGE,
    TT_STATES_DIGEST = TT_HASH_TEXT - 1, /* a SHA-256 as hexadecimal digits, without a zero */
};
constexpr uint64_t tt_states_identity_limit = 16u << 20;

typedef struct tt_states_header {
    char magic[8]; /* "TTSTATES" */
    uint32_t byte_order;
    uint32_t version;
    uint64_t samples; /* when complete */
    uint32_t rows;
    uint32_t blocks;
    uint32_t width;
    uint32_t reserved;
    uint64_t identity_length;
    uint64_t data_offset;                   /* of the first sample */
    uint64_t sample_size;                   /* bytes from one sample to the next */
    char identity_digest[TT_STATES_DIGEST]; /* of the identity */
    char digest[TT_STATES_DIGEST];          /* of everything above */
} tt_states_header;
static_assert(sizeof(tt_states_header) == 192);

typedef struct tt_states_commit {
    char magic[8]; /* "TTCOMMIT" */
    uint64_t sequence;
    uint64_t samples;                     /* samples that count, from the first on */
    char header_digest[TT_STATES_DIGEST]; /* the header's `digest`: records of other files do not match */
    uint8_t ahead[TT_STATES_AHEAD / 8];   /* bit i % 8 of byte i / 8: sample `samples` + i counts too */
    char digest[TT_STATES_DIGEST];        /* of everything above */
} tt_states_commit;
static_assert(sizeof(tt_states_commit) == 512);

typedef struct tt_states_writer {
    uint64_t process;
    char host[64]; /* zero-terminated */
} tt_states_writer;

/* Bytes of a vector with its check value; of a sample; of the file before its first sample. */
uint64_t tt_states_vector_size(const tt_states_shape *shape);
bool tt_states_sample_size(const tt_states_shape *shape, uint64_t *size); /* false: more than a file can be */
uint64_t tt_states_data_offset(uint64_t identity_length);

/* Fails for an empty shape, and for one too large for any file. */
bool tt_states_shape_check(const tt_states_shape *shape, tt_error *err);

/* Fills the header of a new file. The shape must have been checked. */
void tt_states_header_fill(tt_states_header *header, const tt_states_shape *shape, const char *identity,
                           size_t identity_length);

/* Fails, with `path` in the message, unless these bytes are a header that this version reads. Does not check the
 * identity. */
bool tt_states_header_check(const tt_states_header *header, const char *path, tt_error *err);

/* True if `digest` is the digest of these bytes. */
bool tt_states_digest_is(const char digest[static TT_STATES_DIGEST], const void *bytes, size_t length);

/* `ahead` is copied; NULL: none. */
void tt_states_commit_fill(tt_states_commit *commit, const tt_states_header *header, uint64_t sequence, uint64_t samples,
                           const uint8_t *ahead);
bool tt_states_commit_valid(const tt_states_commit *commit, const tt_states_header *header);

/* Whether sample `samples` + `index` is among those that `ahead` counts. */
bool tt_states_is_ahead(const uint8_t ahead[static TT_STATES_AHEAD / 8], uint64_t index);
off_t tt_states_commit_offset(uint64_t sequence); /* odd and even numbers alternate */

/* The check value of one vector: UMAC-64 (RFC 4418, by nettle). Its key is the header's digest and its nonce the vector's
 * place, so bytes of another run or from another place fail too. It is the fastest check available that misses almost
 * nothing: 11 to 13 GB/s per core where SHA-256 (with the processor's own instructions) reaches 2, and it misses 2^-60
 * where a CRC-32 misses 2^-32. `context` holds the key; each thread has its own copy. */
void tt_states_check_begin(struct umac64_ctx *context, const tt_states_header *header);
uint64_t tt_states_check(struct umac64_ctx *context, uint64_t place, const float *vector, uint32_t width);
