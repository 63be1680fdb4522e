/* measure.c: see measure.h */
#include "evaluate/measure.h"
#include "base/memory.h"
#include "base/random.h"
#include "model/continue.h"
#include "model/token.h"
#include "prompts/passages.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* As people let it write: what is less likely than this share of the likeliest token is left out. */
static const double written_min_p = 0.1;

enum { READINGS_MOST = 4 }; /* of a text, besides the questions */

/* ==== Opening ==== */

bool tt_measure_open(tt_measure *measure, tt_model *model, const tt_chat *chat, const tt_material *material,
                     const tt_evaluate_axis *axes, size_t axis_count, const tt_evaluate_options *options, tt_error *err) {
    *measure = (tt_measure){.model = model, .material = material, .axes = axes, .options = options};
    measure->judges = tt_alloc(axis_count, sizeof *measure->judges, err);
    size_t probes = 0;
    for (; measure->judges && measure->axis_count < axis_count; measure->axis_count++) {
        tt_judge *judge = &measure->judges[measure->axis_count];
        if (!tt_judge_make(judge, chat, axes[measure->axis_count].axis, tt_judging_usual(), err)) break;
        probes += judge->count;
    }
    const bool ok = measure->judges && measure->axis_count == axis_count;
    if (ok) measure->texts = tt_alloc(probes + READINGS_MOST, sizeof *measure->texts, err);
    if (measure->texts) measure->sums = tt_alloc(probes + READINGS_MOST, sizeof *measure->sums, err);
    if (measure->sums && (measure->score = tt_score_open(model, err)) != NULL) return true;
    tt_measure_close(measure);
    return false;
}

void tt_measure_close(tt_measure *measure) {
    for (size_t i = 0; i < measure->axis_count; i++) tt_judge_free(&measure->judges[i]);
    free(measure->judges);
    free(measure->texts);
    free(measure->sums);
    tt_score_close(measure->score);
    *measure = (tt_measure){0};
}

void tt_written_free(tt_written *written) {
    tt_tokens_free(&written->tokens);
    free(written->text);
    free(written->scores);
    *written = (tt_written){0};
}

static void tell(const tt_evaluate_options *options, const char *what, const char *unit, uint64_t done, uint64_t total) {
    if (options->progress) options->progress(options->progress_data, what, unit, done, total);
}

/* ==== Writing ==== */

struct telling {
    const tt_evaluate_options *options;
    uint64_t most;
};

static void told(void *data, uint64_t written) {
    const struct telling *telling = data;
    tell(telling->options, "writing", "tokens", written, telling->most);
}

/* All ways draw alike (the same stream for a sample), so that what differs between them is the way. */
static bool write_texts(tt_measure *measure, const tt_way *ways, size_t count, tt_tokens *responses, tt_error *err) {
    const size_t samples = measure->material->count;
    tt_continue_request *requests = tt_alloc(count * samples, sizeof *requests, err);
    if (!requests) return false;
    for (size_t i = 0; i < count * samples; i++) {
        const tt_way *way = &ways[i / samples];
        const tt_material_sample *sample = &measure->material->samples[i % samples];
        requests[i] =
            (tt_continue_request){.prompt = way->asked < 0 ? sample->baseline : sample->prompts[way->axis][way->asked],
                                  .steering = way->steering,
                                  .stream = tt_random_bits(0, tt_random_stream("text"), i % samples, 0),
                                  .min_p = written_min_p};
    }
    struct telling telling = {measure->options, count * samples * measure->options->text_tokens};
    const tt_continue_options options = {.length = measure->options->text_tokens,
                                         .seed = measure->options->seed,
                                         .cancel = measure->options->cancel,
                                         .told = told,
                                         .told_data = &telling};
    tell(measure->options, "writing", "tokens", 0, telling.most);
    const bool ok = tt_continue_run(measure->model, requests, count * samples, &options, responses, err);
    for (size_t i = 0; ok && i < count * samples; i++) measure->written += responses[i].count;
    free(requests);
    return ok;
}

/* ==== Reading ==== */

/* The text without the token that ends it. */
static tt_tokens without_end(const tt_measure *measure, const tt_tokens *tokens) {
    const bool ends = tokens->count && tt_token_ends(measure->model, tokens->ids[tokens->count - 1]);
    return (tt_tokens){tokens->ids, tokens->count - ends};
}

/* The questions of axes [first, end), without that of `but`, behind a text. `*count` counts on. */
static bool add_questions(tt_measure *measure, const tt_tokens *prompt, const tt_written *written, size_t first, size_t end,
                          size_t but, size_t *count, tt_error *err) {
    const tt_tokens text = without_end(measure, &written->tokens);
    for (size_t axis = first; axis < end; axis++) {
        if (axis == but) continue;
        if (!tt_judge_texts(&measure->judges[axis], prompt, &text, measure->texts + *count, err)) return false;
        *count += measure->judges[axis].count;
    }
    return true;
}

static void take_answers(const tt_measure *measure, size_t first, size_t end, size_t but, const double *sums,
                         tt_written *written) {
    for (size_t axis = first; axis < end; axis++) {
        if (axis == but) continue;
        written->scores[axis] = tt_judge_score(&measure->judges[axis], sums);
        sums += measure->judges[axis].count;
    }
}

/* The first `questions` of `measure->texts` have prompts of their own. */
static void free_questions(tt_measure *measure, size_t questions) {
    for (size_t i = 0; i < questions; i++) tt_tokens_free(&measure->texts[i].prompt);
}

static bool run(tt_measure *measure, size_t count, tt_error *err) {
    tt_steering *const none = NULL;
    return tt_score_run(measure->score, measure->texts, NULL, count, &none, 1, measure->options->cancel, measure->sums, err);
}

static void describe(tt_written *written) {
    tt_reading *reading = &written->reading;
    const tt_tokens *tokens = &written->tokens;
    reading->tokens = tokens->count;
    reading->distinct[0] = tt_distinct_share(tokens->ids, tokens->count, 1);
    reading->distinct[1] = tt_distinct_share(tokens->ids, tokens->count, 2);
    reading->repetition = 1 - tt_distinct_share(tokens->ids, tokens->count, 4);
    reading->refusal = tt_is_refusal(written->text);
    reading->text = written->text;
}

/* All readings of a text in one pass: the questions and the baseline's prompt have the text in common. */
static bool read_text(tt_measure *measure, const tt_way *way, size_t sample, tt_written *written, tt_error *err) {
    const tt_material_sample *from = &measure->material->samples[sample];
    const bool every = way->asked < 0 && !way->steering;
    const size_t first = every ? 0 : way->axis, end = every ? measure->axis_count : way->axis + 1;
    size_t questions = 0;
    bool ok = add_questions(measure, &from->baseline, written, first, end, SIZE_MAX, &questions, err);
    size_t count = questions;
    const size_t samples = measure->material->count, own = count;
    measure->texts[count++] = (tt_score_text){from->baseline, written->tokens};
    if (way->side >= 0) measure->texts[count++] = (tt_score_text){from->prompts[way->axis][way->side], written->tokens};
    if (samples > 1)
        measure->texts[count++] =
            (tt_score_text){measure->material->samples[(sample + 1) % samples].baseline, written->tokens};
    ok = ok && run(measure, count, err);
    if (ok) {
        take_answers(measure, first, end, SIZE_MAX, measure->sums, written);
        tt_reading *reading = &written->reading;
        *reading = (tt_reading){.own = measure->sums[own], .asked = {-INFINITY, -INFINITY}, .other = NAN};
        if (way->side >= 0) reading->asked[way->side] = measure->sums[own + 1];
        if (samples > 1) reading->other = measure->sums[count - 1];
        describe(written);
    }
    free_questions(measure, questions);
    return ok;
}

static bool make_written(tt_measure *measure, const tt_tokens *tokens, tt_written *to, tt_error *err) {
    *to = (tt_written){.tokens = *tokens};
    to->text = tt_detokenize(measure->model, tokens, err);
    to->scores = tt_alloc(measure->axis_count, sizeof *to->scores, err);
    for (size_t axis = 0; to->scores && axis < measure->axis_count; axis++) to->scores[axis] = NAN;
    return to->text && to->scores;
}

bool tt_measure_ways(tt_measure *measure, const tt_way *ways, size_t count, tt_written *to, tt_error *err) {
    const size_t samples = measure->material->count, all = count * samples;
    tt_tokens *responses = tt_alloc(all, sizeof *responses, err);
    for (size_t i = 0; i < all; i++) to[i] = (tt_written){0};
    bool ok = responses && write_texts(measure, ways, count, responses, err);
    if (!ok) {
        free(responses);
        return false;
    }
    for (size_t i = 0; i < all; i++) ok = make_written(measure, &responses[i], &to[i], err) && ok;
    free(responses);
    tell(measure->options, "reading", "texts", 0, all);
    for (size_t i = 0; ok && i < all; i++) {
        ok = read_text(measure, &ways[i / samples], i % samples, &to[i], err);
        if (ok) tell(measure->options, "reading", "texts", i + 1, all);
    }
    for (size_t i = 0; !ok && i < all; i++) tt_written_free(&to[i]);
    return ok;
}

bool tt_measure_others(tt_measure *measure, tt_written *written, tt_error *err) {
    const size_t samples = measure->material->count;
    for (size_t i = 0; i < samples; i++) {
        size_t judged = 0, questions = 0;
        while (judged < measure->axis_count && isnan(written[i].scores[judged])) judged++;
        bool ok = add_questions(measure, &measure->material->samples[i].baseline, &written[i], 0, measure->axis_count,
                                judged, &questions, err) &&
                  run(measure, questions, err);
        if (ok) take_answers(measure, 0, measure->axis_count, judged, measure->sums, &written[i]);
        free_questions(measure, questions);
        if (!ok) return false;
    }
    return true;
}

/* ==== Known passages ==== */

static bool judge_passage(tt_measure *measure, const tt_chat *chat, size_t axis, const char *request, const char *passage,
                          double *score, tt_error *err) {
    const tt_message message = {"user", request};
    char *rendered = tt_chat_render(chat, &message, 1, err);
    tt_tokens prompt = {0}, text = {0};
    const tt_judge *judge = &measure->judges[axis];
    bool ok = rendered && tt_chat_tokenize(chat, rendered, &prompt, err) &&
              tt_tokenize_part(measure->model, passage, strlen(passage), false, false, &text, err) &&
              tt_judge_texts(judge, &prompt, &text, measure->texts, err);
    if (ok) {
        ok = run(measure, judge->count, err);
        *score = tt_judge_score(judge, measure->sums);
        free_questions(measure, judge->count);
    }
    free(rendered);
    tt_tokens_free(&prompt);
    tt_tokens_free(&text);
    return ok;
}

bool tt_measure_known(tt_measure *measure, const tt_chat *chat, size_t axis, size_t *right, size_t *count, tt_error *err) {
    tt_passages passages;
    *right = *count = 0;
    if (!tt_passages_load(&passages, measure->axes[axis].axis, err)) return false;
    bool ok = true;
    if (passages.count) tell(measure->options, "judging known passages", "pairs", 0, passages.count);
    for (; ok && *count < passages.count; ++*count) {
        const tt_passage_pair *pair = &passages.pairs[*count];
        double scores[2] = {0};
        ok = judge_passage(measure, chat, axis, pair->prompt, pair->side[0], &scores[0], err) &&
             judge_passage(measure, chat, axis, pair->prompt, pair->side[1], &scores[1], err);
        *right += scores[TT_POSITIVE] > scores[TT_NEGATIVE];
        tell(measure->options, "judging known passages", "pairs", *count + 1, passages.count);
    }
    tt_passages_free(&passages);
    return ok;
}
