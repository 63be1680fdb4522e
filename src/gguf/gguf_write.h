/* gguf_write.h: what a new GGUF file is put together from: a header that libggml lays out, then the tensors' data, each
 * followed by zeros up to the file's alignment. */
#pragma once

#include "base/file.h"

#include <gguf.h>

/* Describes one more tensor, of `width` F32 values, behind those that `meta` has. */
void tt_gguf_add_row(struct gguf_context *meta, const char *name, uint32_t width);

/* Writes the header. */
bool tt_gguf_write_meta(tt_output *output, const struct gguf_context *meta, tt_error *err);

/* Writes zeros up to the next multiple of the alignment of `meta`. */
bool tt_gguf_write_padding(tt_output *output, const struct gguf_context *meta, tt_error *err);
