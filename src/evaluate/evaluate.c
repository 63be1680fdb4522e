/* evaluate.c: see evaluate.h. From likelihoods (measure.h) to figures. */
#include "evaluate/evaluate.h"
#include "apply/target.h"
#include "base/memory.h"
#include "evaluate/measure.h"
#include "model/continue.h"
#include "vectors/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ==== Before the work ==== */

static bool check(const tt_model *model, const tt_evaluate_axis *axes, size_t axis_count, const tt_evaluate_options *options,
                  tt_error *err) {
    if (!axis_count || !options->samples || !options->response_tokens || !options->value_count)
        return tt_fail(err, TT_ERROR_USAGE, "an evaluation needs at least one axis, sample, token and value");
    const tt_vector_target target = tt_target_of_model(model);
    for (size_t i = 0; i < axis_count; i++) {
        const tt_vector *vectors[] = {axes[i].debias, axes[i].sides[0], axes[i].sides[1]};
        for (int k = tt_vector_row_count(vectors[0]) ? 0 : 1; k < 3; k++) /* not every set has a de-bias vector */
            if (tt_fit_judge(vectors[k], &target, err) < TT_FIT_DOUBT) return false;
    }
    return true;
}

/* ==== Figures ==== */

struct figuring {
    const tt_measurements *from;
    const tt_material *material;
    const tt_evaluate_options *options;
    const tt_model *model;
    double *numerators, *denominators; /* [sample] */
};

static double unsteered(const tt_measurements *from, size_t sample, size_t text) {
    return from->unsteered[sample * (1 + 2 * from->axis_count) + text];
}

static double prompt_gain(const tt_measurements *from, size_t sample, size_t axis, size_t class) {
    const size_t prompt = 2 * axis + class;
    return from->prompted[sample * 2 * from->axis_count + prompt] - unsteered(from, sample, 1 + prompt);
}

static bool ratio(const struct figuring *f, const double *numerators, const double *denominators, tt_estimate *to,
                  tt_error *err) {
    return tt_estimate_ratio(numerators, denominators, f->from->samples, f->options->resamples, f->options->seed, to, err);
}

/* What fidelity and damage are made of, sample by sample. */
static bool list_samples(const struct figuring *f, size_t axis, tt_sample_figures *to, tt_error *err) {
    const size_t samples = f->from->samples, values = f->from->value_count;
    to->gained = tt_alloc(values * 2 * samples, sizeof *to->gained, err);
    to->to_gain = tt_alloc(2 * samples, sizeof *to->to_gain, err);
    to->lost = tt_alloc(values * samples, sizeof *to->lost, err);
    to->tokens = tt_alloc(samples, sizeof *to->tokens, err);
    if (!to->gained || !to->to_gain || !to->lost || !to->tokens) return false;
    to->count = samples;
    for (size_t i = 0; i < samples; i++) {
        for (size_t class = 0; class < 2; class++) to->to_gain[class * samples + i] = prompt_gain(f->from, i, axis, class);
        to->tokens[i] = (double)f->material->samples[i].neutral.count;
        for (size_t value = 0; value < values; value++) {
            const double *steered = f->from->steered + ((axis * values + value) * samples + i) * TT_OWN_TEXTS;
            to->lost[value * samples + i] = unsteered(f->from, i, 0) - steered[TT_NEUTRAL_TEXT];
            for (size_t class = 0; class < 2; class++)
                to->gained[(value * 2 + class) * samples + i] =
                    steered[TT_CLASS_TEXTS + class] - unsteered(f->from, i, 1 + 2 * axis + class);
        }
    }
    return true;
}

/* Perplexity's relative rise: exp of the mean loss of log-likelihood a token, less 1. */
static bool figure_perplexity(const struct figuring *f, const double *lost, const double *tokens, tt_estimate *to,
                              tt_error *err) {
    if (!ratio(f, lost, tokens, to, err)) return false;
    *to = (tt_estimate){expm1(to->value), expm1(to->low), expm1(to->high)};
    return true;
}

/* What the prompts of a class do: for its own responses, and to neutral ones. */
static bool figure_prompt(const struct figuring *f, size_t axis, size_t class, tt_axis_evaluation *to, tt_error *err) {
    for (size_t i = 0; i < f->from->samples; i++)
        f->denominators[i] = (double)f->material->samples[i].responses[axis][class].count;
    if (!ratio(f, to->samples.to_gain + class * f->from->samples, f->denominators, &to->prompt_effect[class], err))
        return false;
    for (size_t i = 0; i < f->from->samples; i++)
        f->numerators[i] =
            unsteered(f->from, i, 0) - f->from->prompted_neutral[(i * f->from->axis_count + axis) * 2 + class];
    return figure_perplexity(f, f->numerators, to->samples.tokens, &to->prompt_damage[class], err);
}

/* How far `axis` at one end moves the model along `other`: what it adds to the positive responses less what it adds to the
 * negative ones, as a share of what `other`'s own prompts add. */
static bool figure_other(const struct figuring *f, size_t axis, size_t side, size_t other, tt_estimate *to, tt_error *err) {
    const size_t texts = 1 + 2 * f->from->axis_count;
    const double *steered = f->from->others + (axis * 2 + side) * f->from->samples * texts;
    for (size_t i = 0; i < f->from->samples; i++) {
        double added[2];
        for (size_t class = 0; class < 2; class++)
            added[class] = steered[i * texts + 1 + 2 * other + class] - unsteered(f->from, i, 1 + 2 * other + class);
        f->numerators[i] = added[TT_POSITIVE] - added[TT_NEGATIVE];
        f->denominators[i] = prompt_gain(f->from, i, other, TT_POSITIVE) + prompt_gain(f->from, i, other, TT_NEGATIVE);
    }
    return ratio(f, f->numerators, f->denominators, to, err);
}

/* The mean over texts of the share of their n-grams that are distinct; that cannot be told without any. */
static bool figure_distinct(const struct figuring *f, const tt_tokens *writing, size_t n, tt_estimate *to, tt_error *err) {
    const size_t count = f->from->free_samples;
    for (size_t i = 0; i < count; i++) {
        f->numerators[i] = tt_distinct_share(writing[i].ids, writing[i].count, n);
        f->denominators[i] = 1;
    }
    return tt_estimate_ratio(f->numerators, f->denominators, count, f->options->resamples, f->options->seed, to, err);
}

static bool figure_writing(const struct figuring *f, const tt_tokens *writing, tt_value_figures *to, tt_error *err) {
    tt_estimate fresh;
    if (!figure_distinct(f, writing, 1, &to->distinct[0], err) || !figure_distinct(f, writing, 2, &to->distinct[1], err) ||
        !figure_distinct(f, writing, 4, &fresh, err))
        return false;
    to->repetition = (tt_estimate){1 - fresh.value, 1 - fresh.high, 1 - fresh.low};
    to->text = f->from->free_samples ? tt_detokenize(f->model, &writing[0], err) : tt_strdup("", err);
    return to->text != NULL;
}

/* The value of highest fidelity towards each class with tolerable damage. */
static void recommend(tt_axis_evaluation *axis, double damage_limit) {
    double best[2] = {0, 0};
    for (size_t i = 0; i < axis->value_count; i++) {
        const tt_value_figures *figures = &axis->values[i];
        const int class = figures->value > 0 ? TT_POSITIVE : TT_NEGATIVE;
        if (figures->value == 0 || !(figures->perplexity.value <= damage_limit)) continue;
        if (figures->fidelity[class].value > best[class]) {
            best[class] = figures->fidelity[class].value;
            axis->recommended[class] = fabs(figures->value);
        }
    }
}

static bool figure_others(const struct figuring *f, size_t axis, tt_axis_evaluation *to, tt_error *err) {
    for (size_t side = 0; side < 2; side++) {
        to->others[side] = tt_alloc(f->from->axis_count, sizeof *to->others[side], err);
        if (!to->others[side]) return false;
        for (size_t other = 0; other < f->from->axis_count; other++)
            if (!figure_other(f, axis, side, other, &to->others[side][other], err)) return false;
    }
    return true;
}

static bool figure_axis(const struct figuring *f, size_t axis, const tt_axis *material, tt_axis_evaluation *to,
                        tt_error *err) {
    const size_t values = f->from->value_count;
    to->name = tt_strdup(material->name, err);
    to->classes[0] = tt_strdup(material->classes[0], err);
    to->classes[1] = tt_strdup(material->classes[1], err);
    to->values = tt_alloc(values, sizeof *to->values, err);
    if (!to->name || !to->classes[0] || !to->classes[1] || !to->values) return false;
    to->value_count = values;
    const size_t samples = f->from->samples;
    if (!list_samples(f, axis, &to->samples, err) || !figure_writing(f, f->from->unsteered_writing, &to->unsteered, err) ||
        !figure_prompt(f, axis, TT_NEGATIVE, to, err) || !figure_prompt(f, axis, TT_POSITIVE, to, err))
        return false;
    for (size_t i = 0; i < values; i++) {
        tt_value_figures *figures = &to->values[i];
        figures->value = f->options->values[i];
        const double *gained = to->samples.gained + 2 * i * samples, *to_gain = to->samples.to_gain;
        if (!ratio(f, gained, to_gain, &figures->fidelity[TT_NEGATIVE], err) ||
            !ratio(f, gained + samples, to_gain + samples, &figures->fidelity[TT_POSITIVE], err) ||
            !figure_perplexity(f, to->samples.lost + i * samples, to->samples.tokens, &figures->perplexity, err) ||
            !figure_writing(f, f->from->writing + (axis * values + i) * f->from->free_samples, figures, err))
            return false;
    }
    recommend(to, f->options->damage_limit);
    return !f->from->others || figure_others(f, axis, to, err);
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

/* ==== The whole ==== */

static bool figure_all(const struct figuring *f, const tt_evaluate_axis *axes, tt_evaluation *evaluation, tt_error *err) {
    evaluation->samples = f->from->samples;
    evaluation->damage_limit = f->options->damage_limit;
    evaluation->tokens = f->from->tokens;
    evaluation->axes = tt_alloc(f->from->axis_count, sizeof *evaluation->axes, err);
    if (!evaluation->axes || !describe_model(f->model, evaluation, err)) return false;
    for (size_t axis = 0; axis < f->from->axis_count; axis++) {
        evaluation->axis_count++; /* one filled half is freed as well */
        if (!figure_axis(f, axis, axes[axis].axis, &evaluation->axes[axis], err) ||
            !describe_vectors(&axes[axis], &evaluation->axes[axis], err))
            return false;
    }
    return compare_axes(axes, f->from->axis_count, evaluation, err);
}

bool tt_evaluate(tt_model *model, const tt_chat *chat, const tt_evaluate_axis *axes, size_t axis_count,
                 const tt_evaluate_options *options, tt_evaluation *evaluation, tt_error *err) {
    *evaluation = (tt_evaluation){0};
    if (!check(model, axes, axis_count, options, err)) return false;
    tt_material material = {0};
    tt_measurements measurements = {0};
    struct figuring f = {.from = &measurements, .material = &material, .options = options, .model = model};
    f.numerators = tt_alloc(options->samples, sizeof *f.numerators, err);
    f.denominators = tt_alloc(options->samples, sizeof *f.denominators, err);
    const bool ok = f.numerators && f.denominators &&
                    tt_material_make(&material, model, chat, axes, axis_count, options, err) &&
                    tt_measure(&measurements, model, &material, axes, options, err) && figure_all(&f, axes, evaluation, err);
    free(f.numerators);
    free(f.denominators);
    tt_measurements_free(&measurements);
    tt_material_free(&material);
    if (!ok) tt_evaluation_free(evaluation);
    return ok;
}
