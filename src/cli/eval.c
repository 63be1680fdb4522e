/* eval.c: `trimtab eval`, how well a folder's vectors steer: options in, a run of evaluate/, its figures out. */
#include "base/file.h"
#include "base/progress.h"
#include "cli/commands.h"
#include "cli/shared_options.h"
#include "evaluate/evaluation_json.h"
#include "evaluate/load.h"
#include "publish/report.h"
#include "terminal/interrupt.h"
#include "terminal/print_json.h"
#include "terminal/table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const tt_option main_options[] = {
    {"--vectors", .kind = TT_OPTION_FOLDER, .argument = "DIR", .preset = ".", .preset_text = "the present folder",
     .help = "folder with the vectors, as train wrote them"},
    {"--axis", .kind = TT_OPTION_TEXT, .argument = "NAME|FILE", .repeatable = true,
     .preset_text = "all that the folder has vectors of",
     .help = "an axis to evaluate: a built-in one, or the axis file it was trained on"},
    {"--quick", .help = "fewer samples and values, and no other axes: a first impression in a minute or two"},
    {"--save", .help = "write the recommended values into the vectors' files, and what was measured beside them"},
    {"--report", .kind = TT_OPTION_FILE, .argument = "FILE",
     .help = "write a page (HTML) with charts and sample texts, which needs nothing but a browser"},
    {"--json", .help = "print all figures as JSON instead of a table"},
    {"-q, --quiet", .help = "no progress"},
};

static const tt_option measure_options[] = {
    {"--samples", .kind = TT_OPTION_COUNT, .argument = "N", .preset = TT_PRESET(TT_EVALUATE_SAMPLES), .least = 1,
     .most = 1e6, .help = "held-out samples; with --quick a third of them"},
    {"--values", .kind = TT_OPTION_NUMBERS, .argument = "X,...", .preset_text = "0.25 to 2 towards both sides, and 0",
     .help = "axis values to try; each towards both sides"},
    {"--response-tokens", .kind = TT_OPTION_COUNT, .argument = "N", .preset = TT_PRESET(TT_EVALUATE_RESPONSE_TOKENS),
     .least = 1, .most = 4096, .help = "length of a response; one that does not end is cut there"},
    {"--writings", .kind = TT_OPTION_COUNT, .argument = "N", .preset = TT_PRESET(TT_EVALUATE_WRITINGS), .least = 0,
     .most = 1e6,
     .help = "of the samples, how many the steered model continues freely at each value; with --quick a quarter of them"},
    {"--no-other-axes", .help = "do not measure each axis' effect on the others' responses"},
    {"--damage-limit", .kind = TT_OPTION_NUMBER, .argument = "X", .preset = TT_PRESET(TT_EVALUATE_DAMAGE_LIMIT), .least = 0,
     .most = INFINITY, .help = "most rise of perplexity at a recommended value; 0.05 is 5%"},
    {"-s, --seed", .kind = TT_OPTION_COUNT, .argument = "N", .preset = "0", .least = 0, .most = INFINITY,
     .help = "the same seed draws the same samples and responses"},
    {"--stems", .kind = TT_OPTION_FILE, .argument = "FILE", .preset_text = "built-in",
     .help = "the stems that were trained with"},
    {"--prompts", .kind = TT_OPTION_FILE, .argument = "FILE", .preset_text = "built-in",
     .help = "the writing prompts that were trained with"},
    {"--hold-out", .kind = TT_OPTION_NUMBER, .argument = "SHARE", .preset = TT_PRESET(TT_PLAN_HELD_OUT), .least = 0,
     .most = 0.9, .help = "the share of stems, phrases and writing prompts that training left out"},
};

static const tt_option_group group = {"Options", main_options, sizeof main_options / sizeof *main_options};
static const tt_option_group measure_group = {"Measurement", measure_options,
                                              sizeof measure_options / sizeof *measure_options};

/* ==== Progress ==== */

struct talk {
    tt_progress progress;
    const char *what;
    bool wanted;
};

static void show_progress(void *data, const char *what, const char *unit, uint64_t done, uint64_t total) {
    struct talk *talk = data;
    if (!talk->wanted) return;
    if (talk->what != what) {
        tt_progress_end(&talk->progress);
        tt_progress_begin(&talk->progress, stderr, isatty(STDERR_FILENO), what, unit, total, done);
        talk->what = what;
    }
    tt_progress_set(&talk->progress, done);
}

/* ==== Printing ==== */

static void cell_percent(tt_table *table, double value) {
    if (isfinite(value))
        tt_table_cell(table, "%.1f", 100 * value);
    else
        tt_table_cell(table, "-");
}

static void cell_interval(tt_table *table, tt_estimate estimate) {
    if (isfinite(estimate.low))
        tt_table_cell(table, "%.1f to %.1f", 100 * estimate.low, 100 * estimate.high);
    else
        tt_table_cell(table, "-");
}

static bool print_axis(const tt_axis_evaluation *axis, tt_error *err) {
    printf("%s: %s (below 0) or %s (above 0)\n", axis->name, axis->classes[TT_NEGATIVE], axis->classes[TT_POSITIVE]);
    tt_table table = {0};
    static const char *const titles[] = {"value", "fidelity %",   "",          "opposite %", "perplexity +%",
                                         "",      "distinct-2 %", "repeated %"};
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++) tt_table_column(&table, titles[i], true);
    for (size_t i = 0; i < axis->value_count; i++) {
        const tt_value_figures *figures = &axis->values[i];
        const int class = figures->value > 0 ? TT_POSITIVE : TT_NEGATIVE;
        tt_table_cell(&table, "%g", figures->value);
        cell_percent(&table, figures->fidelity[class].value);
        cell_interval(&table, figures->fidelity[class]);
        cell_percent(&table, figures->fidelity[!class].value);
        cell_percent(&table, figures->perplexity.value);
        cell_interval(&table, figures->perplexity);
        cell_percent(&table, figures->distinct[1].value);
        cell_percent(&table, figures->repetition.value);
    }
    const bool ok = tt_table_print(&table, stdout, 2, err);
    tt_table_free(&table);
    if (!ok) return false;
    for (int class = 0; class < 2; class++) {
        if (axis->recommended[class] > 0)
            printf("  recommended for %s: %g\n", axis->classes[class],
                   class == TT_POSITIVE ? axis->recommended[class] : -axis->recommended[class]);
        else
            printf("  no value for %s steers at tolerable damage\n", axis->classes[class]);
    }
    return true;
}

static bool print_others(const tt_evaluation *evaluation, tt_error *err) {
    puts("effect of value -1 and 1 on each axis, as a share of what its own prompts do (%)");
    tt_table table = {0};
    tt_table_column(&table, "", false);
    for (size_t i = 0; i < evaluation->axis_count; i++) tt_table_column(&table, evaluation->axes[i].name, true);
    for (size_t i = 0; i < evaluation->axis_count; i++)
        for (int side = 0; side < 2; side++) {
            tt_table_cell(&table, "%s", evaluation->axes[i].classes[side]);
            for (size_t j = 0; j < evaluation->axis_count; j++)
                cell_percent(&table, evaluation->axes[i].others[side][j].value);
        }
    const bool ok = tt_table_print(&table, stdout, 2, err);
    tt_table_free(&table);
    return ok;
}

static bool print_table(const tt_evaluation *evaluation, tt_error *err) {
    for (size_t i = 0; i < evaluation->axis_count; i++)
        if (!print_axis(&evaluation->axes[i], err)) return false;
    return !evaluation->axes[0].others[0] || print_others(evaluation, err);
}

/* ==== The command ==== */

static bool write_page(const char *path, const tt_evaluation *evaluation, tt_error *err) {
    char *html = tt_evaluation_html(evaluation, err);
    const bool ok = html && tt_file_write(path, html, strlen(html), err);
    free(html);
    return ok;
}

static bool report(const tt_arguments *arguments, const tt_evaluation *evaluation, tt_loaded *vectors, tt_error *err) {
    const char *path = tt_argument_text(arguments, "--report");
    if ((tt_argument_flag(arguments, "--save") && !tt_save_evaluation(vectors, evaluation, err)) ||
        (path && !write_page(path, evaluation, err)))
        return false;
    if (!tt_argument_flag(arguments, "--json")) return print_table(evaluation, err);
    yyjson_mut_doc *doc = tt_evaluation_json(evaluation, err);
    return doc && tt_print_json(doc, err);
}

static tt_evaluate_options options_given(const tt_arguments *arguments, struct talk *talk) {
    tt_evaluate_options options = tt_evaluate_defaults();
    options.samples = (size_t)tt_argument_count(arguments, "--samples");
    options.response_tokens = (size_t)tt_argument_count(arguments, "--response-tokens");
    options.free_samples = (size_t)tt_argument_count(arguments, "--writings");
    options.damage_limit = tt_argument_number(arguments, "--damage-limit");
    options.other_axes = !tt_argument_flag(arguments, "--no-other-axes");
    options.seed = options.plan.seed = (uint64_t)tt_argument_count(arguments, "--seed");
    options.plan.held_out = tt_argument_number(arguments, "--hold-out");
    options.plan.stems_file = tt_argument_text(arguments, "--stems");
    options.plan.prompts_file = tt_argument_text(arguments, "--prompts");
    options.separate_system_message = tt_argument_flag(arguments, "--separate-system-message");
    options.cancel = tt_interrupt_flag();
    options.progress = show_progress;
    options.progress_data = talk;
    if (tt_argument_flag(arguments, "--quick")) tt_evaluate_quicken(&options);
    return options;
}

static bool evaluate(const tt_arguments *arguments, tt_model *model, tt_loaded *vectors, tt_error *err) {
    double values[2 * TT_NUMBERS_MOST + 1], sizes[TT_NUMBERS_MOST];
    struct talk talk = {.wanted = !tt_argument_flag(arguments, "--quiet")};
    tt_evaluate_options options = options_given(arguments, &talk);
    const size_t size_count = tt_argument_numbers(arguments, "--values", sizes);
    options.values = values;
    options.value_count = tt_evaluate_values(sizes, size_count, tt_argument_flag(arguments, "--quick"), values);
    const char *template = tt_argument_text(arguments, "--chat-template");
    tt_chat_options layout = tt_chat_given(arguments);
    layout.fixed_date = true; /* so that the figures repeat */
    tt_chat *chat = tt_chat_open(model, &layout, err);
    if (talk.wanted && template && !strcmp(template, "none"))
        fputs("plain-text mode: the model gets its prompts as they are, without a chat template\n", stderr);
    tt_evaluation evaluation = {0};
    bool ok = chat && tt_evaluate(model, chat, vectors->refer, vectors->count, &options, &evaluation, err);
    tt_progress_end(&talk.progress);
    ok = ok && report(arguments, &evaluation, vectors, err);
    tt_evaluation_free(&evaluation);
    tt_chat_close(chat);
    return ok;
}

/* Known before hours of work, not after. */
static bool check_output(const tt_arguments *arguments, tt_error *err) {
    const char *page = tt_argument_text(arguments, "--report");
    if (page && !tt_output_try(page, err)) return false;
    return !tt_argument_flag(arguments, "--save") || tt_folder_try(tt_argument_text(arguments, "--vectors"), err);
}

static bool run(const tt_arguments *arguments, tt_error *err) {
    size_t axis_count;
    const char **axes = tt_argument_all(arguments, "--axis", &axis_count, err);
    if (!axes) return false;
    tt_engine *engine;
    tt_model *model = tt_model_open_given(arguments, tt_argument_flag(arguments, "--quiet"), &engine, err);
    tt_loaded vectors = {0};
    const bool ok = model &&
                    tt_load_vectors(&vectors, tt_argument_text(arguments, "--vectors"), axes, axis_count, model, err) &&
                    check_output(arguments, err) && evaluate(arguments, model, &vectors, err);
    tt_loaded_free(&vectors);
    tt_model_close(model);
    tt_engine_stop(engine);
    free(axes);
    return ok;
}

const tt_command tt_command_eval = {
    .name = "eval",
    .purpose = TT_PURPOSE_EXAMINE,
    .summary = "measure how well control vectors steer, and at what price",
    .description =
        "Lets the model write with each class' system message, on stems, phrases and writing prompts that training left "
        "out, "
        "and measures how much more likely it finds those texts when it is steered instead of asked. Fidelity 0% is what no "
        "vector does, 100% is what the system message does. The price is the rise in perplexity of what the model writes "
        "by itself.\n\n"
        "Vectors must be evaluated with the chat template, stems and writing prompts that they were trained with.",
    .run = run,
    .groups = {&group, &measure_group, &tt_model_group, &tt_layout_group},
    .examples =
        {
            {"trimtab eval -m model.gguf --vectors vectors --axis language --quick", "a first impression of one axis"},
            {"trimtab eval -m model.gguf --vectors vectors --save", "all axes in full; the values to use go into the files"},
        },
};
