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

static bool add_axes(trimtab_mix *mix, const tt_arguments *arguments, tt_error *err) {
    const char *text;
    trimtab_error error = {0};
    for (size_t i = 0; (text = tt_argument_nth(arguments, "--axis", i)); i++)
        if (trimtab_mix_add(mix, text, &error)) break;
    return tt_went_well(&error, err);
}

static bool add_scaled(trimtab_mix *mix, const char *text, const char *scale, tt_error *err) {
    double value;
    trimtab_error error;
    if (scale && !tt_number_parse(scale, &value))
        return tt_fail(err, TT_ERROR_USAGE, "--control-vector-scaled takes a scale such as 0.5, not '%s'", scale);
    if (scale)
        trimtab_mix_add_file(mix, text, value, &error);
    else
        trimtab_mix_add_files(mix, text, true, &error);
    return tt_went_well(&error, err);
}

static bool add_files(trimtab_mix *mix, const tt_arguments *arguments, tt_error *err) {
    const char *text, *scaled = "--control-vector-scaled";
    trimtab_error error;
    for (size_t i = 0; (text = tt_argument_nth(arguments, "--control-vector", i)); i++)
        if (trimtab_mix_add_files(mix, text, false, &error)) return tt_went_well(&error, err);
    for (size_t i = 0; (text = tt_argument_nth(arguments, scaled, i)); i++)
        if (!add_scaled(mix, text, tt_argument_second(arguments, scaled, i), err)) return false;
    return true;
}

static bool set_layers(trimtab_mix *mix, const tt_arguments *arguments, tt_error *err) {
    const char *name = "--control-vector-layer-range", *first = tt_argument_text(arguments, name);
    if (!first) return true;
    size_t last_one = 0;
    while (tt_argument_nth(arguments, name, last_one + 1)) last_one++;
    const char *last = tt_argument_second(arguments, name, last_one);
    int64_t numbers[2];
    if (!last || !tt_integer_parse(first, &numbers[0]) || !tt_integer_parse(last, &numbers[1]))
        return tt_fail(err, TT_ERROR_USAGE, "%s takes two numbers of blocks, such as 10 20", name);
    trimtab_error error;
    trimtab_mix_layers(mix, numbers[0], numbers[1], &error);
    return tt_went_well(&error, err);
}

bool tt_mix_add_given_files(trimtab_mix *mix, const tt_arguments *arguments, tt_error *err) {
    return add_files(mix, arguments, err) && set_layers(mix, arguments, err);
}

static bool settle(trimtab_mix *mix, tt_error *err) {
    trimtab_error error;
    trimtab_mix_settle(mix, &error);
    return tt_went_well(&error, err);
}

trimtab_mix *tt_mix_open_given(const tt_arguments *arguments, trimtab *t, bool conversation, tt_error *err) {
    trimtab_error error;
    trimtab_mix_options mix_options = trimtab_mix_defaults();
    mix_options.folder = tt_argument_text(arguments, "--vectors");
    mix_options.force = tt_argument_flag(arguments, "--force");
    mix_options.model = t;
    mix_options.conversation = conversation;
    if (!t) mix_options.model_file = tt_argument_text(arguments, "--model");
    trimtab_mix *mix = trimtab_mix_open(&mix_options, &error);
    if (tt_went_well(&error, err) && add_axes(mix, arguments, err) && tt_mix_add_given_files(mix, arguments, err) &&
        settle(mix, err))
        return mix;
    trimtab_mix_free(mix);
    return NULL;
}

bool tt_mix_asked(const tt_arguments *arguments) {
    return tt_argument_given(arguments, "--axis") || tt_argument_given(arguments, "--control-vector") ||
           tt_argument_given(arguments, "--control-vector-scaled");
}

const char *tt_mix_name(const trimtab_mix *mix) { return trimtab_mix_facts_of(mix)->text; }

void tt_mix_warn(const trimtab_mix *mix) {
    const trimtab_mix_facts *facts = trimtab_mix_facts_of(mix);
    for (size_t i = 0; i < facts->warning_count; i++) fprintf(stderr, "warning: %s\n", facts->warnings[i]);
}
