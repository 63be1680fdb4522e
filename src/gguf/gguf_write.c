/* gguf_write.c: see gguf_write.h */
#include "gguf/gguf_write.h"
#include "base/memory.h"

#include <ggml.h>
#include <stdlib.h>

void tt_gguf_add_row(struct gguf_context *meta, const char *name, uint32_t width) {
    struct ggml_tensor tensor = {.type = GGML_TYPE_F32, .ne = {width, 1, 1, 1}};
    tensor.nb[0] = sizeof(float);
    for (int i = 1; i < GGML_MAX_DIMS; i++) tensor.nb[i] = width * sizeof(float);
    ggml_set_name(&tensor, name);
    gguf_add_tensor(meta, &tensor);
}

bool tt_gguf_write_meta(tt_output *output, const struct gguf_context *meta, tt_error *err) {
    const size_t size = gguf_get_meta_size(meta);
    void *bytes = tt_alloc(size, 1, err);
    if (!bytes) return false;
    gguf_get_meta_data(meta, bytes);
    const bool ok = tt_output_write(output, bytes, size, err);
    free(bytes);
    return ok;
}

bool tt_gguf_write_padding(tt_output *output, const struct gguf_context *meta, tt_error *err) {
    static const char zeros[4096]; /* the alignment comes from the file and may be anything */
    const size_t alignment = gguf_get_alignment(meta);
    for (size_t left = (alignment - output->written % alignment) % alignment; left;) {
        const size_t step = left < sizeof zeros ? left : sizeof zeros;
        if (!tt_output_write(output, zeros, step, err)) return false;
        left -= step;
    }
    return true;
}
