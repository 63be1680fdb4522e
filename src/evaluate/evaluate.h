/* evaluate.h: how well an axis' vectors steer, and at what price, by the likelihood of texts; no judge model.
 *
 * On stems, phrases and writing prompts that training did not use, the model with a class' system message writes responses
 * y. With P the model so prompted, U the model with the baseline's system message, and S that one steered at axis value s:
 *
 *   fidelity    (log S(y) - log U(y)) / (log P(y) - log U(y)), summed over responses: 0 does nothing, 1 replaces the prompt
 *   specificity the same on the other class' responses, which should be negative, and on those of other axes, near 0
 *   damage      the rise of the perplexity of what U itself writes; and how S' own writing repeats itself
 *
 * Each log-likelihood is taken as expected at every position of y under the model that wrote it, not of the one token drawn
 * there (score.h): so fidelity is 1 - KL(P, S) / KL(P, U) along y, at most 1, and a damage is never negative, both but for
 * what rounding does. That is the same for U, P and S on average, and vectors of zeros have figures of 0 to the bit on a
 * CPU. */
#pragma once

#include "evaluate/statistics.h"
#include "model/chat.h"
#include "model/model.h"
#include "prompts/plan.h"
#include "vectors/vector.h"

/* An axis and its vectors; all borrowed. */
typedef struct tt_evaluate_axis {
    const tt_axis *axis;
    const tt_vector *debias, *sides[2];
} tt_evaluate_axis;

typedef struct tt_evaluate_options {
    size_t samples;         /* held-out samples */
    size_t response_tokens; /* most tokens of a response; one that does not end is cut */
    size_t free_samples;    /* of these, how many the steered model continues freely at every value */
    const double *values;   /* axis values to try, ascending, of both signs; value 0, the de-bias vector alone, is allowed */
    size_t value_count;
    double damage_limit;  /* most rise of perplexity at the recommended value: 0.05 is 5% */
    bool other_axes;      /* also measure each axis' effect on the others' responses, at value -1 and 1 */
    size_t resamples;     /* of the bootstrap */
    uint64_t seed;        /* of what is drawn here */
    tt_plan_options plan; /* its held-out share, stems and writing prompts must be those trained with */
    bool separate_system_message;
    const atomic_bool *cancel; /* may be NULL */
    /* Tells of each stage when it begins, `done` being 0, and when some more is done: `done` of `total` units, such as
     * "samples". `what` and `unit` are constants. May be NULL. */
    void (*progress)(void *data, const char *what, const char *unit, uint64_t done, uint64_t total);
    void *progress_data;
} tt_evaluate_options;

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

typedef struct tt_axis_evaluation {
    char *name, *classes[2];
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
    tt_axis_evaluation *axes;
    size_t axis_count;
    double *similarity; /* [axis][axis]: cosines between the axes' directions */
    size_t samples;
    double damage_limit;
    uint64_t tokens; /* that went through the model for scoring */
} tt_evaluation;     /* freed by tt_evaluation_free */

bool tt_evaluate(tt_model *model, const tt_chat *chat, const tt_evaluate_axis *axes, size_t axis_count,
                 const tt_evaluate_options *options, tt_evaluation *evaluation, tt_error *err);
void tt_evaluation_free(tt_evaluation *evaluation); /* harmless on `{0}` */

/* The figures at axis value `value`, NULL where it was not tried. */
const tt_value_figures *tt_evaluation_at(const tt_axis_evaluation *axis, double value);
