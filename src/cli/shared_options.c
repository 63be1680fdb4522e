/* shared_options.c: see shared_options.h */
#include "cli/shared_options.h"
#include "base/progress.h"
#include "prompts/axis.h"
#include "terminal/interrupt.h"

#include <limits.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

static const char *const gpu_layer_words[] = {"all", NULL}; /* counts as -1 */

static const char *const when_words[] = {"auto", "on", "off", NULL};

static const tt_option model_options[] = {
    {"-m, --model", .kind = TT_OPTION_FILE, .argument = "FILE", .environment = "TRIMTAB_MODEL",
     .help = "the model, a GGUF file (the first one where it is split)"},
    {"-ngl, --gpu-layers, --n-gpu-layers", .kind = TT_OPTION_COUNT, .argument = "N", .preset = "all",
     .choices = gpu_layer_words, .least = -1, .most = INFINITY,
     .help = "how many of the model's blocks go to the GPU, where there is one: a number or 'all'"},
    {"-ts, --tensor-split", .kind = TT_OPTION_NUMBERS, .argument = "N,...", .least = 0, .most = INFINITY,
     .preset_text = "by free memory", .help = "which share of the model each GPU takes, such as 3,1"},
    {"-fa, --flash-attn", .kind = TT_OPTION_CHOICE, .argument = "WHEN", .preset = "auto", .choices = when_words,
     .help = "flash attention, which is faster; where the model allows it"},
    {"-t, --threads", .kind = TT_OPTION_COUNT, .argument = "N", .least = 1, .most = 4096, .preset_text = "one for each core",
     .help = "threads to compute with"},
    {"-b, --batch-size", .kind = TT_OPTION_COUNT, .argument = "N", .preset = "2048", .least = 1, .most = 1 << 24,
     .help = "most tokens of one call of the model, and so the most that -ub can be"},
    {"-ub, --ubatch-size", .kind = TT_OPTION_COUNT, .argument = "N", .preset = "512", .least = 1, .most = 1 << 24,
     .help = "most tokens that are computed at once"},
    {"--chat-template", .kind = TT_OPTION_TEXT, .argument = "NAME", .preset_text = "the model's own",
     .help = "the chat template to use, by the name that llama.cpp has for it; 'none' for text without any"},
    {"--chat-template-file", .kind = TT_OPTION_FILE, .argument = "FILE", .preset_text = "the model's own",
     .help = "a file with the chat template to use (Jinja)"},
    {"--chat-template-kwargs", .kind = TT_OPTION_TEXT, .argument = "JSON",
     .help = "what the chat template is told besides, such as {\"enable_thinking\": false}"},
    {"--control-tokens", .help =
                             "let what is said count as control tokens where it reads like them, such as <|im_end|>; else "
                             "it is text, and only the chat template's own count"},
    {"--rpc", .kind = TT_OPTION_TEXT, .argument = "HOST:PORT,...",
     .help = "machines that run ggml-rpc-server, to share a model that is too big for one"},
    {"-v, --verbose", .help = "also show what llama.cpp says"},
};

static const tt_option context_options[] = {
    {"-c, --ctx-size", .kind = TT_OPTION_COUNT, .argument = "N", .preset = "0", .least = 0, .most = 1 << 30,
     .preset_text = "what is needed, at most what the model was made for", .help = "tokens that fit the context"},
};

static const tt_option layout_options[] = {
    {"--separate-system-message", .help = "put the stem and its continuation into a system message of their own, not before "
                                          "the user's text"},
};

const tt_option_group tt_context_group = {"Model", context_options, sizeof context_options / sizeof *context_options};
const tt_option_group tt_layout_group = {"Model", layout_options, sizeof layout_options / sizeof *layout_options};
const tt_option_group tt_model_group = {"Model", model_options, sizeof model_options / sizeof *model_options};

const char *tt_suggest_axis(size_t index) { return index < tt_axis_builtin_count() ? tt_axis_builtin_name(index) : NULL; }

tt_chat_options tt_chat_given(const tt_arguments *arguments) {
    return (tt_chat_options){.name = tt_argument_text(arguments, "--chat-template"),
                             .file = tt_argument_text(arguments, "--chat-template-file"),
                             .kwargs = tt_argument_text(arguments, "--chat-template-kwargs"),
                             .control_tokens = tt_argument_flag(arguments, "--control-tokens")};
}

const char *tt_model_path(const tt_arguments *arguments, tt_error *err) {
    const char *path = tt_argument_text(arguments, "--model");
    if (!path) tt_fail(err, TT_ERROR_USAGE, "no model: name one with -m FILE, or set TRIMTAB_MODEL");
    return path;
}

/* ==== Opening the model ==== */

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
