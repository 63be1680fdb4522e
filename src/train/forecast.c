/* forecast.c: see forecast.h */
#include "train/forecast.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/random.h"
#include "model/trie.h"
#include "train/run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum {
    TOKENISED_BATCHES = 24, /* spread over the run, to estimate its tokens */
    MEASURED_SECONDS = 3,   /* of capturing, to estimate its speed */
};

/* Adds the tokens of the batch that begins at sample `begin`: as computed, and with a baseline per axis. */
static bool count_batch(const tt_gather *gather, size_t begin, size_t count, double *computed, double *plain,
                        tt_error *err) {
    const size_t rows = tt_gather_rows(gather->axis_count);
    tt_tokens *tokens = tt_alloc(count * rows, sizeof *tokens, err);
    if (!tokens) return false;
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++)
        ok = tt_gather_tokens(gather, TT_SPLIT_TRAINING, begin + i, tokens + i * rows, err);
    tt_trie trie = {0};
    ok = ok && tt_trie_build(&trie, tokens, count * rows, true, err);
    if (ok) {
        *computed += (double)trie.count;
        for (size_t i = 0; i < count * rows; i++)
            *plain += (double)tokens[i].count * (i % rows == 0 ? (double)gather->axis_count : 1.0);
    }
    tt_trie_free(&trie);
    for (size_t i = 0; i < count * rows; i++) tt_tokens_free(&tokens[i]);
    free(tokens);
    return ok;
}

static bool estimate_tokens(const tt_run *run, tt_forecast *forecast, tt_error *err) {
    const tt_gather gather = tt_run_gather(run);
    const size_t batch = tt_gather_batch(run->axis_count, gather.prompts_per_system);
    const size_t batches = (forecast->samples + batch - 1) / batch;
    const size_t looked = batches < TOKENISED_BATCHES ? batches : TOKENISED_BATCHES;
    double computed = 0, plain = 0, samples = 0;
    for (size_t i = 0; i < looked; i++) {
        const size_t begin = batches * i / looked * batch;
        const size_t count = forecast->samples - begin < batch ? forecast->samples - begin : batch;
        if (!count_batch(&gather, begin, count, &computed, &plain, err)) return false;
        samples += (double)count;
    }
    forecast->plain_tokens = plain / samples * (double)forecast->samples;
    forecast->computed_tokens =
        run->options->plain ? forecast->plain_tokens : computed / samples * (double)forecast->samples;
    return true;
}

/* Captures the run's first batches for a few seconds without keeping them; the first is a warm-up and not timed. */
static bool measure_speed(const tt_run *run, tt_forecast *forecast, tt_error *err) {
    const tt_gather gather = tt_run_gather(run);
    const size_t batch = tt_gather_batch(run->axis_count, gather.prompts_per_system), rows = tt_gather_rows(run->axis_count);
    tt_capture *capture = tt_capture_open(run->model, &(tt_capture_options){.plain = run->options->plain}, err);
    if (!capture) return false;
    tt_tokens *tokens = tt_alloc(batch * rows, sizeof *tokens, err);
    float *data = tt_alloc(batch * rows * run->identity.blocks * run->identity.width, sizeof *data, err);
    bool ok = tokens && data;
    double begin = 0, seconds = 0;
    uint64_t before = 0;
    for (size_t number = 0; ok && (number < 2 || seconds < MEASURED_SECONDS); number++) {
        size_t got = 0;
        for (; ok && got < batch; got += ok)
            ok = tt_gather_tokens(&gather, TT_SPLIT_TRAINING, number * batch + got, tokens + got * rows, err);
        ok = ok && tt_capture_run(capture, tokens, batch * rows, run->options->cancel, data, err);
        for (size_t i = 0; i < got * rows; i++) tt_tokens_free(&tokens[i]);
        if (number == 0) {
            begin = tt_seconds();
            before = tt_capture_counts_of(capture).computed_tokens;
        }
        seconds = tt_seconds() - begin;
    }
    if (ok) forecast->tokens_per_second = (double)(tt_capture_counts_of(capture).computed_tokens - before) / seconds;
    forecast->measured = true;
    free(tokens);
    free(data);
    tt_capture_close(capture);
    return ok;
}

/* Solves one block of made-up data of the run's size: two classes around opposite means, in noise. */
static bool measure_solver(const tt_run *run, tt_forecast *forecast, uint32_t blocks, tt_error *err) {
    const size_t N = forecast->samples, d = run->identity.width;
    float *A = tt_alloc(N * d, sizeof *A, err), *B = tt_alloc(N * d, sizeof *B, err);
    tt_direction direction = {0};
    tt_direction_options options = run->options->direction;
    options.threads = 1;
    bool ok = A && B;
    if (ok) {
        for (size_t i = 0; i < N * d; i++) {
            const uint64_t bits = tt_random_bits(1, 2, i, 3);
            const float shift = i % d == 0 ? 2.0F : 0.0F;
            A[i] = (float)(uint32_t)bits * 0x1p-32F - 0.5F - shift;
            B[i] = (float)(uint32_t)(bits >> 32) * 0x1p-32F - 0.5F + shift;
        }
        const double begin = tt_seconds();
        ok = tt_direction_find(A, B, N, d, &options, &direction, err);
        forecast->solve_seconds = (tt_seconds() - begin) * ceil((double)blocks * (double)run->axis_count / run->threads);
    }
    tt_direction_free(&direction);
    free(A);
    free(B);
    return ok;
}

static uint64_t peak_memory(void) {
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) ? 0 : (uint64_t)usage.ru_maxrss * 1024;
}

static bool fill(const tt_run *run, double tokens_per_second, tt_forecast *forecast, tt_error *err) {
    const tt_train_options *options = run->options;
    uint32_t first, last;
    if (!tt_solve_range(run->identity.blocks, options->skip_begin, options->skip_end, &first, &last, err)) return false;
    *forecast = (tt_forecast){.axes = run->axis_count,
                              .samples = options->samples,
                              .prompts = options->samples * tt_gather_rows(run->axis_count),
                              .plain_prompts = options->samples * run->axis_count * 3,
                              .tokens_per_second = tokens_per_second};
    const tt_states_shape shape = {.samples = options->samples,
                                   .rows = tt_gather_rows(run->axis_count),
                                   .blocks = run->identity.blocks,
                                   .width = run->identity.width};
    char *identity = tt_identity_write(&run->identity, err);
    if (!identity) return false;
    forecast->states_bytes = tt_states_size(&shape, strlen(identity));
    free(identity);
    forecast->vector_bytes = (uint64_t)run->axis_count * 3 * (last - first) * run->identity.width * sizeof(float);
    if (!estimate_tokens(run, forecast, err)) return false;
    if (tokens_per_second <= 0 && !measure_speed(run, forecast, err)) return false;
    const uint64_t capturing = peak_memory();
    if (!measure_solver(run, forecast, last - first, err)) return false;
    const uint64_t solving =
        capturing + tt_solve_memory(options->samples, run->identity.width, &options->direction, run->threads);
    forecast->memory_bytes = solving;
    forecast->capture_seconds = forecast->computed_tokens / forecast->tokens_per_second;
    return true;
}

bool tt_train_forecast(tt_model *model, const tt_train_options *options, double tokens_per_second, tt_forecast *forecast,
                       tt_error *err) {
    tt_run run = {.options = options, .model = model};
    const bool ok =
        tt_run_begin(&run, err) && tt_run_check_memory(&run, err) && fill(&run, tokens_per_second, forecast, err);
    tt_run_end(&run);
    return ok;
}
