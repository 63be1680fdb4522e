/* evaluate.c: see evaluate.h. Which ways are written and read (measure.h), and what becomes of it (figures.h). */
#include "evaluate/evaluate.h"
#include "apply/target.h"
#include "base/memory.h"
#include "evaluate/directions.h"
#include "evaluate/measure.h"
#include "evaluate/sweep.h"
#include "vectors/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ==== Before the work ==== */

static bool check(const tt_model *model, const tt_evaluate_axis *axes, size_t axis_count, const tt_evaluate_options *options,
                  tt_error *err) {
    if (!axis_count || !options->samples || !options->text_tokens)
        return tt_fail(err, TT_ERROR_USAGE, "an evaluation needs at least one axis, sample and token");
    const tt_vector_target target = tt_target_of_model(model);
    for (size_t i = 0; i < axis_count; i++) {
        const tt_vector *vectors[] = {axes[i].debias, axes[i].sides[0], axes[i].sides[1]};
        for (int k = tt_vector_row_count(vectors[0]) ? 0 : 1; k < 3; k++) /* not every set has a de-bias vector */
            if (tt_fit_judge(vectors[k], &target, err) < TT_FIT_DOUBT) return false;
    }
    return true;
}

/* ==== What the vectors are ==== */

static bool measure_blocks(const tt_evaluate_axis *axis, tt_axis_evaluation *to, tt_error *err) {
    const tt_vector *side = axis->sides[TT_POSITIVE];
    to->blocks = tt_alloc(side->layer_count, sizeof *to->blocks, err);
    for (uint32_t K = 1; to->blocks && K < side->layer_count; K++)
        if (side->rows[K])
            to->blocks[to->block_count++] =
                (tt_block_lengths){K,
                                   tt_vector_row_norm(axis->debias, K),
                                   {tt_vector_row_norm(axis->sides[0], K), tt_vector_row_norm(side, K)}};
    return to->blocks != NULL;
}

static bool describe_vectors(const tt_evaluate_axis *axis, tt_axis_evaluation *to, tt_error *err) {
    to->trained_samples = axis->sides[0]->samples;
    to->method = tt_strdup(axis->sides[0]->method, err);
    return to->method && measure_blocks(axis, to, err);
}

static bool describe_model(const tt_model *model, tt_evaluation *to, tt_error *err) {
    const tt_model_facts *facts = tt_model_facts_of(model);
    to->model_name = tt_strdup(facts->name, err);
    to->model_description = tt_strdup(facts->description, err);
    to->fingerprint = tt_strdup(facts->fingerprint, err);
    return to->model_name && to->model_description && to->fingerprint;
}

/* ==== Similarity ==== */

static bool compare_axes(const tt_evaluate_axis *axes, size_t count, tt_evaluation *evaluation, tt_error *err) {
    evaluation->similarity = tt_alloc(count * count, sizeof *evaluation->similarity, err);
    for (size_t i = 0; evaluation->similarity && i < count; i++)
        for (size_t j = 0; j < count; j++)
            evaluation->similarity[i * count + j] =
                tt_vector_cosine(axes[i].sides[TT_POSITIVE], axes[j].sides[TT_POSITIVE], 0);
    return evaluation->similarity != NULL;
}

/* ==== One axis ==== */

/* A value that was tried: its figures, and its texts, which are judged by other axes later. */
struct tried {
    tt_way_figures figures;
    tt_written *written; /* [sample] */
};

struct axis_work {
    tt_measure *measure;
    size_t axis;
    const tt_written *unsteered;
    tt_axis_evaluation *to;
    tt_yardsticks yardsticks;
    tt_reading *readings[3]; /* unsteered, asked */
    struct tried *tried;
    size_t tried_count;
};

static int side_of(double value) { return value > 0 ? TT_POSITIVE : value < 0 ? TT_NEGATIVE : -1; }

/* A way's readings, with the score of the axis at hand; the caller frees. */
static tt_reading *readings_of(const struct axis_work *work, const tt_written *written, tt_error *err) {
    const size_t samples = work->yardsticks.samples;
    tt_reading *readings = tt_alloc(samples, sizeof *readings, err);
    for (size_t i = 0; readings && i < samples; i++) {
        readings[i] = written[i].reading;
        readings[i].score = written[i].scores[work->axis];
    }
    return readings;
}

static void free_all(tt_written *written, size_t count) {
    for (size_t i = 0; written && i < count; i++) tt_written_free(&written[i]);
    free(written);
}

static bool figure(const struct axis_work *work, const tt_written *written, int side, double value, tt_way_figures *to,
                   tt_error *err) {
    tt_reading *readings = readings_of(work, written, err);
    const bool ok = readings && tt_figure_way(&work->yardsticks, readings, side, value, to, err);
    free(readings);
    return ok;
}

/* What the model writes when it is asked for each class: what steering is held against. */
static bool ask(struct axis_work *work, tt_error *err) {
    const size_t samples = work->yardsticks.samples;
    const tt_way ways[2] = {{work->axis, TT_NEGATIVE, TT_NEGATIVE, NULL, ""},
                            {work->axis, TT_POSITIVE, TT_POSITIVE, NULL, ""}};
    tt_written *written = tt_alloc(2 * samples, sizeof *written, err);
    if (!written || !tt_measure_ways(work->measure, ways, 2, written, err)) {
        free(written);
        return false;
    }
    work->readings[0] = readings_of(work, work->unsteered, err);
    work->readings[1] = readings_of(work, written, err);
    work->readings[2] = readings_of(work, written + samples, err);
    bool ok = work->readings[0] && work->readings[1] && work->readings[2];
    work->yardsticks.unsteered = work->readings[0];
    for (int class = 0; class < 2; class++) work->yardsticks.asked[class] = work->readings[1 + class];
    ok = ok && figure(work, work->unsteered, -1, 0, &work->to->unsteered, err);
    for (int class = 0; ok && class < 2; class++)
        ok = figure(work, written + (size_t)class * samples, class, 0, &work->to->asked[class], err);
    free_all(written, 2 * samples);
    return ok;
}

/* Writes at `count` values or, with a seed, along random directions as long as the vectors there; into new `written`. */
static bool steer(const struct axis_work *work, const double *values, size_t count, const uint64_t *seed,
                  tt_written **written, tt_error *err) {
    const tt_evaluate_axis *axis = &work->measure->axes[work->axis];
    tt_way *ways = tt_alloc(count, sizeof *ways, err);
    bool ok = ways && (*written = tt_alloc(count * work->yardsticks.samples, sizeof **written, err)) != NULL;
    size_t made = 0;
    for (; ok && made < count; made += ok) {
        tt_way *way = &ways[made];
        *way = (tt_way){.axis = work->axis, .asked = -1, .side = side_of(values[made])};
        way->steering = seed ? tt_random_steering(work->measure->model, axis, values[made], *seed, way->digest, err)
                             : tt_axis_steering(work->measure->model, axis, values[made], way->digest, err);
        ok = way->steering != NULL;
    }
    ok = ok && tt_measure_ways(work->measure, ways, count, *written, err);
    for (size_t i = 0; i < made; i++) tt_steering_release(ways[i].steering);
    free(ways);
    if (ok) return true;
    free(*written);
    *written = NULL;
    return false;
}

static bool try_values(struct axis_work *work, const double *values, size_t count, tt_error *err) {
    const size_t samples = work->yardsticks.samples;
    tt_written *written = NULL;
    if (!tt_resize(&work->tried, work->tried_count + count, sizeof *work->tried, err) ||
        !steer(work, values, count, NULL, &written, err))
        return false;
    bool ok = true;
    for (size_t i = 0; i < count; i++) {
        struct tried *to = &work->tried[work->tried_count++];
        *to = (struct tried){.written = tt_alloc(samples, sizeof *to->written, err)};
        for (size_t k = 0; k < samples; k++)
            if (to->written)
                to->written[k] = written[i * samples + k];
            else
                tt_written_free(&written[i * samples + k]);
        ok = ok && to->written && figure(work, to->written, side_of(values[i]), values[i], &to->figures, err);
    }
    free(written);
    return ok;
}

/* ==== The sweep ==== */

static int by_value(const void *a, const void *b) {
    const struct tried *x = a, *y = b;
    return (x->figures.value > y->figures.value) - (x->figures.value < y->figures.value);
}

/* The values to go on with on one side, signed. */
static size_t next_of(struct axis_work *work, int side, double values[static TT_SWEEP_MORE], tt_error *err) {
    if (!work->tried) return 0;
    double *sizes = tt_alloc(work->tried_count, sizeof *sizes, err);
    bool *sound = sizes ? tt_alloc(work->tried_count, sizeof *sound, err) : NULL;
    size_t count = 0;
    qsort(work->tried, work->tried_count, sizeof *work->tried, by_value);
    for (size_t i = 0; sound && i < work->tried_count; i++) {
        const tt_way_figures *way = &work->tried[side ? i : work->tried_count - 1 - i].figures;
        if (side_of(way->value) != side) continue;
        sound[count] = tt_way_is_sound(way, &work->to->unsteered, work->yardsticks.options);
        sizes[count++] = fabs(way->value);
    }
    count = sound ? tt_sweep_next(sizes, sound, count, work->yardsticks.options->quick, values) : 0;
    for (size_t i = 0; !side && i < count; i++) values[i] = -values[i];
    free(sizes);
    free(sound);
    return count;
}

static bool sweep(struct axis_work *work, tt_error *err) {
    double sizes[TT_SWEEP_FIRST], values[2 * TT_SWEEP_FIRST];
    size_t count = tt_evaluate_values(sizes, tt_sweep_begin(work->yardsticks.options->quick, sizes), values);
    while (count) {
        if (!try_values(work, values, count, err)) return false;
        count = next_of(work, TT_NEGATIVE, values, err);
        count += next_of(work, TT_POSITIVE, values + count, err);
    }
    return true;
}

/* ==== What it comes to ==== */

static double strongest(const tt_axis_evaluation *axis, int side) {
    double most = 0;
    for (size_t i = 0; i < axis->value_count; i++)
        if (side_of(axis->values[i].value) == side) most = fmax(most, fabs(axis->values[i].value));
    return most;
}

/* Random directions as long as the vectors are at the ends of what may be used. */
static bool try_random(struct axis_work *work, tt_error *err) {
    double values[2];
    size_t count = 0;
    for (int side = 0; side < 2; side++) {
        const double recommended = work->to->recommended[side];
        const double size = recommended > 0 ? recommended : strongest(work->to, side);
        if (size > 0) values[count++] = side ? size : -size;
    }
    tt_written *written = NULL;
    const size_t samples = work->yardsticks.samples;
    bool ok = !count || steer(work, values, count, &work->yardsticks.options->seed, &written, err);
    for (size_t i = 0; ok && i < count; i++) {
        const int side = values[i] > 0;
        ok = figure(work, written + i * samples, side, values[i], &work->to->random[side], err);
    }
    free_all(written, count * samples);
    return ok;
}

/* How far a recommended value's texts have moved along another axis. */
static bool figure_other(struct axis_work *work, const tt_written *written, size_t other, tt_estimate *to, tt_error *err) {
    const size_t samples = work->yardsticks.samples, axis = work->axis;
    work->axis = other;
    tt_reading *readings = readings_of(work, written, err), *unsteered = readings_of(work, work->unsteered, err);
    work->axis = axis;
    double *moved = tt_alloc(samples, sizeof *moved, err);
    bool ok = readings && unsteered && moved;
    for (size_t i = 0; ok && i < samples; i++) moved[i] = readings[i].score - unsteered[i].score;
    const tt_evaluate_options *options = work->yardsticks.options;
    ok = ok && tt_estimate_ratio(moved, NULL, samples, options->resamples, options->seed, to, err);
    free(readings);
    free(unsteered);
    free(moved);
    return ok;
}

static bool figure_others(struct axis_work *work, tt_error *err) {
    for (int side = 0; side < 2; side++) {
        const size_t count = work->measure->axis_count;
        work->to->others[side] = tt_alloc(count, sizeof *work->to->others[side], err);
        if (!work->to->others[side]) return false;
        for (size_t i = 0; i < count; i++) work->to->others[side][i] = (tt_estimate){NAN, NAN, NAN};
        const double value = side ? work->to->recommended[side] : -work->to->recommended[side];
        for (size_t i = 0; value != 0 && i < work->tried_count; i++) {
            if (work->tried[i].figures.value != value) continue;
            if (!tt_measure_others(work->measure, work->tried[i].written, err)) return false;
            for (size_t other = 0; other < count; other++)
                if (!figure_other(work, work->tried[i].written, other, &work->to->others[side][other], err)) return false;
        }
    }
    return true;
}

/* The figures become the evaluation's. */
static bool hand_over(struct axis_work *work, tt_error *err) {
    if (!work->tried) return true;
    qsort(work->tried, work->tried_count, sizeof *work->tried, by_value);
    work->to->values = tt_alloc(work->tried_count, sizeof *work->to->values, err);
    if (!work->to->values) return false;
    for (size_t i = 0; i < work->tried_count; i++) {
        work->to->values[work->to->value_count++] = work->tried[i].figures;
        work->tried[i].figures = (tt_way_figures){.value = work->tried[i].figures.value};
    }
    return true;
}

static bool measure_axis(struct axis_work *work, tt_error *err) {
    const tt_evaluate_options *options = work->yardsticks.options;
    const bool others = options->other_axes && work->measure->axis_count > 1;
    if (!tt_measure_known(work->measure, work->axis, &work->to->known_right, &work->to->known, err) || !ask(work, err))
        return false;
    if (!(options->value_count ? try_values(work, options->values, options->value_count, err) : sweep(work, err)) ||
        !hand_over(work, err))
        return false;
    tt_recommend(work->to, options);
    return try_random(work, err) && (!others || figure_others(work, err));
}

static bool evaluate_axis(tt_measure *measure, const tt_written *unsteered, size_t axis, tt_axis_evaluation *to,
                          tt_error *err) {
    const tt_axis *of = measure->axes[axis].axis;
    to->name = tt_strdup(of->name, err);
    to->classes[0] = tt_strdup(of->classes[0], err);
    to->classes[1] = tt_strdup(of->classes[1], err);
    struct axis_work work = {.measure = measure, .axis = axis, .unsteered = unsteered, .to = to};
    work.yardsticks = (tt_yardsticks){.samples = measure->material->count, .options = measure->options};
    const bool ok = to->name && to->classes[0] && to->classes[1] && measure_axis(&work, err);
    for (size_t i = 0; i < work.tried_count; i++) {
        tt_way_free(&work.tried[i].figures);
        free_all(work.tried[i].written, work.yardsticks.samples);
    }
    free(work.tried);
    for (size_t i = 0; i < 3; i++) free(work.readings[i]);
    return ok;
}

/* ==== The whole ==== */

static bool keep_prompts(const tt_material *material, tt_evaluation *evaluation, tt_error *err) {
    for (size_t i = 0; i < TT_SHOWN_TEXTS && i < material->count; i++)
        if (!(evaluation->prompts[i] = tt_strdup(material->samples[i].request, err))) return false;
    return true;
}

static bool evaluate_all(tt_measure *measure, const tt_evaluate_axis *axes, tt_evaluation *evaluation, tt_error *err) {
    const tt_evaluate_options *options = measure->options;
    const size_t samples = options->samples, count = measure->axis_count;
    const tt_way way = {0, -1, -1, NULL, ""};
    evaluation->samples = samples;
    evaluation->text_tokens = options->text_tokens;
    evaluation->coherence_limit = options->coherence_limit;
    evaluation->relevance_limit = options->relevance_limit;
    evaluation->judging = tt_strdup(tt_judging_name(tt_judging_usual()), err);
    evaluation->axes = tt_alloc(count, sizeof *evaluation->axes, err);
    tt_written *unsteered = tt_alloc(samples, sizeof *unsteered, err);
    if (!evaluation->judging || !evaluation->axes || !unsteered || !keep_prompts(measure->material, evaluation, err) ||
        !describe_model(measure->model, evaluation, err) || !tt_measure_ways(measure, &way, 1, unsteered, err)) {
        free(unsteered);
        return false;
    }
    bool ok = true;
    for (size_t axis = 0; ok && axis < count; axis++) {
        evaluation->axis_count++; /* one filled half is freed as well */
        ok = evaluate_axis(measure, unsteered, axis, &evaluation->axes[axis], err) &&
             describe_vectors(&axes[axis], &evaluation->axes[axis], err);
    }
    free_all(unsteered, samples);
    evaluation->tokens = measure->written + tt_score_tokens(measure->score);
    return ok && compare_axes(axes, count, evaluation, err);
}

bool tt_evaluate(tt_model *model, const tt_chat *chat, const tt_evaluate_axis *axes, size_t axis_count,
                 const tt_evaluate_options *options, tt_evaluation *evaluation, tt_error *err) {
    *evaluation = (tt_evaluation){0};
    if (!check(model, axes, axis_count, options, err)) return false;
    tt_material material = {0};
    tt_measure measure = {0};
    const bool ok = tt_material_make(&material, chat, axes, axis_count, options, err) &&
                    tt_measure_open(&measure, model, chat, &material, axes, axis_count, options, err) &&
                    evaluate_all(&measure, axes, evaluation, err);
    tt_measure_close(&measure);
    tt_material_free(&material);
    if (!ok) tt_evaluation_free(evaluation);
    return ok;
}
