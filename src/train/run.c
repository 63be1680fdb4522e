/* run.c: see run.h */
#include "train/run.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static bool check_options(const tt_run *run, tt_error *err) {
    const tt_train_options *options = run->options;
    uint32_t first, last;
    if (options->samples < 2)
        return tt_fail(err, TT_ERROR_INPUT,
                       "--samples %zu is too few: a direction needs at least 2, and 100 or more to be good",
                       options->samples);
    if (options->layer_offset != 0 && options->layer_offset != 1)
        return tt_fail(err, TT_ERROR_USAGE, "--layer-offset takes 0 or 1, not %d", options->layer_offset);
    return tt_solve_range(tt_model_facts_of(run->model)->blocks, options->skip_begin, options->skip_end, &first, &last, err);
}

static bool load_axes(tt_run *run, tt_error *err) {
    const tt_train_options *options = run->options;
    const size_t count = options->axis_count ? options->axis_count : tt_axis_builtin_count();
    run->axes = tt_alloc(count, sizeof *run->axes, err);
    if (!run->axes) return false;
    for (size_t i = 0; i < count; i++, run->axis_count++)
        if (!tt_axis_load(&run->axes[i], options->axis_count ? options->axes[i] : tt_axis_builtin_name(i), err))
            return false;
    return true;
}

bool tt_run_begin(tt_run *run, tt_error *err) {
    const tt_train_options *options = run->options;
    const tt_model_facts *facts = tt_model_facts_of(run->model);
    run->threads = tt_model_threads(run->model);
    run->ranks = options->ranks ? *options->ranks : (tt_ranks){.count = 1};
    if (!check_options(run, err) || !load_axes(run, err)) return false;
    run->plan = tt_plan_create(run->axes, run->axis_count, &options->plan, options->cancel, err);
    tt_chat_options layout = options->chat;
    layout.fixed_date = true; /* so that the run repeats */
    run->chat = run->plan ? tt_chat_open(run->model, &layout, err) : NULL;
    if (!run->chat) return false;
    const char *own = *facts->name ? facts->name : tt_path_name(facts->path);
    char *name = tt_safe_name(options->name ? options->name : own, err);
    const bool ok = name && tt_identity_of_run(&run->identity, run->model, name, run->chat, run->axes, run->axis_count,
                                               run->plan, options, err);
    free(name);
    if (!ok) return false;
    run->states_path = options->states ? tt_strdup(options->states, err)
                                       : tt_format(err, "%s/%s.states", options->output, run->identity.model_name);
    return run->states_path != NULL;
}

bool tt_run_check_memory(const tt_run *run, tt_error *err) {
    const tt_identity *identity = &run->identity;
    const uint64_t needed = tt_solve_memory(identity->samples, identity->width, &run->options->direction, run->threads);
    const uint64_t present = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    if (needed <= present) return true;
    char a[32], b[32];
    return tt_fail(err, TT_ERROR_INPUT,
                   "finding directions from %llu samples takes %s of memory, but this machine has %s; give fewer --samples "
                   "or a smaller -t",
                   (unsigned long long)identity->samples, tt_bytes_text((double)needed, a),
                   tt_bytes_text((double)present, b));
}

tt_gather tt_run_gather(const tt_run *run) {
    return (tt_gather){.model = run->model,
                       .chat = run->chat,
                       .plan = run->plan,
                       .axis_count = run->axis_count,
                       .prompts_per_system = run->options->plan.prompts_per_system,
                       .separate_system_message = run->options->separate_system_message,
                       .plain = run->options->plain,
                       .ranks = &run->ranks,
                       .cancel = run->options->cancel,
                       .observer = &run->options->observer};
}

void tt_run_note(const tt_run *run, const char *format, ...) {
    const tt_train_observer *observer = &run->options->observer;
    if (!observer->note || run->ranks.rank != 0) return;
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    tt_one_line(text); /* it names files */
    observer->note(observer->data, text);
}

void tt_run_end(tt_run *run) {
    tt_states_close(run->states);
    tt_identity_free(&run->identity);
    tt_chat_close(run->chat);
    tt_plan_free(run->plan);
    for (size_t i = 0; run->axes && i < run->axis_count; i++) tt_axis_free(&run->axes[i]);
    free(run->axes);
    free(run->states_path);
}
