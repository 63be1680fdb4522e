/* solve.c: see solve.h
 *
 * Blocks are independent, and at most widths a block is too small to keep several cores busy in one LAPACK call. So each
 * thread solves whole blocks, with single-threaded linear algebra. */
#include "train/solve.h"
#include "base/memory.h"
#include "train/work.h"

#include <math.h>
#include <stdlib.h>

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
    /* In double precision, so that an absurd number of samples does not wrap around to a small sum. */
    const double data = 2.0 * (double)samples * width * sizeof(float);
    const double all = ((double)tt_direction_memory(samples, width, options) + data) * threads;
    return all < 0x1p64 ? (uint64_t)all : UINT64_MAX;
}

/* Jobs are numbered axis by axis, block by block; a piece of work is one job. */
typedef struct job_list {
    const tt_states *states; /* rank 0's */
    const tt_states_shape *shape;
    const tt_train_options *options;
    tt_axis_directions *axes; /* rank 0's */
    uint32_t first, blocks;   /* solved blocks per axis, and the first of them */
    uint64_t next, total, done;
} job_list;

/* The memory of a job. */
typedef struct worker {
    float *A, *B;
    size_t values, width; /* of each; of a row */
    tt_direction direction;
} worker;

static uint32_t block_of(const job_list *jobs, uint64_t job) { return jobs->first + (uint32_t)(job % jobs->blocks); }

static tt_piece take_job(void *data) {
    job_list *jobs = data;
    return jobs->next < jobs->total ? (tt_piece){.first = jobs->next++, .count = 1} : (tt_piece){0};
}

static void close_worker(void *data) {
    worker *self = data;
    tt_direction_free(&self->direction);
    free(self->A);
    free(self->B);
    free(self);
}

static void *open_worker(const void *data, tt_error *err) {
    const job_list *jobs = data;
    worker *self = tt_alloc(1, sizeof *self, err);
    if (!self) return NULL;
    self->width = jobs->shape->width;
    self->values = jobs->shape->samples * self->width;
    self->A = tt_alloc(self->values, sizeof *self->A, err);
    self->B = self->A ? tt_alloc(self->values, sizeof *self->B, err) : NULL;
    if (self->B) return self;
    close_worker(self);
    return NULL;
}

/* Reads a job's A and B. */
static bool load_job(const void *data, void *own, const tt_piece *job, tt_error *err) {
    const job_list *jobs = data;
    const worker *self = own;
    const uint32_t row = 1 + 2 * (uint32_t)(job->first / jobs->blocks), block = block_of(jobs, job->first);
    return tt_states_differences(jobs->states, block, row, 0, jobs->shape->samples, self->A, err) &&
           tt_states_differences(jobs->states, block, row + 1, 0, jobs->shape->samples, self->B, err);
}

/* Linear algebra on one thread, so that a direction does not depend on the rank or thread that finds it. */
static bool compute_job(const void *data, void *own, const tt_piece *job, tt_error *err) {
    const job_list *jobs = data;
    worker *self = own;
    tt_direction_options options = jobs->options->direction;
    options.threads = 1;
    tt_direction_free(&self->direction);
    return tt_direction_find(self->A, self->B, jobs->shape->samples, self->width, &options, &self->direction, err) ||
           tt_fail_prefix(err, "block %u", block_of(jobs, job->first));
}

static bool keep_job(void *data, void *own, const tt_piece *job, tt_error *) {
    job_list *jobs = data;
    worker *self = own;
    const tt_train_observer *observer = &jobs->options->observer;
    jobs->axes[job->first / jobs->blocks].blocks[block_of(jobs, job->first)] = self->direction;
    self->direction = (tt_direction){0};
    jobs->done++;
    if (observer->advance) observer->advance(observer->data, jobs->done);
    return true;
}

static bool move_input(const tt_transfer *transfer, void *own, const tt_piece *, tt_error *err) {
    const worker *self = own;
    return tt_transfer_bytes(transfer, self->A, self->values * sizeof *self->A, err) &&
           tt_transfer_bytes(transfer, self->B, self->values * sizeof *self->B, err);
}

/* A direction is sent as its struct's bytes (all ranks run one program), followed by the unit vector. */
static bool move_result(const tt_transfer *transfer, void *own, const tt_piece *, tt_error *err) {
    worker *self = own;
    tt_direction *direction = &self->direction;
    if (!transfer->sends) tt_direction_free(direction);
    const bool ok = tt_transfer_bytes(transfer, direction, sizeof *direction, err);
    if (!transfer->sends) direction->unit = NULL; /* the pointer received is the other process' */
    if (!ok || !direction->found) return ok;
    if (!transfer->sends) direction->unit = tt_alloc(self->width, sizeof *direction->unit, err);
    return direction->unit && tt_transfer_bytes(transfer, direction->unit, self->width * sizeof *direction->unit, err);
}

static bool make_room(const job_list *jobs, size_t axis_count, tt_error *err) {
    for (size_t i = 0; i < axis_count; i++) {
        jobs->axes[i].blocks = tt_alloc(jobs->shape->blocks, sizeof *jobs->axes[i].blocks, err);
        if (!jobs->axes[i].blocks) return false;
        jobs->axes[i].block_count = jobs->shape->blocks;
    }
    return true;
}

bool tt_solve_run(const tt_states *states, const tt_states_shape *shape, const tt_train_options *options,
                  const tt_ranks *ranks, int threads, size_t axis_count, tt_axis_directions *axes, tt_error *err) {
    job_list jobs = {.states = states, .shape = shape, .options = options, .axes = axes};
    uint32_t last;
    if (!tt_solve_range(shape->blocks, options->skip_begin, options->skip_end, &jobs.first, &last, err)) return false;
    jobs.blocks = last - jobs.first;
    jobs.total = (uint64_t)jobs.blocks * axis_count;
    const tt_work work = {.ranks = ranks,
                          .threads = threads,
                          .cancel = options->cancel,
                          .data = &jobs,
                          .open = open_worker,
                          .close = close_worker,
                          .take = take_job,
                          .load = load_job,
                          .compute = compute_job,
                          .keep = keep_job,
                          .input = move_input,
                          .result = move_result};
    const bool leads = ranks->rank == 0;
    const tt_train_observer *observer = &options->observer;
    if (leads && !make_room(&jobs, axis_count, err)) return false;
    if (leads && observer->begin) observer->begin(observer->data, "solving", "blocks", jobs.total, 0);
    const bool ok = tt_work_run(&work, err);
    if (leads && observer->end) observer->end(observer->data);
    return ok;
}

void tt_axis_directions_free(tt_axis_directions *directions) {
    for (uint32_t i = 0; directions->blocks && i < directions->block_count; i++) tt_direction_free(&directions->blocks[i]);
    free(directions->blocks);
    *directions = (tt_axis_directions){0};
}
