/* train.c: `trimtab train`, from a model to control vectors: options in, a run of train/ , its report out. */
#include "cli/commands.h"
#include "cli/shared_options.h"

#include "cli/train_report.h"
#include "terminal/console.h"
#include "terminal/interrupt.h"

#include <math.h>
#include <stdlib.h>

static const char *const offsets[] = {"1", "0", NULL};

static const char *const methods[] = {
#define METHOD(id, name, function) name,
#include "directions/methods.def"
#undef METHOD
    NULL};

static const char *const solvers[] = {
#define SOLVER(id, name) name,
#include "directions/solvers.def"
#undef SOLVER
    NULL};

static const tt_option main_options[] = {
    {"-o, --output", .kind = TT_OPTION_FOLDER, .argument = "DIR", .preset = ".", .preset_text = "the present folder",
     .help = "folder for the vectors and the report; made where it is missing"},
    {"--axis", .kind = TT_OPTION_TEXT, .argument = "NAME|FILE", .repeatable = true, .suggestion = tt_suggest_axis,
     .preset_text = "all built-in axes",
     .help = "what to make vectors for: a built-in axis, or an axis file (with a slash in it, or ending in .json)"},
    {"--samples", .kind = TT_OPTION_COUNT, .argument = "N", .preset = TT_PRESET(TRIMTAB_SAMPLES), .least = 0, .most = 1e9,
     .help = "triplets of prompts for each axis; about a third of the model's hidden size is thorough"},
    {"--name", .kind = TT_OPTION_TEXT, .argument = "NAME", .preset_text = "the model's own",
     .help = "what the files call the model"},
    {"--dry-run", .help = "say what the run would take in tokens, time, memory and disk, and stop"},
    {"--tokens-per-second", .kind = TT_OPTION_NUMBER, .argument = "X", .least = 1e-3, .most = INFINITY,
     .preset_text = "measured", .help = "speed to reckon with in --dry-run"},
    {"--json", .help = "print the report as JSON instead of a table"},
    {"-q, --quiet", .help = "no progress"},
};

static const tt_option prompt_options[] = {
    {"-s, --seed", .kind = TT_OPTION_COUNT, .argument = "N", .preset = "0", .least = 0, .most = INFINITY,
     .help = "the same seed draws the same prompts"},
    {"--stems", .kind = TT_OPTION_FILE, .argument = "FILE", .preset_text = "built-in",
     .help = "stems (JSON: \"pre\" and \"post\")"},
    {"--prompts", .kind = TT_OPTION_FILE, .argument = "FILE", .preset_text = "built-in",
     .help = "writing prompts, one a line, or a grammar (.json)"},
    {"--prompts-per-system", .kind = TT_OPTION_COUNT, .argument = "K", .preset = TT_PRESET(TRIMTAB_PROMPTS_PER_SYSTEM),
     .least = 1, .most = 1e6, .help = "ask each drawn system message K writing prompts: faster, but less varied"},
    {"--hold-out", .kind = TT_OPTION_NUMBER, .argument = "SHARE", .preset = TT_PRESET(TRIMTAB_HOLD_OUT), .least = 0,
     .most = 0.9, .help = "share of stems, phrases and writing prompts kept from training, to evaluate with"},
};

static const tt_option direction_options[] = {
    {"--method", .kind = TT_OPTION_CHOICE, .argument = "NAME", .preset = "cross-covariance", .choices = methods,
     .help = "how a direction is found"},
    {"--solver", .kind = TT_OPTION_CHOICE, .argument = "NAME", .preset = "auto", .choices = solvers,
     .help = "how eigenvectors are computed"},
    {"--tolerance", .kind = TT_OPTION_NUMBER, .argument = "X", .preset = TT_PRESET(TRIMTAB_TOLERANCE), .least = 0,
     .most = INFINITY, .help = "least discriminant ratio of an eigenvector, and least gain of a further one"},
    {"--skip-begin-layers", .kind = TT_OPTION_AMOUNT, .argument = "N", .preset = "0",
     .help = "first blocks to leave alone, a number or a share such as 0.25"},
    {"--skip-end-layers", .kind = TT_OPTION_AMOUNT, .argument = "N", .preset = TT_PRESET(TRIMTAB_SKIP_END),
     .help = "last blocks to leave alone, a number or a share such as 0.25"},
    {"--layer-offset", .kind = TT_OPTION_CHOICE, .argument = "N", .preset = TT_PRESET(TRIMTAB_LAYER_OFFSET),
     .choices = offsets, .help = "apply a direction this many blocks after the one it was measured at"},
};

static const tt_option state_options[] = {
    {"--states", .kind = TT_OPTION_FILE, .argument = "FILE", .preset_text = "in the output folder",
     .help = "where the hidden states are kept; an interrupted run goes on from there"},
    {"--keep-states", .help = "keep the hidden states when all is done"},
    {"--from-states", .kind = TT_OPTION_FILE, .argument = "FILE",
     .help = "find the directions anew from kept hidden states, without the model; --samples N takes the first N of them"},
    {"--restart", .help = "begin anew where there are hidden states of other arguments"},
    {"--plain", .help = "compute every prompt by itself, sharing nothing: slow, for comparison"},
};

#define TT_GROUP(title, array) {title, array, sizeof(array) / sizeof *(array)}
static const tt_option_group group = TT_GROUP("Options", main_options);
static const tt_option_group prompt_group = TT_GROUP("Prompts", prompt_options);
static const tt_option_group direction_group = TT_GROUP("Directions", direction_options);
static const tt_option_group state_group = TT_GROUP("Hidden states", state_options);

/* ==== Options to the run's ==== */

/* Everything but the axes, which take memory. */
static trimtab_train_options options_given(const tt_arguments *arguments) {
    trimtab_train_options options = trimtab_train_defaults();
    options.samples = (uint64_t)tt_argument_count(arguments, "--samples");
    options.seed = (uint64_t)tt_argument_count(arguments, "--seed");
    options.prompts_per_system = (uint64_t)tt_argument_count(arguments, "--prompts-per-system");
    options.hold_out = tt_argument_number(arguments, "--hold-out");
    options.stems_file = tt_argument_text(arguments, "--stems");
    options.prompts_file = tt_argument_text(arguments, "--prompts");
    options.separate_system_message = tt_argument_flag(arguments, "--separate-system-message");
    options.plain = tt_argument_flag(arguments, "--plain");
    options.method = tt_argument_text(arguments, "--method");
    options.solver = tt_argument_text(arguments, "--solver");
    options.tolerance = tt_argument_number(arguments, "--tolerance");
    options.skip_begin = tt_argument_number(arguments, "--skip-begin-layers");
    options.skip_end = tt_argument_number(arguments, "--skip-end-layers");
    options.layer_offset = tt_argument_choice(arguments, "--layer-offset") == 0 ? 1 : 0;
    options.name = tt_argument_text(arguments, "--name");
    options.states_file = tt_argument_text(arguments, "--states");
    options.keep_states = tt_argument_flag(arguments, "--keep-states");
    options.restart = tt_argument_flag(arguments, "--restart");
    return options;
}

/* ==== The command ==== */

static bool forecast(const tt_arguments *arguments, trimtab *t, const trimtab_train_options *options, tt_error *err) {
    const double speed =
        tt_argument_given(arguments, "--tokens-per-second") ? tt_argument_number(arguments, "--tokens-per-second") : 0;
    trimtab_forecast forecast;
    trimtab_error error;
    trimtab_train_forecast(t, tt_argument_text(arguments, "--output"), options, speed, &forecast, &error);
    return tt_went_well(&error, err) && tt_print_forecast(&forecast, tt_argument_flag(arguments, "--json"), err);
}

/* The training that the options ask for; NULL where there is none to report. */
static bool make(const tt_arguments *arguments, trimtab_train_options *options, trimtab_training **training, tt_error *err) {
    const char *states = tt_argument_text(arguments, "--from-states"), *output = tt_argument_text(arguments, "--output");
    const bool dry = tt_argument_flag(arguments, "--dry-run"), leads = trimtab_ranks_rank(options->ranks) == 0;
    trimtab_error error;
    /* Neither is shared among ranks: all of them would do the same, and print and write it. */
    if ((states || dry) && !leads) return true;
    if (states) {
        if (!tt_argument_given(arguments, "--samples")) options->samples = 0; /* all that are there */
        trimtab_train_from_states(states, output, options, training, &error);
        return tt_went_well(&error, err);
    }
    trimtab *t =
        tt_open_given(arguments, tt_options_given(arguments), !leads || tt_argument_flag(arguments, "--quiet"), err);
    bool ok = t != NULL;
    if (ok && dry) {
        ok = forecast(arguments, t, options, err);
    } else if (ok) {
        trimtab_train(t, output, options, training, &error);
        ok = tt_went_well(&error, err);
    }
    tt_close_given(t);
    return ok;
}

static bool train(const tt_arguments *arguments, trimtab_train_options *options, tt_error *err) {
    trimtab_training *training = NULL;
    tt_train_talk talk;
    tt_train_talk_begin(&talk, trimtab_ranks_rank(options->ranks) == 0 && !tt_argument_flag(arguments, "--quiet"), options);
    bool ok = make(arguments, options, &training, err);
    tt_progress_end(&talk.progress);
    if (ok && training && training->axis_count) ok = tt_print_training(training, tt_argument_flag(arguments, "--json"), err);
    trimtab_training_free(training);
    return ok;
}

static bool run(const tt_arguments *arguments, tt_error *err) {
    trimtab_error error;
    trimtab_train_options options = options_given(arguments);
    const char **axes = tt_argument_all(arguments, "--axis", &options.axis_count, err);
    if (!axes) return false;
    options.axes = axes;
    trimtab_even_experts(); /* there is one thread yet */
    trimtab_ranks *ranks = trimtab_ranks_join(&error);
    options.ranks = ranks;
    const bool ok = tt_went_well(&error, err) && train(arguments, &options, err);
    free(axes);
    /* One rank that fails ends all: the others would wait for it for ever. */
    if (!ok && ranks && trimtab_ranks_count(ranks) > 1) {
        tt_console_error("%s", err->message);
        trimtab_ranks_abort(ranks);
    }
    trimtab_ranks_leave(ranks);
    return ok;
}

const tt_command tt_command_train = {
    .name = "train",
    .purpose = TT_PURPOSE_MAKE,
    .summary = "make control vectors from a model",
    .description =
        "Asks the model many short writing tasks, each with three system messages that differ in one phrase: none, one of "
        "the "
        "negative class and one of the positive class. From what each of the model's blocks adds to its hidden state it "
        "finds "
        "the direction that separates the classes.\n\n"
        "Three files are written for each axis: the de-bias vector, which takes the model to the middle, and one for each "
        "class; and a report of all figures. A run that was interrupted goes on where it was when it is started again with "
        "the same arguments.",
    .run = run,
    .groups = {&group, &prompt_group, &direction_group, &state_group, &tt_model_group, &tt_layout_group},
    .examples =
        {
            {"trimtab train -m model.gguf -o vectors", "vectors for all built-in axes"},
            {"trimtab train -m model.gguf -o vectors --axis language --axis ./pace.json --samples 500",
             "one built-in axis and one of your own, from 500 samples"},
            {"trimtab train -m model.gguf --dry-run", "what that would take"},
        },
};
