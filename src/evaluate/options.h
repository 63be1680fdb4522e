/* options.h: what is asked of an evaluation. */
#pragma once

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

/* Where the user says nothing. */
#define TT_EVALUATE_SAMPLES 24
#define TT_EVALUATE_RESPONSE_TOKENS 64
#define TT_EVALUATE_WRITINGS 8
#define TT_EVALUATE_DAMAGE_LIMIT 0.05

/* Options with these, and without values. */
tt_evaluate_options tt_evaluate_defaults(void);

/* Makes of them a first impression: fewer samples and writings, no other axes. */
void tt_evaluate_quicken(tt_evaluate_options *options);

/* Every value to try, ascending: each of `count` sizes towards both sides, and 0. With a count of 0 the usual sizes, fewer
 * for a first impression. `values` has room for 2 x count + 1, and for TT_EVALUATE_USUAL. Returns how many. */
enum { TT_EVALUATE_USUAL = 15 };
size_t tt_evaluate_values(const double *sizes, size_t count, bool quick, double *values);
