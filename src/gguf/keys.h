/* keys.h: a file's keys without the file: kept unchanged, to be shown and written again. */
#pragma once

#include "base/text.h"
#include "gguf/gguf_file.h"

typedef struct gguf_context tt_gguf_keys; /* a header of its own, without tensors */

/* Copies of the file's keys, except those for which `leave` returns true; NULL if none is left. */
tt_gguf_keys *tt_gguf_keys_take(const tt_gguf *file, bool (*leave)(const char *key));
tt_gguf_keys *tt_gguf_keys_copy(const tt_gguf_keys *keys); /* of NULL: NULL */
void tt_gguf_keys_free(tt_gguf_keys *keys);                /* harmless on NULL */

size_t tt_gguf_keys_count(const tt_gguf_keys *keys); /* of NULL: 0 */
const char *tt_gguf_keys_name(const tt_gguf_keys *keys, size_t index);

/* Appends the value of key `index` as one line of text, shortened if it is long. */
void tt_gguf_keys_value(const tt_gguf_keys *keys, size_t index, tt_text *value);

/* Sets them all in the header of a new file. */
void tt_gguf_keys_write(const tt_gguf_keys *keys, struct gguf_context *meta);
