/* evaluation.h: what an evaluation found: figures of axes, of values, of samples. evaluate.h makes one, evaluation_json.h
 * writes it to a file and reads it again, publish/ tells people of it. */
#pragma once

#include "evaluate/statistics.h"

/* What was measured at one axis value. */
typedef struct tt_value_figures {
    double value;
    tt_estimate fidelity[2]; /* to the class' responses; the class steered away from is the specificity */
    tt_estimate perplexity;  /* its relative rise on neutral responses */
    tt_estimate distinct[2]; /* distinct 1- and 2-grams, as a share, of what the steered model writes freely */
    tt_estimate repetition;  /* share of 4-grams that occurred in the same text before */
    char *text;              /* what it writes freely for the first sample */
} tt_value_figures;

/* The sums that fidelity and damage are the ratios of, sample by sample: so that two sets of vectors can be compared on the
 * same samples, which tells much smaller differences apart than two intervals do. */
typedef struct tt_sample_figures {
    size_t count;
    double *gained;  /* [value][class][sample]: log S - log U of the class' response */
    double *to_gain; /* [class][sample]: log P - log U */
    double *lost;    /* [value][sample]: log U - log S of the neutral response */
    double *tokens;  /* [sample]: of the neutral response */
} tt_sample_figures;

/* How long the vectors' rows of one block are; NaN where there is none. */
typedef struct tt_block_lengths {
    uint32_t row; /* K */
    double debias, sides[2];
} tt_block_lengths;

typedef struct tt_axis_evaluation {
    char *name, *classes[2];
    char *method;             /* how the vectors were made, */
    uint64_t trained_samples; /* and from how many samples; "" and 0 where they do not tell */
    tt_block_lengths *blocks; /* one a block that has a direction */
    size_t block_count;
    tt_value_figures unsteered; /* value 0, fidelity and perplexity 0 */
    tt_value_figures *values;
    size_t value_count;
    tt_estimate prompt_effect[2]; /* log P - log U, nats a token: what there is to replace */
    tt_estimate prompt_damage[2]; /* what the prompts do to the perplexity of neutral responses */
    tt_sample_figures samples;
    double recommended[2];  /* the size of the value to use towards each class; 0: none of those tried is any good */
    tt_estimate *others[2]; /* [side][axis]: effect at -1 and 1 on other axes' responses; NULL where not measured */
} tt_axis_evaluation;

typedef struct tt_evaluation {
    char *model_name, *model_description, *fingerprint;
    tt_axis_evaluation *axes;
    size_t axis_count;
    double *similarity; /* [axis][axis]: cosines between the axes' directions */
    size_t samples;
    double damage_limit;
    uint64_t tokens; /* that went through the model for scoring */
} tt_evaluation;     /* freed by tt_evaluation_free */

void tt_evaluation_free(tt_evaluation *evaluation); /* harmless on `{0}` */

/* The figures at axis value `value`, NULL where it was not tried; and at the value of `end`'s sign that is nearest to it,
 * NULL where none of that sign was. */
const tt_value_figures *tt_evaluation_at(const tt_axis_evaluation *axis, double value);
const tt_value_figures *tt_evaluation_near(const tt_axis_evaluation *axis, double end);
