/* figures.h: from what was read of texts to figures of the ways in which they were written. Pure: no model, no file. Private
 * to evaluate/. */
#pragma once

#include "evaluate/evaluation.h"
#include "evaluate/options.h"

/* What was read of one text. Log-likelihoods are sums over its tokens, by the unsteered model. */
typedef struct tt_reading {
    size_t tokens;   /* of the text, its end included */
    double score;    /* which class it is of (judge.h), in nats */
    double own;      /* behind the prompt of its sample, with the baseline's message */
    double asked[2]; /* behind the same with each class' message; -INFINITY where that was not read */
    double other;    /* behind the prompt of another sample; NaN where there is none */
    double distinct[2], repetition;
    bool refusal;
    const char *text; /* borrowed */
} tt_reading;

/* What the texts of one way are held against, sample by sample. */
typedef struct tt_yardsticks {
    const tt_reading *unsteered, *asked[2]; /* [sample] */
    size_t samples;
    const tt_evaluate_options *options;
} tt_yardsticks;

/* The figures of a way whose texts were read as `readings` [sample], and which aims at class `side`; -1: at none. */
bool tt_figure_way(const tt_yardsticks *yardsticks, const tt_reading *readings, int side, double value, tt_way_figures *to,
                   tt_error *err);

/* Whether a way may be used: coherent and relevant within the limits, without loops, and it mostly writes. */
bool tt_way_is_sound(const tt_way_figures *way, const tt_way_figures *unsteered, const tt_evaluate_options *options);

/* Sets the recommended values: of each side the strongest that is sound and does not lead the wrong way. */
void tt_recommend(tt_axis_evaluation *axis, const tt_evaluate_options *options);

/* Whether a text is a refusal to write, as models word it. */
bool tt_is_refusal(const char *text);
