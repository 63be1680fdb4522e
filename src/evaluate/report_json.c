/* report_json.c: an evaluation as JSON; see report.h */
#include "evaluate/report.h"

#include <math.h>
#include <string.h>

static void add_number(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key, double number) {
    if (isfinite(number))
        yyjson_mut_obj_add_real(doc, object, key, number);
    else
        yyjson_mut_obj_add_null(doc, object, key);
}

static yyjson_mut_val *estimate_value(yyjson_mut_doc *doc, tt_estimate estimate) {
    yyjson_mut_val *object = yyjson_mut_obj(doc);
    add_number(doc, object, "value", estimate.value);
    add_number(doc, object, "low", estimate.low);
    add_number(doc, object, "high", estimate.high);
    return object;
}

static void add_pair(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key, const tt_estimate pair[static 2]) {
    yyjson_mut_val *array = yyjson_mut_obj_add_arr(doc, object, key);
    for (int class = 0; class < 2; class++) yyjson_mut_arr_append(array, estimate_value(doc, pair[class]));
}

static void add_writing(yyjson_mut_doc *doc, yyjson_mut_val *object, const tt_value_figures *figures) {
    yyjson_mut_obj_add_val(doc, object, "distinct_1", estimate_value(doc, figures->distinct[0]));
    yyjson_mut_obj_add_val(doc, object, "distinct_2", estimate_value(doc, figures->distinct[1]));
    yyjson_mut_obj_add_val(doc, object, "repetition", estimate_value(doc, figures->repetition));
    /* Cut at a token, a text may end amid a character. */
    size_t length = strlen(figures->text);
    (void)tt_utf8_valid(figures->text, length, &length);
    yyjson_mut_obj_add_strn(doc, object, "text", figures->text, length);
}

static void add_value(yyjson_mut_doc *doc, yyjson_mut_val *values, const tt_value_figures *figures) {
    yyjson_mut_val *object = yyjson_mut_arr_add_obj(doc, values);
    yyjson_mut_obj_add_real(doc, object, "value", figures->value);
    add_pair(doc, object, "fidelity", figures->fidelity);
    yyjson_mut_obj_add_val(doc, object, "perplexity_rise", estimate_value(doc, figures->perplexity));
    add_writing(doc, object, figures);
}

static yyjson_mut_val *numbers(yyjson_mut_doc *doc, const double *from, size_t count) {
    yyjson_mut_val *array = yyjson_mut_arr(doc);
    for (size_t i = 0; i < count; i++)
        if (isfinite(from[i]))
            yyjson_mut_arr_add_real(doc, array, from[i]);
        else
            yyjson_mut_arr_add_null(doc, array);
    return array;
}

/* The arrays of tt_sample_figures, value by value. */
static void add_samples(yyjson_mut_doc *doc, yyjson_mut_val *object, const tt_axis_evaluation *axis) {
    const tt_sample_figures *from = &axis->samples;
    yyjson_mut_val *samples = yyjson_mut_obj_add_obj(doc, object, "by_sample");
    yyjson_mut_obj_add_val(doc, samples, "neutral_tokens", numbers(doc, from->tokens, from->count));
    yyjson_mut_val *to_gain = yyjson_mut_obj_add_arr(doc, samples, "to_gain");
    for (size_t class = 0; class < 2; class++)
        yyjson_mut_arr_append(to_gain, numbers(doc, from->to_gain + class * from->count, from->count));
    yyjson_mut_val *gained = yyjson_mut_obj_add_arr(doc, samples, "gained");
    yyjson_mut_val *lost = yyjson_mut_obj_add_arr(doc, samples, "lost");
    for (size_t value = 0; value < axis->value_count; value++) {
        yyjson_mut_val *classes = yyjson_mut_arr_add_arr(doc, gained);
        for (size_t class = 0; class < 2; class++)
            yyjson_mut_arr_append(classes, numbers(doc, from->gained + (2 * value + class) * from->count, from->count));
        yyjson_mut_arr_append(lost, numbers(doc, from->lost + value * from->count, from->count));
    }
}

static void add_others(yyjson_mut_doc *doc, yyjson_mut_val *object, const tt_evaluation *evaluation,
                       const tt_axis_evaluation *axis) {
    yyjson_mut_val *others = yyjson_mut_obj_add_obj(doc, object, "effect_on_axes");
    for (size_t other = 0; other < evaluation->axis_count; other++) {
        const tt_estimate pair[2] = {axis->others[0][other], axis->others[1][other]};
        add_pair(doc, others, evaluation->axes[other].name, pair);
    }
}

static void add_blocks(yyjson_mut_doc *doc, yyjson_mut_val *object, const tt_loaded_axis *vectors) {
    yyjson_mut_val *blocks = yyjson_mut_obj_add_arr(doc, object, "blocks");
    for (uint32_t K = 1; K < vectors->sides[TT_POSITIVE].layer_count; K++) {
        if (!vectors->sides[TT_POSITIVE].rows[K]) continue;
        yyjson_mut_val *block = yyjson_mut_arr_add_obj(doc, blocks);
        yyjson_mut_obj_add_uint(doc, block, "row", K);
        add_number(doc, block, "debias", tt_vector_row_norm(&vectors->debias, K));
        add_number(doc, block, "negative", tt_vector_row_norm(&vectors->sides[TT_NEGATIVE], K));
        add_number(doc, block, "positive", tt_vector_row_norm(&vectors->sides[TT_POSITIVE], K));
    }
}

static void add_axis(yyjson_mut_doc *doc, yyjson_mut_val *axes, const tt_evaluation *evaluation, size_t i,
                     const tt_loaded *vectors) {
    const tt_axis_evaluation *axis = &evaluation->axes[i];
    yyjson_mut_val *object = yyjson_mut_arr_add_obj(doc, axes);
    yyjson_mut_obj_add_str(doc, object, "name", axis->name);
    yyjson_mut_val *classes = yyjson_mut_obj_add_arr(doc, object, "classes");
    yyjson_mut_arr_add_str(doc, classes, axis->classes[0]);
    yyjson_mut_arr_add_str(doc, classes, axis->classes[1]);
    yyjson_mut_obj_add_str(doc, object, "method", vectors->axes[i].sides[0].method);
    yyjson_mut_obj_add_uint(doc, object, "trained_samples", vectors->axes[i].sides[0].samples);
    yyjson_mut_val *recommended = yyjson_mut_obj_add_arr(doc, object, "recommended");
    yyjson_mut_arr_add_real(doc, recommended, axis->recommended[0]);
    yyjson_mut_arr_add_real(doc, recommended, axis->recommended[1]);
    add_pair(doc, object, "prompt_effect", axis->prompt_effect);
    add_pair(doc, object, "prompt_damage", axis->prompt_damage);
    add_writing(doc, yyjson_mut_obj_add_obj(doc, object, "unsteered"), &axis->unsteered);
    yyjson_mut_val *values = yyjson_mut_obj_add_arr(doc, object, "values");
    for (size_t value = 0; value < axis->value_count; value++) add_value(doc, values, &axis->values[value]);
    add_samples(doc, object, axis);
    if (axis->others[0]) add_others(doc, object, evaluation, axis);
    add_blocks(doc, object, &vectors->axes[i]);
}

yyjson_mut_doc *tt_evaluation_json(const tt_evaluation *evaluation, const tt_model *model, const tt_loaded *vectors,
                                   tt_error *err) {
    const tt_model_facts *facts = tt_model_facts_of(model);
    yyjson_mut_val *root;
    yyjson_mut_doc *doc = tt_json_object(&root);
    if (!doc) {
        tt_fail(err, TT_ERROR_MEMORY, "out of memory");
        return NULL;
    }
    yyjson_mut_obj_add_str(doc, root, "trimtab", TRIMTAB_VERSION);
    yyjson_mut_val *about = yyjson_mut_obj_add_obj(doc, root, "model");
    yyjson_mut_obj_add_str(doc, about, "name", facts->name);
    yyjson_mut_obj_add_str(doc, about, "description", facts->description);
    yyjson_mut_obj_add_str(doc, about, "fingerprint", facts->fingerprint);
    yyjson_mut_obj_add_uint(doc, root, "samples", evaluation->samples);
    yyjson_mut_obj_add_real(doc, root, "damage_limit", evaluation->damage_limit);
    yyjson_mut_obj_add_uint(doc, root, "scored_tokens", evaluation->tokens);
    yyjson_mut_val *axes = yyjson_mut_obj_add_arr(doc, root, "axes");
    for (size_t i = 0; i < evaluation->axis_count; i++) add_axis(doc, axes, evaluation, i, vectors);
    yyjson_mut_val *similarity = yyjson_mut_obj_add_arr(doc, root, "similarity");
    for (size_t i = 0; i < evaluation->axis_count; i++) {
        yyjson_mut_val *row = yyjson_mut_arr_add_arr(doc, similarity);
        for (size_t j = 0; j < evaluation->axis_count; j++)
            yyjson_mut_arr_add_real(doc, row, evaluation->similarity[i * evaluation->axis_count + j]);
    }
    return doc;
}
