/* layout.c: see layout.h */
#include "states/layout.h"

#include <inttypes.h>
#include <stdckdint.h>
#include <stddef.h>
#include <string.h>

/* Larger counts are damage or a mistake: llama.cpp itself stops at 512 blocks. */
constexpr uint32_t most_rows = 1u << 16;
constexpr uint32_t most_blocks = 1u << 12;
constexpr uint32_t most_values = 1u << 20;

uint64_t tt_states_vector_size(const tt_states_shape *shape) {
    return (uint64_t)shape->width * sizeof(float) + sizeof(uint64_t);
}

bool tt_states_sample_size(const tt_states_shape *shape, uint64_t *size) {
    return !ckd_mul(size, tt_states_vector_size(shape), (uint64_t)shape->rows * shape->blocks);
}

uint64_t tt_states_data_offset(uint64_t identity_length) {
    return (TT_STATES_IDENTITY + identity_length + TT_STATES_PAGE - 1) / TT_STATES_PAGE * TT_STATES_PAGE;
}

uint64_t tt_states_size(const tt_states_shape *shape, size_t identity_length) {
    uint64_t size;
    if (identity_length > tt_states_identity_limit || !tt_states_sample_size(shape, &size) ||
        ckd_mul(&size, size, shape->samples) || ckd_add(&size, size, tt_states_data_offset(identity_length)))
        return UINT64_MAX;
    return size;
}

bool tt_states_shape_check(const tt_states_shape *shape, tt_error *err) {
    if (!shape->samples || !shape->rows || !shape->blocks || !shape->width)
        return tt_fail(err, TT_ERROR_USAGE,
                       "there is nothing to store: samples, prompts, blocks and width must be at least 1");
    if (shape->rows > most_rows || shape->blocks > most_blocks || shape->width > most_values ||
        tt_states_size(shape, tt_states_identity_limit) > INT64_MAX)
        return tt_fail(err, TT_ERROR_USAGE,
                       "%" PRIu64 " samples of %" PRIu32 " prompts, %" PRIu32 " blocks and width %" PRIu32
                       " are more than a file can hold",
                       shape->samples, shape->rows, shape->blocks, shape->width);
    return true;
}

/* ==== Digests ==== */

static void digest_fill(char digest[static TT_STATES_DIGEST], const void *bytes, size_t length) {
    char text[TT_HASH_TEXT];
    tt_hash hash;
    tt_hash_begin(&hash);
    tt_hash_bytes(&hash, bytes, length);
    tt_hash_end(&hash, text);
    memcpy(digest, text, TT_STATES_DIGEST);
}

bool tt_states_digest_is(const char digest[static TT_STATES_DIGEST], const void *bytes, size_t length) {
    char expected[TT_STATES_DIGEST];
    digest_fill(expected, bytes, length);
    return memcmp(digest, expected, sizeof expected) == 0;
}

/* ==== Header ==== */

void tt_states_header_fill(tt_states_header *header, const tt_states_shape *shape, const char *identity,
                           size_t identity_length) {
    *header = (tt_states_header){
        .magic = {'T', 'T', 'S', 'T', 'A', 'T', 'E', 'S'},
        .byte_order = TT_STATES_BYTE_ORDER,
        .version = TT_STATES_VERSION,
        .samples = shape->samples,
        .rows = shape->rows,
        .blocks = shape->blocks,
        .width = shape->width,
        .identity_length = identity_length,
        .data_offset = tt_states_data_offset(identity_length),
    };
    tt_states_sample_size(shape, &header->sample_size);
    digest_fill(header->identity_digest, identity, identity_length);
    digest_fill(header->digest, header, offsetof(tt_states_header, digest));
}

bool tt_states_header_check(const tt_states_header *header, const char *path, tt_error *err) {
    if (memcmp(header->magic, "TTSTATES", sizeof header->magic) != 0)
        return tt_fail(err, TT_ERROR_INPUT, "'%s' is not a states file of trimtab", path);
    if (header->byte_order == TT_STATES_BYTE_ORDER_SWAPPED)
        return tt_fail(err, TT_ERROR_INPUT,
                       "'%s' was written by a machine of the other byte order: use it there, or capture again", path);
    if (header->byte_order == TT_STATES_BYTE_ORDER && header->version != TT_STATES_VERSION)
        return tt_fail(err, TT_ERROR_INPUT,
                       "'%s' is a states file of version %" PRIu32
                       ", and this trimtab reads version %d: use the trimtab that wrote it, or capture again",
                       path, header->version, TT_STATES_VERSION);
    if (!tt_states_digest_is(header->digest, header, offsetof(tt_states_header, digest)))
        return tt_fail(err, TT_ERROR_INPUT, "the header of '%s' is damaged: its checksum is wrong; capture again", path);
    const tt_states_shape shape = {header->samples, header->rows, header->blocks, header->width};
    uint64_t sample_size = 0;
    if (header->byte_order != TT_STATES_BYTE_ORDER || !tt_states_shape_check(&shape, NULL) ||
        !tt_states_sample_size(&shape, &sample_size) || header->identity_length > tt_states_identity_limit ||
        header->sample_size != sample_size || header->data_offset != tt_states_data_offset(header->identity_length))
        return tt_fail(err, TT_ERROR_INPUT, "the header of '%s' makes no sense: its counts and sizes do not fit together",
                       path);
    return true;
}

/* ==== Commit records ==== */

void tt_states_commit_fill(tt_states_commit *commit, const tt_states_header *header, uint64_t sequence, uint64_t samples,
                           const uint8_t *ahead) {
    *commit = (tt_states_commit){
        .magic = {'T', 'T', 'C', 'O', 'M', 'M', 'I', 'T'},
        .sequence = sequence,
        .samples = samples,
    };
    memcpy(commit->header_digest, header->digest, sizeof commit->header_digest);
    if (ahead) memcpy(commit->ahead, ahead, sizeof commit->ahead);
    digest_fill(commit->digest, commit, offsetof(tt_states_commit, digest));
}

bool tt_states_is_ahead(const uint8_t ahead[static TT_STATES_AHEAD / 8], uint64_t index) {
    return index < TT_STATES_AHEAD && (ahead[index / 8] >> index % 8 & 1);
}

/* The first missing sample does not count, nor does any after the last. */
static bool ahead_makes_sense(const tt_states_commit *commit, const tt_states_header *header) {
    for (uint64_t i = 0; i < TT_STATES_AHEAD; i++)
        if (tt_states_is_ahead(commit->ahead, i) && (i == 0 || i >= header->samples - commit->samples)) return false;
    return true;
}

bool tt_states_commit_valid(const tt_states_commit *commit, const tt_states_header *header) {
    return memcmp(commit->magic, "TTCOMMIT", sizeof commit->magic) == 0 &&
           memcmp(commit->header_digest, header->digest, sizeof commit->header_digest) == 0 &&
           tt_states_digest_is(commit->digest, commit, offsetof(tt_states_commit, digest)) &&
           commit->samples <= header->samples && ahead_makes_sense(commit, header);
}

off_t tt_states_commit_offset(uint64_t sequence) { return TT_STATES_COMMITS + (off_t)(sequence % 2) * TT_STATES_PAGE; }

/* ==== Vectors ==== */

void tt_states_check_begin(struct umac64_ctx *context, const tt_states_header *header) {
    umac64_set_key(context, (const uint8_t *)header->digest); /* its first 16 digits */
}

uint64_t tt_states_check(struct umac64_ctx *context, uint64_t place, const float *vector, uint32_t width) {
    uint64_t value;
    umac64_set_nonce(context, sizeof place, (const uint8_t *)&place);
    umac64_update(context, (size_t)width * sizeof *vector, (const uint8_t *)vector);
    umac64_digest(context, sizeof value, (uint8_t *)&value);
    return value;
}
