/* measure.c: see measure.h */
#include "evaluate/measure.h"
#include "base/memory.h"
#include "base/random.h"
#include "model/continue.h"
#include "vectors/sum.h"

#include <math.h>
#include <stdlib.h>

/* ==== Steerings ==== */

static void free_steerings(tt_steering **steerings, size_t count) {
    for (size_t i = 0; steerings && i < count; i++) tt_steering_release(steerings[i]);
    free(steerings);
}

/* An axis at a value: de-bias + |value| x the side's vector. Any value is measured, one beyond all numbers too. */
static tt_steering *make_steering(const tt_model *model, const tt_evaluate_axis *axis, double value, tt_error *err) {
    const tt_model_facts *facts = tt_model_facts_of(model);
    const tt_vector *side = axis->sides[value > 0 ? TT_POSITIVE : TT_NEGATIVE];
    const tt_summand parts[] = {{axis->debias, 1}, {side, fabs(value)}}; /* as apply/blend.c adds them up */
    tt_vector sum = {0};
    tt_steering *steering = NULL;
    if (tt_vector_init(&sum, facts->blocks, facts->width, err) &&
        tt_vector_sum(&sum, parts, value == 0 ? 1 : 2, 1, UINT32_MAX, err))
        steering = tt_steering_make(
            model, &(tt_steering_term){.rows = sum.rows, .row_count = sum.layer_count, .width = sum.width}, 1, err);
    tt_vector_free(&sum);
    return steering;
}

/* The axis at each of the values; the caller frees. */
static tt_steering **make_steerings(const tt_model *model, const tt_evaluate_axis *axis, const double *values, size_t count,
                                    tt_error *err) {
    tt_steering **steerings = tt_alloc(count, sizeof *steerings, err);
    bool ok = steerings != NULL;
    for (size_t i = 0; ok && i < count; i++) ok = (steerings[i] = make_steering(model, axis, values[i], err)) != NULL;
    if (ok) return steerings;
    free_steerings(steerings, count);
    return NULL;
}

/* ==== Scoring ==== */

struct measuring {
    tt_measurements *to;
    tt_model *model;
    const tt_material *material;
    const tt_evaluate_axis *axes;
    const tt_evaluate_options *options;
    tt_score *score;
    tt_score_text *texts;
    double *sums;
    tt_reference *references; /* [sample][1 + 2 axis + class]: what each response was drawn from */
    tt_reference *own;        /* [text]: those of the texts at hand, borrowed */
    uint64_t done, total;     /* steps, for progress */
};

static void tell(const struct measuring *m) {
    if (m->options->progress) m->options->progress(m->options->progress_data, "scoring", "steps", m->done, m->total);
}

static void advance(struct measuring *m) {
    m->done++;
    tell(m);
}

/* P: how likely each class' prompt makes its own response, and the neutral one: the damage, so to speak, of prompting. */
static bool score_prompted(struct measuring *m, size_t sample, tt_error *err) {
    const tt_material_sample *from = &m->material->samples[sample];
    const size_t prompts = 2 * m->to->axis_count;
    const tt_reference *references = m->references + sample * (1 + prompts);
    tt_steering *const none = NULL;
    for (size_t i = 0; i < prompts; i++) {
        m->texts[2 * i] = (tt_score_text){from->prompts[i / 2][i % 2], from->responses[i / 2][i % 2]};
        m->texts[2 * i + 1] = (tt_score_text){from->prompts[i / 2][i % 2], from->neutral};
        m->own[2 * i] = references[1 + i];
        m->own[2 * i + 1] = references[0];
    }
    if (!tt_score_run(m->score, m->texts, m->own, 2 * prompts, &none, 1, m->options->cancel, m->sums, err)) return false;
    for (size_t i = 0; i < prompts; i++) {
        m->to->prompted[sample * prompts + i] = m->sums[2 * i];
        m->to->prompted_neutral[sample * prompts + i] = m->sums[2 * i + 1];
    }
    return true;
}

/* What each response was drawn from; P; and U, how likely it is behind the baseline's prompt. */
static bool score_unsteered(struct measuring *m, size_t sample, tt_error *err) {
    const tt_material_sample *from = &m->material->samples[sample];
    const size_t count = 1 + 2 * m->to->axis_count;
    tt_reference *references = m->references + sample * count;
    for (size_t i = 0; i < count; i++)
        m->texts[i] = i ? (tt_score_text){from->prompts[(i - 1) / 2][(i - 1) % 2], from->responses[(i - 1) / 2][(i - 1) % 2]}
                        : (tt_score_text){from->baseline, from->neutral};
    if (!tt_score_references(m->score, m->texts, count, m->options->cancel, references, err)) return false;
    for (size_t i = 0; i < count; i++) m->texts[i].prompt = from->baseline;
    tt_steering *const none = NULL;
    if (!tt_score_run(m->score, m->texts, references, count, &none, 1, m->options->cancel, m->to->unsteered + sample * count,
                      err) ||
        !score_prompted(m, sample, err))
        return false;
    advance(m);
    return true;
}

/* S: one axis' responses and the neutral one, at every value. */
static bool score_values(struct measuring *m, size_t axis, tt_steering *const *steerings, size_t sample, tt_error *err) {
    const tt_material_sample *from = &m->material->samples[sample];
    m->texts[TT_NEUTRAL_TEXT] = (tt_score_text){from->baseline, from->neutral};
    const tt_reference *references = m->references + sample * (1 + 2 * m->to->axis_count);
    m->own[TT_NEUTRAL_TEXT] = references[0];
    for (size_t class = 0; class < 2; class++) {
        m->texts[TT_CLASS_TEXTS + class] = (tt_score_text){from->baseline, from->responses[axis][class]};
        m->own[TT_CLASS_TEXTS + class] = references[1 + 2 * axis + class];
    }
    if (!tt_score_run(m->score, m->texts, m->own, TT_OWN_TEXTS, steerings, m->to->value_count, m->options->cancel, m->sums,
                      err))
        return false;
    for (size_t value = 0; value < m->to->value_count; value++)
        for (size_t text = 0; text < TT_OWN_TEXTS; text++)
            m->to->steered[((axis * m->to->value_count + value) * m->to->samples + sample) * TT_OWN_TEXTS + text] =
                m->sums[value * TT_OWN_TEXTS + text];
    advance(m);
    return true;
}

/* S at -1 and 1, on the responses of all axes. */
static bool score_others(struct measuring *m, size_t axis, tt_steering *const ends[static 2], size_t sample, tt_error *err) {
    const tt_material_sample *from = &m->material->samples[sample];
    const size_t count = 1 + 2 * m->to->axis_count;
    m->texts[0] = (tt_score_text){from->baseline, from->neutral};
    for (size_t i = 1; i < count; i++)
        m->texts[i] = (tt_score_text){from->baseline, from->responses[(i - 1) / 2][(i - 1) % 2]};
    if (!tt_score_run(m->score, m->texts, m->references + sample * count, count, ends, 2, m->options->cancel, m->sums, err))
        return false;
    for (size_t side = 0; side < 2; side++)
        for (size_t i = 0; i < count; i++)
            m->to->others[((axis * 2 + side) * m->to->samples + sample) * count + i] = m->sums[side * count + i];
    advance(m);
    return true;
}

/* ==== Writing freely ==== */

/* Readers see these texts, and repetition shows only where the unlikely is left out, as people do who write with a model. */
static const double free_min_p = 0.1;

/* All values draw alike (the same stream for a sample), so that what differs between them is the steering. */
static bool write_freely(struct measuring *m, tt_steering *const *steerings, size_t values, tt_tokens *responses,
                         tt_error *err) {
    const size_t count = values * m->to->free_samples;
    tt_continue_request *requests = tt_alloc(count, sizeof *requests, err);
    if (!requests) return false;
    for (size_t i = 0; i < count; i++) {
        const size_t sample = i % m->to->free_samples;
        requests[i] = (tt_continue_request){.prompt = m->material->samples[sample].baseline,
                                            .steering = steerings[i / m->to->free_samples],
                                            .stream = tt_random_bits(0, tt_random_stream("free"), sample, 0),
                                            .min_p = free_min_p};
    }
    const bool ok = tt_continue_run(m->model, requests, count, m->options->response_tokens, m->options->seed,
                                    m->options->cancel, responses, err);
    free(requests);
    return ok;
}

/* ==== The whole ==== */

static bool measure_axis(struct measuring *m, size_t axis, tt_error *err) {
    static const double ends[2] = {-1, 1};
    const size_t count = m->to->value_count;
    tt_steering **steerings = make_steerings(m->model, &m->axes[axis], m->options->values, count, err);
    bool ok = steerings != NULL;
    for (size_t sample = 0; ok && sample < m->to->samples; sample++) ok = score_values(m, axis, steerings, sample, err);
    if (m->to->free_samples)
        ok = ok && write_freely(m, steerings, count, m->to->writing + axis * count * m->to->free_samples, err);
    free_steerings(steerings, count);
    if (!ok || !m->to->others) return ok;
    steerings = make_steerings(m->model, &m->axes[axis], ends, 2, err);
    ok = steerings != NULL;
    for (size_t sample = 0; ok && sample < m->to->samples; sample++) ok = score_others(m, axis, steerings, sample, err);
    free_steerings(steerings, 2);
    return ok;
}

static bool measure_all(struct measuring *m, tt_error *err) {
    tell(m);
    for (size_t sample = 0; sample < m->to->samples; sample++)
        if (!score_unsteered(m, sample, err)) return false;
    tt_steering *const none = NULL;
    if (m->to->free_samples && !write_freely(m, &none, 1, m->to->unsteered_writing, err)) return false;
    for (size_t axis = 0; axis < m->to->axis_count; axis++)
        if (!measure_axis(m, axis, err)) return false;
    return true;
}

static bool allocate(tt_measurements *to, bool others, tt_error *err) {
    const size_t texts = 1 + 2 * to->axis_count;
    to->unsteered = tt_alloc(to->samples * texts, sizeof *to->unsteered, err);
    to->prompted = tt_alloc(to->samples * (texts - 1), sizeof *to->prompted, err);
    to->prompted_neutral = tt_alloc(to->samples * (texts - 1), sizeof *to->prompted_neutral, err);
    to->steered = tt_alloc(to->axis_count * to->value_count * to->samples * TT_OWN_TEXTS, sizeof *to->steered, err);
    to->writing = tt_alloc(to->axis_count * to->value_count * to->free_samples, sizeof *to->writing, err);
    to->unsteered_writing = tt_alloc(to->free_samples, sizeof *to->unsteered_writing, err);
    if (others) to->others = tt_alloc(to->axis_count * 2 * to->samples * texts, sizeof *to->others, err);
    return to->unsteered && to->prompted && to->prompted_neutral && to->steered && to->writing && to->unsteered_writing &&
           (!others || to->others);
}

bool tt_measure(tt_measurements *measurements, tt_model *model, const tt_material *material, const tt_evaluate_axis *axes,
                const tt_evaluate_options *options, tt_error *err) {
    const bool others = options->other_axes && material->axis_count > 1;
    *measurements = (tt_measurements){
        .samples = material->count,
        .axis_count = material->axis_count,
        .value_count = options->value_count,
        .free_samples = options->free_samples < material->count ? options->free_samples : material->count,
    };
    const size_t texts = 1 + 2 * material->axis_count, values = options->value_count > 2 ? options->value_count : 2;
    const size_t most = 2 * texts; /* texts scored at once: see score_prompted */
    struct measuring m = {.to = measurements, .model = model, .material = material, .axes = axes, .options = options};
    m.total = material->count * (1 + material->axis_count * (others ? 2 : 1));
    m.texts = tt_alloc(most, sizeof *m.texts, err);
    m.sums = tt_alloc(most * values, sizeof *m.sums, err);
    m.references = tt_alloc(material->count * texts, sizeof *m.references, err);
    m.own = tt_alloc(most, sizeof *m.own, err); /* borrowed from m.references */
    m.score = m.texts && m.sums && m.references && m.own ? tt_score_open(model, err) : NULL;
    const bool ok = m.score && allocate(measurements, others, err) && measure_all(&m, err);
    if (m.score) measurements->tokens = tt_score_tokens(m.score);
    tt_score_close(m.score);
    for (size_t i = 0; m.references && i < material->count * texts; i++) tt_reference_free(&m.references[i]);
    free(m.references);
    free(m.own);
    free(m.texts);
    free(m.sums);
    if (!ok) tt_measurements_free(measurements);
    return ok;
}

void tt_measurements_free(tt_measurements *measurements) {
    const size_t written = measurements->axis_count * measurements->value_count * measurements->free_samples;
    for (size_t i = 0; measurements->writing && i < written; i++) tt_tokens_free(&measurements->writing[i]);
    for (size_t i = 0; measurements->unsteered_writing && i < measurements->free_samples; i++)
        tt_tokens_free(&measurements->unsteered_writing[i]);
    free(measurements->writing);
    free(measurements->unsteered_writing);
    free(measurements->unsteered);
    free(measurements->prompted);
    free(measurements->prompted_neutral);
    free(measurements->steered);
    free(measurements->others);
    *measurements = (tt_measurements){0};
}
