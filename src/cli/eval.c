/* eval.c: `trimtab eval`, how well a folder's vectors steer: options in, a run of evaluate/, its figures out. */
#include "apply/layout.h"
#include "base/file.h"
#include "base/progress.h"
#include "cli/commands.h"
#include "cli/inner_model.h"
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
    {"--quick", .help = "fewer samples and values, and no other axes: a first impression"},
    {"--save", .help =
                   "write the recommended values into the vectors' files, and what was measured beside them; a run that is "
                   "stopped goes on where it was"},
    {"--report", .kind = TT_OPTION_FILE, .argument = "FILE",
     .help = "write a page (HTML) with charts and sample texts, which needs nothing but a browser"},
    {"--gallery", .kind = TT_OPTION_FILE, .argument = "FILE",
     .help = "write a page (HTML) of the texts alone, with a slider for each axis"},
    {"--json", .help = "print all figures as JSON instead of a table"},
    {"-q, --quiet", .help = "no progress"},
};

static const tt_option measure_options[] = {
    {"--samples", .kind = TT_OPTION_COUNT, .argument = "N",
     .preset_text = TT_PRESET(TT_EVALUATE_SAMPLES) ", with --quick " TT_PRESET(TT_EVALUATE_QUICK_SAMPLES), .least = 1,
     .most = 1e6, .help = "held-out samples: so many texts are written at each value"},
    {"--values", .kind = TT_OPTION_NUMBERS, .argument = "X,...", .preset_text = "from 1 on, as far as text stays coherent",
     .help = "axis values to try; each towards both sides"},
    {"--text-tokens", .kind = TT_OPTION_COUNT, .argument = "N", .preset = TT_PRESET(TT_EVALUATE_TEXT_TOKENS), .least = 1,
     .most = 4096, .help = "length of a text; one that does not end is cut there"},
    {"--no-other-axes", .help = "do not measure how far each axis' recommended values move the others"},
    {"--coherence-limit", .kind = TT_OPTION_NUMBER, .argument = "X", .preset = TT_PRESET(TT_EVALUATE_COHERENCE_LIMIT),
     .least = 0, .most = INFINITY,
     .help = "most perplexity at a recommended value, as a multiple of that of texts asked for"},
    {"--relevance-limit", .kind = TT_OPTION_NUMBER, .argument = "X", .preset = TT_PRESET(TT_EVALUATE_RELEVANCE_LIMIT),
     .least = -INFINITY, .most = INFINITY,
     .help = "least relevance to the prompt there, as a share of the unsteered texts'"},
    {"-s, --seed", .kind = TT_OPTION_COUNT, .argument = "N", .preset = "0", .least = 0, .most = INFINITY,
     .help = "the same seed draws the same samples and texts"},
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

static void cell_number(tt_table *table, const char *format, double value) {
    char text[32] = "-";
    if (isfinite(value)) snprintf(text, sizeof text, format, value);
    tt_table_cell(table, "%s", text);
}

static void cell_interval(tt_table *table, tt_estimate estimate) {
    if (isfinite(estimate.low))
        tt_table_cell(table, "%+.2f to %+.2f", estimate.low, estimate.high);
    else
        tt_table_cell(table, "-");
}

/* `side`: the class that the texts aim at; -1: none. */
static void add_row(tt_table *table, const tt_axis_evaluation *axis, const char *name, const tt_way_figures *way, int side) {
    static const tt_estimate unknown = {NAN, NAN, NAN};
    const bool judged = tt_evaluation_judges(axis) && way != &axis->unsteered;
    tt_table_cell(table, "%s", name);
    cell_number(table, "%+.2f", judged ? way->steering.value : NAN);
    cell_interval(table, judged ? way->steering : unknown);
    cell_number(table, "%.1f x", judged && side >= 0 ? tt_share_of_asking(axis, way, side) : NAN);
    cell_number(table, "%.0f", judged ? 100 * way->wrong_way.value : NAN);
    cell_number(table, "%.2f", way->coherence.value);
    cell_number(table, "%.2f", way->relevance.value);
    cell_number(table, "%.0f", 100 * way->repetition.value);
    tt_table_cell(table, "%zu", way->refusals);
}

static void add_rows(tt_table *table, const tt_axis_evaluation *axis) {
    char name[128];
    for (size_t i = 0; i <= axis->value_count; i++) {
        if ((i == 0 || axis->values[i - 1].value < 0) && (i == axis->value_count || axis->values[i].value >= 0)) {
            snprintf(name, sizeof name, "asked for %s", axis->classes[TT_NEGATIVE]);
            add_row(table, axis, name, &axis->asked[TT_NEGATIVE], TT_NEGATIVE);
            add_row(table, axis, "unsteered", &axis->unsteered, -1);
            snprintf(name, sizeof name, "asked for %s", axis->classes[TT_POSITIVE]);
            add_row(table, axis, name, &axis->asked[TT_POSITIVE], TT_POSITIVE);
        }
        if (i == axis->value_count) break;
        const double value = axis->values[i].value;
        snprintf(name, sizeof name, "%g", value);
        add_row(table, axis, name, &axis->values[i], value == 0 ? -1 : value > 0);
    }
    for (int side = 0; side < 2; side++) {
        if (axis->random[side].value == 0) continue;
        snprintf(name, sizeof name, "random, as long as %g", axis->random[side].value);
        add_row(table, axis, name, &axis->random[side], side);
    }
}

/* In words: what the intervals at the recommended value say of a side. */
static const char *verdict(const tt_axis_evaluation *axis, int side) {
    const tt_way_figures *way = tt_evaluation_at(axis, side ? axis->recommended[1] : -axis->recommended[0]);
    if (!tt_evaluation_judges(axis) || !way) return "";
    const bool clear = side ? way->steering.low > 0 : way->steering.high < 0;
    return clear ? ", which steers" : ", of which these samples cannot tell whether it steers";
}

static void print_judging(const tt_axis_evaluation *axis) {
    if (!axis->known) return;
    printf("  of %zu pairs of passages whose class is known, this model puts %zu right", axis->known, axis->known_right);
    puts(tt_evaluation_judges(axis) ? "" : ": this model cannot judge this axis");
}

static bool print_axis(const tt_axis_evaluation *axis, tt_error *err) {
    printf("%s: %s (below 0) or %s (above 0)\n", axis->name, axis->classes[TT_NEGATIVE], axis->classes[TT_POSITIVE]);
    print_judging(axis);
    tt_table table = {0};
    static const char *const titles[] = {"",          "steering",  "",           "of asking", "wrong way %",
                                         "coherence", "relevance", "repeated %", "refused"};
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++) tt_table_column(&table, titles[i], i > 0);
    add_rows(&table, axis);
    const bool ok = tt_table_print(&table, stdout, 2, err);
    tt_table_free(&table);
    if (!ok) return false;
    if (tt_evaluation_judges(axis) && isnan(tt_share_of_asking(axis, &axis->unsteered, TT_NEGATIVE)) &&
        isnan(tt_share_of_asking(axis, &axis->unsteered, TT_POSITIVE)))
        puts("  asking moves nothing that these samples show, so steering is told in nats alone");
    for (int class = 0; class < 2; class++) {
        if (axis->recommended[class] > 0)
            printf("  recommended for %s: %g%s\n", axis->classes[class],
                   class == TT_POSITIVE ? axis->recommended[class] : -axis->recommended[class], verdict(axis, class));
        else
            printf("  no value that was tried leads to %s within the limits\n", axis->classes[class]);
    }
    return true;
}

static bool print_others(const tt_evaluation *evaluation, tt_error *err) {
    puts("steering of each axis, in nats, by the recommended values of");
    tt_table table = {0};
    tt_table_column(&table, "", false);
    for (size_t i = 0; i < evaluation->axis_count; i++) tt_table_column(&table, evaluation->axes[i].name, true);
    for (size_t i = 0; i < evaluation->axis_count; i++)
        for (int side = 0; side < 2; side++) {
            tt_table_cell(&table, "%s", evaluation->axes[i].classes[side]);
            for (size_t j = 0; j < evaluation->axis_count; j++)
                cell_number(&table, "%+.2f",
                            tt_evaluation_judges(&evaluation->axes[j]) ? evaluation->axes[i].others[side][j].value : NAN);
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

/* The page of an option, where it was given. */
static bool write_page(const tt_arguments *arguments, const char *option, const tt_evaluation *evaluation,
                       char *make(const tt_evaluation *evaluation, tt_error *err), tt_error *err) {
    const char *path = tt_argument_text(arguments, option);
    if (!path) return true;
    char *html = make(evaluation, err);
    const bool ok = html && tt_file_write(path, html, strlen(html), err);
    free(html);
    return ok;
}

static bool report(const tt_arguments *arguments, const tt_evaluation *evaluation, tt_loaded *vectors, tt_error *err) {
    if ((tt_argument_flag(arguments, "--save") && !tt_save_evaluation(vectors, evaluation, err)) ||
        !write_page(arguments, "--report", evaluation, tt_evaluation_html, err) ||
        !write_page(arguments, "--gallery", evaluation, tt_gallery_html, err))
        return false;
    if (!tt_argument_flag(arguments, "--json")) return print_table(evaluation, err);
    yyjson_mut_doc *doc = tt_evaluation_json(evaluation, err);
    return doc && tt_print_json(doc, err);
}

static tt_evaluate_options options_given(const tt_arguments *arguments, struct talk *talk) {
    tt_evaluate_options options = tt_evaluate_defaults();
    options.quick = tt_argument_flag(arguments, "--quick");
    options.samples = options.quick ? TT_EVALUATE_QUICK_SAMPLES : TT_EVALUATE_SAMPLES;
    if (tt_argument_given(arguments, "--samples")) options.samples = (size_t)tt_argument_count(arguments, "--samples");
    options.text_tokens = (size_t)tt_argument_count(arguments, "--text-tokens");
    options.coherence_limit = tt_argument_number(arguments, "--coherence-limit");
    options.relevance_limit = tt_argument_number(arguments, "--relevance-limit");
    options.other_axes = !options.quick && !tt_argument_flag(arguments, "--no-other-axes");
    options.seed = options.plan.seed = (uint64_t)tt_argument_count(arguments, "--seed");
    options.plan.held_out = tt_argument_number(arguments, "--hold-out");
    options.plan.stems_file = tt_argument_text(arguments, "--stems");
    options.plan.prompts_file = tt_argument_text(arguments, "--prompts");
    options.separate_system_message = tt_argument_flag(arguments, "--separate-system-message");
    options.cancel = tt_interrupt_flag();
    options.progress = show_progress;
    options.progress_data = talk;
    return options;
}

/* Says which axes' vectors were trained on conversations in another layout. */
static bool warn_of_layout(const tt_chat *chat, const tt_loaded *vectors, tt_error *err) {
    tt_chat_digest digest;
    tt_notes warnings = {0};
    bool ok = tt_chat_digest_of(chat, &digest, err);
    for (size_t i = 0; ok && i < vectors->count; i++)
        ok = tt_layout_warn(&vectors->axes[i].sides[TT_POSITIVE], &digest, &warnings, err);
    for (size_t i = 0; ok && i < warnings.count; i++) fprintf(stderr, "warning: %s\n", warnings.items[i]);
    tt_notes_free(&warnings);
    return ok;
}

/* Where --save keeps what it has written and read, until it is done. `*path` is the caller's to free; NULL without --save.
 */
static bool find_kept(const tt_arguments *arguments, char **path, tt_error *err) {
    *path = NULL;
    if (!tt_argument_flag(arguments, "--save")) return true;
    return (*path = tt_path_join(tt_argument_text(arguments, "--vectors"), "evaluation.kept", err)) != NULL;
}

static bool evaluate(const tt_arguments *arguments, tt_model *model, tt_loaded *vectors, tt_error *err) {
    double values[2 * TT_NUMBERS_MOST], sizes[TT_NUMBERS_MOST];
    struct talk talk = {.wanted = !tt_argument_flag(arguments, "--quiet")};
    tt_evaluate_options options = options_given(arguments, &talk);
    const size_t size_count = tt_argument_numbers(arguments, "--values", sizes);
    options.values = values;
    options.value_count = tt_evaluate_values(sizes, size_count, values);
    const char *template = tt_argument_text(arguments, "--chat-template");
    tt_chat_options layout = tt_chat_given(arguments);
    layout.fixed_date = true; /* so that the figures repeat */
    tt_chat *chat = tt_chat_open(model, &layout, err);
    if (talk.wanted && template && !strcmp(template, "none"))
        fputs("plain-text mode: the model gets its prompts as they are, without a chat template\n", stderr);
    tt_evaluation evaluation = {0};
    char *kept;
    const bool found = find_kept(arguments, &kept, err);
    options.kept_file = kept;
    bool ok = found && chat && warn_of_layout(chat, vectors, err) &&
              tt_evaluate(model, chat, vectors->refer, vectors->count, &options, &evaluation, err);
    tt_progress_end(&talk.progress);
    ok = ok && report(arguments, &evaluation, vectors, err);
    if (ok && kept) unlink(kept);
    free(kept);
    tt_evaluation_free(&evaluation);
    tt_chat_close(chat);
    return ok;
}

/* Known before hours of work, not after. */
static bool check_output(const tt_arguments *arguments, tt_error *err) {
    static const char *const pages[] = {"--report", "--gallery"};
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        const char *page = tt_argument_text(arguments, pages[i]);
        if (page && !tt_output_try(page, err)) return false;
    }
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
    .summary = "measure how far control vectors steer, and what it costs, next to asking",
    .description =
        "Lets the model write on stems, phrases and writing prompts that training left out: unsteered, asked for each "
        "class, "
        "steered at each value, and along random directions. Then the unsteered model is asked which class each text is of. "
        "Steering is how far that moves, in nats, and next to what asking does. Coherence is the texts' perplexity next to "
        "that of texts asked for (1: the same), relevance how much they keep to their prompt, next to unsteered ones. "
        "Values "
        "are tried from 1 on, as far as text stays coherent.\n\n"
        "Vectors must be evaluated with the chat template, stems and writing prompts that they were trained with.",
    .run = run,
    .groups = {&group, &measure_group, &tt_model_group, &tt_layout_group},
    .examples =
        {
            {"trimtab eval -m model.gguf --vectors vectors --axis language --quick", "a first impression of one axis"},
            {"trimtab eval -m model.gguf --vectors vectors --save", "all axes in full; the values to use go into the files"},
        },
};
