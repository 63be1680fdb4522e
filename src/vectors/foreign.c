/* foreign.c: see foreign.h */
#include "vectors/foreign.h"
#include "base/memory.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { VALUE_BYTES = 200 }; /* of a value that are shown */

static bool is_known(const char *key) {
    static const char *const known[] = {"general.architecture", GGUF_KEY_GENERAL_ALIGNMENT, "controlvector.model_hint",
                                        "controlvector.layer_count"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(key, known[i])) return true;
    return strncmp(key, "trimtab.", 8) == 0;
}

/* ==== How it is meant to be applied ==== */

/* Keys by which other tools say what is done with a direction. */
static const char *const operation_keys[] = {"controlvector.operation", "controlvector.mode", "dspark.operation",
                                             "dspark.mode"};
static const char magnitude_key[] = "controlvector.magnitude"; /* the hidden state is brought to this length */

static bool means_adding(const char *operation) {
    static const char *const words[] = {"", "add", "added", "addition", "additive", "sum", "linear", "steer", "steering"};
    char lower[32] = "";
    for (size_t i = 0; operation[i] && i + 1 < sizeof lower; i++) lower[i] = (char)tolower((unsigned char)operation[i]);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(lower, words[i])) return true;
    return false;
}

static bool read_operation(tt_vector *vector, tt_error *err) {
    for (size_t i = 0; i < tt_foreign_count(vector); i++) {
        const char *name = tt_foreign_name(vector, i);
        bool found = !strcmp(name, magnitude_key);
        tt_text value = {0};
        for (size_t k = 0; !found && k < sizeof operation_keys / sizeof *operation_keys; k++) {
            if (strcmp(name, operation_keys[k]) != 0) continue;
            tt_foreign_value(vector, i, &value);
            found = !means_adding(value.data ? value.data : "");
        }
        char *operation =
            found ? tt_format(err, "%s%s%s", name, value.length ? " = " : "", value.length ? value.data : "") : NULL;
        tt_text_free(&value);
        if (!found) continue;
        if (!operation) return false;
        free(vector->operation);
        vector->operation = operation;
        return true;
    }
    return true;
}

bool tt_foreign_read(tt_vector *vector, const tt_gguf *file, tt_error *err) {
    bool any = false;
    for (int64_t i = 0; !any && i < gguf_get_n_kv(file->meta); i++) any = !is_known(gguf_get_key(file->meta, i));
    if (!any) return true;
    vector->foreign = gguf_init_empty();
    gguf_set_kv(vector->foreign, file->meta);
    for (int64_t i = gguf_get_n_kv(vector->foreign); i-- > 0;)
        if (is_known(gguf_get_key(vector->foreign, i))) gguf_remove_key(vector->foreign, gguf_get_key(vector->foreign, i));
    return read_operation(vector, err);
}

/* ==== To look at ==== */

size_t tt_foreign_count(const tt_vector *vector) { return vector->foreign ? (size_t)gguf_get_n_kv(vector->foreign) : 0; }

const char *tt_foreign_name(const tt_vector *vector, size_t index) { return gguf_get_key(vector->foreign, (int64_t)index); }

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

void tt_foreign_value(const tt_vector *vector, size_t index, tt_text *value) {
    const struct gguf_context *meta = vector->foreign;
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
