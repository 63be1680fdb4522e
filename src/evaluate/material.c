/* material.c: see material.h */
#include "evaluate/material.h"
#include "base/memory.h"
#include "base/random.h"
#include "model/continue.h"
#include "model/prompt.h"

#include <stdlib.h>

enum { SAMPLES_AT_ONCE = 8 }; /* for progress' sake; the responses do not depend on it */

/* Names the draws of a response: by axis name and class, so that one axis' responses do not depend on the others. */
static uint64_t stream_of(const char *axis, size_t sample, unsigned class) {
    return tt_random_bits(0, tt_random_stream(axis), sample, class);
}

static tt_plan *make_plan(const tt_evaluate_axis *axes, size_t axis_count, const tt_evaluate_options *options,
                          tt_error *err) {
    tt_axis *list = tt_alloc(axis_count, sizeof *list, err);
    if (!list) return NULL;
    for (size_t i = 0; i < axis_count; i++) list[i] = *axes[i].axis; /* the plan copies what it needs */
    tt_plan *plan = tt_plan_create(list, axis_count, &options->plan, options->cancel, err);
    free(list);
    return plan;
}

static bool make_prompts(tt_material_sample *to, const tt_chat *chat, const tt_sample *sample, bool separate,
                         tt_error *err) {
    const size_t rows = 1 + 2 * sample->axis_count;
    to->prompts = tt_alloc(sample->axis_count, sizeof *to->prompts, err);
    to->responses = tt_alloc(sample->axis_count, sizeof *to->responses, err);
    if (!to->prompts || !to->responses) return false;
    tt_asked *asked = tt_alloc(rows, sizeof *asked, err);
    tt_tokens *tokens = asked ? tt_alloc(rows, sizeof *tokens, err) : NULL;
    for (size_t row = 0; tokens && row < rows; row++)
        asked[row] =
            (tt_asked){row == 0 ? sample->baseline : sample->systems[(row - 1) / 2][(row - 1) % 2], sample->writing_prompt};
    const bool ok = tokens && tt_prompt_tokens(chat, asked, rows, separate, tokens, err);
    if (ok) to->baseline = tokens[0];
    for (size_t row = 1; ok && row < rows; row++) to->prompts[(row - 1) / 2][(row - 1) % 2] = tokens[row];
    free(tokens);
    free(asked);
    return ok;
}

/* The model writes every response of samples [first, first + count). */
static bool write_responses(tt_material *material, tt_model *model, const tt_evaluate_axis *axes, size_t first, size_t count,
                            const tt_evaluate_options *options, tt_error *err) {
    const size_t rows = 1 + 2 * material->axis_count;
    tt_continue_request *requests = tt_alloc(count * rows, sizeof *requests, err);
    tt_tokens *responses = requests ? tt_alloc(count * rows, sizeof *responses, err) : NULL;
    if (!responses) {
        free(requests);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const tt_material_sample *sample = &material->samples[first + i];
        requests[i * rows] = (tt_continue_request){.prompt = sample->baseline, .stream = stream_of("", first + i, 0)};
        for (size_t row = 1; row < rows; row++) {
            const size_t axis = (row - 1) / 2, class = (row - 1) % 2;
            requests[i * rows + row] =
                (tt_continue_request){.prompt = sample->prompts[axis][class],
                                      .stream = stream_of(axes[axis].axis->name, first + i, (unsigned)class)};
        }
    }
    const bool ok = tt_continue_run(model, requests, count * rows, options->response_tokens, options->seed, options->cancel,
                                    responses, err);
    for (size_t i = 0; ok && i < count; i++) {
        tt_material_sample *sample = &material->samples[first + i];
        sample->neutral = responses[i * rows];
        for (size_t row = 1; row < rows; row++) sample->responses[(row - 1) / 2][(row - 1) % 2] = responses[i * rows + row];
    }
    free(requests);
    free(responses);
    return ok;
}

static void tell(const tt_evaluate_options *options, size_t done) {
    if (options->progress)
        options->progress(options->progress_data, "writing held-out responses", "samples", done, options->samples);
}

static bool fill(tt_material *material, const tt_plan *plan, tt_model *model, const tt_chat *chat,
                 const tt_evaluate_axis *axes, const tt_evaluate_options *options, tt_error *err) {
    for (size_t i = 0; i < material->count; i++) {
        tt_sample sample = {0};
        if (!tt_plan_sample(plan, TT_SPLIT_HELD_OUT, i, &sample, err)) return false;
        const bool ok = make_prompts(&material->samples[i], chat, &sample, options->separate_system_message, err);
        tt_sample_free(&sample);
        if (!ok) return false;
    }
    tell(options, 0);
    for (size_t first = 0; first < material->count; first += SAMPLES_AT_ONCE) {
        const size_t left = material->count - first, count = left < SAMPLES_AT_ONCE ? left : SAMPLES_AT_ONCE;
        if (!write_responses(material, model, axes, first, count, options, err)) return false;
        tell(options, first + count);
    }
    return true;
}

bool tt_material_make(tt_material *material, tt_model *model, const tt_chat *chat, const tt_evaluate_axis *axes,
                      size_t axis_count, const tt_evaluate_options *options, tt_error *err) {
    *material = (tt_material){.count = options->samples, .axis_count = axis_count};
    material->samples = tt_alloc(options->samples, sizeof *material->samples, err);
    tt_plan *plan = material->samples ? make_plan(axes, axis_count, options, err) : NULL;
    const bool ok = plan && fill(material, plan, model, chat, axes, options, err);
    tt_plan_free(plan);
    if (!ok) tt_material_free(material);
    return ok;
}

void tt_material_free(tt_material *material) {
    for (size_t i = 0; material->samples && i < material->count; i++) {
        tt_material_sample *sample = &material->samples[i];
        tt_tokens_free(&sample->baseline);
        tt_tokens_free(&sample->neutral);
        for (size_t axis = 0; axis < material->axis_count; axis++)
            for (int class = 0; class < 2; class++) {
                if (sample->prompts) tt_tokens_free(&sample->prompts[axis][class]);
                if (sample->responses) tt_tokens_free(&sample->responses[axis][class]);
            }
        free(sample->prompts);
        free(sample->responses);
    }
    free(material->samples);
    *material = (tt_material){0};
}
