/* tensors.c: see tensors.h */
#include "gguf/tensors.h"

int64_t tt_gguf_tensor_count(const tt_gguf *file) { return gguf_get_n_tensors(file->meta); }

bool tt_gguf_find_tensor(const tt_gguf *file, const char *name, int64_t *index) {
    *index = gguf_find_tensor(file->meta, name);
    return *index >= 0;
}

int64_t tt_gguf_tensor_rows(const tt_gguf *file, int64_t index) { return gguf_get_tensor_ne(file->meta, index)[1]; }

bool tt_gguf_is_row(const tt_gguf *file, int64_t index, uint32_t width) {
    return gguf_get_tensor_type(file->meta, index) == GGML_TYPE_F32 &&
           tt_gguf_tensor_size(file, index) == width * sizeof(float);
}

void tt_gguf_set_text(tt_gguf *file, const char *key, const char *value) { gguf_set_val_str(file->meta, key, value); }
void tt_gguf_set_int(tt_gguf *file, const char *key, int32_t value) { gguf_set_val_i32(file->meta, key, value); }
