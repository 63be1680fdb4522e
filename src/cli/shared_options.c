/* shared_options.c: see shared_options.h */
#include "cli/shared_options.h"
#include "base/progress.h"
#include "terminal/interrupt.h"

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

const char *tt_suggest_axis(size_t index) { return trimtab_axis_name(index); }

const char *tt_model_path(const tt_arguments *arguments, tt_error *err) {
    const char *path = tt_argument_text(arguments, "--model");
    if (!path) tt_fail(err, TT_ERROR_USAGE, "no model: name one with -m FILE, or set TRIMTAB_MODEL");
    return path;
}

/* ==== Opening the model ==== */

trimtab_options tt_options_given(const tt_arguments *arguments) {
    trimtab_options options = trimtab_defaults();
    const int64_t layers = tt_argument_count(arguments, "-ngl");
    const int64_t batch = tt_argument_count(arguments, "-b"), ubatch = tt_argument_count(arguments, "-ub");
    options.gpu_layers = layers > INT32_MAX ? INT32_MAX : (int32_t)layers;
    options.tensor_split = tt_argument_text(arguments, "-ts");
    options.threads = tt_argument_given(arguments, "-t") ? (int32_t)tt_argument_count(arguments, "-t") : 0;
    options.micro_batch = (int32_t)(batch < ubatch ? batch : ubatch);
    options.no_flash_attention = strcmp(tt_argument_text(arguments, "-fa"), "off") == 0;
    options.chat_template = tt_argument_text(arguments, "--chat-template");
    options.chat_template_file = tt_argument_text(arguments, "--chat-template-file");
    options.chat_template_kwargs = tt_argument_text(arguments, "--chat-template-kwargs");
    options.control_tokens = tt_argument_flag(arguments, "--control-tokens");
    options.rpc_servers = tt_argument_text(arguments, "--rpc");
    options.verbose = tt_argument_flag(arguments, "--verbose");
    return options;
}

static int show_loading(const trimtab_progress *loading, void *user_data) {
    tt_progress_set(user_data, loading->done);
    return atomic_load(tt_interrupt_flag());
}

static void cancel(void *data) { trimtab_cancel(data); }

trimtab *tt_open_given(const tt_arguments *arguments, trimtab_options options, bool quiet, tt_error *err) {
    const char *path = tt_model_path(arguments, err);
    if (!path) return NULL;
    trimtab_error error;
    tt_progress progress = {0};
    const bool shown = !quiet && isatty(STDERR_FILENO);
    tt_progress_begin(&progress, shown ? stderr : NULL, true, "loading the model", "%", 100, 0);
    options.progress = show_loading;
    options.user_data = &progress;
    trimtab *t = trimtab_open(path, &options, &error);
    tt_progress_end(&progress);
    if (tt_went_well(&error, err)) tt_interrupt_tell(cancel, t);
    return t;
}

void tt_close_given(trimtab *t) {
    tt_interrupt_tell(NULL, NULL);
    trimtab_close(t);
}
