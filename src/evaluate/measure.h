/* measure.h: texts written in several ways, and what the unsteered model reads in them. Private to evaluate/. */
#pragma once

#include "evaluate/figures.h"
#include "evaluate/judge.h"
#include "evaluate/kept.h"
#include "evaluate/material.h"

/* A way to write: one text for each sample. */
typedef struct tt_way {
    size_t axis;               /* whose class' messages are used, where one is */
    int asked;                 /* the class that is asked for; -1: none, the baseline's message */
    int side;                  /* the class that is aimed at; -1: none */
    tt_steering *steering;     /* borrowed; NULL: unsteered */
    char digest[TT_HASH_TEXT]; /* of the steering's rows; "" where there is none */
} tt_way;

typedef struct tt_written {
    tt_tokens tokens;
    char *text;
    tt_reading reading; /* but for the score */
    double *scores;     /* [axis]; NaN where that was not asked */
} tt_written;

typedef struct tt_measure {
    tt_model *model;
    const tt_chat *chat;
    const tt_material *material;
    const tt_evaluate_axis *axes;
    size_t axis_count;
    const tt_evaluate_options *options;
    tt_judge *judges; /* [axis] */
    tt_score *score;
    tt_score_text *texts; /* room for all that is asked of one text */
    double *sums;
    uint64_t written; /* tokens */
    tt_kept kept;
} tt_measure; /* freed by tt_measure_close */

bool tt_measure_open(tt_measure *measure, tt_model *model, const tt_chat *chat, const tt_material *material,
                     const tt_evaluate_axis *axes, size_t axis_count, const tt_evaluate_options *options, tt_error *err);
void tt_measure_close(tt_measure *measure);

/* Writes every sample in each of `count` ways, all at once, and reads what was written, into `to` [way][sample]. Texts are
 * judged by their way's axis, unsteered ones by every axis. On failure nothing is left in `to`. */
bool tt_measure_ways(tt_measure *measure, const tt_way *ways, size_t count, tt_written *to, tt_error *err);

/* Judges texts [sample] by every other axis too. */
bool tt_measure_others(tt_measure *measure, tt_written *written, tt_error *err);

void tt_written_free(tt_written *written);

/* How many of an axis' known passages are judged rightly. */
bool tt_measure_known(tt_measure *measure, size_t axis, size_t *right, size_t *count, tt_error *err);
