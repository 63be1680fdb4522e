/* gather.c: see gather.h */
#include "train/gather.h"
#include "base/memory.h"
#include "model/prompt.h"
#include "train/ranks.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { PROMPTS_A_BATCH = 17 /* as many as a sample of all eight axes has */ };

uint32_t tt_gather_rows(size_t axis_count) { return (uint32_t)(1 + 2 * axis_count); }

size_t tt_gather_batch(size_t axis_count, size_t prompts_per_system) {
    const size_t fill = PROMPTS_A_BATCH / tt_gather_rows(axis_count);
    /* Samples of one system message belong together: their common beginning is computed once. */
    if (prompts_per_system > 1)
        return fill > prompts_per_system ? fill / prompts_per_system * prompts_per_system : prompts_per_system;
    return fill ? fill : 1;
}

static void free_tokens(tt_tokens *tokens, size_t count) {
    for (size_t i = 0; i < count; i++) tt_tokens_free(&tokens[i]);
}

bool tt_gather_tokens(const tt_gather *gather, tt_split split, size_t index, tt_tokens *tokens, tt_error *err) {
    tt_sample sample = {0};
    if (!tt_plan_sample(gather->plan, split, index, &sample, err)) return false;
    const size_t rows = tt_gather_rows(sample.axis_count);
    tt_asked *asked = tt_alloc(rows, sizeof *asked, err);
    for (size_t row = 0; asked && row < rows; row++)
        asked[row] =
            (tt_asked){row == 0 ? sample.baseline : sample.systems[(row - 1) / 2][(row - 1) % 2], sample.writing_prompt};
    const bool ok = asked && tt_prompt_tokens(gather->chat, asked, rows, gather->separate_system_message, tokens, err);
    free(asked);
    tt_sample_free(&sample);
    return ok;
}

/* The plain way asks for the baseline again with every axis: the published scripts train one axis at a time. */
static bool repeat_baselines(const tt_gather *gather, tt_capture *capture, size_t count, const tt_tokens *tokens,
                             float *data, size_t stride, tt_error *err) {
    const size_t rows = tt_gather_rows(gather->axis_count);
    for (size_t sample = 0; sample < count; sample++)
        for (size_t axis = 1; axis < gather->axis_count; axis++)
            if (!tt_capture_run(capture, tokens + sample * rows, 1, gather->cancel, data + sample * stride, err))
                return false;
    return true;
}

/* Captures samples [begin, begin + count) into `data`, `stride` floats a sample. */
static bool capture_batch(const tt_gather *gather, tt_capture *capture, size_t begin, size_t count, tt_tokens *tokens,
                          float *data, size_t stride, tt_error *err) {
    const size_t rows = tt_gather_rows(gather->axis_count);
    size_t done = 0;
    bool ok = true;
    for (; ok && done < count; done += ok)
        ok = tt_gather_tokens(gather, TT_SPLIT_TRAINING, begin + done, tokens + done * rows, err);
    ok = ok && tt_capture_run(capture, tokens, count * rows, gather->cancel, data, err) &&
         (!gather->plain || repeat_baselines(gather, capture, count, tokens, data, stride, err));
    free_tokens(tokens, done * rows);
    return ok;
}

/* ==== Which rank captures what ====
 *
 * Rank 0 keeps the list of what is missing. It takes batches from it itself, and a thread of it hands them to the other
 * ranks. A batch is on the disk before whoever captured it gets the next one: so of what a rank has captured a crash
 * costs one batch at most. */

/* A batch: samples [first, first + count). A count of 0: there is none left, or none yet. */
typedef struct piece {
    uint64_t first, count;
    uint64_t later; /* 1: none yet, ask again */
} piece;

/* What rank 0's two threads share. */
typedef struct batches {
    const tt_gather *gather;
    tt_states *states;
    uint64_t next;  /* no sample before it is waiting to be captured */
    size_t stride;  /* floats a sample */
    float *arrived; /* room for a batch of another rank's */
    pthread_mutex_t mutex;
    atomic_bool failed;
    tt_error error; /* the first one */
} batches;

static size_t batch_of(const tt_gather *gather) { return tt_gather_batch(gather->axis_count, gather->prompts_per_system); }

/* The samples from `first` on that make a batch: up to where the next one begins, which depends on the arguments alone, or
 * up to one that is there. */
static piece batch_at(const batches *list, uint64_t first) {
    const uint64_t batch = batch_of(list->gather), samples = tt_states_shape_of(list->states)->samples;
    uint64_t end = first - first % batch + batch;
    if (end > samples) end = samples;
    piece result = {.first = first};
    while (first + result.count < end && !tt_states_has(list->states, first + result.count)) result.count++;
    return result;
}

/* The states file takes a batch only so far ahead of the first gap: a rank that stands still keeps the others waiting. */
static bool is_too_far_ahead(const batches *list, const piece *batch) {
    const uint64_t gap = tt_states_committed(list->states);
    return batch->first != gap && batch->first + batch->count > gap + TT_STATES_AHEAD;
}

static piece take_batch(batches *list) {
    const uint64_t samples = tt_states_shape_of(list->states)->samples;
    pthread_mutex_lock(&list->mutex);
    while (list->next < samples && tt_states_has(list->states, list->next)) list->next++;
    piece batch = list->next < samples ? batch_at(list, list->next) : (piece){0};
    if (batch.count && is_too_far_ahead(list, &batch)) batch = (piece){.later = 1};
    list->next += batch.count;
    pthread_mutex_unlock(&list->mutex);
    return batch;
}

/* Keeps the first error. */
static void fail_batches(batches *list, const tt_error *err) {
    pthread_mutex_lock(&list->mutex);
    if (!atomic_load(&list->failed)) list->error = *err;
    atomic_store(&list->failed, true);
    pthread_mutex_unlock(&list->mutex);
}

static bool keep_batch(batches *list, const piece *batch, const float *data, tt_error *err) {
    const tt_train_observer *observer = list->gather->observer;
    pthread_mutex_lock(&list->mutex);
    const bool ok = tt_states_put(list->states, batch->first, batch->count, data, err);
    if (ok && observer->advance) observer->advance(observer->data, tt_states_held(list->states));
    pthread_mutex_unlock(&list->mutex);
    return ok;
}

/* Rank 0's answer to a rank that hands in a batch, or an empty one to begin with. */
static bool answer_rank(void *data, int from, bool *last, tt_error *err) {
    batches *list = data;
    const tt_ranks *ranks = list->gather->ranks;
    piece batch;
    if (!tt_ranks_receive(ranks, &batch, sizeof batch, from, err)) return false;
    if (batch.count && (!tt_ranks_receive(ranks, list->arrived, batch.count * list->stride * sizeof(float), from, err) ||
                        !keep_batch(list, &batch, list->arrived, err)))
        return false;
    batch = take_batch(list);
    *last = !batch.count && !batch.later;
    return tt_ranks_send(ranks, &batch, sizeof batch, from, err);
}

static void *serve_ranks(void *data) {
    batches *list = data;
    tt_error err = {0};
    if (!tt_ranks_serve(list->gather->ranks, answer_rank, list, &list->failed, &err)) fail_batches(list, &err);
    return NULL;
}

/* What a rank needs to capture batches. */
typedef struct worker {
    const tt_gather *gather;
    tt_capture *capture;
    tt_tokens *tokens;
    float *data;
    size_t stride;
} worker;

static bool capture_piece(const worker *self, const piece *batch, tt_error *err) {
    return capture_batch(self->gather, self->capture, batch->first, batch->count, self->tokens, self->data, self->stride,
                         err);
}

static void wait_a_little(void) { nanosleep(&(struct timespec){.tv_nsec = 100'000'000}, NULL); }

static bool work_on_list(const worker *self, batches *list, tt_error *err) {
    const atomic_bool *cancel = self->gather->cancel;
    for (;;) {
        const piece batch = take_batch(list);
        if (atomic_load(&list->failed) || (!batch.count && !batch.later)) return true;
        if (cancel && atomic_load(cancel)) return tt_fail(err, TT_ERROR_INTERRUPTED, "interrupted");
        if (batch.later)
            wait_a_little();
        else if (!capture_piece(self, &batch, err) || !keep_batch(list, &batch, self->data, err))
            return false;
    }
}

static bool lead(const worker *self, tt_states *states, tt_error *err) {
    batches list = {.gather = self->gather, .states = states, .stride = self->stride};
    const bool serving = self->gather->ranks->count > 1;
    pthread_t server;
    if (serving && !(list.arrived = tt_alloc(batch_of(self->gather) * self->stride, sizeof *list.arrived, err)))
        return false;
    pthread_mutex_init(&list.mutex, NULL);
    const bool started = serving && !pthread_create(&server, NULL, serve_ranks, &list);
    tt_error mine = {0};
    if (serving && !started) tt_fail(&mine, TT_ERROR_MEMORY, "cannot start a thread for the other ranks");
    if (serving != started || !work_on_list(self, &list, &mine)) fail_batches(&list, &mine);
    if (started) pthread_join(server, NULL);
    free(list.arrived);
    pthread_mutex_destroy(&list.mutex);
    if (list.failed && err) *err = list.error;
    return !list.failed;
}

static bool follow(const worker *self, tt_error *err) {
    const tt_ranks *ranks = self->gather->ranks;
    piece batch = {0};
    do {
        if (!tt_ranks_send(ranks, &batch, sizeof batch, 0, err) ||
            (batch.count && !tt_ranks_send(ranks, self->data, batch.count * self->stride * sizeof(float), 0, err)) ||
            !tt_ranks_receive(ranks, &batch, sizeof batch, 0, err))
            return false;
        if (batch.later) wait_a_little();
        if (batch.count && !capture_piece(self, &batch, err)) return false;
    } while (batch.count || batch.later);
    return true;
}

bool tt_gather_run(const tt_gather *gather, tt_capture *capture, const tt_states_shape *shape, tt_states *states,
                   tt_error *err) {
    worker self = {.gather = gather, .capture = capture, .stride = (size_t)shape->rows * shape->blocks * shape->width};
    self.tokens = tt_alloc(batch_of(gather) * shape->rows, sizeof *self.tokens, err);
    self.data = self.tokens ? tt_alloc(batch_of(gather) * self.stride, sizeof *self.data, err) : NULL;
    const bool ok = self.data && (states ? lead(&self, states, err) : follow(&self, err));
    free(self.tokens);
    free(self.data);
    return ok;
}
