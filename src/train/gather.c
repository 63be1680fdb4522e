/* gather.c: see gather.h */
#include "train/gather.h"
#include "base/memory.h"
#include "model/prompt.h"
#include "train/work.h"

#include <stdlib.h>

enum { PROMPTS_A_BATCH = 17 /* as many as a sample of all eight axes has */ };

uint32_t tt_gather_rows(size_t axis_count) { return (uint32_t)(1 + 2 * axis_count); }

size_t tt_gather_batch(size_t axis_count, size_t prompts_per_system) {
    const size_t fill = PROMPTS_A_BATCH / tt_gather_rows(axis_count);
    /* Samples with the same system message stay together: their common beginning is computed once. */
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

/* The plain way computes the baseline again for every axis: the published scripts train one axis at a time. */
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

/* ==== Which samples are missing ====
 *
 * A batch is on the disk before the rank that captured it gets the next one, so a crash costs each rank at most one
 * batch. */

typedef struct batches {
    const tt_gather *gather;
    tt_capture *capture; /* this rank's, which has one worker */
    tt_states *states;   /* rank 0's */
    uint64_t next;       /* no sample before it is waiting to be captured */
    size_t rows, stride; /* prompts and floats a sample */
} batches;

/* The memory of a batch. */
typedef struct worker {
    tt_tokens *tokens;
    float *data;
    size_t stride;
} worker;

static size_t batch_of(const tt_gather *gather) { return tt_gather_batch(gather->axis_count, gather->prompts_per_system); }

/* The batch of samples that begins at `first`: it ends where the next one begins, which depends only on the arguments, or
 * before a sample that exists already. */
static tt_piece batch_at(const batches *list, uint64_t first) {
    const uint64_t batch = batch_of(list->gather), samples = tt_states_shape_of(list->states)->samples;
    uint64_t end = first - first % batch + batch;
    if (end > samples) end = samples;
    tt_piece result = {.first = first};
    while (first + result.count < end && !tt_states_has(list->states, first + result.count)) result.count++;
    return result;
}

/* The states file accepts batches only up to a limit after the first gap, so a stalled rank makes the others wait. */
static bool is_too_far_ahead(const batches *list, const tt_piece *batch) {
    const uint64_t gap = tt_states_committed(list->states);
    return batch->first != gap && batch->first + batch->count > gap + TT_STATES_AHEAD;
}

static tt_piece take_batch(void *data) {
    batches *list = data;
    const uint64_t samples = tt_states_shape_of(list->states)->samples;
    while (list->next < samples && tt_states_has(list->states, list->next)) list->next++;
    tt_piece batch = list->next < samples ? batch_at(list, list->next) : (tt_piece){0};
    if (batch.count && is_too_far_ahead(list, &batch)) batch = (tt_piece){.later = 1};
    list->next += batch.count;
    return batch;
}

static void close_worker(void *data) {
    worker *self = data;
    free(self->tokens);
    free(self->data);
    free(self);
}

static void *open_worker(const void *data, tt_error *err) {
    const batches *list = data;
    const size_t batch = batch_of(list->gather);
    worker *self = tt_alloc(1, sizeof *self, err);
    if (!self) return NULL;
    self->stride = list->stride;
    self->tokens = tt_alloc(batch * list->rows, sizeof *self->tokens, err);
    self->data = self->tokens ? tt_alloc(batch * list->stride, sizeof *self->data, err) : NULL;
    if (self->data) return self;
    close_worker(self);
    return NULL;
}

static bool compute_batch(const void *data, void *own, const tt_piece *batch, tt_error *err) {
    const batches *list = data;
    const worker *self = own;
    return capture_batch(list->gather, list->capture, batch->first, batch->count, self->tokens, self->data, self->stride,
                         err);
}

static bool keep_batch(void *data, void *own, const tt_piece *batch, tt_error *err) {
    const batches *list = data;
    const worker *self = own;
    const tt_train_observer *observer = list->gather->observer;
    if (!tt_states_put(list->states, batch->first, batch->count, self->data, err)) return false;
    if (observer->advance) observer->advance(observer->data, tt_states_held(list->states));
    return true;
}

static bool move_batch(const tt_transfer *transfer, void *own, const tt_piece *batch, tt_error *err) {
    const worker *self = own;
    return tt_transfer_bytes(transfer, self->data, batch->count * self->stride * sizeof *self->data, err);
}

bool tt_gather_run(const tt_gather *gather, tt_capture *capture, const tt_states_shape *shape, tt_states *states,
                   tt_error *err) {
    batches list = {.gather = gather, .capture = capture, .states = states, .rows = shape->rows};
    list.stride = (size_t)shape->rows * shape->blocks * shape->width;
    const tt_work work = {.ranks = gather->ranks,
                          .threads = 1,
                          .cancel = gather->cancel,
                          .data = &list,
                          .open = open_worker,
                          .close = close_worker,
                          .take = take_batch,
                          .compute = compute_batch,
                          .keep = keep_batch,
                          .result = move_batch};
    return tt_work_run(&work, err);
}
