/* material.c: see material.h */
#include "evaluate/material.h"
#include "base/memory.h"
#include "model/prompt.h"

#include <stdlib.h>

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
    to->request = tt_strdup(sample->writing_prompt, err);
    if (!to->prompts || !to->request) return false;
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

static bool fill(tt_material *material, const tt_plan *plan, const tt_chat *chat, const tt_evaluate_options *options,
                 tt_error *err) {
    for (size_t i = 0; i < material->count; i++) {
        tt_sample sample = {0};
        if (!tt_plan_sample(plan, TT_SPLIT_HELD_OUT, i, &sample, err)) return false;
        const bool ok = make_prompts(&material->samples[i], chat, &sample, options->separate_system_message, err);
        tt_sample_free(&sample);
        if (!ok) return false;
    }
    return true;
}

bool tt_material_make(tt_material *material, const tt_chat *chat, const tt_evaluate_axis *axes, size_t axis_count,
                      const tt_evaluate_options *options, tt_error *err) {
    *material = (tt_material){.count = options->samples, .axis_count = axis_count};
    material->samples = tt_alloc(options->samples, sizeof *material->samples, err);
    tt_plan *plan = material->samples ? make_plan(axes, axis_count, options, err) : NULL;
    const bool ok = plan && fill(material, plan, chat, options, err);
    tt_plan_free(plan);
    if (!ok) tt_material_free(material);
    return ok;
}

void tt_material_free(tt_material *material) {
    for (size_t i = 0; material->samples && i < material->count; i++) {
        tt_material_sample *sample = &material->samples[i];
        tt_tokens_free(&sample->baseline);
        for (size_t axis = 0; axis < material->axis_count; axis++)
            for (int class = 0; class < 2; class++)
                if (sample->prompts) tt_tokens_free(&sample->prompts[axis][class]);
        free(sample->prompts);
        free(sample->request);
    }
    free(material->samples);
    *material = (tt_material){0};
}
