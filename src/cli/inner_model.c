/* inner_model.c: see inner_model.h */
#include "cli/inner_model.h"
#include "base/progress.h"
#include "cli/shared_options.h"
#include "terminal/interrupt.h"

#include <unistd.h>

tt_chat_options tt_chat_given(const tt_arguments *arguments) {
    const trimtab_options given = tt_options_given(arguments);
    return (tt_chat_options){.name = given.chat_template,
                             .file = given.chat_template_file,
                             .kwargs = given.chat_template_kwargs,
                             .control_tokens = given.control_tokens};
}

/* False where no model is named. The texts are those of `arguments`. */
static bool read_model_options(const tt_arguments *arguments, tt_model_options *options, tt_error *err) {
    const trimtab_options given = tt_options_given(arguments);
    *options = (tt_model_options){
        .path = tt_model_path(arguments, err),
        .gpu_layers = given.gpu_layers,
        .tensor_split = given.tensor_split,
        .threads = given.threads,
        .ubatch = given.micro_batch,
        .flash_attention_off = given.no_flash_attention,
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
