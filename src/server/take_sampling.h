/* take_sampling.h: the fields of a request that say how tokens are chosen: the options of model/sampling.def, under
 * llama.cpp's names, which are OpenAI's where OpenAI has one. */
#pragma once

#include "model/sampling.h"
#include "server/fields.h"

/* Texts that a request keeps as long as it lives. */
typedef struct tt_kept_texts {
    char **items;
    size_t count, capacity;
} tt_kept_texts; /* starts as `{0}`; ends with tt_kept_texts_free */

void tt_kept_texts_free(tt_kept_texts *texts);

/* Takes what the request has of them; the rest is as tt_sampling_defaults has it. A grammar, and names of samplers, are
 * tried on the model. */
void tt_take_sampling(tt_fields *fields, const tt_model *model, tt_sampling *sampling, tt_kept_texts *kept);
