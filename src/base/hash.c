/* hash.c: see hash.h */
#include "base/hash.h"

#include <stdio.h>
#include <string.h>

void tt_hash_begin(tt_hash *hash) { sha256_init(&hash->context); }

void tt_hash_bytes(tt_hash *hash, const void *bytes, size_t length) {
    if (length) sha256_update(&hash->context, length, bytes);
}

void tt_hash_text(tt_hash *hash, const char *text) { tt_hash_bytes(hash, text, strlen(text) + 1); }

void tt_hash_u64(tt_hash *hash, uint64_t value) {
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)(value >> (8 * i));
    tt_hash_bytes(hash, bytes, sizeof bytes);
}

void tt_hash_end(tt_hash *hash, char hex[static TT_HASH_TEXT]) {
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_digest(&hash->context, sizeof digest, digest);
    for (size_t i = 0; i < sizeof digest; i++) snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}
