/* evaluation.c: see evaluation.h */
#include "evaluate/evaluation.h"

#include <math.h>
#include <stdlib.h>

static const double least_right = 0.7; /* of the passages of known classes; half is what guessing has */

void tt_way_free(tt_way_figures *way) {
    for (size_t i = 0; i < TT_SHOWN_TEXTS; i++) free(way->texts[i]);
    free(way->scores);
    free(way->perplexities);
    free(way->relevances);
    *way = (tt_way_figures){0};
}

static void free_axis(tt_axis_evaluation *axis) {
    free(axis->name);
    free(axis->classes[0]);
    free(axis->classes[1]);
    free(axis->method);
    free(axis->blocks);
    tt_way_free(&axis->unsteered);
    for (int side = 0; side < 2; side++) {
        tt_way_free(&axis->asked[side]);
        tt_way_free(&axis->random[side]);
        free(axis->others[side]);
    }
    for (size_t value = 0; value < axis->value_count; value++) tt_way_free(&axis->values[value]);
    free(axis->values);
}

void tt_evaluation_free(tt_evaluation *evaluation) {
    for (size_t i = 0; i < evaluation->axis_count; i++) free_axis(&evaluation->axes[i]);
    free(evaluation->axes);
    free(evaluation->model_name);
    free(evaluation->model_description);
    free(evaluation->fingerprint);
    free(evaluation->judging);
    for (size_t i = 0; i < TT_SHOWN_TEXTS; i++) free(evaluation->prompts[i]);
    free(evaluation->similarity);
    *evaluation = (tt_evaluation){0};
}

const tt_way_figures *tt_evaluation_at(const tt_axis_evaluation *axis, double value) {
    for (size_t i = 0; i < axis->value_count; i++)
        if (fabs(axis->values[i].value - value) < 1e-6) return &axis->values[i];
    return NULL;
}

const tt_way_figures *tt_evaluation_shown(const tt_axis_evaluation *axis, int side) {
    const double sign = side ? 1 : -1;
    const tt_way_figures *weakest = NULL;
    if (axis->recommended[side] > 0) return tt_evaluation_at(axis, sign * axis->recommended[side]);
    for (size_t i = 0; i < axis->value_count; i++) {
        const double value = axis->values[i].value;
        if (value * sign > 0 && (!weakest || fabs(value) < fabs(weakest->value))) weakest = &axis->values[i];
    }
    return weakest;
}

bool tt_evaluation_judges(const tt_axis_evaluation *axis) {
    return !axis->known || (double)axis->known_right >= least_right * (double)axis->known;
}

double tt_share_of_asking(const tt_axis_evaluation *axis, const tt_way_figures *way, int side) {
    const tt_estimate asked = axis->asked[side].steering;
    const bool clear = side ? asked.low > 0 : asked.high < 0;
    return clear ? way->steering.value / asked.value : NAN;
}
