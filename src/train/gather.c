/* gather.c: see gather.h */
#include "train/gather.h"
#include "base/memory.h"
#include "train/ranks.h"

#include <stdlib.h>
#include <string.h>

enum {
    PROMPTS_A_BATCH = 17, /* as many as a sample of all eight axes has */
    /* Ranks wait for one another once a round. Batches differ in length by a tenth, so that with one batch a round two ranks
     * would be 1.86 times as fast as one (by their tokens); with four, whose sums differ less, 1.93. */
    BATCHES_A_ROUND = 4,
};

uint32_t tt_gather_rows(size_t axis_count) { return (uint32_t)(1 + 2 * axis_count); }

size_t tt_gather_batch(size_t axis_count, size_t prompts_per_system) {
    const size_t fill = PROMPTS_A_BATCH / tt_gather_rows(axis_count);
    /* Samples of one system message belong together: their common beginning is computed once. */
    if (prompts_per_system > 1)
        return fill > prompts_per_system ? fill / prompts_per_system * prompts_per_system : prompts_per_system;
    return fill ? fill : 1;
}

/* One prompt: the conversation as the chat template has it, tokenised. */
static bool prompt_tokens(const tt_gather *gather, const char *system, const char *request, tt_tokens *tokens,
                          tt_error *err) {
    char *joined = NULL;
    tt_message messages[2];
    size_t count;
    if (gather->separate_system_message) {
        messages[0] = (tt_message){"system", system};
        messages[1] = (tt_message){"user", request};
        count = 2;
    } else {
        joined = tt_format(err, "%s %s", system, request);
        if (!joined) return false;
        messages[0] = (tt_message){"user", joined};
        count = 1;
    }
    char *text = tt_chat_render(gather->chat, messages, count, err);
    const bool ok = text && tt_tokenize(gather->model, text, strlen(text), tokens, err);
    free(text);
    free(joined);
    return ok;
}

static void free_tokens(tt_tokens *tokens, size_t count) {
    for (size_t i = 0; i < count; i++) tt_tokens_free(&tokens[i]);
}

bool tt_gather_tokens(const tt_gather *gather, tt_split split, size_t index, tt_tokens *tokens, tt_error *err) {
    tt_sample sample = {0};
    if (!tt_plan_sample(gather->plan, split, index, &sample, err)) return false;
    const size_t rows = tt_gather_rows(sample.axis_count);
    size_t done = 0;
    bool ok = true;
    for (; ok && done < rows; done += ok) {
        const char *system = done == 0 ? sample.baseline : sample.systems[(done - 1) / 2][(done - 1) % 2];
        ok = prompt_tokens(gather, system, sample.writing_prompt, &tokens[done], err);
    }
    tt_sample_free(&sample);
    if (!ok) free_tokens(tokens, done);
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

/* Samples of the batch that begins at `begin`; 0 behind the last. */
static size_t batch_size(const tt_states_shape *shape, uint64_t begin, size_t batch) {
    if (begin >= shape->samples) return 0;
    return shape->samples - begin < batch ? (size_t)(shape->samples - begin) : batch;
}

/* Samples that a rank captures in a round: a whole number of batches, so that every batch is what it is in a run of one
 * rank. */
static size_t round_share(const tt_gather *gather) {
    const size_t batch = tt_gather_batch(gather->axis_count, gather->prompts_per_system);
    return gather->ranks->count > 1 ? batch * BATCHES_A_ROUND : batch;
}

/* Captures samples [begin, begin + count) into `data`, batch by batch. */
static bool capture_share(const tt_gather *gather, tt_capture *capture, size_t begin, size_t count, tt_tokens *tokens,
                          float *data, size_t stride, tt_error *err) {
    const size_t batch = tt_gather_batch(gather->axis_count, gather->prompts_per_system);
    for (size_t done = 0; done < count; done += batch) {
        const size_t size = count - done < batch ? count - done : batch;
        if (!capture_batch(gather, capture, begin + done, size, tokens, data + done * stride, stride, err)) return false;
    }
    return true;
}

/* A round: every rank captures its share; rank 0 appends them in order. `*next` moves on. */
static bool run_round(const tt_gather *gather, tt_capture *capture, const tt_states_shape *shape, tt_states *states,
                      tt_tokens *tokens, float *data, uint64_t *next, tt_error *err) {
    const tt_ranks *ranks = gather->ranks;
    const size_t share = round_share(gather);
    const size_t stride = (size_t)shape->rows * shape->blocks * shape->width;
    const uint64_t mine = *next + (uint64_t)ranks->rank * share;
    const size_t count = batch_size(shape, mine, share);
    if (!capture_share(gather, capture, mine, count, tokens, data, stride, err)) return false;
    for (int rank = 0; rank < ranks->count; rank++) {
        const size_t size = batch_size(shape, *next, share);
        if (size && !tt_ranks_move(ranks, data, size * stride, rank, 0, err)) return false;
        if (size && states && !tt_states_append(states, data, size, err)) return false;
        *next += size;
        if (size && states && gather->observer->advance) gather->observer->advance(gather->observer->data, *next);
    }
    return true;
}

bool tt_gather_run(const tt_gather *gather, tt_capture *capture, const tt_states_shape *shape, uint64_t committed,
                   tt_states *states, tt_error *err) {
    const size_t batch = tt_gather_batch(gather->axis_count, gather->prompts_per_system);
    tt_tokens *tokens = tt_alloc(batch * shape->rows, sizeof *tokens, err);
    float *data =
        tokens ? tt_alloc(round_share(gather) * shape->rows * shape->blocks * shape->width, sizeof *data, err) : NULL;
    bool ok = data != NULL;
    for (uint64_t next = committed; ok && next < shape->samples;)
        ok = run_round(gather, capture, shape, states, tokens, data, &next, err);
    free(tokens);
    free(data);
    return ok;
}
