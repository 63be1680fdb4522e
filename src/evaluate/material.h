/* material.h: what the model is asked for: held-out prompts, with the baseline's message and with each class'. Private to
 * evaluate/. */
#pragma once

#include "evaluate/options.h"
#include "model/chat.h"

/* One sample. */
typedef struct tt_material_sample {
    tt_tokens baseline;      /* the prompt with the baseline's system message */
    tt_tokens (*prompts)[2]; /* [axis][class]: with the class' */
    char *request;           /* the writing prompt alone */
} tt_material_sample;

typedef struct tt_material {
    tt_material_sample *samples;
    size_t count, axis_count;
} tt_material; /* freed by tt_material_free */

bool tt_material_make(tt_material *material, const tt_chat *chat, const tt_evaluate_axis *axes, size_t axis_count,
                      const tt_evaluate_options *options, tt_error *err);
void tt_material_free(tt_material *material);
