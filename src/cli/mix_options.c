/* mix_options.c: see mix_options.h */
#include "cli/mix_options.h"
#include "base/number.h"

#include <stdio.h>

static const tt_option options[] = {
    {"--axis", .kind = TT_OPTION_TEXT, .argument = "NAME=VALUE", .repeatable = true,
     .help = "steer along an axis: towards its second class above 0, its first below; or along a class, by its name. "
             "'max' and shares such as 50% are of what an evaluation recommends. Its de-bias vector comes along"},
    {"--vectors", .kind = TT_OPTION_FOLDER, .argument = "DIR", .preset = ".", .preset_text = "the present folder",
     .environment = "TRIMTAB_VECTORS", .help = "where the axes' control vectors are"},
    {"--control-vector", .kind = TT_OPTION_FILE, .argument = "FILE", .repeatable = true,
     .help = "a control vector as it is, as in llama.cpp; several with commas between them"},
    {"--control-vector-scaled", .kind = TT_OPTION_TEXT, .argument = "FILE", .second = "SCALE", .second_if_number = true,
     .repeatable = true, .help = "the same at a scale; also FILE:SCALE, several with commas between them"},
    {"--control-vector-layer-range", .kind = TT_OPTION_TEXT, .argument = "START", .second = "END",
     .help = "steer only these blocks, the first and the last included"},
    {"--force", .help = "steer even where that seems unwise, as long as the numbers fit"},
};

const tt_option_group tt_mix_group = {"Steering", options, sizeof options / sizeof *options};

/* Of these the ones that name files. */
const tt_option_group tt_vector_file_group = {"In every mix", options + 2, 3};

static bool read_axes(tt_mix *mix, const tt_arguments *arguments, tt_error *err) {
    const char *text;
    for (size_t i = 0; (text = tt_argument_nth(arguments, "--axis", i)); i++)
        if (!tt_mix_parse(mix, text, err)) return false;
    return true;
}

static bool read_files(tt_mix *mix, const tt_arguments *arguments, tt_error *err) {
    const char *text;
    for (size_t i = 0; (text = tt_argument_nth(arguments, "--control-vector", i)); i++)
        if (!tt_mix_parse_files(mix, text, false, err)) return false;
    for (size_t i = 0; (text = tt_argument_nth(arguments, "--control-vector-scaled", i)); i++) {
        const char *scale = tt_argument_second(arguments, "--control-vector-scaled", i);
        double value;
        if (scale && !tt_number_parse(scale, &value))
            return tt_fail(err, TT_ERROR_USAGE, "--control-vector-scaled takes a scale such as 0.5, not '%s'", scale);
        if (scale ? !tt_mix_add_file(mix, text, value, err) : !tt_mix_parse_files(mix, text, true, err)) return false;
    }
    return true;
}

static bool read_layers(tt_mix *mix, const tt_arguments *arguments, tt_error *err) {
    const char *name = "--control-vector-layer-range", *first = tt_argument_text(arguments, name);
    if (!first) return true;
    size_t last_one = 0;
    while (tt_argument_nth(arguments, name, last_one + 1)) last_one++;
    const char *last = tt_argument_second(arguments, name, last_one);
    int64_t numbers[2];
    if (!last || !tt_integer_parse(first, &numbers[0]) || !tt_integer_parse(last, &numbers[1]))
        return tt_fail(err, TT_ERROR_USAGE, "%s takes two numbers of blocks, such as 10 20", name);
    return tt_mix_set_layers(mix, numbers[0], numbers[1], err);
}

bool tt_mix_read_files(tt_mix *mix, const tt_arguments *arguments, tt_error *err) {
    return read_files(mix, arguments, err) && read_layers(mix, arguments, err);
}

tt_mixer *tt_mix_open_given(const tt_arguments *arguments, const tt_vector_target *target, tt_model *model, tt_error *err) {
    const tt_mixer_options mixer_options = {tt_argument_text(arguments, "--vectors"), target,
                                            tt_argument_flag(arguments, "--force"), model};
    tt_mixer *mixer = tt_mixer_open(&mixer_options, err);
    tt_mix mix = {0};
    if (mixer && read_axes(&mix, arguments, err) && tt_mix_read_files(&mix, arguments, err) &&
        tt_mixer_use(mixer, &mix, err))
        return mixer;
    tt_mix_free(&mix);
    tt_mixer_close(mixer);
    return NULL;
}

tt_mixer *tt_mix_open_given_file(const tt_arguments *arguments, tt_target *target, tt_error *err) {
    *target = (tt_target){0};
    const char *path = tt_argument_text(arguments, "--model");
    if (path && !tt_target_open(target, path, err)) return NULL;
    return tt_mix_open_given(arguments, path ? &target->target : NULL, NULL, err);
}

bool tt_mix_asked(const tt_arguments *arguments) {
    return tt_argument_given(arguments, "--axis") || tt_argument_given(arguments, "--control-vector") ||
           tt_argument_given(arguments, "--control-vector-scaled");
}

void tt_mix_warn(const tt_mixer *mixer) {
    const tt_notes *warnings = tt_mixer_warnings(mixer);
    for (size_t i = 0; i < warnings->count; i++) fprintf(stderr, "warning: %s\n", warnings->items[i]);
}
