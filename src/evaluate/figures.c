/* figures.c: see figures.h */
#include "evaluate/figures.h"
#include "base/memory.h"
#include "prompts/axis.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Text in loops has a low perplexity: a way that repeats itself by so much more than the unsteered one is none to use. */
static const double loops = 0.2;

/* ==== Of one text ==== */

/* Nats a token, by the kindest of the readings that are the side's. */
static double perplexity_of(const tt_reading *reading, int side) {
    const double asked = side < 0 ? -INFINITY : reading->asked[side];
    return -(asked > reading->own ? asked : reading->own) / (double)reading->tokens;
}

static double relevance_of(const tt_reading *reading) { return (reading->own - reading->other) / (double)reading->tokens; }

/* The perplexity of the sample's text asked for: of the side's class, or both classes' mean where none is aimed at. */
static double perplexity_asked(const tt_yardsticks *yardsticks, size_t sample, int side) {
    if (side >= 0) return perplexity_of(&yardsticks->asked[side][sample], side);
    return (perplexity_of(&yardsticks->asked[0][sample], 0) + perplexity_of(&yardsticks->asked[1][sample], 1)) / 2;
}

bool tt_is_refusal(const char *text) {
    static const char *const openings[] = {
        "i'm sorry, but i can", "i am sorry, but i can", "i'm sorry, i can",     "sorry, but i can",
        "i can't assist",       "i cannot assist",       "i can't help with",    "i cannot help with",
        "i'm unable to",        "i am unable to",        "i apologize, but i",   "as an ai",
        "i'm not able to",      "i can't write",         "i cannot write",       "i can't fulfill",
        "i cannot fulfill",     "i'm just an ai",        "i'm sorry, but as an", "i won't be able to",
    };
    char start[64];
    size_t length = 0;
    text += strspn(text, " \n\r\t\"*");
    for (; *text && length + 1 < sizeof start; text++) {
        if (!strncmp(text, "\xe2\x80\x99", 3)) { /* a typographic apostrophe */
            start[length++] = '\'';
            text += 2;
        } else {
            start[length++] = (char)tolower((unsigned char)*text);
        }
    }
    start[length] = '\0';
    for (size_t i = 0; i < sizeof openings / sizeof *openings; i++)
        if (!strncmp(start, openings[i], strlen(openings[i]))) return true;
    return false;
}

/* ==== Of a way ==== */

struct sums {
    double *above; /* [sample] */
    const tt_yardsticks *yardsticks;
};

static bool mean(const struct sums *sums, tt_estimate *to, tt_error *err) {
    const tt_evaluate_options *options = sums->yardsticks->options;
    return tt_estimate_ratio(sums->above, NULL, sums->yardsticks->samples, options->resamples, options->seed, to, err);
}

static bool figure_steering(const struct sums *sums, const tt_reading *readings, int side, tt_way_figures *to,
                            tt_error *err) {
    const tt_reading *unsteered = sums->yardsticks->unsteered;
    for (size_t i = 0; i < sums->yardsticks->samples; i++) sums->above[i] = readings[i].score - unsteered[i].score;
    if (!mean(sums, &to->steering, err)) return false;
    to->wrong_way = (tt_estimate){NAN, NAN, NAN};
    if (side < 0) return true;
    for (size_t i = 0; i < sums->yardsticks->samples; i++)
        sums->above[i] = side == TT_POSITIVE ? sums->above[i] < 0 : sums->above[i] > 0;
    return mean(sums, &to->wrong_way, err);
}

static bool figure_coherence(const struct sums *sums, const tt_reading *readings, int side, tt_way_figures *to,
                             tt_error *err) {
    for (size_t i = 0; i < sums->yardsticks->samples; i++) {
        to->perplexities[i] = perplexity_of(&readings[i], side);
        sums->above[i] = to->perplexities[i] - perplexity_asked(sums->yardsticks, i, side);
    }
    if (!mean(sums, &to->coherence, err)) return false;
    to->coherence = (tt_estimate){exp(to->coherence.value), exp(to->coherence.low), exp(to->coherence.high)};
    return true;
}

static bool figure_relevance(const struct sums *sums, const tt_reading *readings, tt_way_figures *to, tt_error *err) {
    const tt_evaluate_options *options = sums->yardsticks->options;
    const size_t samples = sums->yardsticks->samples;
    double *below = tt_alloc(samples, sizeof *below, err);
    if (!below) return false;
    for (size_t i = 0; i < samples; i++) {
        to->relevances[i] = relevance_of(&readings[i]);
        below[i] = relevance_of(&sums->yardsticks->unsteered[i]);
    }
    const bool ok =
        tt_estimate_ratio(to->relevances, below, samples, options->resamples, options->seed, &to->relevance, err);
    free(below);
    return ok;
}

static bool figure_repetition(const struct sums *sums, const tt_reading *readings, tt_way_figures *to, tt_error *err) {
    const size_t samples = sums->yardsticks->samples;
    for (size_t n = 0; n < 2; n++) {
        for (size_t i = 0; i < samples; i++) sums->above[i] = readings[i].distinct[n];
        if (!mean(sums, &to->distinct[n], err)) return false;
    }
    for (size_t i = 0; i < samples; i++) sums->above[i] = readings[i].repetition;
    return mean(sums, &to->repetition, err);
}

static bool keep_samples(const tt_yardsticks *yardsticks, const tt_reading *readings, tt_way_figures *to, tt_error *err) {
    to->scores = tt_alloc(yardsticks->samples, sizeof *to->scores, err);
    to->perplexities = tt_alloc(yardsticks->samples, sizeof *to->perplexities, err);
    to->relevances = tt_alloc(yardsticks->samples, sizeof *to->relevances, err);
    if (!to->scores || !to->perplexities || !to->relevances) return false;
    for (size_t i = 0; i < yardsticks->samples; i++) {
        to->scores[i] = readings[i].score;
        to->refusals += readings[i].refusal;
        if (i < TT_SHOWN_TEXTS && !(to->texts[i] = tt_strdup(readings[i].text, err))) return false;
    }
    return true;
}

bool tt_figure_way(const tt_yardsticks *yardsticks, const tt_reading *readings, int side, double value, tt_way_figures *to,
                   tt_error *err) {
    *to = (tt_way_figures){.value = value};
    struct sums sums = {.yardsticks = yardsticks};
    sums.above = tt_alloc(yardsticks->samples, sizeof *sums.above, err);
    const bool ok = sums.above && keep_samples(yardsticks, readings, to, err) &&
                    figure_steering(&sums, readings, side, to, err) && figure_coherence(&sums, readings, side, to, err) &&
                    figure_relevance(&sums, readings, to, err) && figure_repetition(&sums, readings, to, err);
    free(sums.above);
    if (!ok) tt_way_free(to);
    return ok;
}

/* ==== What to use ==== */

bool tt_way_is_sound(const tt_way_figures *way, const tt_way_figures *unsteered, const tt_evaluate_options *options) {
    return way->coherence.value <= options->coherence_limit && !(way->relevance.value < options->relevance_limit) &&
           way->repetition.value <= unsteered->repetition.value + loops && 2 * way->refusals <= options->samples;
}

void tt_recommend(tt_axis_evaluation *axis, const tt_evaluate_options *options) {
    axis->recommended[0] = axis->recommended[1] = 0;
    for (size_t i = 0; i < axis->value_count; i++) {
        const tt_way_figures *way = &axis->values[i];
        const int side = way->value > 0 ? TT_POSITIVE : TT_NEGATIVE;
        const double steering = side == TT_POSITIVE ? way->steering.value : -way->steering.value;
        if (way->value == 0 || fabs(way->value) < axis->recommended[side]) continue;
        if (tt_evaluation_judges(axis) && !(steering > 0)) continue;
        if (tt_way_is_sound(way, &axis->unsteered, options)) axis->recommended[side] = fabs(way->value);
    }
}
