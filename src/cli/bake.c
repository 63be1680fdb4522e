/* bake.c: `trimtab bake`, a copy of a model that is steered by a mix wherever it is loaded. */
#include "base/progress.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/mix_options.h"
#include "cli/shared_options.h"
#include "terminal/console.h"
#include "terminal/interrupt.h"

#include <stdio.h>
#include <unistd.h>

static const tt_option options[] = {
    {"-m, --model", .kind = TT_OPTION_FILE, .argument = "FILE", .environment = "TRIMTAB_MODEL",
     .help = "the model, a GGUF file (the first one where it is split); it stays as it is"},
    {"-o, --output", .kind = TT_OPTION_FILE, .argument = "FILE", .required = true,
     .help = "the model to write; of a split model the parts are named after it"},
    {"-q, --quiet", .help = "do not show how far it is"},
};
static const tt_option_group group = {"Options", options, sizeof options / sizeof *options};

static int show_progress(const trimtab_progress *at, void *user_data) {
    tt_progress_set(user_data, at->total ? 100 * at->done / at->total : 100);
    return atomic_load(tt_interrupt_flag());
}

static void print_baked(const trimtab_mix *mix, const trimtab_baked *baked) {
    char size[32];
    tt_console_print(stdout, baked->files[0]);
    printf(": %s, in %zu layers; %s", tt_mix_name(mix), baked->biases, tt_bytes_text((double)baked->bytes, size));
    if (baked->file_count > 1) printf(" in %zu files", baked->file_count);
    putchar('\n');
}

static bool bake(const tt_arguments *arguments, const trimtab_mix *mix, tt_error *err) {
    tt_progress progress = {0};
    const bool show = isatty(STDERR_FILENO) && !tt_argument_flag(arguments, "--quiet");
    tt_mix_warn(mix);
    tt_progress_begin(&progress, show ? stderr : NULL, true, "writing the model", "%", 100, 0);
    trimtab_bake_options bake_options = trimtab_bake_defaults();
    bake_options.progress = show_progress;
    bake_options.user_data = &progress;
    trimtab_baked *baked;
    trimtab_error error;
    trimtab_bake(mix, tt_argument_text(arguments, "--output"), &bake_options, &baked, &error);
    tt_progress_end(&progress);
    if (!tt_went_well(&error, err)) return false;
    print_baked(mix, baked);
    trimtab_baked_free(baked);
    return true;
}

static bool run(const tt_arguments *arguments, tt_error *err) {
    if (!tt_model_path(arguments, err)) return false;
    if (!tt_mix_asked(arguments))
        return tt_fail(err, TT_ERROR_USAGE, "nothing to bake: name an axis, such as --axis language=0.5");
    trimtab_mix *mix = tt_mix_open_given(arguments, NULL, false, err);
    const bool ok = mix && bake(arguments, mix, err);
    trimtab_mix_free(mix);
    return ok;
}

const tt_command tt_command_bake = {
    .name = "bake",
    .purpose = TT_PURPOSE_APPLY,
    .summary = "write a model that carries a mix for good",
    .description =
        "Copies a model, and puts the mix into it as biases of its blocks' last projections. Any program that loads the "
        "new file is steered, without knowing of control vectors; everything else in it is the old file's, bit for bit.\n\n"
        "This is possible for models whose architecture has a place for such a bias, Llama's and Mistral's among them. The "
        "others are refused: merge is for them.",
    .run = run,
    .groups = {&group, &tt_mix_group},
    .examples =
        {
            {"trimtab bake -m model.gguf --vectors vectors --axis language=0.5 -o ornate.gguf",
             "a model that is half the way to ornate language"},
        },
};
