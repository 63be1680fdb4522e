/* evaluation_json.c: see evaluation_json.h */
#include "evaluate/evaluation_json.h"
#include "base/memory.h"
#include "base/plain.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_LIMIT = 64 << 20 };

/* ==== Writing ==== */

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

static void add_blocks(yyjson_mut_doc *doc, yyjson_mut_val *object, const tt_axis_evaluation *axis) {
    yyjson_mut_val *blocks = yyjson_mut_obj_add_arr(doc, object, "blocks");
    for (size_t i = 0; i < axis->block_count; i++) {
        yyjson_mut_val *block = yyjson_mut_arr_add_obj(doc, blocks);
        yyjson_mut_obj_add_uint(doc, block, "row", axis->blocks[i].row);
        add_number(doc, block, "debias", axis->blocks[i].debias);
        add_number(doc, block, "negative", axis->blocks[i].sides[0]);
        add_number(doc, block, "positive", axis->blocks[i].sides[1]);
    }
}

static void add_axis(yyjson_mut_doc *doc, yyjson_mut_val *axes, const tt_evaluation *evaluation, size_t i) {
    const tt_axis_evaluation *axis = &evaluation->axes[i];
    yyjson_mut_val *object = yyjson_mut_arr_add_obj(doc, axes);
    yyjson_mut_obj_add_str(doc, object, "name", axis->name);
    yyjson_mut_val *classes = yyjson_mut_obj_add_arr(doc, object, "classes");
    yyjson_mut_arr_add_str(doc, classes, axis->classes[0]);
    yyjson_mut_arr_add_str(doc, classes, axis->classes[1]);
    yyjson_mut_obj_add_str(doc, object, "method", axis->method);
    yyjson_mut_obj_add_uint(doc, object, "trained_samples", axis->trained_samples);
    yyjson_mut_obj_add_val(doc, object, "recommended", numbers(doc, axis->recommended, 2));
    add_pair(doc, object, "prompt_effect", axis->prompt_effect);
    add_pair(doc, object, "prompt_damage", axis->prompt_damage);
    add_writing(doc, yyjson_mut_obj_add_obj(doc, object, "unsteered"), &axis->unsteered);
    yyjson_mut_val *values = yyjson_mut_obj_add_arr(doc, object, "values");
    for (size_t value = 0; value < axis->value_count; value++) add_value(doc, values, &axis->values[value]);
    add_samples(doc, object, axis);
    if (axis->others[0]) add_others(doc, object, evaluation, axis);
    add_blocks(doc, object, axis);
}

static yyjson_mut_doc *begin(const tt_evaluation *evaluation, yyjson_mut_val **root, yyjson_mut_val **axes, tt_error *err) {
    yyjson_mut_doc *doc = tt_json_object(root);
    if (!doc) {
        tt_fail(err, TT_ERROR_MEMORY, "out of memory");
        return NULL;
    }
    yyjson_mut_obj_add_str(doc, *root, "trimtab", TRIMTAB_VERSION);
    yyjson_mut_val *about = yyjson_mut_obj_add_obj(doc, *root, "model");
    yyjson_mut_obj_add_str(doc, about, "name", evaluation->model_name);
    yyjson_mut_obj_add_str(doc, about, "description", evaluation->model_description);
    yyjson_mut_obj_add_str(doc, about, "fingerprint", evaluation->fingerprint);
    yyjson_mut_obj_add_uint(doc, *root, "samples", evaluation->samples);
    yyjson_mut_obj_add_real(doc, *root, "damage_limit", evaluation->damage_limit);
    yyjson_mut_obj_add_uint(doc, *root, "scored_tokens", evaluation->tokens);
    *axes = yyjson_mut_obj_add_arr(doc, *root, "axes");
    return doc;
}

yyjson_mut_doc *tt_evaluation_json(const tt_evaluation *evaluation, tt_error *err) {
    yyjson_mut_val *root, *axes;
    yyjson_mut_doc *doc = begin(evaluation, &root, &axes, err);
    if (!doc) return NULL;
    const size_t count = evaluation->axis_count;
    for (size_t i = 0; i < count; i++) add_axis(doc, axes, evaluation, i);
    yyjson_mut_val *similarity = yyjson_mut_obj_add_arr(doc, root, "similarity");
    for (size_t i = 0; i < count; i++)
        yyjson_mut_arr_append(similarity, numbers(doc, evaluation->similarity + i * count, count));
    return doc;
}

bool tt_evaluation_write_axis(const tt_evaluation *evaluation, size_t axis, const char *path, tt_error *err) {
    yyjson_mut_val *root, *axes;
    yyjson_mut_doc *doc = begin(evaluation, &root, &axes, err);
    if (!doc) return false;
    add_axis(doc, axes, evaluation, axis);
    const bool ok = tt_json_write(path, doc, err);
    yyjson_mut_doc_free(doc);
    return ok;
}

/* ==== Reading ==== */

static double number_of(yyjson_val *number) { return yyjson_is_num(number) ? yyjson_get_num(number) : NAN; }

static double number_at(yyjson_val *object, const char *key) { return number_of(yyjson_obj_get(object, key)); }

static tt_estimate estimate_of(yyjson_val *object) {
    return (tt_estimate){number_at(object, "value"), number_at(object, "low"), number_at(object, "high")};
}

static void read_pair(yyjson_val *object, const char *key, tt_estimate pair[static 2]) {
    yyjson_val *array = yyjson_obj_get(object, key);
    for (size_t class = 0; class < 2; class++) pair[class] = estimate_of(yyjson_arr_get(array, class));
}

static bool read_text(yyjson_val *value, char **text, tt_error *err) {
    return (*text = tt_strdup(yyjson_is_str(value) ? yyjson_get_str(value) : "", err)) != NULL;
}

static bool read_writing(yyjson_val *object, tt_value_figures *figures, tt_error *err) {
    figures->distinct[0] = estimate_of(yyjson_obj_get(object, "distinct_1"));
    figures->distinct[1] = estimate_of(yyjson_obj_get(object, "distinct_2"));
    figures->repetition = estimate_of(yyjson_obj_get(object, "repetition"));
    return read_text(yyjson_obj_get(object, "text"), &figures->text, err);
}

static bool read_values(yyjson_val *array, tt_axis_evaluation *axis, tt_error *err) {
    axis->values = tt_alloc(yyjson_arr_size(array), sizeof *axis->values, err);
    if (!axis->values) return false;
    size_t index, count;
    yyjson_val *object;
    yyjson_arr_foreach(array, index, count, object) {
        tt_value_figures *figures = &axis->values[axis->value_count++];
        figures->value = yyjson_get_num(yyjson_obj_get(object, "value"));
        read_pair(object, "fidelity", figures->fidelity);
        figures->perplexity = estimate_of(yyjson_obj_get(object, "perplexity_rise"));
        if (!read_writing(object, figures, err)) return false;
    }
    return true;
}

static bool read_blocks(yyjson_val *array, tt_axis_evaluation *axis, tt_error *err) {
    axis->blocks = tt_alloc(yyjson_arr_size(array), sizeof *axis->blocks, err);
    if (!axis->blocks) return false;
    size_t index, count;
    yyjson_val *block;
    yyjson_arr_foreach(array, index, count, block) axis->blocks[axis->block_count++] =
        (tt_block_lengths){(uint32_t)yyjson_get_uint(yyjson_obj_get(block, "row")),
                           number_at(block, "debias"),
                           {number_at(block, "negative"), number_at(block, "positive")}};
    return true;
}

static bool read_axis(yyjson_val *object, tt_axis_evaluation *axis, tt_error *err) {
    yyjson_val *classes = yyjson_obj_get(object, "classes"), *recommended = yyjson_obj_get(object, "recommended");
    axis->trained_samples = yyjson_get_uint(yyjson_obj_get(object, "trained_samples"));
    for (size_t class = 0; class < 2; class++) axis->recommended[class] = yyjson_get_num(yyjson_arr_get(recommended, class));
    read_pair(object, "prompt_effect", axis->prompt_effect);
    read_pair(object, "prompt_damage", axis->prompt_damage);
    return read_text(yyjson_obj_get(object, "name"), &axis->name, err) &&
           read_text(yyjson_arr_get(classes, 0), &axis->classes[0], err) &&
           read_text(yyjson_arr_get(classes, 1), &axis->classes[1], err) &&
           read_text(yyjson_obj_get(object, "method"), &axis->method, err) &&
           read_writing(yyjson_obj_get(object, "unsteered"), &axis->unsteered, err) &&
           read_values(yyjson_obj_get(object, "values"), axis, err) &&
           read_blocks(yyjson_obj_get(object, "blocks"), axis, err);
}

static bool read_root(yyjson_val *root, tt_evaluation *evaluation, tt_error *err) {
    yyjson_val *about = yyjson_obj_get(root, "model"), *axes = yyjson_obj_get(root, "axes"), *object;
    evaluation->samples = yyjson_get_uint(yyjson_obj_get(root, "samples"));
    evaluation->damage_limit = yyjson_get_num(yyjson_obj_get(root, "damage_limit"));
    evaluation->tokens = yyjson_get_uint(yyjson_obj_get(root, "scored_tokens"));
    evaluation->axes = tt_alloc(yyjson_arr_size(axes), sizeof *evaluation->axes, err);
    if (!evaluation->axes || !read_text(yyjson_obj_get(about, "name"), &evaluation->model_name, err) ||
        !read_text(yyjson_obj_get(about, "description"), &evaluation->model_description, err) ||
        !read_text(yyjson_obj_get(about, "fingerprint"), &evaluation->fingerprint, err))
        return false;
    size_t index, count;
    yyjson_arr_foreach(axes, index, count, object) {
        if (!read_axis(object, &evaluation->axes[evaluation->axis_count++], err)) return false;
    }
    yyjson_val *similarity = yyjson_obj_get(root, "similarity");
    evaluation->similarity = tt_alloc(evaluation->axis_count * evaluation->axis_count, sizeof *evaluation->similarity, err);
    for (size_t i = 0; evaluation->similarity && i < evaluation->axis_count * evaluation->axis_count; i++)
        evaluation->similarity[i] =
            number_of(yyjson_arr_get(yyjson_arr_get(similarity, i / evaluation->axis_count), i % evaluation->axis_count));
    return evaluation->similarity != NULL;
}

bool tt_evaluation_read(tt_evaluation *evaluation, const char *path, tt_error *err) {
    *evaluation = (tt_evaluation){0};
    size_t length;
    char *text = tt_plain_read(path, FILE_LIMIT, NULL, &length, err);
    yyjson_doc *doc = text ? tt_json_parse(path, text, length, err) : NULL;
    free(text);
    if (!doc) return false;
    bool ok = read_root(yyjson_doc_get_root(doc), evaluation, err);
    yyjson_doc_free(doc);
    if (ok && !evaluation->axis_count)
        ok = tt_fail(err, TT_ERROR_INPUT, "'%s' is not what trimtab eval --save writes; make it anew", path);
    if (!ok) tt_evaluation_free(evaluation);
    return ok;
}
