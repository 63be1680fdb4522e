/* vector_file.c: control vectors as GGUF files; docs/vector-format.md describes every key.
 *
 * Other tools' files are read too: they say less, and their layer_count is not always the model's. */
#include "base/file.h"
#include "base/memory.h"
#include "gguf/gguf_file.h"
#include "gguf/gguf_write.h"
#include "vectors/foreign.h"
#include "vectors/vector.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char architecture_key[] = "general.architecture", architecture_value[] = "controlvector";
static const char row_prefix[] = "direction.";

/* The metrics that are arrays with one number per block, and their places in tt_block_figures. */
typedef struct figure_field {
    const char *key;
    enum gguf_type type;
    size_t offset;
} figure_field;

static const figure_field figure_fields[] = {
    {"trimtab.figures.block", GGUF_TYPE_UINT32, offsetof(tt_block_figures, block)},
    {"trimtab.figures.kept", GGUF_TYPE_UINT32, offsetof(tt_block_figures, kept)},
    {"trimtab.figures.accepted", GGUF_TYPE_UINT32, offsetof(tt_block_figures, accepted)},
    {"trimtab.figures.discriminant_ratio", GGUF_TYPE_FLOAT32, offsetof(tt_block_figures, discriminant_ratio)},
    {"trimtab.figures.variance_reduction", GGUF_TYPE_FLOAT32, offsetof(tt_block_figures, variance_reduction)},
    {"trimtab.figures.deviation_negative", GGUF_TYPE_FLOAT32, offsetof(tt_block_figures, deviations[0])},
    {"trimtab.figures.deviation_positive", GGUF_TYPE_FLOAT32, offsetof(tt_block_figures, deviations[1])},
    {"trimtab.figures.mean_negative", GGUF_TYPE_FLOAT32, offsetof(tt_block_figures, means[0])},
    {"trimtab.figures.mean_positive", GGUF_TYPE_FLOAT32, offsetof(tt_block_figures, means[1])},
    {"trimtab.figures.middle", GGUF_TYPE_FLOAT32, offsetof(tt_block_figures, middle)},
};
enum { FIGURE_FIELDS = sizeof figure_fields / sizeof *figure_fields, FIGURE_SIZE = 4 /* bytes of either type */ };

/* ==== Reading ==== */

/* K of "direction.K", written as a plain decimal number; false for any other name. */
static bool row_index(const char *name, uint32_t *K) {
    if (strncmp(name, row_prefix, sizeof row_prefix - 1) != 0) return false;
    const char *digits = name + sizeof row_prefix - 1;
    const size_t length = strspn(digits, "0123456789");
    if (length == 0 || length > 9 || digits[length] || (digits[0] == '0' && length > 1)) return false;
    *K = (uint32_t)strtoul(digits, NULL, 10);
    return true;
}

static bool check_kind(const tt_gguf *file, tt_error *err) {
    const char *architecture = "";
    if (!tt_gguf_string(file, architecture_key, &architecture, err)) return false;
    uint32_t K;
    const bool has_rows = gguf_get_n_tensors(file->meta) > 0 &&
                          row_index(gguf_get_tensor_name(file->meta, 0), &K); /* some tools omit the key */
    if (!strcmp(architecture, architecture_value) || (!*architecture && has_rows)) return true;
    return tt_fail(err, TT_ERROR_INPUT, "'%s' is not a control vector: its architecture is '%.64s', not '%s'", file->path,
                   architecture, architecture_value);
}

static bool bad_row(const tt_gguf *file, int64_t index, const char *why, tt_error *err) {
    return tt_fail(err, TT_ERROR_INPUT, "'%s' cannot be used: its tensor '%s' %s", file->path,
                   gguf_get_tensor_name(file->meta, index), why);
}

/* What the tensors come to. */
typedef struct extent {
    int64_t width;
    uint32_t lowest, highest; /* K; the lowest above 0 */
    bool from_zero;
} extent;

static bool is_number(enum ggml_type type) {
    return type == GGML_TYPE_F32 || type == GGML_TYPE_F16 || type == GGML_TYPE_BF16 || type == GGML_TYPE_F64;
}

/* Checks every tensor's name, type and shape. */
static bool check_rows(const tt_gguf *file, extent *found, tt_error *err) {
    const int64_t count = gguf_get_n_tensors(file->meta);
    *found = (extent){.lowest = UINT32_MAX};
    for (int64_t i = 0; i < count; i++) {
        const int64_t *extents = gguf_get_tensor_ne(file->meta, i);
        uint32_t K;
        if (!row_index(gguf_get_tensor_name(file->meta, i), &K)) return bad_row(file, i, "is not named direction.K", err);
        if (K == 0 && count == 1) return bad_row(file, i, "is for layer 0, which control vectors do not reach", err);
        if (K >= TT_LAYERS_MOST) return bad_row(file, i, "is for a layer that no model has", err);
        if (!is_number(gguf_get_tensor_type(file->meta, i)))
            return bad_row(file, i, "is not of type F32, F16, BF16 or F64", err);
        if (extents[1] != 1 || extents[2] != 1 || extents[3] != 1)
            return bad_row(file, i, "has more than one dimension", err);
        if (i == 0) found->width = extents[0];
        if (extents[0] != found->width || extents[0] > INT32_MAX)
            return bad_row(file, i, "differs in length from the first", err);
        if (K > found->highest) found->highest = K;
        if (K && K < found->lowest) found->lowest = K;
        found->from_zero = found->from_zero || K == 0;
    }
    if (!count) return tt_fail(err, TT_ERROR_INPUT, "'%s' holds no direction: it would steer nothing", file->path);
    return true;
}

static bool is_own(const tt_gguf *file) {
    for (int64_t i = 0; i < gguf_get_n_kv(file->meta); i++)
        if (!strncmp(gguf_get_key(file->meta, i), "trimtab.", 8)) return true;
    return false;
}

/* Determines L. Other tools write other counts as layer_count: the number of rows (llama.cpp's own generator does), or
 * the number of layers that can be steered, which is the highest K. L is larger than either, so they can be
 * recognised. */
static bool find_layer_count(const tt_gguf *file, uint32_t highest, uint32_t *layer_count, bool *given, tt_error *err) {
    uint64_t told = 0;
    if (!tt_gguf_count(file, "controlvector.layer_count", TT_LAYERS_MOST, &told, err)) return false;
    *given = told > 0 && told != (uint64_t)gguf_get_n_tensors(file->meta) && (told > highest || is_own(file));
    *layer_count = *given ? (uint32_t)told : highest + 1;
    return highest < *layer_count || tt_fail(err, TT_ERROR_INPUT,
                                             "'%s' cannot be used: it has a direction.%" PRIu32
                                             ", but says it is for %" PRIu32 " layers, which are numbered from 0",
                                             file->path, highest, *layer_count);
}

static bool set_string(const tt_gguf *file, const char *key, char **field, tt_error *err) {
    const char *value = NULL;
    return tt_gguf_string(file, key, &value, err) && (!value || tt_vector_set(field, value, err));
}

static bool read_classes(const tt_gguf *file, tt_vector *vector, tt_error *err) {
    const int64_t id = gguf_find_key(file->meta, "trimtab.classes");
    if (id < 0) return true;
    if (gguf_get_kv_type(file->meta, id) != GGUF_TYPE_ARRAY || gguf_get_arr_type(file->meta, id) != GGUF_TYPE_STRING ||
        gguf_get_arr_n(file->meta, id) != 2)
        return tt_fail(err, TT_ERROR_INPUT, "'%s' is damaged: its key 'trimtab.classes' is not two strings", file->path);
    return tt_vector_set(&vector->classes[0], gguf_get_arr_str(file->meta, id, 0), err) &&
           tt_vector_set(&vector->classes[1], gguf_get_arr_str(file->meta, id, 1), err);
}

static bool read_role(const tt_gguf *file, tt_vector *vector, tt_error *err) {
    const char *name = "";
    if (!tt_gguf_string(file, "trimtab.role", &name, err)) return false;
    for (tt_role role = TT_ROLE_UNKNOWN; role <= TT_ROLE_MIX; role++) {
        if (!strcmp(name, tt_role_name(role))) {
            vector->role = role;
            return true;
        }
    }
    return tt_fail(err, TT_ERROR_INPUT, "'%s' is damaged: its role '%.64s' is none that trimtab knows", file->path, name);
}

static bool read_numbers(const tt_gguf *file, tt_vector *vector, tt_error *err) {
    uint64_t offset = UINT64_MAX;
    const void *recommended = NULL;
    size_t count = 0;
    if (!tt_gguf_count(file, "trimtab.samples", UINT64_MAX, &vector->samples, err) ||
        !tt_gguf_count(file, "trimtab.seed", UINT64_MAX, &vector->seed, err) ||
        !tt_gguf_count(file, "trimtab.parameters", UINT64_MAX, &vector->parameters, err) ||
        !tt_gguf_count(file, "trimtab.layer_offset", 1, &offset, err) ||
        !tt_gguf_array(file, "trimtab.recommended", GGUF_TYPE_FLOAT32, &recommended, &count, err))
        return false;
    if (offset != UINT64_MAX) vector->layer_offset = (int)offset;
    if (!recommended) return true;
    if (count == 2) memcpy(vector->recommended, recommended, sizeof vector->recommended);
    return (count == 2 && isfinite(vector->recommended[0]) && isfinite(vector->recommended[1])) ||
           tt_fail(err, TT_ERROR_INPUT, "'%s' is damaged: its key 'trimtab.recommended' is not two finite numbers",
                   file->path);
}

static bool read_figures(const tt_gguf *file, tt_vector *vector, tt_error *err) {
    for (size_t i = 0; i < FIGURE_FIELDS; i++) {
        const figure_field *field = &figure_fields[i];
        const void *values = NULL;
        size_t count = 0;
        if (!tt_gguf_array(file, field->key, field->type, &values, &count, err)) return false;
        if (i == 0) {
            if (count > TT_LAYERS_MOST) count = SIZE_MAX;
            if (count == 0) return true; /* a file without metrics */
            if (count != SIZE_MAX && !(vector->figures = tt_alloc(count, sizeof *vector->figures, err))) return false;
            vector->figure_count = count == SIZE_MAX ? 0 : count;
        }
        if (count != vector->figure_count)
            return tt_fail(err, TT_ERROR_INPUT, "'%s' is damaged: its key '%s' has a wrong length", file->path, field->key);
        for (size_t j = 0; j < count; j++)
            memcpy((char *)&vector->figures[j] + field->offset, (const char *)values + j * FIGURE_SIZE, FIGURE_SIZE);
    }
    return true;
}

/* The file's name fills in what its keys lack. */
static bool read_name(const tt_gguf *file, tt_vector *vector, tt_error *err) {
    tt_vector_name name;
    if (*vector->axis || vector->role == TT_ROLE_MIX || !tt_vector_name_parse(file->path, &name)) return true;
    char *parts[3] = {tt_strndup(name.model, name.model_length, err), tt_strndup(name.axis, name.axis_length, err),
                      tt_strndup(name.suffix, name.suffix_length, err)};
    bool ok = parts[0] && parts[1] && parts[2];
    if (ok && !*vector->model_name) ok = tt_vector_set(&vector->model_name, parts[0], err);
    ok = ok && tt_vector_set(&vector->axis, parts[1], err);
    if (ok && !strcmp(parts[2], tt_role_name(TT_ROLE_DEBIAS)))
        vector->role = TT_ROLE_DEBIAS;
    else
        ok = ok && tt_vector_set(&vector->class_name, parts[2], err);
    for (int i = 0; i < 3; i++) free(parts[i]);
    return ok;
}

static bool read_keys(const tt_gguf *file, tt_vector *vector, tt_error *err) {
    return set_string(file, "controlvector.model_hint", &vector->architecture, err) &&
           set_string(file, "trimtab.model_name", &vector->model_name, err) &&
           set_string(file, "trimtab.axis", &vector->axis, err) &&
           set_string(file, "trimtab.class", &vector->class_name, err) && read_classes(file, vector, err) &&
           read_role(file, vector, err) && set_string(file, "trimtab.fingerprint", &vector->fingerprint, err) &&
           set_string(file, "trimtab.method", &vector->method, err) &&
           set_string(file, "trimtab.version", &vector->version, err) &&
           set_string(file, "trimtab.recipe", &vector->recipe, err) &&
           set_string(file, "trimtab.chat_digest", &vector->chat, err) && read_numbers(file, vector, err) &&
           read_figures(file, vector, err) && read_name(file, vector, err);
}

/* Reads tensor `index` as F32. `raw` is room for a row of any type. */
static bool read_row(const tt_gguf *file, int64_t index, uint32_t width, void *raw, float *row, tt_error *err) {
    const enum ggml_type type = gguf_get_tensor_type(file->meta, index);
    const size_t size = width * ggml_type_size(type);
    const off_t offset = (off_t)tt_gguf_tensor_offset(file, index);
    if (!tt_pread_all(file->fd, type == GGML_TYPE_F32 ? row : raw, size, offset, file->path, err)) return false;
    if (type == GGML_TYPE_F16) ggml_fp16_to_fp32_row(raw, row, width);
    if (type == GGML_TYPE_BF16) ggml_bf16_to_fp32_row(raw, row, width);
    for (uint32_t i = 0; type == GGML_TYPE_F64 && i < width; i++) row[i] = (float)((const double *)raw)[i];
    return true;
}

static bool read_rows(const tt_gguf *file, tt_vector *vector, void *raw, tt_error *err) {
    for (int64_t i = 0; i < gguf_get_n_tensors(file->meta); i++) {
        uint32_t K = 0;
        (void)row_index(gguf_get_tensor_name(file->meta, i), &K); /* checked by check_rows */
        float *row = tt_alloc(vector->width, sizeof *row, err);
        if (!row) return false;
        vector->rows[K] = row; /* names are unique, so nothing is there yet */
        if (!read_row(file, i, vector->width, raw, row, err)) return false;
        for (uint32_t j = 0; j < vector->width; j++) {
            if (!isfinite(row[j])) return bad_row(file, i, "holds a value that is not finite", err);
        }
    }
    return true;
}

static bool read_values(const tt_gguf *file, tt_vector *vector, tt_error *err) {
    void *raw = tt_alloc(vector->width, sizeof(double), err); /* the largest type */
    const bool ok = raw && read_rows(file, vector, raw, err);
    free(raw);
    return ok;
}

static bool read_vector(tt_vector *vector, const char *path, bool keys_only, tt_error *err) {
    *vector = (tt_vector){0};
    tt_gguf file;
    if (!tt_gguf_open(&file, path, err)) return false;
    extent found;
    uint32_t layer_count = 0;
    bool given = false;
    bool ok = check_kind(&file, err) && check_rows(&file, &found, err) &&
              find_layer_count(&file, found.highest, &layer_count, &given, err) &&
              tt_vector_init(vector, layer_count, (uint32_t)found.width, err);
    if (ok) {
        vector->layer_count_given = given;
        vector->tensors = (uint32_t)gguf_get_n_tensors(file.meta);
        vector->lowest = found.lowest;
        vector->highest = found.highest;
        vector->from_zero = found.from_zero;
        vector->own = is_own(&file);
        vector->path = tt_strdup(path, err);
        ok = vector->path && read_keys(&file, vector, err) && tt_foreign_read(vector, &file, err) &&
             (keys_only || read_values(&file, vector, err));
    }
    tt_gguf_close(&file);
    if (!ok) tt_vector_free(vector);
    return ok;
}

bool tt_vector_read(tt_vector *vector, const char *path, tt_error *err) { return read_vector(vector, path, false, err); }

bool tt_vector_read_keys(tt_vector *vector, const char *path, tt_error *err) { return read_vector(vector, path, true, err); }

/* ==== Writing ==== */

static void write_string(struct gguf_context *meta, const char *key, const char *value) {
    if (*value) gguf_set_val_str(meta, key, value);
}

static void write_figures(struct gguf_context *meta, const tt_vector *vector, unsigned char *column) {
    for (size_t i = 0; i < FIGURE_FIELDS; i++) {
        const figure_field *field = &figure_fields[i];
        for (size_t j = 0; j < vector->figure_count; j++)
            memcpy(column + j * FIGURE_SIZE, (const char *)&vector->figures[j] + field->offset, FIGURE_SIZE);
        gguf_set_arr_data(meta, field->key, field->type, column, vector->figure_count);
    }
}

/* In the file's order. Keys without information are left out. */
static bool write_keys(struct gguf_context *meta, const tt_vector *vector, tt_error *err) {
    gguf_set_val_str(meta, architecture_key, architecture_value);
    gguf_set_val_str(meta, "controlvector.model_hint", vector->architecture);
    /* If the number of the model's layers is unknown: the number of rows, as other tools write it. */
    gguf_set_val_u32(meta, "controlvector.layer_count",
                     vector->layer_count_given ? vector->layer_count : tt_vector_row_count(vector));
    write_string(meta, "trimtab.version", vector->version);
    write_string(meta, "trimtab.role", tt_role_name(vector->role));
    write_string(meta, "trimtab.axis", vector->axis);
    write_string(meta, "trimtab.class", vector->class_name);
    if (*vector->classes[0] && *vector->classes[1]) {
        const char *classes[2] = {vector->classes[0], vector->classes[1]};
        gguf_set_arr_str(meta, "trimtab.classes", classes, 2);
    }
    write_string(meta, "trimtab.recipe", vector->recipe);
    write_string(meta, "trimtab.chat_digest", vector->chat);
    write_string(meta, "trimtab.model_name", vector->model_name);
    write_string(meta, "trimtab.fingerprint", vector->fingerprint);
    if (vector->parameters) gguf_set_val_u64(meta, "trimtab.parameters", vector->parameters);
    write_string(meta, "trimtab.method", vector->method);
    if (vector->samples) {
        gguf_set_val_u64(meta, "trimtab.samples", vector->samples);
        gguf_set_val_u64(meta, "trimtab.seed", vector->seed);
    }
    if (vector->layer_offset >= 0) gguf_set_val_u32(meta, "trimtab.layer_offset", (uint32_t)vector->layer_offset);
    if (vector->recommended[0] != 0 || vector->recommended[1] != 0)
        gguf_set_arr_data(meta, "trimtab.recommended", GGUF_TYPE_FLOAT32, vector->recommended, 2);
    if (!vector->figure_count) return true;
    unsigned char *column = tt_alloc(vector->figure_count, FIGURE_SIZE, err);
    if (!column) return false;
    write_figures(meta, vector, column);
    free(column);
    return true;
}

static void describe_row(struct gguf_context *meta, const tt_vector *vector, uint32_t K) {
    char name[GGML_MAX_NAME];
    snprintf(name, sizeof name, "%s%" PRIu32, row_prefix, K);
    tt_gguf_add_row(meta, name, vector->width);
}

static bool check_writable(const tt_vector *vector, const char *path, tt_error *err) {
    bool any = false;
    if (!vector->width || !vector->layer_count || vector->layer_count > TT_LAYERS_MOST || vector->rows[0])
        return tt_fail(err, TT_ERROR_USAGE, "'%s' cannot be written: no model has such a control vector", path);
    for (uint32_t K = 1; K < vector->layer_count; K++) {
        const float *row = vector->rows[K];
        any = any || row;
        for (uint32_t i = 0; row && i < vector->width; i++) {
            if (!isfinite(row[i]))
                return tt_fail(err, TT_ERROR_INPUT, "'%s' cannot be written: the direction of layer %u is not finite", path,
                               K);
        }
    }
    return any || tt_fail(err, TT_ERROR_INPUT, "'%s' cannot be written: no layer has a direction", path);
}

static bool write_rows(tt_output *output, const struct gguf_context *meta, const tt_vector *vector, tt_error *err) {
    for (uint32_t K = 1; K < vector->layer_count; K++) {
        if (vector->rows[K] && (!tt_output_write(output, vector->rows[K], vector->width * sizeof(float), err) ||
                                !tt_gguf_write_padding(output, meta, err)))
            return false;
    }
    return true;
}

bool tt_vector_write(const tt_vector *vector, const char *path, tt_error *err) {
    if (!check_writable(vector, path, err)) return false;
    struct gguf_context *meta = gguf_init_empty();
    bool ok = write_keys(meta, vector, err);
    if (ok) tt_gguf_keys_write(vector->foreign, meta);
    for (uint32_t K = 1; ok && K < vector->layer_count; K++) {
        if (vector->rows[K]) describe_row(meta, vector, K);
    }
    tt_output output = {.fd = -1};
    ok = ok && tt_output_open(&output, path, err) && tt_gguf_write_meta(&output, meta, err) &&
         write_rows(&output, meta, vector, err);
    gguf_free(meta);
    if (ok) return tt_output_commit(&output, err);
    tt_output_abort(&output);
    return false;
}
