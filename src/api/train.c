/* train.c: the public API's training: trimtab_train's options as train/ has them. See include/trimtab.h. */
#include "train/train.h"
#include "api/handle.h"
#include "prompts/axis.h"

const char *trimtab_axis_name(size_t index) { return index < tt_axis_builtin_count() ? tt_axis_builtin_name(index) : NULL; }

trimtab_train_options trimtab_train_defaults(void) {
    const tt_train_options of = tt_train_defaults();
    return (trimtab_train_options){.samples = of.samples, .tolerance = of.direction.tolerance, .hold_out = of.plan.held_out};
}

/* ==== What the caller hears ==== */

typedef struct listener {
    trimtab *t;
    const trimtab_train_options *options;
    const char *stage;
    uint64_t total;
} listener;

/* Stages begin and end in the calling thread; `done` may come from another, under a lock of the stage's. */
static void tell(listener *l, uint64_t done) {
    const trimtab_train_options *options = l->options;
    if (options->progress(options->user_data, l->stage, (unsigned long)done, (unsigned long)l->total)) trimtab_cancel(l->t);
}

static void begin_stage(void *data, const char *stage, const char *, uint64_t total, uint64_t done) {
    listener *l = data;
    l->stage = stage;
    l->total = total;
    tell(l, done);
}

static void advance(void *data, uint64_t done) { tell(data, done); }

static void pass_note(void *data, const char *sentence) {
    const listener *l = data;
    l->options->note(l->options->user_data, sentence);
}

static tt_train_observer observer_of(listener *l) {
    return (tt_train_observer){
        .begin = l->options->progress ? begin_stage : NULL,
        .advance = l->options->progress ? advance : NULL,
        .note = l->options->note ? pass_note : NULL,
        .data = l,
    };
}

/* ==== The run ==== */

static bool check_options(const char *folder, const trimtab_train_options *options, tt_error *err) {
    if (!folder || !*folder) return tt_fail(err, TT_ERROR_USAGE, "trimtab_train needs a folder for the vectors");
    if (options->axis_count && !options->axes)
        return tt_fail(err, TT_ERROR_USAGE, "axis_count is %zu, but axes is NULL", options->axis_count);
    for (size_t i = 0; i < options->axis_count; i++)
        if (!options->axes[i]) return tt_fail(err, TT_ERROR_USAGE, "axes[%zu] is NULL", i);
    if (!(options->tolerance >= 0))
        return tt_fail(err, TT_ERROR_USAGE, "tolerance takes a number from 0 up, not %g", options->tolerance);
    if (!(options->hold_out >= 0 && options->hold_out < 1))
        return tt_fail(err, TT_ERROR_USAGE, "hold_out takes a share from 0 to below 1, not %g", options->hold_out);
    return true;
}

static bool train(trimtab *t, const char *folder, const trimtab_train_options *options, tt_error *err) {
    tt_method method = TT_METHOD_CROSS_COVARIANCE;
    if (!tt_api_begin(t, "trimtab_train", err) || !check_options(folder, options, err)) return false;
    if (options->method && !tt_method_parse(options->method, &method, err)) return false;
    listener l = {.t = t, .options = options};
    tt_train_options run = tt_train_defaults();
    run.output = folder;
    run.axes = options->axes;
    run.axis_count = options->axis_count;
    run.samples = options->samples;
    run.plan.seed = options->seed;
    run.plan.held_out = options->hold_out;
    run.plan.stems_file = options->stems_file;
    run.plan.prompts_file = options->prompts_file;
    run.name = options->name;
    run.chat.name = t->chat_template;
    run.direction.method = method;
    run.direction.tolerance = options->tolerance;
    run.keep_states = options->keep_states != 0;
    run.restart = options->restart != 0;
    run.cancel = &t->cancel;
    run.observer = observer_of(&l);
    tt_train_result result;
    if (!tt_train(t->model, &run, &result, err)) return false;
    tt_train_result_free(&result);
    return true;
}

trimtab_status trimtab_train(trimtab *t, const char *folder, const trimtab_train_options *options, trimtab_error *error) {
    const trimtab_train_options defaults = trimtab_train_defaults();
    tt_error err = {0};
    return tt_api_status(train(t, folder, options ? options : &defaults, &err), &err, error);
}
