/* measure.h: the likelihoods that every figure is made of. Private to evaluate/. */
#pragma once

#include "evaluate/material.h"
#include "model/score.h"

enum { TT_NEUTRAL_TEXT, TT_CLASS_TEXTS, TT_OWN_TEXTS = 3 }; /* an axis' texts: the neutral one, then one a class */

/* Expected natural log-likelihoods of responses under the model that wrote them (tt_reference), and freely written texts. */
typedef struct tt_measurements {
    size_t samples, axis_count, value_count;
    double *unsteered;            /* [sample][1 + 2 axis + class], the first the neutral response: log U */
    double *prompted;             /* [sample][2 axis + class]: log P, of the model that wrote it */
    double *prompted_neutral;     /* [sample][2 axis + class]: log P of the neutral response, by the prompts of each class */
    double *steered;              /* [axis][value][sample][TT_OWN_TEXTS]: log S */
    double *others;               /* [axis][side][sample][1 + 2 axis + class]: log S at -1 and 1; NULL where not wanted */
    tt_tokens *writing;           /* [axis][value][free sample] */
    tt_tokens *unsteered_writing; /* [free sample] */
    size_t free_samples;
    uint64_t tokens;
} tt_measurements; /* freed by tt_measurements_free */

bool tt_measure(tt_measurements *measurements, tt_model *model, const tt_material *material, const tt_evaluate_axis *axes,
                const tt_evaluate_options *options, tt_error *err);
void tt_measurements_free(tt_measurements *measurements);
