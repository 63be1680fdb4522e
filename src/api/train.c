/* train.c: the public API's training: trimtab_train's options as train/ has them, and what came of it. See
 * include/trimtab.h. */
#include "train/train.h"
#include "api/handle.h"
#include "api/options.h"
#include "api/ranks.h"
#include "base/memory.h"
#include "train/forecast.h"

#include <stdlib.h>

static const char *nth(const char *const *names, size_t index) {
    for (size_t i = 0; names[i]; i++)
        if (i == index) return names[i];
    return NULL;
}

const char *trimtab_method_name(size_t index) { return nth(tt_method_names, index); }
const char *trimtab_solver_name(size_t index) { return nth(tt_solver_names, index); }

/* The header's numbers are train/'s. */
static_assert(TRIMTAB_SAMPLES == TT_TRAIN_SAMPLES && TRIMTAB_PROMPTS_PER_SYSTEM == TT_PLAN_PROMPTS_PER_SYSTEM);
static_assert(TRIMTAB_SKIP_END == TT_TRAIN_SKIP_END && TRIMTAB_LAYER_OFFSET == TT_TRAIN_LAYER_OFFSET);
static_assert(TRIMTAB_HOLD_OUT == TT_PLAN_HELD_OUT && TRIMTAB_TOLERANCE == TT_TRAIN_TOLERANCE);

trimtab_train_options trimtab_train_defaults(void) {
    const tt_train_options of = tt_train_defaults();
    return (trimtab_train_options){
        .size = sizeof(trimtab_train_options),
        .samples = of.samples,
        .prompts_per_system = of.plan.prompts_per_system,
        .hold_out = of.plan.held_out,
        .tolerance = of.direction.tolerance,
        .skip_begin = of.skip_begin.amount,
        .skip_end = of.skip_end.amount,
        .layer_offset = of.layer_offset,
    };
}

/* ==== What the caller hears ==== */

typedef struct listener {
    const trimtab_train_options *options;
    tt_api_listener stage;
    atomic_bool own; /* where no handle has such a flag */
} listener;

/* Stages begin and end in the calling thread; `done` may come from another, under a lock of the stage's. */
static void begin_stage(void *data, const char *stage, const char *unit, uint64_t total, uint64_t done) {
    listener *l = data;
    l->stage.stage = stage;
    l->stage.unit = unit;
    l->stage.total = total;
    tt_api_tell(&l->stage, done);
}

static void advance(void *data, uint64_t done) { tt_api_tell(&((listener *)data)->stage, done); }

static void pass_note(void *data, const char *sentence) {
    listener *l = data;
    const trimtab_train_options *options = l->options;
    if (options->on_note && options->on_note(sentence, options->user_data)) atomic_store(l->stage.cancel, true);
}

/* ==== Options ==== */

static bool check_skip(const char *name, double amount, tt_error *err) {
    return amount >= 0 || tt_fail(err, TT_ERROR_USAGE, "%s takes a number or a share of blocks, not %g", name, amount);
}

static bool check_options(const char *folder, const trimtab_train_options *options, tt_error *err) {
    if (!folder || !*folder) return tt_fail(err, TT_ERROR_USAGE, "trimtab_train needs a folder for the vectors");
    if (options->axis_count && !options->axes)
        return tt_fail(err, TT_ERROR_USAGE, "axis_count is %zu, but axes is NULL", options->axis_count);
    for (size_t i = 0; i < options->axis_count; i++)
        if (!options->axes[i]) return tt_fail(err, TT_ERROR_USAGE, "axes[%zu] is NULL", i);
    if (!options->prompts_per_system)
        return tt_fail(err, TT_ERROR_USAGE, "prompts_per_system takes a number from 1 up, not 0");
    if (!(options->tolerance >= 0))
        return tt_fail(err, TT_ERROR_USAGE, "tolerance takes a number from 0 up, not %g", options->tolerance);
    if (!(options->hold_out >= 0 && options->hold_out < 1))
        return tt_fail(err, TT_ERROR_USAGE, "hold_out takes a share from 0 to below 1, not %g", options->hold_out);
    if (options->layer_offset != 0 && options->layer_offset != 1)
        return tt_fail(err, TT_ERROR_USAGE, "layer_offset is 0 or 1, not %d", options->layer_offset);
    return check_skip("skip_begin", options->skip_begin, err) && check_skip("skip_end", options->skip_end, err);
}

static tt_block_skip skip_of(double amount) {
    return (tt_block_skip){.amount = amount, .is_share = amount > 0 && amount < 1};
}

/* What train/ is asked for; `t` may be NULL. */
static tt_train_options run_of(const trimtab *t, const char *folder, const trimtab_train_options *options, listener *l) {
    return (tt_train_options){
        .output = folder,
        .axes = options->axes,
        .axis_count = options->axis_count,
        .samples = options->samples,
        .plan = {.seed = options->seed,
                 .prompts_per_system = options->prompts_per_system,
                 .held_out = options->hold_out,
                 .stems_file = options->stems_file,
                 .prompts_file = options->prompts_file},
        .name = options->name,
        .chat = t ? t->layout : (tt_chat_options){0},
        .separate_system_message = options->separate_system_message != 0,
        .plain = options->plain != 0,
        .direction = {.tolerance = options->tolerance},
        .skip_begin = skip_of(options->skip_begin),
        .skip_end = skip_of(options->skip_end),
        .layer_offset = options->layer_offset,
        .states = options->states_file,
        .keep_states = options->keep_states != 0,
        .restart = options->restart != 0,
        .ranks = options->ranks ? &options->ranks->ranks : NULL,
        .cancel = l->stage.cancel,
        .observer = {.begin = begin_stage, .advance = advance, .note = pass_note, .data = l},
    };
}

/* All that is wrong with the options is found here. `options` begins with the defaults. */
static bool prepare(trimtab *t, const char *folder, const trimtab_train_options *given, trimtab_train_options *options,
                    listener *l, tt_train_options *run, tt_error *err) {
    if (!tt_api_options(options, sizeof *options, given, "trimtab_train_options", err) ||
        !check_options(folder, options, err))
        return false;
    l->options = options;
    l->stage = (tt_api_listener){
        .progress = options->progress, .user_data = options->user_data, .cancel = t ? &t->cancel : &l->own};
    *run = run_of(t, folder, options, l);
    return (!options->method || tt_method_parse(options->method, &run->direction.method, err)) &&
           (!options->solver || tt_solver_parse(options->solver, &run->direction.solver, err));
}

/* ==== What came of it ==== */

typedef struct kept_training {
    trimtab_training shown; /* first: it is what the caller has */
    tt_train_result result;
    trimtab_trained_axis *axes;
} kept_training;

static trimtab_trained_axis axis_of(const tt_axis_result *axis) {
    static_assert(sizeof(trimtab_block_figures) == sizeof(tt_block_figures));
    return (trimtab_trained_axis){
        .name = axis->axis,
        .classes = {axis->classes[0], axis->classes[1]},
        .figures = (const trimtab_block_figures *)axis->figures,
        .figure_count = axis->figure_count,
        .eigenpairs = axis->eigenpairs,
        .files = {axis->paths[0], axis->paths[1], axis->paths[2]},
        .report = axis->report,
    };
}

static void show(kept_training *kept) {
    const tt_train_result *result = &kept->result;
    for (size_t i = 0; i < result->axis_count; i++) kept->axes[i] = axis_of(&result->axes[i]);
    kept->shown = (trimtab_training){
        .axes = kept->axes,
        .axis_count = result->axis_count,
        .prompts = result->prompts,
        .plain_tokens = result->plain_tokens,
        .computed_tokens = result->computed_tokens,
        .capture_seconds = result->capture_seconds,
        .solve_seconds = result->solve_seconds,
        .write_seconds = result->write_seconds,
    };
}

void trimtab_training_free(trimtab_training *training) {
    if (!training) return;
    kept_training *kept = (kept_training *)training;
    tt_train_result_free(&kept->result);
    free(kept->axes);
    free(kept);
}

/* Ends a training: hands out what came of it, or frees it. */
static bool finish(kept_training *kept, bool ok, trimtab_training **training, tt_error *err) {
    ok = ok && (kept->axes = tt_alloc(kept->result.axis_count, sizeof *kept->axes, err));
    if (ok) show(kept);
    if (ok && training)
        *training = &kept->shown;
    else
        trimtab_training_free(kept ? &kept->shown : NULL);
    return ok;
}

/* ==== The calls ==== */

static bool train(trimtab *t, const char *folder, const trimtab_train_options *given, tt_train_result *result,
                  tt_error *err) {
    trimtab_train_options options = trimtab_train_defaults();
    listener l = {0};
    tt_train_options run;
    return tt_api_begin(t, "trimtab_train", err) && prepare(t, folder, given, &options, &l, &run, err) &&
           tt_train(t->model, &run, result, err);
}

trimtab_status trimtab_train(trimtab *t, const char *folder, const trimtab_train_options *options,
                             trimtab_training **training, trimtab_error *error) {
    tt_error err = {0};
    if (training) *training = NULL;
    kept_training *kept = tt_alloc(1, sizeof *kept, &err);
    const bool ok = kept && train(t, folder, options, &kept->result, &err);
    return tt_api_status(finish(kept, ok, training, &err), &err, error);
}

static bool train_from(const char *states, const char *folder, const trimtab_train_options *given, tt_train_result *result,
                       tt_error *err) {
    trimtab_train_options options = trimtab_train_defaults();
    listener l = {0};
    tt_train_options run;
    if (!states) return tt_fail(err, TT_ERROR_USAGE, "trimtab_train_from_states needs a file of hidden states");
    return prepare(NULL, folder, given, &options, &l, &run, err) && tt_train_from_states(states, &run, result, err);
}

trimtab_status trimtab_train_from_states(const char *states_file, const char *folder, const trimtab_train_options *options,
                                         trimtab_training **training, trimtab_error *error) {
    tt_error err = {0};
    if (training) *training = NULL;
    kept_training *kept = tt_alloc(1, sizeof *kept, &err);
    const bool ok = kept && train_from(states_file, folder, options, &kept->result, &err);
    return tt_api_status(finish(kept, ok, training, &err), &err, error);
}

static bool forecast(trimtab *t, const char *folder, const trimtab_train_options *given, double speed, tt_forecast *f,
                     tt_error *err) {
    trimtab_train_options options = trimtab_train_defaults();
    listener l = {0};
    tt_train_options run;
    return tt_api_begin(t, "trimtab_train_forecast", err) && prepare(t, folder, given, &options, &l, &run, err) &&
           tt_train_forecast(t->model, &run, speed, f, err);
}

trimtab_status trimtab_train_forecast(trimtab *t, const char *folder, const trimtab_train_options *options,
                                      double tokens_per_second, trimtab_forecast *result, trimtab_error *error) {
    tt_error err = {0};
    tt_forecast f = {0};
    const bool ok = forecast(t, folder, options, tokens_per_second, &f, &err);
    if (ok && result)
        *result = (trimtab_forecast){
            .axes = f.axes,
            .samples = f.samples,
            .prompts = f.prompts,
            .plain_prompts = f.plain_prompts,
            .plain_tokens = f.plain_tokens,
            .computed_tokens = f.computed_tokens,
            .states_bytes = f.states_bytes,
            .vector_bytes = f.vector_bytes,
            .memory_bytes = f.memory_bytes,
            .tokens_per_second = f.tokens_per_second,
            .measured = f.measured,
            .capture_seconds = f.capture_seconds,
            .solve_seconds = f.solve_seconds,
        };
    return tt_api_status(ok, &err, error);
}
