/* solve.c: see solve.h
 *
 * Blocks are independent, and at most widths a block is too small to keep several cores busy in one LAPACK call: so each
 * thread solves a block by itself, with linear algebra on one thread. */
#include "train/solve.h"
#include "base/memory.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static uint32_t skipped(uint32_t blocks, tt_block_skip skip) {
    return (uint32_t)fmin(blocks, skip.is_share ? floor(skip.amount * blocks + 0.5) : skip.amount);
}

bool tt_solve_range(uint32_t blocks, tt_block_skip begin, tt_block_skip end, uint32_t *first, uint32_t *last,
                    tt_error *err) {
    const uint32_t left_out = skipped(blocks, end);
    *first = skipped(blocks, begin);
    *last = blocks - left_out;
    if (*first < *last) return true;
    return tt_fail(err, TT_ERROR_USAGE, "--skip-begin-layers and --skip-end-layers leave none of the model's %u blocks",
                   blocks);
}

uint64_t tt_solve_memory(uint64_t samples, uint32_t width, const tt_direction_options *options, int threads) {
    /* In double, since an absurd number of samples must not wrap around to a small sum. */
    const double data = 2.0 * (double)samples * width * sizeof(float);
    const double all = ((double)tt_direction_memory(samples, width, options) + data) * threads;
    return all < 0x1p64 ? (uint64_t)all : UINT64_MAX;
}

/* What the threads share: jobs are numbered axis by axis, block by block. */
typedef struct job_list {
    const tt_states *states;
    const tt_states_shape *shape;
    const tt_train_options *options;
    const tt_ranks *ranks;
    tt_axis_directions *axes;
    uint32_t first, blocks; /* blocks an axis that are solved, the first of them */
    uint64_t next, total, done;
    float *A, *B; /* rank 0's, for a job of another rank's */
    atomic_bool failed;
    tt_error error; /* of the first job that failed */
    pthread_mutex_t mutex;
} job_list;

static bool cancelled(const job_list *jobs) { return jobs->options->cancel && atomic_load(jobs->options->cancel); }

static uint32_t block_of(const job_list *jobs, uint64_t job) { return jobs->first + (uint32_t)(job % jobs->blocks); }

static tt_direction *direction_of(const job_list *jobs, uint64_t job) {
    return &jobs->axes[job / jobs->blocks].blocks[block_of(jobs, job)];
}

/* Reads a job's A and B. */
static bool read_job(const job_list *jobs, uint64_t job, float *A, float *B, tt_error *err) {
    const uint32_t row = 1 + 2 * (uint32_t)(job / jobs->blocks);
    return tt_states_differences(jobs->states, block_of(jobs, job), row, 0, jobs->shape->samples, A, err) &&
           tt_states_differences(jobs->states, block_of(jobs, job), row + 1, 0, jobs->shape->samples, B, err);
}

/* Linear algebra on one thread: so a direction does not depend on who finds it. */
static bool find(const job_list *jobs, uint64_t job, const float *A, const float *B, tt_direction *direction,
                 tt_error *err) {
    tt_direction_options options = jobs->options->direction;
    options.threads = 1;
    return tt_direction_find(A, B, jobs->shape->samples, jobs->shape->width, &options, direction, err) ||
           tt_fail_prefix(err, "block %u", block_of(jobs, job));
}

/* Takes the next job's number; false when there is none, or there was a failure. */
static bool take_job(job_list *jobs, uint64_t *job) {
    pthread_mutex_lock(&jobs->mutex);
    if (!jobs->failed && cancelled(jobs)) {
        jobs->failed = true;
        tt_fail(&jobs->error, TT_ERROR_INTERRUPTED, "interrupted");
    }
    const bool ok = !jobs->failed && jobs->next < jobs->total;
    if (ok) *job = jobs->next++;
    pthread_mutex_unlock(&jobs->mutex);
    return ok;
}

static void finish_job(job_list *jobs, bool ok, const tt_error *err) {
    const tt_train_observer *observer = &jobs->options->observer;
    pthread_mutex_lock(&jobs->mutex);
    jobs->done++;
    if (!ok && !jobs->failed) {
        jobs->failed = true;
        jobs->error = *err;
    }
    if (ok && observer->advance) observer->advance(observer->data, jobs->done);
    pthread_mutex_unlock(&jobs->mutex);
}

/* Solves jobs until there are none. */
static void *work(void *data) {
    job_list *jobs = data;
    const size_t values = jobs->shape->samples * jobs->shape->width;
    tt_error err = {0};
    float *A = tt_alloc(values, sizeof *A, &err);
    float *B = tt_alloc(values, sizeof *B, &err);
    uint64_t job;
    while (take_job(jobs, &job)) {
        const bool ok = A && B && read_job(jobs, job, A, B, &err) && find(jobs, job, A, B, direction_of(jobs, job), &err);
        finish_job(jobs, ok, &err);
    }
    free(A);
    free(B);
    return NULL;
}

/* ==== Other ranks' jobs ==== */

static constexpr uint64_t no_job = UINT64_MAX;

/* A direction travels as its struct's bytes (the ranks run one program), with the unit vector behind. */
static bool send_direction(const job_list *jobs, const tt_direction *direction, tt_error *err) {
    return tt_ranks_send(jobs->ranks, direction, sizeof *direction, 0, err) &&
           (!direction->found ||
            tt_ranks_send(jobs->ranks, direction->unit, jobs->shape->width * sizeof *direction->unit, 0, err));
}

static bool receive_direction(const job_list *jobs, tt_direction *direction, int from, tt_error *err) {
    const size_t width = jobs->shape->width;
    const bool ok = tt_ranks_receive(jobs->ranks, direction, sizeof *direction, from, err);
    direction->unit = NULL; /* what came is the other process' */
    if (!ok || !direction->found) return ok;
    direction->unit = tt_alloc(width, sizeof *direction->unit, err);
    return direction->unit && tt_ranks_receive(jobs->ranks, direction->unit, width * sizeof *direction->unit, from, err);
}

/* Rank 0's answer to a rank that hands in a direction, or `no_job` to begin with: the next job's number and data. */
static bool answer_rank(void *data, int from, bool *last, tt_error *err) {
    job_list *jobs = data;
    const size_t size = jobs->shape->samples * jobs->shape->width * sizeof(float);
    uint64_t job;
    if (!tt_ranks_receive(jobs->ranks, &job, sizeof job, from, err)) return false;
    if (job != no_job) {
        if (!receive_direction(jobs, direction_of(jobs, job), from, err)) return false;
        finish_job(jobs, true, NULL);
    }
    *last = !take_job(jobs, &job);
    if (*last) job = no_job;
    return tt_ranks_send(jobs->ranks, &job, sizeof job, from, err) &&
           (*last || (read_job(jobs, job, jobs->A, jobs->B, err) && tt_ranks_send(jobs->ranks, jobs->A, size, from, err) &&
                      tt_ranks_send(jobs->ranks, jobs->B, size, from, err)));
}

static void *serve(void *data) {
    job_list *jobs = data;
    const size_t values = jobs->shape->samples * jobs->shape->width;
    tt_error err = {0};
    jobs->A = tt_alloc(values, sizeof *jobs->A, &err);
    jobs->B = jobs->A ? tt_alloc(values, sizeof *jobs->B, &err) : NULL;
    if (!jobs->B || !tt_ranks_serve(jobs->ranks, answer_rank, jobs, &jobs->failed, &err)) finish_job(jobs, false, &err);
    free(jobs->A);
    free(jobs->B);
    return NULL;
}

/* Any other rank's side. */
static bool follow(const job_list *jobs, tt_error *err) {
    const size_t values = jobs->shape->samples * jobs->shape->width;
    float *A = tt_alloc(values, sizeof *A, err);
    float *B = A ? tt_alloc(values, sizeof *B, err) : NULL;
    tt_direction direction = {0};
    uint64_t job = no_job;
    bool ok = B;
    do {
        ok = ok && tt_ranks_send(jobs->ranks, &job, sizeof job, 0, err) &&
             (job == no_job || send_direction(jobs, &direction, err)) &&
             tt_ranks_receive(jobs->ranks, &job, sizeof job, 0, err);
        tt_direction_free(&direction);
        if (!ok || job == no_job) break;
        ok = tt_ranks_receive(jobs->ranks, A, values * sizeof *A, 0, err) &&
             tt_ranks_receive(jobs->ranks, B, values * sizeof *B, 0, err) && find(jobs, job, A, B, &direction, err);
    } while (ok);
    tt_direction_free(&direction);
    free(A);
    free(B);
    return ok;
}

/* ==== All of it ==== */

/* Runs `work` on `threads` threads, this one among them, and `serve` on one more where there are other ranks. A worker that
 * cannot be started is done without. */
static void run_jobs(job_list *jobs, int threads) {
    pthread_t server, *workers = tt_alloc((size_t)threads, sizeof *workers, NULL);
    const bool serving = jobs->ranks->count > 1 && !pthread_create(&server, NULL, serve, jobs);
    int started = 0;
    while (workers && started < threads - 1 && !pthread_create(&workers[started], NULL, work, jobs)) started++;
    work(jobs);
    for (int i = 0; i < started; i++) pthread_join(workers[i], NULL);
    if (serving)
        pthread_join(server, NULL);
    else if (jobs->ranks->count > 1)
        serve(jobs);
    free(workers);
}

static bool lead(job_list *jobs, int threads, size_t axis_count, tt_error *err) {
    for (size_t i = 0; i < axis_count; i++) {
        jobs->axes[i].blocks = tt_alloc(jobs->shape->blocks, sizeof *jobs->axes[i].blocks, err);
        if (!jobs->axes[i].blocks) return false;
        jobs->axes[i].block_count = jobs->shape->blocks;
    }
    const tt_train_observer *observer = &jobs->options->observer;
    if (observer->begin) observer->begin(observer->data, "solving", "blocks", jobs->total, 0);
    pthread_mutex_init(&jobs->mutex, NULL);
    run_jobs(jobs, threads);
    pthread_mutex_destroy(&jobs->mutex);
    if (observer->end) observer->end(observer->data);
    if (jobs->failed && err) *err = jobs->error;
    return !jobs->failed;
}

bool tt_solve_run(const tt_states *states, const tt_states_shape *shape, const tt_train_options *options,
                  const tt_ranks *ranks, int threads, size_t axis_count, tt_axis_directions *axes, tt_error *err) {
    job_list jobs = {.states = states, .shape = shape, .options = options, .ranks = ranks, .axes = axes};
    uint32_t last;
    if (!tt_solve_range(shape->blocks, options->skip_begin, options->skip_end, &jobs.first, &last, err)) return false;
    jobs.blocks = last - jobs.first;
    jobs.total = (uint64_t)jobs.blocks * axis_count;
    return ranks->rank == 0 ? lead(&jobs, threads, axis_count, err) : follow(&jobs, err);
}

void tt_axis_directions_free(tt_axis_directions *directions) {
    for (uint32_t i = 0; directions->blocks && i < directions->block_count; i++) tt_direction_free(&directions->blocks[i]);
    free(directions->blocks);
    *directions = (tt_axis_directions){0};
}
