/* inner_model.c: see inner_model.h */
#include "cli/inner_model.h"
#include "base/progress.h"
#include "cli/shared_options.h"
#include "terminal/interrupt.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

tt_chat_options tt_chat_given(const tt_arguments *arguments) {
    return (tt_chat_options){.name = tt_argument_text(arguments, "--chat-template"),
                             .file = tt_argument_text(arguments, "--chat-template-file"),
                             .kwargs = tt_argument_text(arguments, "--chat-template-kwargs"),
                             .control_tokens = tt_argument_flag(arguments, "--control-tokens")};
}

/* False where no model is named. The texts are those of `arguments`. */
static bool read_model_options(const tt_arguments *arguments, tt_model_options *options, tt_error *err) {
    const int64_t layers = tt_argument_count(arguments, "-ngl");
    const int64_t batch = tt_argument_count(arguments, "-b"), ubatch = tt_argument_count(arguments, "-ub");
    *options = (tt_model_options){
        .path = tt_model_path(arguments, err),
        .gpu_layers = layers > INT_MAX ? INT_MAX : (int)layers,
        .tensor_split = tt_argument_text(arguments, "-ts"),
        .threads = tt_argument_given(arguments, "-t") ? (int)tt_argument_count(arguments, "-t") : 0,
        .ubatch = (int)(batch < ubatch ? batch : ubatch),
        .flash_attention_off = strcmp(tt_argument_text(arguments, "-fa"), "off") == 0,
    };
    return options->path != NULL;
}

static bool show_loading(float share, void *user_data) {
    tt_progress_set(user_data, (uint64_t)(100 * share));
    return !atomic_load(tt_interrupt_flag());
}

/* Loads the model into `engine`, and shows how far that is. */
static tt_model *load(tt_engine *engine, tt_model_options *options, bool quiet, tt_error *err) {
    tt_progress progress = {0};
    const bool shown = !quiet && isatty(STDERR_FILENO);
    tt_progress_begin(&progress, shown ? stderr : NULL, true, "loading the model", "%", 100, 0);
    options->progress = show_loading;
    options->progress_data = &progress;
    tt_model *model = tt_model_open(engine, options, err);
    tt_progress_end(&progress);
    if (!model && atomic_load(tt_interrupt_flag())) tt_fail(err, TT_ERROR_INTERRUPTED, "interrupted");
    return model;
}

tt_model *tt_model_open_given(const tt_arguments *arguments, bool quiet, tt_engine **engine, tt_error *err) {
    const tt_engine_options engine_options = {.verbose = tt_argument_flag(arguments, "--verbose"),
                                              .rpc_servers = tt_argument_text(arguments, "--rpc")};
    tt_model_options options;
    *engine = NULL;
    if (!read_model_options(arguments, &options, err)) return NULL;
    *engine = tt_engine_start(&engine_options, err);
    tt_model *model = *engine ? load(*engine, &options, quiet, err) : NULL;
    if (model) return model;
    tt_engine_stop(*engine);
    *engine = NULL;
    return NULL;
}
