/* evaluate.c: the public API's evaluations: trimtab_evaluate's options as evaluate/ has them. See include/trimtab.h. */
#include "evaluate/evaluate.h"
#include "api/handle.h"
#include "api/options.h"
#include "base/file.h"
#include "base/memory.h"
#include "evaluate/evaluation_json.h"
#include "evaluate/load.h"
#include "publish/report.h"

#include <stdlib.h>

trimtab_evaluate_options trimtab_evaluate_defaults(void) {
    const tt_evaluate_options of = tt_evaluate_defaults();
    return (trimtab_evaluate_options){.size = sizeof(trimtab_evaluate_options),
                                      .samples = of.samples,
                                      .text_tokens = of.text_tokens,
                                      .coherence_limit = of.coherence_limit,
                                      .relevance_limit = of.relevance_limit,
                                      .hold_out = of.plan.held_out};
}

static bool check_options(const char *folder, const trimtab_evaluate_options *options, tt_error *err) {
    if (!folder || !*folder) return tt_fail(err, TT_ERROR_USAGE, "trimtab_evaluate needs the folder that holds the vectors");
    if (options->axis_count && !options->axes)
        return tt_fail(err, TT_ERROR_USAGE, "axis_count is %zu, but axes is NULL", options->axis_count);
    if (options->value_count && !options->values)
        return tt_fail(err, TT_ERROR_USAGE, "value_count is %zu, but values is NULL", options->value_count);
    return (options->hold_out >= 0 && options->hold_out < 1) ||
           tt_fail(err, TT_ERROR_USAGE, "hold_out takes a share from 0 to below 1, not %g", options->hold_out);
}

static void pass_progress(void *data, const char *what, const char *unit, uint64_t done, uint64_t total) {
    tt_api_listener *listener = data;
    listener->stage = what;
    listener->unit = unit;
    listener->total = total;
    tt_api_tell(listener, done);
}

static tt_evaluate_options run_of(trimtab *t, const trimtab_evaluate_options *options, tt_api_listener *listener) {
    tt_evaluate_options run = tt_evaluate_defaults();
    run.samples = options->samples;
    run.text_tokens = options->text_tokens;
    run.quick = options->quick != 0;
    run.coherence_limit = options->coherence_limit;
    run.relevance_limit = options->relevance_limit;
    run.values = options->values;
    run.value_count = options->value_count;
    run.other_axes = !options->no_other_axes;
    run.seed = run.plan.seed = options->seed;
    run.plan.held_out = options->hold_out;
    run.plan.stems_file = options->stems_file;
    run.plan.prompts_file = options->prompts_file;
    run.separate_system_message = options->separate_system_message != 0;
    run.cancel = &t->cancel;
    run.progress = pass_progress;
    run.progress_data = listener;
    return run;
}

/* ==== What came of it ==== */

typedef struct kept_evaluation {
    trimtab_evaluation shown; /* first: it is what the caller has */
    tt_evaluation evaluation;
    trimtab_evaluated_axis *axes;
    char *json, *page, *gallery;
} kept_evaluation;

static bool show(kept_evaluation *kept, tt_error *err) {
    const tt_evaluation *evaluation = &kept->evaluation;
    yyjson_mut_doc *doc = tt_evaluation_json(evaluation, err);
    kept->json = doc ? tt_json_text(doc, YYJSON_WRITE_PRETTY_TWO_SPACES, NULL, err) : NULL;
    yyjson_mut_doc_free(doc);
    kept->page = kept->json ? tt_evaluation_html(evaluation, err) : NULL;
    kept->gallery = kept->page ? tt_gallery_html(evaluation, err) : NULL;
    kept->axes = kept->gallery ? tt_alloc(evaluation->axis_count, sizeof *kept->axes, err) : NULL;
    for (size_t i = 0; kept->axes && i < evaluation->axis_count; i++) {
        const tt_axis_evaluation *axis = &evaluation->axes[i];
        kept->axes[i] = (trimtab_evaluated_axis){
            axis->name, {axis->classes[0], axis->classes[1]}, {axis->recommended[0], axis->recommended[1]}};
    }
    kept->shown = (trimtab_evaluation){kept->axes, evaluation->axis_count, kept->json, kept->page, kept->gallery};
    return kept->axes != NULL;
}

void trimtab_evaluation_free(trimtab_evaluation *evaluation) {
    if (!evaluation) return;
    kept_evaluation *kept = (kept_evaluation *)evaluation;
    tt_evaluation_free(&kept->evaluation);
    free(kept->axes);
    free(kept->json);
    free(kept->page);
    free(kept->gallery);
    free(kept);
}

/* ==== The call ==== */

/* The date is fixed, so that metrics repeat. */
static tt_chat *open_chat(const trimtab *t, tt_error *err) {
    tt_chat_options layout = t->layout;
    layout.fixed_date = true;
    return tt_chat_open(t->model, &layout, err);
}

static bool run(trimtab *t, const char *folder, const trimtab_evaluate_options *options, kept_evaluation *kept,
                tt_error *err) {
    tt_api_listener listener = {.progress = options->progress, .user_data = options->user_data, .cancel = &t->cancel};
    const tt_evaluate_options run = run_of(t, options, &listener);
    tt_loaded vectors = {0};
    tt_chat *chat = NULL;
    const bool ok = (!options->save || tt_folder_try(folder, err)) &&
                    tt_load_vectors(&vectors, folder, options->axes, options->axis_count, t->model, err) &&
                    (chat = open_chat(t, err)) &&
                    tt_evaluate(t->model, chat, vectors.refer, vectors.count, &run, &kept->evaluation, err) &&
                    (!options->save || tt_save_evaluation(&vectors, &kept->evaluation, err)) && show(kept, err);
    tt_loaded_free(&vectors);
    tt_chat_close(chat);
    return ok;
}

trimtab_status trimtab_evaluate(trimtab *t, const char *folder, const trimtab_evaluate_options *given,
                                trimtab_evaluation **evaluation, trimtab_error *error) {
    tt_error err = {0};
    trimtab_evaluate_options options = trimtab_evaluate_defaults();
    kept_evaluation *kept = tt_alloc(1, sizeof *kept, &err);
    const bool ok = kept && tt_api_begin(t, "trimtab_evaluate", &err) &&
                    tt_api_options(&options, sizeof options, given, "trimtab_evaluate_options", &err) &&
                    check_options(folder, &options, &err) && run(t, folder, &options, kept, &err);
    if (evaluation) *evaluation = ok ? &kept->shown : NULL;
    if (kept && (!ok || !evaluation)) trimtab_evaluation_free(&kept->shown);
    return tt_api_status(ok, &err, error);
}
