/* keys.c: see keys.h. The keys are in a separate header without tensors. */
#include "gguf/keys.h"

#include <inttypes.h>
#include <string.h>

enum { VALUE_BYTES = 200 }; /* of a value that are shown */

tt_gguf_keys *tt_gguf_keys_take(const tt_gguf *file, bool (*leave)(const char *key)) {
    bool any = false;
    for (int64_t i = 0; !any && i < gguf_get_n_kv(file->meta); i++) any = !leave(gguf_get_key(file->meta, i));
    if (!any) return NULL;
    struct gguf_context *header = gguf_init_empty();
    gguf_set_kv(header, file->meta);
    for (int64_t i = gguf_get_n_kv(header); i-- > 0;)
        if (leave(gguf_get_key(header, i))) gguf_remove_key(header, gguf_get_key(header, i));
    return header;
}

tt_gguf_keys *tt_gguf_keys_copy(const tt_gguf_keys *keys) {
    if (!keys) return NULL;
    struct gguf_context *header = gguf_init_empty();
    gguf_set_kv(header, keys);
    return header;
}

void tt_gguf_keys_free(tt_gguf_keys *keys) {
    if (keys) gguf_free(keys);
}

size_t tt_gguf_keys_count(const tt_gguf_keys *keys) { return keys ? (size_t)gguf_get_n_kv(keys) : 0; }

const char *tt_gguf_keys_name(const tt_gguf_keys *keys, size_t index) { return gguf_get_key(keys, (int64_t)index); }

static void add_number(const struct gguf_context *meta, int64_t id, tt_text *value) {
    switch (gguf_get_kv_type(meta, id)) {
    case GGUF_TYPE_UINT8:
        tt_text_addf(value, "%u", gguf_get_val_u8(meta, id));
        break;
    case GGUF_TYPE_INT8:
        tt_text_addf(value, "%d", gguf_get_val_i8(meta, id));
        break;
    case GGUF_TYPE_UINT16:
        tt_text_addf(value, "%u", gguf_get_val_u16(meta, id));
        break;
    case GGUF_TYPE_INT16:
        tt_text_addf(value, "%d", gguf_get_val_i16(meta, id));
        break;
    case GGUF_TYPE_UINT32:
        tt_text_addf(value, "%" PRIu32, gguf_get_val_u32(meta, id));
        break;
    case GGUF_TYPE_INT32:
        tt_text_addf(value, "%" PRId32, gguf_get_val_i32(meta, id));
        break;
    case GGUF_TYPE_UINT64:
        tt_text_addf(value, "%" PRIu64, gguf_get_val_u64(meta, id));
        break;
    case GGUF_TYPE_INT64:
        tt_text_addf(value, "%" PRId64, gguf_get_val_i64(meta, id));
        break;
    case GGUF_TYPE_FLOAT32:
        tt_text_addf(value, "%g", (double)gguf_get_val_f32(meta, id));
        break;
    case GGUF_TYPE_FLOAT64:
        tt_text_addf(value, "%g", gguf_get_val_f64(meta, id));
        break;
    case GGUF_TYPE_BOOL:
        tt_text_add(value, gguf_get_val_bool(meta, id) ? "true" : "false");
        break;
    default:
        break;
    }
}

void tt_gguf_keys_value(const tt_gguf_keys *keys, size_t index, tt_text *value) {
    const tt_gguf_keys *meta = keys;
    const int64_t id = (int64_t)index;
    if (gguf_get_kv_type(meta, id) == GGUF_TYPE_STRING) {
        const char *text = gguf_get_val_str(meta, id);
        const size_t length = strlen(text), shown = length < VALUE_BYTES ? length : VALUE_BYTES;
        tt_text_add_bytes(value, text, shown);
        if (shown < length) tt_text_add(value, "...");
    } else if (gguf_get_kv_type(meta, id) == GGUF_TYPE_ARRAY) {
        tt_text_addf(value, "%zu values", gguf_get_arr_n(meta, id));
    } else {
        add_number(meta, id, value);
    }
    if (value->data) tt_one_line(value->data);
}

void tt_gguf_keys_write(const tt_gguf_keys *keys, struct gguf_context *meta) {
    if (keys) gguf_set_kv(meta, keys);
}
