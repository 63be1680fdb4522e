/* merge.c: `trimtab merge`, any mix as one control-vector file. */
#include "cli/commands.h"
#include "cli/mix_options.h"
#include "terminal/console.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

static const tt_option options[] = {
    {"-o, --output", .kind = TT_OPTION_FILE, .argument = "FILE", .required = true, .help = "the control vector to write"},
    {"-m, --model", .kind = TT_OPTION_FILE, .argument = "FILE",
     .help = "the model that it is for: its vectors are chosen where the folder has several models', and checked"},
};
static const tt_option_group group = {"Options", options, sizeof options / sizeof *options};

/* A part that were written over would be lost. */
static bool check_output(const char *output, const tt_blend *blend, tt_error *err) {
    struct stat written, part;
    if (stat(output, &written)) return true;
    for (size_t i = 0; i < blend->part_count; i++) {
        const char *path = blend->parts[i].vector.path;
        if (!stat(path, &part) && part.st_dev == written.st_dev && part.st_ino == written.st_ino)
            return tt_fail(err, TT_ERROR_USAGE, "'%s' is a part of the mix: give the merged vector another name", output);
    }
    return true;
}

static bool write_mix(const char *output, const tt_mixer *given, tt_error *err) {
    const tt_blend *blend = tt_mixer_blend(given);
    const uint32_t rows = tt_vector_row_count(&blend->vector);
    if (!rows)
        return tt_fail(err, TT_ERROR_INPUT, "the mix has no direction in the layers chosen: there is nothing to write");
    tt_mix_warn(given);
    if (!check_output(output, blend, err) || !tt_vector_write(&blend->vector, output, err)) return false;
    tt_console_print(stdout, output);
    printf(": %s, in %" PRIu32 " layers\n", tt_mixer_text(given), rows);
    return true;
}

static bool run(const tt_arguments *arguments, tt_error *err) {
    if (!tt_mix_asked(arguments))
        return tt_fail(err, TT_ERROR_USAGE, "nothing to merge: name an axis, such as --axis language=0.5");
    tt_target target;
    tt_mixer *given = tt_mix_open_given_file(arguments, &target, err);
    const bool ok = given && write_mix(tt_argument_text(arguments, "--output"), given, err);
    tt_mixer_close(given);
    tt_target_close(&target);
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
