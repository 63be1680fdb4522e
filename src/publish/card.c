/* card.c: see card.h. The text of a card, part by part; card_folder.c has what it tells of, card_charts.c its charts,
 * card_text.c what it shares with the page of a collection. */
#include "publish/card.h"
#include "base/file.h"
#include "publish/card_charts.h"
#include "publish/card_folder.h"
#include "publish/card_text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ==== Words ==== */

static void add_percent(tt_text *page, tt_estimate estimate) {
    if (!isfinite(estimate.value))
        tt_text_add(page, "–");
    else if (!isfinite(estimate.low))
        tt_text_addf(page, "%.1f%%", 100 * estimate.value);
    else
        tt_text_addf(page, "%.1f%% (%.1f to %.1f)", 100 * estimate.value, 100 * estimate.low, 100 * estimate.high);
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

static void add_evidence_row(tt_text *page, const tt_card_axis *axis, int class) {
    const double value = recommended_value(axis, class);
    const tt_value_figures *figures = value != 0 ? tt_evaluation_at(axis->figures, value) : NULL;
    tt_text_add(page, "| ");
    tt_card_add_plain(page, axis->files->classes[class]);
    if (!figures) {
        tt_text_add(page, " | no value that was tried | | | | ");
    } else {
        tt_text_addf(page, " | %g | ", value);
        add_percent(page, figures->fidelity[class]);
        tt_text_add(page, " | ");
        add_percent(page, figures->fidelity[!class]);
        tt_text_add(page, " | ");
        add_percent(page, figures->perplexity);
        tt_text_add(page, " | ");
    }
    add_percent(page, axis->figures->prompt_damage[class]);
    tt_text_add(page, " |\n");
}

/* What the model wrote; NULL where there is nothing. */
static const char *text_of(const tt_value_figures *figures) {
    const char *text = figures ? figures->text + strspn(figures->text, " \n\r\t") : "";
    return *text ? text : NULL;
}

/* That, as a quotation of one paragraph. */
static void add_sample(tt_text *page, const char *head, const tt_value_figures *figures) {
    const char *text = text_of(figures);
    if (!text) return;
    tt_text_add(page, "\n**");
    tt_card_add_plain(page, head);
    if (figures->value != 0) tt_text_addf(page, " (%g)", figures->value);
    tt_text_add(page, "**\n\n> ");
    tt_card_add_plain(page, text);
    tt_text_add(page, "\n");
}

static void add_samples(tt_text *page, const tt_card_axis *axis) {
    const tt_value_figures *low = tt_evaluation_near(axis->figures, -1), *high = tt_evaluation_near(axis->figures, 1);
    const tt_value_figures *unsteered = &axis->figures->unsteered;
    if (!text_of(low) && !text_of(unsteered) && !text_of(high)) return;
    tt_text_add(page, "\n<details><summary>What the model wrote</summary>\n");
    add_sample(page, axis->files->classes[0], low);
    add_sample(page, "unsteered", unsteered);
    add_sample(page, axis->files->classes[1], high);
    tt_text_add(page, "\n</details>\n");
}

static void add_evidence(tt_text *page, const tt_card_folder *folder) {
    const tt_card_axis *first = NULL;
    for (size_t i = 0; i < folder->count && !first; i++)
        if (folder->axes[i].figures) first = &folder->axes[i];
    if (!first) return;
    tt_text_addf(
        page,
        "\n## Evidence\n\nMeasured by `trimtab eval` on %llu samples of stems, phrases and writing prompts that training "
        "left out. *Fidelity* is how much of what a class' system message does for the likelihood of the texts that it "
        "brings forth the vector does without the message: 0%% is nothing, 100%% all of it. The *other class* is the "
        "same for its texts, which should become less likely. *Damage* is the rise of perplexity on the model's own "
        "neutral texts; values to use were sought up to %g%% of it. *By message* is the damage that the system message "
        "does by the same measure. In brackets are 95%% intervals.\n",
        (unsigned long long)first->evaluation.samples, 100 * first->evaluation.damage_limit);
    for (size_t i = 0; i < folder->count; i++) {
        const tt_card_axis *axis = &folder->axes[i];
        if (!axis->figures) continue;
        char *safe = tt_safe_name(axis->files->name, NULL);
        if (!safe) page->failed = true; /* memory was short, as after an append that failed */
        tt_text_add(page, "\n### ");
        tt_card_add_plain(page, axis->files->name);
        tt_text_add(
            page,
            "\n\n| towards | value | fidelity | other class | damage | by message |\n|---|---:|---:|---:|---:|---:|\n");
        add_evidence_row(page, axis, 0);
        add_evidence_row(page, axis, 1);
        tt_text_addf(page, "\n![fidelity and damage by value](charts/%s.svg)\n", safe ? safe : "");
        add_samples(page, axis);
        free(safe);
    }
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
