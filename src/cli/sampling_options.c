/* sampling_options.c: see sampling_options.h. Its rows are the lines of model/sampling.def. */
#include "cli/sampling_options.h"
#include "base/plain.h"

#include <stdlib.h>
#include <string.h>

enum { GRAMMAR_MOST = 1 << 24 };

static const tt_option options[] = {
#define SEED(field, spellings, name, value, low, high, text, shown)                                                         \
    {spellings,      .kind = TT_OPTION_COUNT, .argument = "N",        .least = (low),                                       \
     .most = (high), .preset = #value,        .preset_text = (shown), .help = (text)},
#define NUMBER(field, spellings, name, value, low, high, text)                                                              \
    {spellings, .kind = TT_OPTION_NUMBER, .argument = "N", .least = (low), .most = (high), .preset = #value, .help = (text)},
#define WHOLE(field, spellings, name, value, low, high, text)                                                               \
    {spellings, .kind = TT_OPTION_COUNT, .argument = "N", .least = (low), .most = (high), .preset = #value, .help = (text)},
#define FLAG(field, spellings, name, value, low, high, text, shown) {spellings, .help = (text)},
#define TEXT(field, spellings, name, value, low, high, text, shown)                                                         \
    {spellings, .kind = TT_OPTION_TEXT, .argument = "TEXT", .preset_text = (shown), .help = (text)},
#define NAMES(field, spellings, name, value, low, high, text, shown)                                                        \
    {spellings, .kind = TT_OPTION_TEXT, .argument = "NAMES", .preset_text = (shown), .help = (text)},
#define TEXTS(field, spellings, name, value, low, high, text, shown)                                                        \
    {spellings, .kind = TT_OPTION_TEXT, .argument = "TEXT", .repeatable = true, .preset_text = (shown), .help = (text)},
#include "model/sampling.def"
    {"--grammar-file", .kind = TT_OPTION_FILE, .argument = "FILE", .help = "the same as --grammar, from a file"},
    {"-l, --logit-bias", .kind = TT_OPTION_TEXT, .argument = "TOKEN+BIAS", .repeatable = true,
     .help = "make a token (by its number) likelier, or less likely: 15043-1; 15043-inf is never"},
};

const tt_option_group tt_sampling_group = {"Sampling", options, sizeof options / sizeof *options};

static bool set(trimtab_sampling *sampling, const char *name, const char *value, tt_error *err) {
    trimtab_error error;
    trimtab_sampling_set(sampling, name, value, &error);
    return tt_went_well(&error, err);
}

/* Each occurrence counts, and together they take the place of what the list had. */
static bool set_list(trimtab_sampling *sampling, const tt_arguments *arguments, const char *name, bool had, tt_error *err) {
    const char *text;
    for (size_t i = 0; (text = tt_argument_nth(arguments, name, i)); i++)
        if ((had && !i && !set(sampling, name, "none", err)) || !set(sampling, name, text, err)) return false;
    return true;
}

static bool set_given(trimtab_sampling *sampling, const tt_arguments *arguments, const tt_option *option, tt_error *err) {
    const char *name = tt_option_name(option);
    if (!strcmp(name, "--grammar-file") || !tt_argument_given(arguments, name)) return true;
    if (option->repeatable) return set_list(sampling, arguments, name, strcmp(name, "--logit-bias") != 0, err);
    return set(sampling, name, option->kind == TT_OPTION_FLAG ? "true" : tt_argument_text(arguments, name), err);
}

static bool set_grammar(trimtab_sampling *sampling, const tt_arguments *arguments, tt_error *err) {
    const char *file = tt_argument_text(arguments, "--grammar-file");
    if (!file) return true;
    if (tt_argument_given(arguments, "--grammar"))
        return tt_fail(err, TT_ERROR_USAGE, "--grammar and --grammar-file are both given; keep one");
    size_t length;
    char *grammar = tt_plain_read(file, GRAMMAR_MOST, NULL, &length, err);
    const bool ok = grammar && set(sampling, "--grammar", grammar, err);
    free(grammar);
    return ok;
}

trimtab_sampling *tt_sampling_given(const tt_arguments *arguments, tt_error *err) {
    trimtab_error error;
    trimtab_sampling *sampling = trimtab_sampling_new(&error);
    bool ok = tt_went_well(&error, err);
    for (size_t i = 0; ok && i < tt_sampling_group.count; i++)
        ok = set_given(sampling, arguments, &tt_sampling_group.options[i], err);
    if (ok && set_grammar(sampling, arguments, err)) return sampling;
    trimtab_sampling_free(sampling);
    return NULL;
}
