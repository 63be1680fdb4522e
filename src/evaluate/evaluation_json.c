/* evaluation_json.c: see evaluation_json.h */
#include "evaluate/evaluation_json.h"
#include "base/memory.h"
#include "base/plain.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* 1 was fidelity and damage, without a number. */
enum { FILE_LIMIT = 64 << 20, FORMAT = 2 };

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

static yyjson_mut_val *numbers(yyjson_mut_doc *doc, const double *from, size_t count) {
    yyjson_mut_val *array = yyjson_mut_arr(doc);
    for (size_t i = 0; i < count; i++)
        if (isfinite(from[i]))
            yyjson_mut_arr_add_real(doc, array, from[i]);
        else
            yyjson_mut_arr_add_null(doc, array);
    return array;
}

static void add_texts(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key, char *const texts[TT_SHOWN_TEXTS]) {
    yyjson_mut_val *array = yyjson_mut_obj_add_arr(doc, object, key);
    for (size_t i = 0; i < TT_SHOWN_TEXTS && texts[i]; i++) {
        /* Cut at a token, a text may end amid a character. */
        size_t length = strlen(texts[i]);
        (void)tt_utf8_valid(texts[i], length, &length);
        yyjson_mut_arr_add_strn(doc, array, texts[i], length);
    }
}

/* What a model that cannot judge says of an axis is no figure. */
static void add_way(yyjson_mut_doc *doc, yyjson_mut_val *object, const tt_evaluation *evaluation,
                    const tt_axis_evaluation *axis, const tt_way_figures *way, int side) {
    static const tt_estimate unknown = {NAN, NAN, NAN};
    const bool judged = tt_evaluation_judges(axis);
    yyjson_mut_obj_add_val(doc, object, "steering", estimate_value(doc, judged ? way->steering : unknown));
    if (side >= 0) {
        add_number(doc, object, "share_of_asking", judged ? tt_share_of_asking(axis, way, side) : NAN);
        yyjson_mut_obj_add_val(doc, object, "wrong_way", estimate_value(doc, judged ? way->wrong_way : unknown));
    }
    yyjson_mut_obj_add_val(doc, object, "coherence", estimate_value(doc, way->coherence));
    yyjson_mut_obj_add_val(doc, object, "relevance", estimate_value(doc, way->relevance));
    yyjson_mut_obj_add_val(doc, object, "repetition", estimate_value(doc, way->repetition));
    yyjson_mut_obj_add_val(doc, object, "distinct_1", estimate_value(doc, way->distinct[0]));
    yyjson_mut_obj_add_val(doc, object, "distinct_2", estimate_value(doc, way->distinct[1]));
    yyjson_mut_obj_add_uint(doc, object, "refusals", way->refusals);
    yyjson_mut_val *samples = yyjson_mut_obj_add_obj(doc, object, "by_sample");
    yyjson_mut_obj_add_val(doc, samples, "score", numbers(doc, way->scores, way->scores ? evaluation->samples : 0));
    yyjson_mut_obj_add_val(doc, samples, "log_perplexity",
                           numbers(doc, way->perplexities, way->perplexities ? evaluation->samples : 0));
    yyjson_mut_obj_add_val(doc, samples, "relevance",
                           numbers(doc, way->relevances, way->relevances ? evaluation->samples : 0));
    add_texts(doc, object, "texts", way->texts);
}

static void add_others(yyjson_mut_doc *doc, yyjson_mut_val *object, const tt_evaluation *evaluation,
                       const tt_axis_evaluation *axis) {
    yyjson_mut_val *others = yyjson_mut_obj_add_obj(doc, object, "steering_of_axes");
    for (size_t other = 0; other < evaluation->axis_count; other++) {
        yyjson_mut_val *pair = yyjson_mut_obj_add_arr(doc, others, evaluation->axes[other].name);
        for (int side = 0; side < 2; side++) yyjson_mut_arr_append(pair, estimate_value(doc, axis->others[side][other]));
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

static void add_axis(yyjson_mut_doc *doc, yyjson_mut_val *axes, const tt_evaluation *evaluation, size_t index) {
    const tt_axis_evaluation *axis = &evaluation->axes[index];
    yyjson_mut_val *object = yyjson_mut_arr_add_obj(doc, axes);
    yyjson_mut_obj_add_str(doc, object, "name", axis->name);
    yyjson_mut_val *classes = yyjson_mut_obj_add_arr(doc, object, "classes");
    yyjson_mut_arr_add_str(doc, classes, axis->classes[0]);
    yyjson_mut_arr_add_str(doc, classes, axis->classes[1]);
    yyjson_mut_obj_add_str(doc, object, "method", axis->method);
    yyjson_mut_obj_add_uint(doc, object, "trained_samples", axis->trained_samples);
    yyjson_mut_obj_add_val(doc, object, "recommended", numbers(doc, axis->recommended, 2));
    yyjson_mut_val *known = yyjson_mut_obj_add_obj(doc, object, "known_passages");
    yyjson_mut_obj_add_uint(doc, known, "right", axis->known_right);
    yyjson_mut_obj_add_uint(doc, known, "pairs", axis->known);
    yyjson_mut_obj_add_bool(doc, object, "judged", tt_evaluation_judges(axis));
    add_way(doc, yyjson_mut_obj_add_obj(doc, object, "unsteered"), evaluation, axis, &axis->unsteered, -1);
    yyjson_mut_val *asked = yyjson_mut_obj_add_arr(doc, object, "asked"),
                   *values = yyjson_mut_obj_add_arr(doc, object, "values"),
                   *random = yyjson_mut_obj_add_arr(doc, object, "random");
    for (int side = 0; side < 2; side++) {
        add_way(doc, yyjson_mut_arr_add_obj(doc, asked), evaluation, axis, &axis->asked[side], side);
        yyjson_mut_val *along = yyjson_mut_arr_add_obj(doc, random);
        if (axis->random[side].value != 0) yyjson_mut_obj_add_real(doc, along, "value", axis->random[side].value);
        add_way(doc, along, evaluation, axis, &axis->random[side], side);
    }
    for (size_t i = 0; i < axis->value_count; i++) {
        const double value = axis->values[i].value;
        yyjson_mut_val *at = yyjson_mut_arr_add_obj(doc, values);
        yyjson_mut_obj_add_real(doc, at, "value", value);
        add_way(doc, at, evaluation, axis, &axis->values[i], value == 0 ? -1 : value > 0);
    }
    if (axis->others[0]) add_others(doc, object, evaluation, axis);
    add_blocks(doc, object, axis);
}

static yyjson_mut_doc *begin(const tt_evaluation *evaluation, yyjson_mut_val **root, yyjson_mut_val **axes, tt_error *err) {
    yyjson_mut_doc *doc = tt_json_object(root);
    if (!doc) {
        tt_fail(err, TT_ERROR_MEMORY, "out of memory");
        return NULL;
    }
    yyjson_mut_obj_add_uint(doc, *root, "format", FORMAT);
    yyjson_mut_obj_add_str(doc, *root, "trimtab", TRIMTAB_VERSION);
    yyjson_mut_val *about = yyjson_mut_obj_add_obj(doc, *root, "model");
    yyjson_mut_obj_add_str(doc, about, "name", evaluation->model_name);
    yyjson_mut_obj_add_str(doc, about, "description", evaluation->model_description);
    yyjson_mut_obj_add_str(doc, about, "fingerprint", evaluation->fingerprint);
    yyjson_mut_obj_add_uint(doc, *root, "samples", evaluation->samples);
    yyjson_mut_obj_add_uint(doc, *root, "text_tokens", evaluation->text_tokens);
    yyjson_mut_obj_add_str(doc, *root, "judging", evaluation->judging);
    add_number(doc, *root, "coherence_limit", evaluation->coherence_limit);
    add_number(doc, *root, "relevance_limit", evaluation->relevance_limit);
    add_texts(doc, *root, "prompts", evaluation->prompts);
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

static bool read_text(yyjson_val *value, char **text, tt_error *err) {
    return (*text = tt_strdup(yyjson_is_str(value) ? yyjson_get_str(value) : "", err)) != NULL;
}

static bool read_texts(yyjson_val *array, char *texts[TT_SHOWN_TEXTS], tt_error *err) {
    for (size_t i = 0; i < TT_SHOWN_TEXTS && i < yyjson_arr_size(array); i++)
        if (!read_text(yyjson_arr_get(array, i), &texts[i], err)) return false;
    return true;
}

static bool read_way(yyjson_val *object, tt_way_figures *way, tt_error *err) {
    way->value = yyjson_get_num(yyjson_obj_get(object, "value"));
    way->steering = estimate_of(yyjson_obj_get(object, "steering"));
    way->coherence = estimate_of(yyjson_obj_get(object, "coherence"));
    way->relevance = estimate_of(yyjson_obj_get(object, "relevance"));
    way->wrong_way = estimate_of(yyjson_obj_get(object, "wrong_way"));
    way->repetition = estimate_of(yyjson_obj_get(object, "repetition"));
    way->distinct[0] = estimate_of(yyjson_obj_get(object, "distinct_1"));
    way->distinct[1] = estimate_of(yyjson_obj_get(object, "distinct_2"));
    way->refusals = yyjson_get_uint(yyjson_obj_get(object, "refusals"));
    return read_texts(yyjson_obj_get(object, "texts"), way->texts, err);
}

static bool read_values(yyjson_val *array, tt_axis_evaluation *axis, tt_error *err) {
    axis->values = tt_alloc(yyjson_arr_size(array), sizeof *axis->values, err);
    if (!axis->values) return false;
    size_t index, count;
    yyjson_val *object;
    yyjson_arr_foreach(array, index, count,
                       object) if (!read_way(object, &axis->values[axis->value_count++], err)) return false;
    return true;
}

static bool read_pair(yyjson_val *array, tt_way_figures pair[static 2], tt_error *err) {
    return read_way(yyjson_arr_get(array, 0), &pair[0], err) && read_way(yyjson_arr_get(array, 1), &pair[1], err);
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
    yyjson_val *known = yyjson_obj_get(object, "known_passages");
    axis->known_right = yyjson_get_uint(yyjson_obj_get(known, "right"));
    axis->known = yyjson_get_uint(yyjson_obj_get(known, "pairs"));
    return read_text(yyjson_obj_get(object, "name"), &axis->name, err) &&
           read_text(yyjson_arr_get(classes, 0), &axis->classes[0], err) &&
           read_text(yyjson_arr_get(classes, 1), &axis->classes[1], err) &&
           read_text(yyjson_obj_get(object, "method"), &axis->method, err) &&
           read_way(yyjson_obj_get(object, "unsteered"), &axis->unsteered, err) &&
           read_pair(yyjson_obj_get(object, "asked"), axis->asked, err) &&
           read_pair(yyjson_obj_get(object, "random"), axis->random, err) &&
           read_values(yyjson_obj_get(object, "values"), axis, err) &&
           read_blocks(yyjson_obj_get(object, "blocks"), axis, err);
}

static bool read_root(yyjson_val *root, tt_evaluation *evaluation, tt_error *err) {
    yyjson_val *about = yyjson_obj_get(root, "model"), *axes = yyjson_obj_get(root, "axes"), *object;
    evaluation->samples = yyjson_get_uint(yyjson_obj_get(root, "samples"));
    evaluation->text_tokens = yyjson_get_uint(yyjson_obj_get(root, "text_tokens"));
    evaluation->coherence_limit = number_at(root, "coherence_limit");
    evaluation->relevance_limit = number_at(root, "relevance_limit");
    evaluation->axes = tt_alloc(yyjson_arr_size(axes), sizeof *evaluation->axes, err);
    if (!evaluation->axes || !read_text(yyjson_obj_get(about, "name"), &evaluation->model_name, err) ||
        !read_text(yyjson_obj_get(about, "description"), &evaluation->model_description, err) ||
        !read_text(yyjson_obj_get(about, "fingerprint"), &evaluation->fingerprint, err) ||
        !read_text(yyjson_obj_get(root, "judging"), &evaluation->judging, err) ||
        !read_texts(yyjson_obj_get(root, "prompts"), evaluation->prompts, err))
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
    yyjson_val *root = yyjson_doc_get_root(doc);
    bool ok = yyjson_get_uint(yyjson_obj_get(root, "format")) == FORMAT || !yyjson_get_len(yyjson_obj_get(root, "axes"));
    if (!ok)
        tt_fail(err, TT_ERROR_INPUT,
                "'%s' holds the figures of another version of trimtab, which mean something else; measure anew with trimtab "
                "eval --save",
                path);
    ok = ok && read_root(root, evaluation, err);
    yyjson_doc_free(doc);
    if (ok && !evaluation->axis_count)
        ok = tt_fail(err, TT_ERROR_INPUT, "'%s' is not what trimtab eval --save writes; make it anew", path);
    if (!ok) tt_evaluation_free(evaluation);
    return ok;
}
