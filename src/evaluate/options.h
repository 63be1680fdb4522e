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
    size_t samples;       /* held-out samples */
    size_t text_tokens;   /* most tokens of a text; one that does not end is cut */
    const double *values; /* axis values to try, ascending, of both signs; none: found by the sweep (sweep.h) */
    size_t value_count;
    bool quick;             /* the sweep takes larger steps */
    double coherence_limit; /* most perplexity at a recommended value, next to that of texts asked for */
    double relevance_limit; /* least relevance there, next to the unsteered's */
    bool other_axes;        /* also measure what each axis' recommended values do to the others */
    size_t resamples;       /* of the bootstrap */
    uint64_t seed;          /* of what is drawn here */
    tt_plan_options plan;   /* its held-out share, stems and writing prompts must be those trained with */
    bool separate_system_message;
    const char *kept_file;     /* where texts are kept, so that an evaluation that was stopped goes on; NULL: nowhere */
    const atomic_bool *cancel; /* may be NULL */
    /* Tells of each stage when it begins, `done` being 0, and when some more is done: `done` of `total` units, such as
     * "texts". `what` and `unit` are constants. May be NULL. */
    void (*progress)(void *data, const char *what, const char *unit, uint64_t done, uint64_t total);
    void *progress_data;
} tt_evaluate_options;

/* Where the user says nothing. */
#define TT_EVALUATE_SAMPLES 24
#define TT_EVALUATE_QUICK_SAMPLES 6
#define TT_EVALUATE_TEXT_TOKENS 200
#define TT_EVALUATE_COHERENCE_LIMIT 1.5
#define TT_EVALUATE_RELEVANCE_LIMIT 0.5

/* Options with these, and without values. */
tt_evaluate_options tt_evaluate_defaults(void);

/* Every value to try, ascending: each of `count` sizes towards both sides, and 0 where it is among them. `values` has room
 * for 2 x count. Returns how many. */
size_t tt_evaluate_values(const double *sizes, size_t count, double *values);
