/* evaluation.h: what an evaluation found: figures of axes, of ways of writing, of samples. evaluate.h makes one,
 * evaluation_json.h writes it to a file and reads it again, publish/ tells people of it. */
#pragma once

#include "evaluate/statistics.h"

enum { TT_SHOWN_TEXTS = 3 };

/* Of texts that were written in one way: unsteered, asked for a class, steered at a value, or along random directions. */
typedef struct tt_way_figures {
    double value;            /* the axis value; 0 where there is none */
    tt_estimate steering;    /* class score less that of the unsteered text of the same sample, in nats; above 0: positive */
    tt_estimate coherence;   /* perplexity next to that of texts asked for; 1: the same */
    tt_estimate relevance;   /* to its own prompt rather than another, next to the unsteered's; 1: the same */
    tt_estimate wrong_way;   /* share of samples whose text moved away from the class; NaN where none is aimed at */
    tt_estimate distinct[2]; /* distinct 1- and 2-grams, as a share */
    tt_estimate repetition;  /* share of 4-grams that occurred in the same text before */
    size_t refusals;         /* texts in which the model refuses to write: they look like perfect coherence */
    char *texts[TT_SHOWN_TEXTS]; /* of the first samples; NULL where there are fewer */
    /* Sample by sample, so that two sets of vectors can be compared on the same samples, which tells much smaller
     * differences apart than two intervals do: the class score, and nats a token of perplexity and of relevance. */
    double *scores, *perplexities, *relevances;
} tt_way_figures;

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
    size_t known_right, known; /* pairs of passages of known classes that the model judges rightly, of how many; 0 of 0:
                                  there are none for this axis */
    tt_way_figures unsteered, asked[2];
    tt_way_figures *values; /* ascending */
    size_t value_count;
    tt_way_figures random[2]; /* as long as the vectors at the recommended values, else at the strongest tried; value 0:
                                 none was measured */
    double recommended[2];    /* the size of the value to use towards each class; 0: none of those tried is any good */
    tt_estimate *others[2];   /* [side][axis]: steering of the recommended values along the other axes, in nats; NULL where
                                 not measured */
} tt_axis_evaluation;

typedef struct tt_evaluation {
    char *model_name, *model_description, *fingerprint;
    char *judging; /* the form of judging */
    tt_axis_evaluation *axes;
    size_t axis_count;
    double *similarity;            /* [axis][axis]: cosines between the axes' directions */
    char *prompts[TT_SHOWN_TEXTS]; /* the writing prompts of the first samples; NULL where there are fewer */
    size_t samples, text_tokens;
    double coherence_limit, relevance_limit;
    uint64_t tokens; /* that went through the model, written and read, in this run */
} tt_evaluation;     /* freed by tt_evaluation_free */

void tt_evaluation_free(tt_evaluation *evaluation); /* harmless on `{0}` */
void tt_way_free(tt_way_figures *way);

/* The figures at axis value `value`, NULL where it was not tried. */
const tt_way_figures *tt_evaluation_at(const tt_axis_evaluation *axis, double value);

/* The value to show of a side: the recommended one, else the weakest that was tried; NULL where none was. */
const tt_way_figures *tt_evaluation_shown(const tt_axis_evaluation *axis, int side);

/* False where the model puts too few of the known passages right for its judgement of this axis to say anything. */
bool tt_evaluation_judges(const tt_axis_evaluation *axis);

/* How far a way goes towards the side as a share of what asking does there; NaN where asking's own interval holds 0. */
double tt_share_of_asking(const tt_axis_evaluation *axis, const tt_way_figures *way, int side);
