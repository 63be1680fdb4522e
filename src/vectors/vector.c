/* vector.c: control vectors in memory, and the names of their files. vector_file.c reads and writes them. */
#include "vectors/vector.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ==== In memory ==== */

/* All strings of a vector, to make and free them in one place. */
enum { STRINGS = 11 };
static void strings_of(tt_vector *vector, char **fields[static STRINGS]) {
    char **const all[STRINGS] = {&vector->architecture, &vector->model_name, &vector->axis,        &vector->class_name,
                                 &vector->classes[0],   &vector->classes[1], &vector->fingerprint, &vector->method,
                                 &vector->version,      &vector->recipe,     &vector->chat};
    memcpy(fields, all, sizeof all);
}

bool tt_vector_init(tt_vector *vector, uint32_t layer_count, uint32_t width, tt_error *err) {
    *vector = (tt_vector){.layer_count = layer_count, .width = width, .layer_offset = -1, .layer_count_given = true};
    bool ok = (vector->rows = tt_alloc(layer_count, sizeof *vector->rows, err)) != NULL;
    char **fields[STRINGS];
    strings_of(vector, fields);
    for (int i = 0; ok && i < STRINGS; i++) ok = (*fields[i] = tt_strdup("", err)) != NULL;
    if (!ok) tt_vector_free(vector);
    return ok;
}

void tt_vector_free(tt_vector *vector) {
    for (uint32_t K = 0; vector->rows && K < vector->layer_count; K++) free(vector->rows[K]);
    free(vector->rows);
    char **fields[STRINGS];
    strings_of(vector, fields);
    for (int i = 0; i < STRINGS; i++) free(*fields[i]);
    free(vector->path);
    free(vector->figures);
    free(vector->operation);
    tt_gguf_keys_free(vector->foreign);
    *vector = (tt_vector){0};
}

static bool copy_rows(tt_vector *copy, const tt_vector *vector, tt_error *err) {
    const size_t size = vector->width * sizeof(float);
    for (uint32_t K = 0; K < vector->layer_count; K++) {
        if (!vector->rows[K]) continue;
        if (!(copy->rows[K] = tt_alloc(vector->width, sizeof(float), err))) return false;
        memcpy(copy->rows[K], vector->rows[K], size);
    }
    return true;
}

bool tt_vector_copy(tt_vector *copy, const tt_vector *vector, tt_error *err) {
    tt_vector source = *vector;
    char **from[STRINGS], **to[STRINGS];
    *copy = *vector;
    copy->path = copy->operation = NULL;
    copy->figures = NULL;
    copy->foreign = NULL;
    strings_of(&source, from);
    strings_of(copy, to);
    for (int i = 0; i < STRINGS; i++) *to[i] = NULL;
    bool ok = (copy->rows = tt_alloc(vector->layer_count, sizeof *copy->rows, err)) != NULL;
    ok = ok && (!vector->path || (copy->path = tt_strdup(vector->path, err))) &&
         (!vector->operation || (copy->operation = tt_strdup(vector->operation, err)));
    if (ok) copy->foreign = tt_gguf_keys_copy(vector->foreign);
    for (int i = 0; ok && i < STRINGS; i++) ok = (*to[i] = tt_strdup(*from[i], err)) != NULL;
    if (ok && vector->figure_count)
        ok = (copy->figures = tt_alloc(vector->figure_count, sizeof *copy->figures, err)) != NULL;
    if (ok && vector->figure_count) memcpy(copy->figures, vector->figures, vector->figure_count * sizeof *copy->figures);
    ok = ok && copy_rows(copy, vector, err);
    if (!ok) tt_vector_free(copy);
    return ok;
}

bool tt_vector_add_row(tt_vector *vector, uint32_t K, const float *values, double scale, tt_error *err) {
    if (K < 1 || K >= vector->layer_count)
        return tt_fail(err, TT_ERROR_USAGE, "a control vector for %u layers has no row %u", vector->layer_count, K);
    float *row = vector->rows[K];
    if (!row && !(row = vector->rows[K] = tt_alloc(vector->width, sizeof *row, err))) return false;
    for (uint32_t i = 0; i < vector->width; i++) row[i] = (float)((double)row[i] + scale * (double)values[i]);
    return true;
}

bool tt_vector_set(char **field, const char *value, tt_error *err) {
    char *copy = tt_strdup(value, err);
    if (!copy) return false;
    free(*field);
    *field = copy;
    return true;
}

const char *tt_role_name(tt_role role) {
    switch (role) {
    case TT_ROLE_DEBIAS:
        return "debias";
    case TT_ROLE_NEGATIVE:
        return "negative";
    case TT_ROLE_POSITIVE:
        return "positive";
    case TT_ROLE_MIX:
        return "mix";
    case TT_ROLE_UNKNOWN:
        break;
    }
    return "";
}

static double square_sum(const tt_vector *vector, uint32_t K) {
    const float *row = vector->rows[K];
    double sum = 0;
    for (uint32_t i = 0; row && i < vector->width; i++) sum += (double)row[i] * (double)row[i];
    return sum;
}

uint32_t tt_vector_row_count(const tt_vector *vector) {
    uint32_t count = 0;
    for (uint32_t K = 1; K < vector->layer_count; K++) count += vector->rows[K] != NULL;
    return count;
}

uint32_t tt_vector_last_row(const tt_vector *vector) {
    for (uint32_t K = vector->layer_count; K > 1; K--)
        if (vector->rows[K - 1]) return K - 1;
    return vector->highest;
}

const char *tt_vector_title(const tt_vector *vector) { return vector->path ? vector->path : "the vector"; }

double tt_vector_row_norm(const tt_vector *vector, uint32_t K) {
    return K < vector->layer_count ? sqrt(square_sum(vector, K)) : 0;
}

double tt_vector_norm(const tt_vector *vector) {
    double sum = 0;
    for (uint32_t K = 0; K < vector->layer_count; K++) sum += square_sum(vector, K);
    return sqrt(sum);
}

/* ==== File names ==== */

static bool is_safe(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

char *tt_safe_name(const char *text, tt_error *err) {
    tt_text name = {0};
    for (const char *c = text; *c; c++) {
        if (is_safe(*c))
            tt_text_add_bytes(&name, c, 1);
        else if (name.length && name.data[name.length - 1] != '-') /* none in front */
            tt_text_add(&name, "-");
    }
    while (name.length && name.data[name.length - 1] == '-') name.data[--name.length] = '\0';
    if (!name.length) tt_text_add(&name, "model");
    return tt_text_take(&name, err);
}

char *tt_vector_path(const char *folder, const char *model, const char *axis, const char *suffix, tt_error *err) {
    char *parts[3] = {tt_safe_name(model, err), tt_safe_name(axis, err), tt_safe_name(suffix, err)};
    char *name = NULL, *path = NULL;
    if (parts[0] && parts[1] && parts[2]) name = tt_format(err, "%s-%s__%s.gguf", parts[0], parts[1], parts[2]);
    if (name) path = tt_path_join(folder, name, err);
    for (int i = 0; i < 3; i++) free(parts[i]);
    free(name);
    return path;
}

/* The last place of `part` in the first `length` bytes of `text`, or NULL. */
static const char *find_last(const char *text, size_t length, const char *part) {
    const size_t part_length = strlen(part);
    for (size_t i = length; i >= part_length; i--) {
        if (!memcmp(text + i - part_length, part, part_length)) return text + i - part_length;
    }
    return NULL;
}

bool tt_vector_name_parse(const char *path, tt_vector_name *name) {
    static const char extension[] = ".gguf";
    const char *file = tt_path_name(path);
    const size_t length = strlen(file), extension_length = sizeof extension - 1;
    if (length <= extension_length || strcmp(file + length - extension_length, extension) != 0) return false;
    const char *end = file + length - extension_length;
    const char *bar = find_last(file, (size_t)(end - file), "__");
    const char *dash = bar ? find_last(file, (size_t)(bar - file), "-") : NULL;
    if (!dash) return false;
    *name = (tt_vector_name){.model = file, .axis = dash + 1, .suffix = bar + 2};
    name->model_length = (size_t)(dash - file);
    name->axis_length = (size_t)(bar - name->axis);
    name->suffix_length = (size_t)(end - name->suffix);
    return name->model_length && name->axis_length && name->suffix_length;
}
