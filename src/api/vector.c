/* vector.c: the public API's control vectors, as files have them. See include/trimtab.h. */
#include "api/vector.h"
#include "api/handle.h"
#include "apply/target.h"
#include "base/memory.h"
#include "gguf/keys.h"
#include "vectors/compare.h"

#include <math.h>
#include <stdlib.h>

struct trimtab_vector tt_api_view(const tt_vector *vector) {
    return (struct trimtab_vector){
        .vector = vector,
        .facts =
            {
                .path = vector->path,
                .role = tt_role_name(vector->role),
                .axis = vector->axis,
                .class_name = vector->class_name,
                .classes = {vector->classes[0], vector->classes[1]},
                .recipe = vector->recipe,
                .model = vector->model_name,
                .architecture = vector->architecture,
                .fingerprint = vector->fingerprint,
                .version = vector->version,
                .method = vector->method,
                .samples = vector->samples,
                .seed = vector->seed,
                .parameters = vector->parameters,
                .recommended = {vector->recommended[0], vector->recommended[1]},
                .layers = vector->layer_count,
                .layers_given = vector->layer_count_given,
                .from_zero = vector->from_zero,
                .directions = tt_vector_row_count(vector),
                .width = vector->width,
                .figure_count = vector->figure_count,
                .key_count = tt_gguf_keys_count(vector->foreign),
            },
    };
}

trimtab_vector *trimtab_vector_read(const char *path, trimtab_error *error) {
    tt_error err = {0};
    trimtab_vector *vector = tt_alloc(1, sizeof *vector, &err);
    const bool ok =
        vector && (path ? tt_vector_read(&vector->own, path, &err)
                        : tt_fail(&err, TT_ERROR_USAGE, "trimtab_vector_read needs the path of a control vector"));
    tt_api_status(ok, &err, error);
    if (!ok) {
        free(vector);
        return NULL;
    }
    struct trimtab_vector view = tt_api_view(&vector->own);
    view.own = vector->own;
    *vector = view;
    return vector;
}

void trimtab_vector_free(trimtab_vector *vector) {
    if (vector) tt_vector_free(&vector->own);
    free(vector);
}

trimtab_status trimtab_vector_write(const trimtab_vector *vector, const char *path, trimtab_error *error) {
    tt_error err = {0};
    const bool ok = vector && path ? tt_vector_write(vector->vector, path, &err)
                                   : tt_fail(&err, TT_ERROR_USAGE, "trimtab_vector_write needs a vector and a path");
    return tt_api_status(ok, &err, error);
}

const trimtab_vector_facts *trimtab_vector_facts_of(const trimtab_vector *vector) { return &vector->facts; }

const float *trimtab_vector_row(const trimtab_vector *vector, uint32_t K) {
    return K >= 1 && K < vector->vector->layer_count && vector->vector->rows ? vector->vector->rows[K] : NULL;
}

/* The block that row K was measured at. Files that do not tell the offset are taken to have trimtab's own. */
static uint32_t block_of_row(const tt_vector *vector, uint32_t K) { return vector->layer_offset == 0 ? K : K - 1; }

const trimtab_block_figures *trimtab_vector_figures(const trimtab_vector *vector, uint32_t K) {
    static_assert(sizeof(trimtab_block_figures) == sizeof(tt_block_figures));
    const tt_vector *of = vector->vector;
    for (size_t i = 0; i < of->figure_count; i++)
        if (of->figures[i].block == block_of_row(of, K)) return (const trimtab_block_figures *)&of->figures[i];
    return NULL;
}

double trimtab_vector_length(const trimtab_vector *vector, uint32_t K) {
    if (K == 0) return tt_vector_norm(vector->vector);
    return trimtab_vector_row(vector, K) ? tt_vector_row_norm(vector->vector, K) : 0;
}

double trimtab_vector_cosine(const trimtab_vector *a, const trimtab_vector *b, uint32_t K) {
    return a->vector->width == b->vector->width ? tt_vector_cosine(a->vector, b->vector, K) : NAN;
}

const char *trimtab_vector_key(const trimtab_vector *vector, size_t index, char **value, trimtab_error *error) {
    tt_error err = {0};
    const tt_gguf_keys *keys = vector->vector->foreign;
    if (index >= tt_gguf_keys_count(keys)) return NULL;
    if (value) {
        tt_text text = {0};
        tt_text_add(&text, "");
        tt_gguf_keys_value(keys, index, &text);
        *value = tt_text_take(&text, &err);
        tt_text_free(&text);
        tt_api_status(*value != NULL, &err, error);
        if (!*value) return NULL;
    }
    return tt_gguf_keys_name(keys, index);
}

/* ==== Does it fit? ==== */

trimtab_fit tt_api_fit(tt_fit fit) {
    switch (fit) {
    case TT_FIT_NEVER:
        return TRIMTAB_FIT_NEVER;
    case TT_FIT_OTHER:
        return TRIMTAB_FIT_OTHER;
    case TT_FIT_DOUBT:
        return TRIMTAB_FIT_DOUBT;
    case TT_FIT_WHOLE:
        break;
    }
    return TRIMTAB_FIT_WHOLE;
}

trimtab_fit trimtab_vector_fit(const trimtab_vector *vector, const trimtab *t, trimtab_error *why) {
    tt_error err = {0};
    const tt_vector_target target = tt_target_of_model(t->model);
    const tt_fit fit = tt_fit_judge(vector->vector, &target, &err);
    tt_api_status(fit == TT_FIT_WHOLE, &err, why);
    return tt_api_fit(fit);
}
