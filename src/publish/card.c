/* card.c: see card.h. The text of a card, part by part; card_folder.c has what it tells of, card_charts.c its charts,
 * card_text.c what it shares with the page of a collection. */
#include "publish/card.h"
#include "base/file.h"
#include "base/memory.h"
#include "publish/card_charts.h"
#include "publish/card_folder.h"
#include "publish/card_text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ==== Words ==== */

/* With its sign, and its interval. */
static void add_nats(tt_text *page, tt_estimate estimate) {
    if (!isfinite(estimate.value))
        tt_text_add(page, "–");
    else if (!isfinite(estimate.low))
        tt_text_addf(page, "%+.2f", estimate.value);
    else
        tt_text_addf(page, "%+.2f (%+.2f to %+.2f)", estimate.value, estimate.low, estimate.high);
}

static void add_ratio(tt_text *page, double ratio) {
    if (isfinite(ratio))
        tt_text_addf(page, "%.2f", ratio);
    else
        tt_text_add(page, "–");
}

/* Where the axis leads towards a class with its recommended value: signed; 0 where there is none. */
static double recommended_value(const tt_card_axis *axis, int class) {
    const double size = round((double)axis->files->recommended[class] * 1e6) / 1e6;
    return class || size == 0 ? size : -size;
}

static const char *file_of(const tt_card_axis *axis, int file) { return tt_path_name(axis->files->paths[file]); }

/* ==== Parts ==== */

static void add_beginning(tt_text *page, const tt_card_folder *folder) {
    tt_text_add(page, "# Control vectors for ");
    tt_card_add_plain(page, tt_card_model_name(folder));
    tt_text_add(page,
                "\n\nSmall vectors that are added to the model's hidden state while it writes, and change *how* it writes, "
                "without a prompt and without changing its weights. Each axis has three files: the de-bias vector, which "
                "takes the model to the middle of the axis, and one for each side of it.\n\n"
                "| axis | below 0 | above 0 | values to use |\n|---|---|---|---|\n");
    for (size_t i = 0; i < folder->count; i++) {
        const tt_card_axis *axis = &folder->axes[i];
        const double low = recommended_value(axis, 0), high = recommended_value(axis, 1);
        tt_text_add(page, "| ");
        tt_card_add_plain(page, axis->files->name);
        tt_text_add(page, " | ");
        tt_card_add_plain(page, axis->files->classes[0]);
        tt_text_add(page, " | ");
        tt_card_add_plain(page, axis->files->classes[1]);
        if (low != 0 || high != 0)
            tt_text_addf(page, " | %g to %g |\n", low, high);
        else
            tt_text_add(page, axis->figures ? " | none was found |\n" : " | not evaluated |\n");
    }
}

/* NAME=VALUE or FILE:VALUE as one word for a shell. */
static void add_valued(tt_text *page, const char *name, char between, double value) {
    tt_text word = {0};
    tt_text_addf(&word, "%s%c%g", name, between, value);
    if (word.failed)
        page->failed = true;
    else
        tt_text_add_shell_word(page, word.data);
    tt_text_free(&word);
}

/* `between` the file and its scale: a colon, or 0 for a word of its own. */
static void add_llama_options(tt_text *page, const char *debias, const char *side, char between, double value) {
    tt_text_add(page, "    llama-cli -m MODEL.gguf --control-vector ");
    tt_text_add_shell_word(page, debias);
    tt_text_add(page, " \\\n      --control-vector-scaled ");
    if (between) {
        add_valued(page, side, between, value);
    } else {
        tt_text_add_shell_word(page, side);
        tt_text_addf(page, " %g", value);
    }
    tt_text_add(page, "\n");
}

static void add_use(tt_text *page, const tt_card_folder *folder) {
    const tt_card_axis *axis = &folder->axes[0];
    const double recommended = recommended_value(axis, 1), value = recommended > 0 ? recommended : 0.5;
    const char *debias = file_of(axis, TT_FILE_DEBIAS), *side = file_of(axis, TT_FILE_POSITIVE);
    tt_text_add(
        page, "\n## How to apply them\n\nA side always goes together with the de-bias vector of its axis, and the two sides "
              "of an axis never go together. With trimtab, which sees to that:\n\n"
              "    trimtab run -m MODEL.gguf --vectors . --axis ");
    add_valued(page, axis->files->name, '=', value);
    tt_text_add(page, " -p \"Tell of a lighthouse.\"\n\n");
    /* What would be taken for more than a name, in a list of names with scales. */
    if (!strpbrk(debias, ",\"") && !strpbrk(side, ",:\"")) {
        tt_text_add(page, "With llama.cpp:\n\n");
        add_llama_options(page, debias, side, ':', value);
        tt_text_add(page, "\n");
    }
    tt_text_add(page, "With a llama.cpp from before the end of 2025, which takes the scale as an argument of its own:\n\n");
    add_llama_options(page, debias, side, '\0', value);
}

static void add_evidence_row(tt_text *page, const tt_card_axis *axis, const char *name, const tt_way_figures *way) {
    static const tt_estimate unknown = {NAN, NAN, NAN};
    tt_text_add(page, "| ");
    tt_card_add_plain(page, name);
    if (way->value != 0) tt_text_addf(page, " (%g)", way->value);
    tt_text_add(page, " | ");
    add_nats(page, tt_evaluation_judges(axis->figures) ? way->steering : unknown);
    tt_text_add(page, " | ");
    add_ratio(page, way->coherence.value);
    tt_text_add(page, " | ");
    add_ratio(page, way->relevance.value);
    tt_text_addf(page, " | %zu |\n", way->refusals);
}

static void add_evidence_side(tt_text *page, const tt_card_axis *axis, int class) {
    const tt_way_figures *way = tt_evaluation_at(axis->figures, recommended_value(axis, class));
    char *asked = tt_format(NULL, "asked for %s", axis->files->classes[class]);
    if (!asked) page->failed = true;
    if (way && way->value != 0) {
        add_evidence_row(page, axis, axis->files->classes[class], way);
    } else {
        tt_text_add(page, "| ");
        tt_card_add_plain(page, axis->files->classes[class]);
        tt_text_add(page, " | no value that was tried | | | |\n");
    }
    if (asked) add_evidence_row(page, axis, asked, &axis->figures->asked[class]);
    if (axis->figures->random[class].value != 0)
        add_evidence_row(page, axis, "a random direction as long", &axis->figures->random[class]);
    free(asked);
}

/* What the model wrote, as quotations of one paragraph each. */
static void add_texts(tt_text *page, const char *head, const tt_way_figures *way) {
    if (!way || !way->texts[0]) return;
    tt_text_add(page, "\n**");
    tt_card_add_plain(page, head);
    if (way->value != 0) tt_text_addf(page, " (%g)", way->value);
    tt_text_add(page, "**\n");
    for (size_t i = 0; i < TT_SHOWN_TEXTS && way->texts[i]; i++) {
        tt_text_add(page, "\n> ");
        tt_card_add_plain(page, way->texts[i] + strspn(way->texts[i], " \n\r\t"));
        tt_text_add(page, "\n");
    }
}

static void add_asked_texts(tt_text *page, const tt_card_axis *axis, int class) {
    char *head = tt_format(NULL, "asked for %s", axis->files->classes[class]);
    if (head)
        add_texts(page, head, &axis->figures->asked[class]);
    else
        page->failed = true;
    free(head);
}

static void add_samples(tt_text *page, const tt_card_axis *axis) {
    tt_text_add(page, "\n<details><summary>What the model wrote</summary>\n");
    add_texts(page, axis->files->classes[0], tt_evaluation_shown(axis->figures, 0));
    add_asked_texts(page, axis, 0);
    add_texts(page, "unsteered", &axis->figures->unsteered);
    add_asked_texts(page, axis, 1);
    add_texts(page, axis->files->classes[1], tt_evaluation_shown(axis->figures, 1));
    tt_text_add(page, "\n</details>\n");
}

static void add_evidence_axis(tt_text *page, const tt_card_axis *axis) {
    char *safe = tt_safe_name(axis->files->name, NULL);
    if (!safe) page->failed = true; /* memory was short, as after an append that failed */
    tt_text_add(page, "\n### ");
    tt_card_add_plain(page, axis->files->name);
    tt_text_add(page, "\n\n");
    if (!tt_evaluation_judges(axis->figures))
        tt_text_addf(
            page,
            "This model cannot judge this axis: of %zu pairs of passages whose class is known it puts %zu right. So "
            "there is no figure for steering.\n\n",
            axis->figures->known, axis->figures->known_right);
    tt_text_add(page, "| texts | steering, nats | coherence | relevance | refused |\n|---|---:|---:|---:|---:|\n");
    add_evidence_side(page, axis, 0);
    add_evidence_row(page, axis, "unsteered", &axis->figures->unsteered);
    add_evidence_side(page, axis, 1);
    tt_text_addf(page, "\n![steering and coherence by value](charts/%s.svg)\n", safe ? safe : "");
    add_samples(page, axis);
    free(safe);
}

static void add_evidence(tt_text *page, const tt_card_folder *folder) {
    const tt_card_axis *first = NULL;
    for (size_t i = 0; i < folder->count && !first; i++)
        if (folder->axes[i].figures) first = &folder->axes[i];
    if (!first) return;
    tt_text_addf(
        page,
        "\n## Evidence\n\nMeasured by `trimtab eval` on %llu samples of stems, phrases and writing prompts that training "
        "left out, with texts of %llu tokens. *Steering* is how far the texts move along the axis: the model itself, "
        "unsteered, is asked which class each is of, and what is told is the difference to its unsteered text for the same "
        "prompt, in nats. *Coherence* is perplexity next to that of texts which the model writes when it is asked for the "
        "class: 1 is as fluent, values to use were sought up to %g. *Relevance* is how much a text keeps to its prompt, "
        "next "
        "to unsteered ones; at least %g was wanted. In brackets are 95%% intervals.\n",
        (unsigned long long)first->evaluation.samples, (unsigned long long)first->evaluation.text_tokens,
        first->evaluation.coherence_limit, first->evaluation.relevance_limit);
    for (size_t i = 0; i < folder->count; i++)
        if (folder->axes[i].figures) add_evidence_axis(page, &folder->axes[i]);
}

static void add_making(tt_text *page, const tt_card_folder *folder) {
    const tt_vector *of = &folder->axes[0].side;
    tt_text_add(page, "\n## How they were made\n\n| | |\n|---|---|\n| model | ");
    tt_card_add_plain(page, tt_card_model_name(folder));
    tt_text_addf(page, ", `%s`, %u blocks of width %u", of->architecture, of->layer_count, of->width);
    if (of->parameters) tt_text_addf(page, ", %s parameters", tt_parameters_text((double)of->parameters, (char[32]){0}));
    tt_text_add(page, " |\n");
    if (*of->fingerprint) tt_text_addf(page, "| fingerprint of the model | `%s` |\n", of->fingerprint);
    if (*of->method) tt_text_addf(page, "| method | %s |\n", of->method);
    if (of->samples)
        tt_text_addf(page, "| samples a class | %llu, seed %llu |\n", (unsigned long long)of->samples,
                     (unsigned long long)of->seed);
    if (of->layer_offset >= 0) tt_text_addf(page, "| layer offset | %d |\n", of->layer_offset);
    if (*of->version) tt_text_addf(page, "| made by | trimtab %s |\n", of->version);
    tt_text_add(page, "\n## Files\n\n| file | adds |\n|---|---|\n");
    for (size_t i = 0; i < folder->count; i++) {
        const tt_card_axis *axis = &folder->axes[i];
        for (int file = 0; file < TT_FILES; file++) {
            tt_text_addf(page, "| `%s` | ", file_of(axis, file));
            tt_card_add_plain(page, file == TT_FILE_DEBIAS ? "the middle of the axis"
                                                           : axis->files->classes[file == TT_FILE_POSITIVE]);
            tt_text_add(page, " |\n");
        }
    }
}

/* ==== Files ==== */

static bool write_card(const tt_card_folder *folder, const tt_card_options *options, tt_error *err) {
    char *path = tt_path_join(folder->catalogue.folder, "README.md", err);
    if (!path) return false;
    tt_text page = {0};
    tt_card_add_front_matter(&page, options);
    add_beginning(&page, folder);
    add_use(&page, folder);
    add_evidence(&page, folder);
    add_making(&page, folder);
    const bool ok = tt_card_write_page(path, &page, err);
    free(path);
    return ok;
}

static bool note_lacks(const tt_card_folder *folder, const tt_card_options *options, tt_notes *notes, tt_error *err) {
    if (!options->base_model && !tt_notes_add(notes, err, "the page does not link to the model: name it with --base-model"))
        return false;
    for (size_t i = 0; i < folder->count; i++)
        if (!folder->axes[i].figures &&
            !tt_notes_add(notes, err, "'%s' has no evidence: measure it with trimtab eval --save",
                          folder->axes[i].files->name))
            return false;
    return true;
}

bool tt_card_write(const char *folder, const tt_card_options *options, tt_notes *notes, tt_error *err) {
    tt_card_folder open;
    if (!tt_card_folder_open(&open, folder, notes, err)) return false;
    const bool ok =
        tt_card_charts_write(&open, err) && write_card(&open, options, err) && note_lacks(&open, options, notes, err);
    tt_card_folder_close(&open);
    return ok;
}
