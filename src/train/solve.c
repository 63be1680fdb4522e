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
    const uint64_t one = tt_direction_memory(samples, width, options) + 2 * samples * width * sizeof(float);
    return one * (uint64_t)threads;
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
    bool failed;
    tt_error error; /* of the first job that failed */
    pthread_mutex_t mutex;
} job_list;

static bool cancelled(const job_list *jobs) { return jobs->options->cancel && atomic_load(jobs->options->cancel); }

static uint32_t block_of(const job_list *jobs, uint64_t job) { return jobs->first + (uint32_t)(job % jobs->blocks); }

static tt_direction *direction_of(const job_list *jobs, uint64_t job) {
    return &jobs->axes[job / jobs->blocks].blocks[block_of(jobs, job)];
}

static int rank_of(const job_list *jobs, uint64_t job) { return (int)(job % (uint64_t)jobs->ranks->count); }

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
    while (jobs->next < jobs->total && rank_of(jobs, jobs->next) != 0) jobs->next++;
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

/* Solves rank 0's own jobs until there are none. */
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

/* Moves a direction from rank `from` to rank 0, its unit vector behind its figures. */
static bool move_direction(const job_list *jobs, tt_direction *direction, int from, tt_error *err) {
    static_assert(sizeof *direction % sizeof(float) == 0);
    float figures[sizeof *direction / sizeof(float)]; /* the struct's bytes: the ranks run one program */
    memcpy(figures, direction, sizeof *direction);
    if (!tt_ranks_move(jobs->ranks, figures, sizeof *direction / sizeof(float), from, 0, err)) return false;
    if (jobs->ranks->rank == 0) {
        memcpy(direction, figures, sizeof *direction);
        direction->unit = NULL;
    }
    if (!direction->found) return true;
    if (jobs->ranks->rank == 0 && !(direction->unit = tt_alloc(jobs->shape->width, sizeof *direction->unit, err)))
        return false;
    return tt_ranks_move(jobs->ranks, direction->unit, jobs->shape->width, from, 0, err);
}

/* Rank 0's side: hands a job to every other rank, then collects what they found, and so on. All of MPI's calls are this
 * thread's. */
static void *serve(void *data) {
    job_list *jobs = data;
    const size_t values = jobs->shape->samples * jobs->shape->width;
    tt_error err = {0};
    float *A = tt_alloc(values, sizeof *A, &err);
    float *B = tt_alloc(values, sizeof *B, &err);
    const uint64_t count = (uint64_t)jobs->ranks->count;
    bool ok = A && B;
    for (uint64_t round = 0; ok && round < jobs->total; round += count) {
        for (uint64_t job = round + 1; ok && job < round + count && job < jobs->total; job++)
            ok = read_job(jobs, job, A, B, &err) && tt_ranks_move(jobs->ranks, A, values, 0, rank_of(jobs, job), &err) &&
                 tt_ranks_move(jobs->ranks, B, values, 0, rank_of(jobs, job), &err);
        for (uint64_t job = round + 1; ok && job < round + count && job < jobs->total; job++) {
            ok = move_direction(jobs, direction_of(jobs, job), rank_of(jobs, job), &err);
            if (ok) finish_job(jobs, true, NULL);
        }
    }
    if (!ok) finish_job(jobs, false, &err);
    free(A);
    free(B);
    return NULL;
}

/* Any other rank's side. */
static bool follow(job_list *jobs, tt_error *err) {
    const size_t values = jobs->shape->samples * jobs->shape->width;
    float *A = tt_alloc(values, sizeof *A, err);
    float *B = tt_alloc(values, sizeof *B, err);
    bool ok = A && B;
    for (uint64_t job = (uint64_t)jobs->ranks->rank; ok && job < jobs->total; job += (uint64_t)jobs->ranks->count) {
        tt_direction direction = {0};
        ok = tt_ranks_move(jobs->ranks, A, values, 0, jobs->ranks->rank, err) &&
             tt_ranks_move(jobs->ranks, B, values, 0, jobs->ranks->rank, err) && find(jobs, job, A, B, &direction, err) &&
             move_direction(jobs, &direction, jobs->ranks->rank, err);
        tt_direction_free(&direction);
    }
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
