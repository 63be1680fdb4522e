/* gguf_file.h: a GGUF file opened for reading, after a check that makes libggml's reader safe to use on it.
 *
 * libggml's reader allocates what counts in the file ask for, searches duplicates in quadratic time, and aborts the process
 * where a value is asked for as another type than it has. So the header is first walked here, through a fixed buffer, and
 * every count, type, shape and offset is held against the size of the file; only then libggml parses it. Control vectors and
 * models are read by way of this, a model before libllama gets to see it. */
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

/* Opens `path` and checks its header: afterwards every tensor's data is known to lie inside the file. */
bool tt_gguf_open(tt_gguf *file, const char *path, tt_error *err);
void tt_gguf_close(tt_gguf *file); /* harmless on `{0}` */

/* Where tensor `index` begins in the file, and how many bytes it takes. */
uint64_t tt_gguf_tensor_offset(const tt_gguf *file, int64_t index);
uint64_t tt_gguf_tensor_size(const tt_gguf *file, int64_t index);

/* Values by key. A key that is absent leaves `*value` as it is and is no error; one of another type is. A count is taken
 * from any integer type, and is an error when negative or above `highest`. Strings are the file's: valid until it is closed.
 */
bool tt_gguf_string(const tt_gguf *file, const char *key, const char **value, tt_error *err);
bool tt_gguf_count(const tt_gguf *file, const char *key, uint64_t highest, uint64_t *value, tt_error *err);

/* An array of `type`, a number's: the file's own memory and its length. */
bool tt_gguf_array(const tt_gguf *file, const char *key, enum gguf_type type, const void **values, size_t *count,
                   tt_error *err);
