/* inspect_json.c: `trimtab inspect --json`. */
#include "cli/inspect.h"

#include "base/json.h"

#include <math.h>

/* Where memory is short yyjson hands out NULL, which all its functions bear; the whole is then refused in print_json.c. */

static void add_text(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key, const char *value) {
    if (*value) yyjson_mut_obj_add_strcpy(doc, object, key, value);
}

/* JSON has no NAN: null. */
static void append_number(yyjson_mut_doc *doc, yyjson_mut_val *array, double value) {
    if (isfinite(value))
        yyjson_mut_arr_add_real(doc, array, value);
    else
        yyjson_mut_arr_add_null(doc, array);
}

static void add_pair(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key, const float values[static 2]) {
    yyjson_mut_val *pair = yyjson_mut_obj_add_arr(doc, object, key);
    for (int side = 0; side < 2; side++) append_number(doc, pair, (double)values[side]);
}

static void add_figures(yyjson_mut_doc *doc, yyjson_mut_val *object, const tt_block_figures *figures) {
    yyjson_mut_obj_add_uint(doc, object, "block", figures->block);
    yyjson_mut_obj_add_uint(doc, object, "kept", figures->kept);
    yyjson_mut_obj_add_uint(doc, object, "accepted", figures->accepted);
    if (isfinite(figures->discriminant_ratio))
        yyjson_mut_obj_add_real(doc, object, "discriminant_ratio", (double)figures->discriminant_ratio);
    if (isfinite(figures->variance_reduction))
        yyjson_mut_obj_add_real(doc, object, "variance_reduction", (double)figures->variance_reduction);
    add_pair(doc, object, "deviations", figures->deviations);
    add_pair(doc, object, "means", figures->means);
}

static void add_layers(yyjson_mut_doc *doc, yyjson_mut_val *object, const tt_vector *vector) {
    yyjson_mut_val *layers = yyjson_mut_obj_add_arr(doc, object, "layers");
    for (uint32_t K = 1; K < vector->layer_count; K++) {
        if (!vector->rows[K]) continue;
        yyjson_mut_val *layer = yyjson_mut_arr_add_obj(doc, layers);
        yyjson_mut_obj_add_uint(doc, layer, "layer", K);
        yyjson_mut_obj_add_real(doc, layer, "length", tt_vector_row_norm(vector, K));
        const tt_block_figures *figures = tt_figures_of_row(vector, K);
        if (figures) add_figures(doc, layer, figures);
    }
}

static void add_keys(yyjson_mut_doc *doc, yyjson_mut_val *object, const tt_vector *vector) {
    add_text(doc, object, "role", tt_role_name(vector->role));
    add_text(doc, object, "axis", vector->axis);
    add_text(doc, object, "class", vector->class_name);
    if (*vector->classes[0] && *vector->classes[1]) {
        yyjson_mut_val *classes = yyjson_mut_obj_add_arr(doc, object, "classes");
        for (int side = 0; side < 2; side++) yyjson_mut_arr_add_strcpy(doc, classes, vector->classes[side]);
    }
    add_text(doc, object, "recipe", vector->recipe);
    add_text(doc, object, "model", vector->model_name);
    add_text(doc, object, "architecture", vector->architecture);
    add_text(doc, object, "fingerprint", vector->fingerprint);
    if (vector->parameters) yyjson_mut_obj_add_uint(doc, object, "parameters", vector->parameters);
    add_text(doc, object, "version", vector->version);
    add_text(doc, object, "method", vector->method);
    if (vector->samples) {
        yyjson_mut_obj_add_uint(doc, object, "samples", vector->samples);
        yyjson_mut_obj_add_uint(doc, object, "seed", vector->seed);
    }
    if (vector->recommended[0] != 0 || vector->recommended[1] != 0)
        add_pair(doc, object, "recommended", vector->recommended);
}

/* What other tools wrote, as text. */
static void add_foreign(yyjson_mut_doc *doc, yyjson_mut_val *object, const tt_vector *vector) {
    if (!tt_gguf_keys_count(vector->foreign)) return;
    yyjson_mut_val *keys = yyjson_mut_obj_add_obj(doc, object, "other_keys");
    for (size_t i = 0; i < tt_gguf_keys_count(vector->foreign); i++) {
        tt_text value = {0};
        tt_gguf_keys_value(vector->foreign, i, &value);
        if (!tt_text_ok(&value, NULL)) tt_json_lacks(doc);
        yyjson_mut_obj_add(keys, yyjson_mut_strcpy(doc, tt_gguf_keys_name(vector->foreign, i)),
                           yyjson_mut_strcpy(doc, value.data ? value.data : ""));
        tt_text_free(&value);
    }
}

static void add_vector(yyjson_mut_doc *doc, yyjson_mut_val *object, const tt_vector *vector) {
    add_keys(doc, object, vector);
    if (vector->layer_count_given) yyjson_mut_obj_add_uint(doc, object, "layer_count", vector->layer_count);
    yyjson_mut_obj_add_uint(doc, object, "width", vector->width);
    yyjson_mut_obj_add_real(doc, object, "length", tt_vector_norm(vector));
    add_foreign(doc, object, vector);
    add_layers(doc, object, vector);
}

static void add_cosines(yyjson_mut_doc *doc, yyjson_mut_val *object, const tt_inspected *inspected, uint32_t K) {
    yyjson_mut_val *matrix = yyjson_mut_obj_add_arr(doc, object, "cosines");
    for (size_t i = 0; i < inspected->count; i++) {
        yyjson_mut_val *row = yyjson_mut_arr_add_arr(doc, matrix);
        for (size_t j = 0; j < inspected->count; j++) append_number(doc, row, tt_inspected_cosine(inspected, i, j, K));
    }
}

static void add_comparison(yyjson_mut_doc *doc, yyjson_mut_val *root, const tt_inspected *inspected) {
    add_cosines(doc, root, inspected, 0);
    yyjson_mut_val *layers = yyjson_mut_obj_add_arr(doc, root, "layers");
    for (uint32_t K = inspected->at ? inspected->at : 1; K < (inspected->at ? inspected->at + 1 : inspected->layers); K++) {
        yyjson_mut_val *layer = yyjson_mut_arr_add_obj(doc, layers);
        yyjson_mut_obj_add_uint(doc, layer, "layer", K);
        add_cosines(doc, layer, inspected, K);
    }
}

static void add_mix(yyjson_mut_doc *doc, yyjson_mut_val *object, const tt_blend *mix) {
    yyjson_mut_val *parts = yyjson_mut_obj_add_arr(doc, object, "parts");
    for (size_t i = 0; i < mix->part_count; i++) {
        yyjson_mut_val *part = yyjson_mut_arr_add_obj(doc, parts);
        yyjson_mut_obj_add_strcpy(doc, part, "file", mix->parts[i].vector.path);
        yyjson_mut_obj_add_real(doc, part, "scale", mix->parts[i].scale);
    }
    yyjson_mut_obj_add_real(doc, object, "largest", mix->largest);
    if (isfinite(mix->safe_scale)) yyjson_mut_obj_add_real(doc, object, "safe_scale", mix->safe_scale);
    add_vector(doc, object, &mix->vector);
}

yyjson_mut_doc *tt_inspect_json(const tt_inspected *inspected) {
    yyjson_mut_val *root;
    yyjson_mut_doc *doc = tt_json_object(&root);
    if (!doc) return NULL;
    yyjson_mut_val *vectors = yyjson_mut_obj_add_arr(doc, root, "vectors");
    for (size_t i = 0; i < inspected->count; i++) {
        yyjson_mut_val *vector = yyjson_mut_arr_add_obj(doc, vectors);
        yyjson_mut_obj_add_strcpy(doc, vector, "file", inspected->vectors[i].path);
        add_vector(doc, vector, &inspected->vectors[i]);
    }
    if (inspected->count > 1) add_comparison(doc, root, inspected);
    if (inspected->mix) add_mix(doc, yyjson_mut_obj_add_obj(doc, root, "mix"), inspected->mix);
    return doc;
}
