/* train.c: see train.h */
#include "train/train.h"
#include "base/clock.h"
#include "base/cores.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "train/device_check.h"
#include "train/publish.h"
#include "train/run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ==== Before the work ==== */

/* Checks before hours of work, not after, that the folder exists and can be written. */
static bool check_output(const tt_train_options *options, tt_error *err) {
    if (!tt_make_folder(options->output, err)) return false;
    return tt_folder_try(options->output, err) || tt_fail_prefix(err, "the output folder takes no files");
}

static tt_states_shape shape_of(const tt_identity *identity) {
    return (tt_states_shape){.samples = identity->samples,
                             .rows = tt_gather_rows(identity->axis_count),
                             .blocks = identity->blocks,
                             .width = identity->width};
}

/* Reads the identity of a states file's run. Capturing and solving use the identity's shape, which must agree with the
 * one in the file's header. */
static bool read_identity(const tt_states *states, const char *path, tt_identity *identity, tt_error *err) {
    if (!tt_identity_read(identity, tt_states_identity(states), path, err)) return false;
    const tt_states_shape told = shape_of(identity), *shape = tt_states_shape_of(states);
    if (told.samples == shape->samples && told.rows == shape->rows && told.blocks == shape->blocks &&
        told.width == shape->width)
        return true;
    tt_identity_free(identity);
    return tt_fail(err, TT_ERROR_INPUT, "'%s' is damaged: it is not as large as the run that it tells of; capture again",
                   path);
}

/* Continues with an existing states file, or creates a new one. */
static bool open_states(tt_run *r, tt_error *err) {
    /* A file that exists but cannot be accessed is opened too, which gives the reason; it must not be overwritten. */
    if (!r->options->restart && (access(r->states_path, F_OK) == 0 || errno != ENOENT)) {
        r->states = tt_states_open(r->states_path, true, err);
        if (!r->states) return false;
        tt_identity stored;
        if (!read_identity(r->states, r->states_path, &stored, err)) return false;
        const bool same = tt_identity_match(&stored, &r->identity, r->states_path, err);
        tt_identity_free(&stored);
        if (same)
            tt_run_note(r, "going on with '%s': %llu of %llu samples are there", r->states_path,
                        (unsigned long long)tt_states_held(r->states), (unsigned long long)r->identity.samples);
        return same;
    }
    const tt_states_shape shape = shape_of(&r->identity);
    char *identity = tt_identity_write(&r->identity, err);
    if (identity) r->states = tt_states_create(r->states_path, &shape, identity, err);
    free(identity);
    return r->states != NULL;
}

/* ==== The work ==== */

/* The total that all ranks have captured, on rank 0. */
static bool add_up_counts(const tt_ranks *ranks, tt_capture_counts *counts, tt_error *err) {
    if (ranks->rank != 0) return tt_ranks_send(ranks, counts, sizeof *counts, 0, err);
    for (int from = 1; from < ranks->count; from++) {
        tt_capture_counts others;
        if (!tt_ranks_receive(ranks, &others, sizeof others, from, err)) return false;
        counts->prompts += others.prompts;
        counts->plain_tokens += others.plain_tokens;
        counts->computed_tokens += others.computed_tokens;
    }
    return true;
}

/* Captures what is missing; on ranks other than 0 `r->states` is NULL. */
static bool capture_samples(tt_run *r, tt_train_result *result, tt_error *err) {
    const tt_train_observer *observer = &r->options->observer;
    const tt_states_shape shape = shape_of(&r->identity);
    uint64_t held = r->states ? tt_states_held(r->states) : 0;
    if (!tt_ranks_share(&r->ranks, &held, err)) return false;
    if (held == shape.samples) return true;
    if (!tt_device_check(r, err)) return false;
    tt_capture *capture = tt_capture_open(r->model, &(tt_capture_options){.plain = r->options->plain}, err);
    if (!capture) return false;
    const double begin = tt_seconds();
    if (r->states && observer->begin) observer->begin(observer->data, "capturing", "samples", shape.samples, held);
    const tt_gather gather = tt_run_gather(r);
    bool ok = tt_gather_run(&gather, capture, &shape, r->states, err);
    if (r->states && observer->end) observer->end(observer->data);
    tt_capture_counts counts = tt_capture_counts_of(capture);
    ok = ok && add_up_counts(&r->ranks, &counts, err);
    result->prompts = counts.prompts;
    result->plain_tokens = counts.plain_tokens;
    result->computed_tokens = counts.computed_tokens;
    tt_capture_close(capture);
    result->capture_seconds = tt_seconds() - begin;
    if (!ok && r->states && tt_states_held(r->states))
        tt_run_note(r, "%llu of %llu samples are safe in '%s': the same command goes on from there",
                    (unsigned long long)tt_states_held(r->states), (unsigned long long)shape.samples, r->states_path);
    return ok;
}

static bool write_axes(tt_run *r, const tt_axis_directions *directions, tt_train_result *result, tt_error *err) {
    const double begin = tt_seconds();
    result->axes = tt_alloc(r->identity.axis_count, sizeof *result->axes, err);
    bool ok = result->axes != NULL;
    for (size_t i = 0; ok && i < r->identity.axis_count; i++) {
        result->axis_count++; /* a half-filled result is freed as well */
        ok = tt_publish_axis(&r->identity, i, &directions[i], r->options, &result->axes[i], err);
    }
    result->write_seconds = tt_seconds() - begin;
    return ok;
}

/* An axis without any direction fails the run, but only after the others' files are written. */
static bool check_found(const tt_train_result *result, tt_error *err) {
    for (size_t i = 0; i < result->axis_count; i++)
        if (result->axes[i].figure_count == 0)
            return tt_fail(err, TT_ERROR_INPUT,
                           "no block separates the classes of '%s'; give more --samples or a lower --tolerance, or write "
                           "clearer phrases "
                           "(the other axes are done)",
                           result->axes[i].axis);
    return true;
}

static bool find_directions(tt_run *r, tt_train_result *result, tt_error *err) {
    const double begin = tt_seconds();
    const size_t count = r->identity.axis_count;
    tt_axis_directions *directions = tt_alloc(count, sizeof *directions, err);
    const tt_states_shape shape = shape_of(&r->identity);
    bool ok = directions && tt_solve_run(r->states, &shape, r->options, &r->ranks, r->threads, count, directions, err);
    result->solve_seconds = tt_seconds() - begin;
    ok = ok && (r->ranks.rank != 0 || (write_axes(r, directions, result, err) && check_found(result, err)));
    for (size_t i = 0; directions && i < count; i++) tt_axis_directions_free(&directions[i]);
    free(directions);
    return ok;
}

bool tt_train(tt_model *model, const tt_train_options *options, tt_train_result *result, tt_error *err) {
    *result = (tt_train_result){0};
    tt_run r = {.options = options, .model = model};
    bool ok = tt_run_begin(&r, err) && tt_run_check_memory(&r, err) &&
              (r.ranks.rank != 0 || (check_output(options, err) && open_states(&r, err))) &&
              capture_samples(&r, result, err) && find_directions(&r, result, err);
    if (ok && r.states && !options->keep_states) unlink(r.states_path);
    tt_run_end(&r);
    if (!ok) tt_train_result_free(result);
    return ok;
}

/* Takes the first `wanted` samples of the states file, or all of the run's. */
static bool use_samples(tt_run *r, size_t wanted, const char *states_path, tt_error *err) {
    const uint64_t present = tt_states_committed(r->states);
    if (wanted > r->identity.samples)
        return tt_fail(err, TT_ERROR_INPUT, "'%s' is of a run with %llu samples: %zu cannot be taken from it", states_path,
                       (unsigned long long)r->identity.samples, wanted);
    if (wanted) r->identity.samples = wanted;
    if (present >= r->identity.samples) return true;
    return tt_fail(err, TT_ERROR_INPUT, "'%s' holds only %llu of its %llu samples: finish that run first", states_path,
                   (unsigned long long)present, (unsigned long long)r->identity.samples);
}

bool tt_train_from_states(const char *states_path, const tt_train_options *options, tt_train_result *result, tt_error *err) {
    *result = (tt_train_result){0};
    tt_run r = {.options = options, .threads = tt_cores_available(), .ranks = {.count = 1}};
    r.states = tt_states_open(states_path, false, err);
    bool ok = r.states && read_identity(r.states, states_path, &r.identity, err);
    ok = ok && use_samples(&r, options->samples, states_path, err) && tt_run_check_memory(&r, err) &&
         check_output(options, err) && find_directions(&r, result, err);
    tt_run_end(&r);
    if (!ok) tt_train_result_free(result);
    return ok;
}

void tt_train_result_free(tt_train_result *result) {
    for (size_t i = 0; result->axes && i < result->axis_count; i++) tt_axis_result_free(&result->axes[i]);
    free(result->axes);
    *result = (tt_train_result){0};
}
