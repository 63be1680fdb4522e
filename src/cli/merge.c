/* merge.c: `trimtab merge`, any mix as one control-vector file. */
#include "cli/commands.h"
#include "cli/mix_options.h"
#include "terminal/console.h"

#include <inttypes.h>
#include <stdio.h>

static const tt_option options[] = {
    {"-o, --output", .kind = TT_OPTION_FILE, .argument = "FILE", .required = true, .help = "the control vector to write"},
    {"-m, --model", .kind = TT_OPTION_FILE, .argument = "FILE",
     .help = "the model that it is for: its vectors are chosen where the folder has several models', and checked"},
};
static const tt_option_group group = {"Options", options, sizeof options / sizeof *options};

/* What other tools wrote into their files has no place in the sum of several. */
static void tell_left_out(const trimtab_mix *mix) {
    const trimtab_vector *part;
    for (size_t i = 0; (part = trimtab_mix_part(mix, i, NULL)); i++) {
        const char *key;
        for (size_t k = 0; (key = trimtab_vector_key(part, k, NULL, NULL)); k++) {
            fputs("warning: the key ", stderr);
            tt_console_print(stderr, key);
            fputs(" of ", stderr);
            tt_console_print(stderr, trimtab_vector_facts_of(part)->path);
            fputs(" is left out\n", stderr);
        }
    }
}

static bool write_mix(const char *output, const trimtab_mix *mix, tt_error *err) {
    trimtab_error error;
    const uint32_t layers = trimtab_vector_facts_of(trimtab_mix_facts_of(mix)->vector)->directions;
    if (layers) {
        tt_mix_warn(mix);
        tell_left_out(mix);
    }
    trimtab_merge(mix, output, &error);
    if (!tt_went_well(&error, err)) return false;
    tt_console_print(stdout, output);
    printf(": %s, in %" PRIu32 " layers\n", tt_mix_name(mix), layers);
    return true;
}

static bool run(const tt_arguments *arguments, tt_error *err) {
    if (!tt_mix_asked(arguments))
        return tt_fail(err, TT_ERROR_USAGE, "nothing to merge: name an axis, such as --axis language=0.5");
    trimtab_mix *mix = tt_mix_open_given(arguments, NULL, false, err);
    const bool ok = mix && write_mix(tt_argument_text(arguments, "--output"), mix, err);
    trimtab_mix_free(mix);
    return ok;
}

const tt_command tt_command_merge = {
    .name = "merge",
    .purpose = TT_PURPOSE_APPLY,
    .summary = "write a mix as one control vector",
    .description =
        "Adds up a mix, the de-bias vectors included, and writes it as one control vector, which llama.cpp takes as "
        "--control-vector FILE, with no scale and nothing beside it. Its key trimtab.recipe says what went in.",
    .run = run,
    .groups = {&group, &tt_mix_group},
    .examples =
        {
            {"trimtab merge --vectors vectors --axis language=0.5 --axis storytelling=-0.3 -o mix.gguf",
             "two axes as one file"},
            {"trimtab merge --control-vector debias.gguf --control-vector-scaled ornate.gguf 0.5 -o mix.gguf",
             "files of any origin, at the scales that llama.cpp would be told"},
        },
};
