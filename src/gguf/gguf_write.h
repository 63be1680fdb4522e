/* gguf_write.h: the parts of a new GGUF file: a header that libggml lays out, then each tensor's data, padded with zeros
 * to the file's alignment. */
#pragma once

#include "base/file.h"

#include <gguf.h>

/* Describes one more tensor, of `width` F32 values, after those that `meta` has. */
void tt_gguf_add_row(struct gguf_context *meta, const char *name, uint32_t width);

/* Writes the header. */
bool tt_gguf_write_meta(tt_output *output, const struct gguf_context *meta, tt_error *err);

/* Writes zeros up to the next multiple of the alignment of `meta`. */
bool tt_gguf_write_padding(tt_output *output, const struct gguf_context *meta, tt_error *err);
