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

static void add_figures(yyjson_mut_doc *doc, yyjson_mut_val *object, const trimtab_block_figures *figures) {
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

static void add_layers(yyjson_mut_doc *doc, yyjson_mut_val *object, const trimtab_vector *vector) {
    yyjson_mut_val *layers = yyjson_mut_obj_add_arr(doc, object, "layers");
    for (uint32_t K = 1; K < trimtab_vector_facts_of(vector)->layers; K++) {
        if (!trimtab_vector_row(vector, K)) continue;
        yyjson_mut_val *layer = yyjson_mut_arr_add_obj(doc, layers);
        yyjson_mut_obj_add_uint(doc, layer, "layer", K);
        yyjson_mut_obj_add_real(doc, layer, "length", trimtab_vector_length(vector, K));
        const trimtab_block_figures *figures = trimtab_vector_figures(vector, K);
        if (figures) add_figures(doc, layer, figures);
    }
}

static void add_keys(yyjson_mut_doc *doc, yyjson_mut_val *object, const trimtab_vector_facts *facts) {
    add_text(doc, object, "role", facts->role);
    add_text(doc, object, "axis", facts->axis);
    add_text(doc, object, "class", facts->class_name);
    if (*facts->classes[0] && *facts->classes[1]) {
        yyjson_mut_val *classes = yyjson_mut_obj_add_arr(doc, object, "classes");
        for (int side = 0; side < 2; side++) yyjson_mut_arr_add_strcpy(doc, classes, facts->classes[side]);
    }
    add_text(doc, object, "recipe", facts->recipe);
    add_text(doc, object, "model", facts->model);
    add_text(doc, object, "architecture", facts->architecture);
    add_text(doc, object, "fingerprint", facts->fingerprint);
    if (facts->parameters) yyjson_mut_obj_add_uint(doc, object, "parameters", facts->parameters);
    add_text(doc, object, "version", facts->version);
    add_text(doc, object, "method", facts->method);
    if (facts->samples) {
        yyjson_mut_obj_add_uint(doc, object, "samples", facts->samples);
        yyjson_mut_obj_add_uint(doc, object, "seed", facts->seed);
    }
    if (facts->recommended[0] != 0 || facts->recommended[1] != 0) add_pair(doc, object, "recommended", facts->recommended);
}

/* What other tools wrote, as text. */
static void add_foreign(yyjson_mut_doc *doc, yyjson_mut_val *object, const trimtab_vector *vector) {
    const char *key;
    char *value;
    yyjson_mut_val *keys = NULL;
    if (trimtab_vector_facts_of(vector)->key_count) keys = yyjson_mut_obj_add_obj(doc, object, "other_keys");
    for (size_t i = 0; i < trimtab_vector_facts_of(vector)->key_count; i++) {
        if (!(key = trimtab_vector_key(vector, i, &value, NULL))) {
            tt_json_lacks(doc);
            return;
        }
        yyjson_mut_obj_add(keys, yyjson_mut_strcpy(doc, key), yyjson_mut_strcpy(doc, value));
        trimtab_text_free(value);
    }
}

static void add_vector(yyjson_mut_doc *doc, yyjson_mut_val *object, const trimtab_vector *vector) {
    const trimtab_vector_facts *facts = trimtab_vector_facts_of(vector);
    add_keys(doc, object, facts);
    if (facts->layers_given) yyjson_mut_obj_add_uint(doc, object, "layer_count", facts->layers);
    yyjson_mut_obj_add_uint(doc, object, "width", facts->width);
    yyjson_mut_obj_add_real(doc, object, "length", trimtab_vector_length(vector, 0));
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

static void add_mix(yyjson_mut_doc *doc, yyjson_mut_val *object, const trimtab_mix *mix) {
    yyjson_mut_val *parts = yyjson_mut_obj_add_arr(doc, object, "parts");
    const trimtab_mix_facts *facts = trimtab_mix_facts_of(mix);
    const trimtab_vector *vector;
    double scale;
    for (size_t i = 0; (vector = trimtab_mix_part(mix, i, &scale)); i++) {
        yyjson_mut_val *part = yyjson_mut_arr_add_obj(doc, parts);
        yyjson_mut_obj_add_strcpy(doc, part, "file", trimtab_vector_facts_of(vector)->path);
        yyjson_mut_obj_add_real(doc, part, "scale", scale);
    }
    yyjson_mut_obj_add_real(doc, object, "largest", facts->largest);
    if (isfinite(facts->safe_scale)) yyjson_mut_obj_add_real(doc, object, "safe_scale", facts->safe_scale);
    add_vector(doc, object, facts->vector);
}

yyjson_mut_doc *tt_inspect_json(const tt_inspected *inspected) {
    yyjson_mut_val *root;
    yyjson_mut_doc *doc = tt_json_object(&root);
    if (!doc) return NULL;
    yyjson_mut_val *vectors = yyjson_mut_obj_add_arr(doc, root, "vectors");
    for (size_t i = 0; i < inspected->count; i++) {
        yyjson_mut_val *vector = yyjson_mut_arr_add_obj(doc, vectors);
        yyjson_mut_obj_add_strcpy(doc, vector, "file", trimtab_vector_facts_of(inspected->vectors[i])->path);
        add_vector(doc, vector, inspected->vectors[i]);
    }
    if (inspected->count > 1) add_comparison(doc, root, inspected);
    if (inspected->mix) add_mix(doc, yyjson_mut_obj_add_obj(doc, root, "mix"), inspected->mix);
    return doc;
}
