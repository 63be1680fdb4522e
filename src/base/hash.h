/* hash.h: SHA-256 (nettle), for fingerprints and for detecting changed data. */
#pragma once

#include <nettle/sha2.h>
#include <stddef.h>
#include <stdint.h>

typedef struct tt_hash {
    struct sha256_ctx context;
} tt_hash;

enum { TT_HASH_TEXT = 65 }; /* 64 hexadecimal digits and a zero */

void tt_hash_begin(tt_hash *hash);
void tt_hash_bytes(tt_hash *hash, const void *bytes, size_t length);
void tt_hash_text(tt_hash *hash, const char *text); /* with its terminating zero, so that "ab","c" and "a","bc" differ */
void tt_hash_u64(tt_hash *hash, uint64_t value);    /* as 8 bytes, little-endian on every machine */
void tt_hash_end(tt_hash *hash, char hex[static TT_HASH_TEXT]);
