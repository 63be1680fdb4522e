/* sampling_options.c: see sampling_options.h. The presets are those of tt_sampling_defaults (a test holds them together). */
#include "cli/sampling_options.h"
#include "base/memory.h"
#include "base/plain.h"

#include <stdlib.h>
#include <string.h>

enum { GRAMMAR_MOST = 1 << 24 };

static const char *const mirostat_versions[] = {"0", "1", "2", NULL};

#define NUMBER(spellings, low, high, value, text)                                                                           \
    {spellings, .kind = TT_OPTION_NUMBER, .argument = "N", .least = (low), .most = (high), .preset = (value), .help = (text)}
#define COUNT(spellings, low, high, value, text)                                                                            \
    {spellings, .kind = TT_OPTION_COUNT, .argument = "N", .least = (low), .most = (high), .preset = (value), .help = (text)}

static const tt_option options[] = {
    {"-s, --seed", .kind = TT_OPTION_COUNT, .argument = "N", .least = -1, .most = 4294967294, .preset = "-1",
     .preset_text = "random", .help = "the same seed writes the same text"},
    NUMBER("--temp, --temperature", 0, 1e6, "0.8", "how daring the choice of words is; 0 always takes the likeliest token"),
    COUNT("--top-k", 0, 1e9, "40", "choose among the N likeliest tokens; 0 for all"),
    NUMBER("--top-p", 0, 1, "0.95", "choose among the likeliest tokens that together have this probability; 1 for all"),
    NUMBER("--min-p", 0, 1, "0.05", "leave out tokens less likely than this share of the likeliest; 0 for none"),
    NUMBER("--typical, --typical-p", 0, 1, "1", "locally typical sampling; 1 is off"),
    NUMBER("--top-nsigma, --top-n-sigma", -1, 1e6, "-1",
           "leave out tokens more than N standard deviations below the likeliest; -1 is off"),
    NUMBER("--xtc-probability", 0, 1, "0", "how often to leave out the likeliest tokens (XTC); 0 is never"),
    NUMBER("--xtc-threshold", 0, 1, "0.1", "what is likely to XTC"),
    COUNT("--repeat-last-n", 0, 1e9, "64", "how many of the last tokens the penalties look at; 0 is none"),
    NUMBER("--repeat-penalty", 1e-6, 1e6, "1", "make tokens that were there less likely; 1 is off"),
    NUMBER("--presence-penalty", -1e6, 1e6, "0", "the same by a constant; 0 is off"),
    NUMBER("--frequency-penalty", -1e6, 1e6, "0", "the same by how often they were there; 0 is off"),
    NUMBER("--dry-multiplier", 0, 1e6, "0", "make sequences that were there less likely (DRY); 0 is off"),
    NUMBER("--dry-base", 0, 1e6, "1.75", "how steeply that grows with their length"),
    COUNT("--dry-allowed-length", 0, 1e9, "2", "longest sequence that DRY does not mind"),
    COUNT("--dry-penalty-last-n", 0, 1e9, "64", "how many of the last tokens DRY looks at; 0 is none"),
    {"--dry-sequence-breaker", .kind = TT_OPTION_TEXT, .argument = "TEXT", .repeatable = true,
     .preset_text = "newline, colon, quote and asterisk",
     .help = "text that ends a sequence for DRY; 'none' for no such text"},
    NUMBER("--dynatemp-range", 0, 1e6, "0", "let the temperature vary by this much either way; 0 is off"),
    NUMBER("--dynatemp-exp", 0, 1e6, "1", "exponent of the varying temperature"),
    {"--mirostat", .kind = TT_OPTION_CHOICE, .argument = "VERSION", .choices = mirostat_versions, .preset = "0",
     .help = "Mirostat, instead of the samplers but the temperature; 0 is off"},
    NUMBER("--mirostat-lr", 0, 1e6, "0.1", "Mirostat's learning rate"),
    NUMBER("--mirostat-ent", 0, 1e6, "5", "Mirostat's target entropy"),
    NUMBER("--adaptive-target", -1, 1, "-1",
           "choose tokens near this probability, where --samplers has adaptive_p; -1 is off"),
    NUMBER("--adaptive-decay", 0, 0.99, "0.9", "how slowly that adapts"),
    {"--samplers", .kind = TT_OPTION_TEXT, .argument = "NAMES",
     .preset_text = "penalties;dry;top_n_sigma;top_k;typ_p;top_p;min_p;xtc;temperature",
     .help = "which samplers are used, and in which order, with ';' between them"},
    {"--sampler-seq, --sampling-seq", .kind = TT_OPTION_TEXT, .argument = "LETTERS", .preset_text = "edskypmxt",
     .help = "the same in letters"},
    {"-l, --logit-bias", .kind = TT_OPTION_TEXT, .argument = "TOKEN+BIAS", .repeatable = true,
     .help = "make a token (by its number) likelier, or less likely: 15043-1; 15043-inf is never"},
    {"--ignore-eos", .help = "do not let the model end its text"},
    {"--grammar", .kind = TT_OPTION_TEXT, .argument = "GBNF", .help = "write only what this grammar allows"},
    {"--grammar-file", .kind = TT_OPTION_FILE, .argument = "FILE", .help = "the same, from a file"},
};

const tt_option_group tt_sampling_group = {"Sampling", options, sizeof options / sizeof *options};

static float number(const tt_arguments *arguments, const char *name) { return (float)tt_argument_number(arguments, name); }
static int32_t count(const tt_arguments *arguments, const char *name) { return (int32_t)tt_argument_count(arguments, name); }

static void read_values(tt_sampling *sampling, const tt_arguments *arguments) {
    sampling->seed = tt_argument_count(arguments, "--seed");
    sampling->temperature = number(arguments, "--temp");
    sampling->top_k = count(arguments, "--top-k");
    sampling->top_p = number(arguments, "--top-p");
    sampling->min_p = number(arguments, "--min-p");
    sampling->typical_p = number(arguments, "--typical");
    sampling->top_n_sigma = number(arguments, "--top-nsigma");
    sampling->xtc_probability = number(arguments, "--xtc-probability");
    sampling->xtc_threshold = number(arguments, "--xtc-threshold");
    sampling->repeat_last_n = count(arguments, "--repeat-last-n");
    sampling->repeat_penalty = number(arguments, "--repeat-penalty");
    sampling->presence_penalty = number(arguments, "--presence-penalty");
    sampling->frequency_penalty = number(arguments, "--frequency-penalty");
    sampling->dry_multiplier = number(arguments, "--dry-multiplier");
    sampling->dry_base = number(arguments, "--dry-base");
    sampling->dry_allowed_length = count(arguments, "--dry-allowed-length");
    sampling->dry_last_n = count(arguments, "--dry-penalty-last-n");
    sampling->dynamic_range = number(arguments, "--dynatemp-range");
    sampling->dynamic_exponent = number(arguments, "--dynatemp-exp");
    sampling->mirostat = (int32_t)tt_argument_choice(arguments, "--mirostat");
    sampling->mirostat_rate = number(arguments, "--mirostat-lr");
    sampling->mirostat_entropy = number(arguments, "--mirostat-ent");
    sampling->adaptive_target = number(arguments, "--adaptive-target");
    sampling->adaptive_decay = number(arguments, "--adaptive-decay");
    sampling->ignore_end = tt_argument_flag(arguments, "--ignore-eos");
    if (tt_argument_given(arguments, "--samplers")) sampling->order = tt_argument_text(arguments, "--samplers");
    sampling->letters = tt_argument_text(arguments, "--sampler-seq");
}

static bool read_breakers(tt_sampling *sampling, const tt_arguments *arguments, tt_error *err) {
    const char *breaker;
    for (size_t i = 0; (breaker = tt_argument_nth(arguments, "--dry-sequence-breaker", i)); i++) {
        if (i == 0) sampling->dry_breaker_count = 0;
        if (!strcmp(breaker, "none")) continue;
        if (!*breaker)
            return tt_fail(err, TT_ERROR_USAGE, "--dry-sequence-breaker is empty; 'none' means no breaker at all");
        if (sampling->dry_breaker_count == TT_BREAKERS_MOST)
            return tt_fail(err, TT_ERROR_USAGE, "at most %d --dry-sequence-breaker are possible", TT_BREAKERS_MOST);
        sampling->dry_breakers[sampling->dry_breaker_count++] = breaker;
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
    given->sampling.grammar = tt_argument_text(arguments, "--grammar");
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
    read_values(&given->sampling, arguments);
    if (read_breakers(&given->sampling, arguments, err) && read_biases(given, arguments, err) &&
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
