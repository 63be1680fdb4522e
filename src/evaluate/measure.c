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
    *measure = (tt_measure){.model = model, .chat = chat, .material = material, .axes = axes, .options = options};
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
    if (measure->sums && (measure->score = tt_score_open(model, err)) != NULL &&
        tt_kept_open(&measure->kept, options->kept_file, axis_count, err))
        return true;
    tt_measure_close(measure);
    return false;
}

void tt_measure_close(tt_measure *measure) {
    for (size_t i = 0; i < measure->axis_count; i++) tt_judge_free(&measure->judges[i]);
    free(measure->judges);
    free(measure->texts);
    free(measure->sums);
    tt_score_close(measure->score);
    tt_kept_close(&measure->kept);
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

/* A text that is to be written, and what it is known by. */
struct task {
    const tt_way *way;
    size_t sample;
    char key[TT_HASH_TEXT];
};

static void hash_tokens(tt_hash *hash, const tt_tokens *tokens) {
    tt_hash_u64(hash, tokens->count);
    tt_hash_bytes(hash, tokens->ids, tokens->count * sizeof *tokens->ids);
}

/* Of all that the text and what is read of it depend on. */
static void make_key(const tt_measure *measure, struct task *task) {
    const tt_material_sample *sample = &measure->material->samples[task->sample];
    const size_t samples = measure->material->count;
    tt_hash hash;
    tt_hash_begin(&hash);
    tt_hash_text(&hash, tt_model_facts_of(measure->model)->content_hash);
    tt_hash_text(&hash, tt_chat_name(measure->chat));
    tt_hash_text(&hash, task->way->digest);
    tt_hash_u64(&hash, measure->options->text_tokens);
    tt_hash_u64(&hash, measure->options->seed);
    tt_hash_u64(&hash, task->sample);
    hash_tokens(&hash, &sample->baseline);
    hash_tokens(&hash, &measure->material->samples[(task->sample + 1) % samples].baseline);
    tt_hash_u64(&hash, (uint64_t)task->way->asked);
    tt_hash_u64(&hash, (uint64_t)task->way->side);
    tt_hash_u64(&hash, task->way->axis);
    if (task->way->side >= 0) hash_tokens(&hash, &sample->prompts[task->way->axis][task->way->side]);
    for (size_t axis = 0; axis < measure->axis_count; axis++)
        for (size_t i = 0; i < measure->judges[axis].count; i++) {
            hash_tokens(&hash, &measure->judges[axis].probes[i].question);
            hash_tokens(&hash, &measure->judges[axis].probes[i].answer);
        }
    tt_hash_end(&hash, task->key);
}

/* All ways draw alike (the same stream for a sample), so that what differs between them is the way. */
static tt_continue_request request_of(const tt_measure *measure, const struct task *task) {
    const tt_material_sample *sample = &measure->material->samples[task->sample];
    const tt_way *way = task->way;
    return (tt_continue_request){.prompt = way->asked < 0 ? sample->baseline : sample->prompts[way->axis][way->asked],
                                 .steering = way->steering,
                                 .stream = tt_random_bits(0, tt_random_stream("text"), task->sample, 0),
                                 .min_p = written_min_p};
}

static bool keep_new(tt_measure *measure, const struct task *tasks, const size_t *missing, size_t count,
                     const tt_tokens *responses, tt_error *err) {
    for (size_t i = 0; i < count; i++) {
        tt_kept_text text = {.tokens = responses[i]};
        memcpy(text.key, tasks[missing[i]].key, sizeof text.key);
        measure->written += responses[i].count;
        if (!tt_kept_put(&measure->kept, &text, err)) return false;
    }
    return tt_kept_save(&measure->kept, err);
}

/* Writes those of the tasks that are `missing`, into `responses`. */
static bool write_missing(tt_measure *measure, const struct task *tasks, const size_t *missing, size_t count,
                          tt_tokens *responses, tt_error *err) {
    tt_continue_request *requests = tt_alloc(count, sizeof *requests, err);
    if (!requests) return false;
    for (size_t i = 0; i < count; i++) requests[i] = request_of(measure, &tasks[missing[i]]);
    struct telling telling = {measure->options, count * measure->options->text_tokens};
    const tt_continue_options options = {.length = measure->options->text_tokens,
                                         .seed = measure->options->seed,
                                         .cancel = measure->options->cancel,
                                         .told = told,
                                         .told_data = &telling};
    if (count) tell(measure->options, "writing", "tokens", 0, telling.most);
    bool ok = tt_continue_run(measure->model, requests, count, &options, responses, err);
    free(requests);
    if (!ok || keep_new(measure, tasks, missing, count, responses, err)) return ok;
    for (size_t i = 0; i < count; i++) tt_tokens_free(&responses[i]);
    return false;
}

/* Whether a file's tokens are ones that this model may have written. */
static bool is_text(const tt_measure *measure, const tt_tokens *tokens) {
    for (size_t i = 0; i < tokens->count; i++)
        if (tokens->ids[i] < 0 || (size_t)tokens->ids[i] >= tt_model_facts_of(measure->model)->vocabulary) return false;
    return tokens->count > 0 && tokens->count <= measure->options->text_tokens;
}

static bool copy_tokens(tt_tokens *to, const tt_tokens *from, tt_error *err) {
    to->ids = tt_alloc(from->count, sizeof *to->ids, err);
    if (!to->ids) return false;
    memcpy(to->ids, from->ids, from->count * sizeof *to->ids);
    to->count = from->count;
    return true;
}

/* The tokens of all tasks, kept ones and new ones, into `tokens`. */
static bool write_texts(tt_measure *measure, const struct task *tasks, size_t count, tt_tokens *tokens, tt_error *err) {
    size_t *missing = tt_alloc(count, sizeof *missing, err), missing_count = 0;
    tt_tokens *responses = missing ? tt_alloc(count, sizeof *responses, err) : NULL;
    bool ok = responses != NULL;
    for (size_t i = 0; i < count; i++) tokens[i] = (tt_tokens){0};
    for (size_t i = 0; ok && i < count; i++) {
        const tt_kept_text *kept = tt_kept_find(&measure->kept, tasks[i].key);
        if (kept && is_text(measure, &kept->tokens))
            ok = copy_tokens(&tokens[i], &kept->tokens, err);
        else
            missing[missing_count++] = i;
    }
    if (ok && (ok = write_missing(measure, tasks, missing, missing_count, responses, err)))
        for (size_t i = 0; i < missing_count; i++) tokens[missing[i]] = responses[i];
    for (size_t i = 0; !ok && i < count; i++) tt_tokens_free(&tokens[i]);
    free(missing);
    free(responses);
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

/* What was read of it before; false where that is not known. */
static bool recall(const tt_measure *measure, const struct task *task, tt_written *written) {
    const tt_kept_text *kept = tt_kept_find(&measure->kept, task->key);
    if (!kept || !kept->read) return false;
    written->reading = (tt_reading){.own = kept->own, .asked = {kept->asked[0], kept->asked[1]}, .other = kept->other};
    for (size_t axis = 0; axis < measure->axis_count; axis++) written->scores[axis] = kept->scores[axis];
    describe(written);
    return true;
}

static bool remember(tt_measure *measure, const struct task *task, const tt_written *written, tt_error *err) {
    const tt_reading *reading = &written->reading;
    tt_kept_text text = {.tokens = written->tokens,
                         .read = true,
                         .own = reading->own,
                         .asked = {reading->asked[0], reading->asked[1]},
                         .other = reading->other,
                         .scores = written->scores};
    memcpy(text.key, task->key, sizeof text.key);
    return tt_kept_put(&measure->kept, &text, err);
}

static bool read_texts(tt_measure *measure, const struct task *tasks, size_t count, tt_written *to, tt_error *err) {
    tell(measure->options, "reading", "texts", 0, count);
    for (size_t i = 0; i < count; i++) {
        if (!recall(measure, &tasks[i], &to[i]) &&
            !(read_text(measure, tasks[i].way, tasks[i].sample, &to[i], err) && remember(measure, &tasks[i], &to[i], err)))
            return false;
        tell(measure->options, "reading", "texts", i + 1, count);
    }
    return tt_kept_save(&measure->kept, err);
}

bool tt_measure_ways(tt_measure *measure, const tt_way *ways, size_t count, tt_written *to, tt_error *err) {
    const size_t samples = measure->material->count, all = count * samples;
    struct task *tasks = tt_alloc(all, sizeof *tasks, err);
    tt_tokens *tokens = tasks ? tt_alloc(all, sizeof *tokens, err) : NULL;
    for (size_t i = 0; i < all; i++) to[i] = (tt_written){0};
    for (size_t i = 0; tokens && i < all; i++) {
        tasks[i] = (struct task){.way = &ways[i / samples], .sample = i % samples};
        make_key(measure, &tasks[i]);
    }
    bool ok = tokens && write_texts(measure, tasks, all, tokens, err);
    if (ok) {
        for (size_t i = 0; i < all; i++) ok = make_written(measure, &tokens[i], &to[i], err) && ok;
        ok = ok && read_texts(measure, tasks, all, to, err);
        for (size_t i = 0; !ok && i < all; i++) tt_written_free(&to[i]);
    }
    free(tasks);
    free(tokens);
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

static bool judge_passage(tt_measure *measure, size_t axis, const char *request, const char *passage, double *score,
                          tt_error *err) {
    const tt_message message = {"user", request};
    char *rendered = tt_chat_render(measure->chat, &message, 1, err);
    tt_tokens prompt = {0}, text = {0};
    const tt_judge *judge = &measure->judges[axis];
    bool ok = rendered && tt_chat_tokenize(measure->chat, rendered, &prompt, err) &&
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

bool tt_measure_known(tt_measure *measure, size_t axis, size_t *right, size_t *count, tt_error *err) {
    tt_passages passages;
    *right = *count = 0;
    if (!tt_passages_load(&passages, measure->axes[axis].axis, err)) return false;
    bool ok = true;
    if (passages.count) tell(measure->options, "judging known passages", "pairs", 0, passages.count);
    for (; ok && *count < passages.count; ++*count) {
        const tt_passage_pair *pair = &passages.pairs[*count];
        double scores[2] = {0};
        ok = judge_passage(measure, axis, pair->prompt, pair->side[0], &scores[0], err) &&
             judge_passage(measure, axis, pair->prompt, pair->side[1], &scores[1], err);
        *right += scores[TT_POSITIVE] > scores[TT_NEGATIVE];
        tell(measure->options, "judging known passages", "pairs", *count + 1, passages.count);
    }
    tt_passages_free(&passages);
    return ok;
}
