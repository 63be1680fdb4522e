/* tensors.h: what a model's file has: its tensors by name, and keys that are changed before it is written again. */
#pragma once

#include "gguf/gguf_file.h"

int64_t tt_gguf_tensor_count(const tt_gguf *file);

/* The tensor called `name`; false where there is none. */
bool tt_gguf_find_tensor(const tt_gguf *file, const char *name, int64_t *index);

/* How many rows a matrix has. */
int64_t tt_gguf_tensor_rows(const tt_gguf *file, int64_t index);

/* Whether tensor `index` is one row of `width` F32 values. */
bool tt_gguf_is_row(const tt_gguf *file, int64_t index, uint32_t width);

/* Sets a key in memory, where it moves behind the others; their order has no meaning. The file on disk stays as it is. */
void tt_gguf_set_text(tt_gguf *file, const char *key, const char *value);
void tt_gguf_set_int(tt_gguf *file, const char *key, int32_t value);
