/* gguf_file.h: a GGUF file opened for reading, after a check that makes libggml's reader safe to use on it.
 *
 * libggml's reader allocates whatever the file's counts ask for, searches for duplicates in quadratic time, and aborts
 * the process when a value is requested as another type than its own. So this room first walks the header through a fixed
 * buffer and checks every count, type, shape and offset against the size of the file; only then does libggml parse it.
 * Control vectors and models are both read this way, a model before libllama sees it. */
#pragma once

#include "base/error.h"

#include <gguf.h>
#include <stddef.h>
#include <stdint.h>

typedef struct tt_gguf {
    char *path;
    int fd;
    uint64_t size;             /* of the file, in bytes */
    struct gguf_context *meta; /* keys and tensor descriptions, no data */
} tt_gguf;

/* Opens `path` and checks its header. Afterwards every tensor's data is known to lie inside the file. */
bool tt_gguf_open(tt_gguf *file, const char *path, tt_error *err);
void tt_gguf_close(tt_gguf *file); /* harmless on `{0}` */

/* Where tensor `index` begins in the file, and how many bytes it takes. */
uint64_t tt_gguf_tensor_offset(const tt_gguf *file, int64_t index);
uint64_t tt_gguf_tensor_size(const tt_gguf *file, int64_t index);

/* Values by key. An absent key leaves `*value` as it is and is not an error; a key of another type is. A count may have
 * any integer type; a negative one, or one above `highest`, is an error. Strings belong to the file: valid until it is
 * closed. */
bool tt_gguf_string(const tt_gguf *file, const char *key, const char **value, tt_error *err);
bool tt_gguf_count(const tt_gguf *file, const char *key, uint64_t highest, uint64_t *value, tt_error *err);

/* An array of the number type `type`: a pointer into the file's memory, and its length. */
bool tt_gguf_array(const tt_gguf *file, const char *key, enum gguf_type type, const void **values, size_t *count,
                   tt_error *err);
