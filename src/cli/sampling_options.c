/* sampling_options.c: see sampling_options.h. Its rows are the lines of model/sampling.def. */
#include "cli/sampling_options.h"
#include "base/memory.h"
#include "base/plain.h"

#include <stdlib.h>

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

static bool read_texts(tt_texts *texts, const tt_arguments *arguments, const char *spelling, tt_error *err) {
    const char *text;
    for (size_t i = 0; (text = tt_argument_nth(arguments, spelling, i)); i++) {
        if (i == 0) texts->count = 0;
        if (!tt_texts_add(texts, spelling, text, err)) return false;
    }
    return true;
}

static bool read_values(tt_sampling *sampling, const tt_arguments *arguments, tt_error *err) {
    const tt_sampling_option *option;
    for (size_t i = 0; (option = tt_sampling_option_at(i)); i++) {
        void *field = tt_sampling_field(sampling, option);
        char spelling[TT_SAMPLING_SPELLING];
        tt_sampling_spelling(option, spelling);
        switch (option->kind) {
        case TT_SAMPLING_SEED:
            *(int64_t *)field = tt_argument_count(arguments, spelling);
            break;
        case TT_SAMPLING_NUMBER:
            *(float *)field = (float)tt_argument_number(arguments, spelling);
            break;
        case TT_SAMPLING_WHOLE:
            *(int32_t *)field = (int32_t)tt_argument_count(arguments, spelling);
            break;
        case TT_SAMPLING_FLAG:
            *(bool *)field = tt_argument_flag(arguments, spelling);
            break;
        case TT_SAMPLING_TEXT:
        case TT_SAMPLING_NAMES:
            if (tt_argument_given(arguments, spelling)) *(const char **)field = tt_argument_text(arguments, spelling);
            break;
        case TT_SAMPLING_TEXTS:
            if (!read_texts(field, arguments, spelling, err)) return false;
            break;
        }
    }
    return true;
}

static bool read_biases(tt_sampling_given *given, const tt_arguments *arguments, tt_error *err) {
    const char *text;
    size_t capacity = 0;
    for (size_t i = 0; (text = tt_argument_nth(arguments, "--logit-bias", i)); i++) {
        if (!tt_grow(&given->biases, &capacity, i, sizeof *given->biases, err)) return false;
        if (!tt_logit_bias_parse(text, &given->biases[i], err)) return false;
        given->sampling.bias_count = i + 1;
    }
    given->sampling.biases = given->biases;
    return true;
}

static bool read_grammar(tt_sampling_given *given, const tt_arguments *arguments, tt_error *err) {
    const char *file = tt_argument_text(arguments, "--grammar-file");
    if (!file) return true;
    if (given->sampling.grammar)
        return tt_fail(err, TT_ERROR_USAGE, "--grammar and --grammar-file are both given; keep one");
    size_t length;
    given->grammar = tt_plain_read(file, GRAMMAR_MOST, NULL, &length, err);
    given->sampling.grammar = given->grammar;
    return given->grammar != NULL;
}

bool tt_sampling_read(tt_sampling_given *given, const tt_arguments *arguments, tt_error *err) {
    *given = (tt_sampling_given){.sampling = tt_sampling_defaults()};
    if (read_values(&given->sampling, arguments, err) && read_biases(given, arguments, err) &&
        read_grammar(given, arguments, err))
        return true;
    tt_sampling_given_free(given);
    return false;
}

void tt_sampling_given_free(tt_sampling_given *given) {
    free(given->grammar);
    free(given->biases);
    *given = (tt_sampling_given){0};
}
