/* card.c: `trimtab card`, the page with which a folder of vectors is published. */
#include "publish/card.h"
#include "cli/commands.h"
#include "terminal/console.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const tt_option options[] = {
    {"--license", .kind = TT_OPTION_TEXT, .argument = "NAME", .preset = "unknown",
     .help = "the vectors' license, as Hugging Face calls it, such as apache-2.0; mind the model's own"},
    {"--base-model", .kind = TT_OPTION_TEXT, .argument = "OWNER/NAME",
     .help = "where the model is published, so that its page links to the vectors; with one folder only"},
    {"-o, --output", .kind = TT_OPTION_FILE, .argument = "FILE", .preset = "README.md",
     .help = "of several folders: the page of the collection"},
};
static const tt_option_group group = {"Options", options, sizeof options / sizeof *options};

/* Both stand in the page's front matter as they are: anything else could end or break it. */
static bool is_name(const char *text, const char *also) {
    for (const char *at = text; *at; at++)
        if (!isalnum((unsigned char)*at) && !strchr(also, *at)) return false;
    return *text;
}

static bool check_names(const tt_card_options *given, tt_error *err) {
    if (!is_name(given->license, "-."))
        return tt_fail(err, TT_ERROR_USAGE,
                       "'%s' is no license's short name; give one such as apache-2.0, mit, cc-by-4.0 or other",
                       given->license);
    if (!given->base_model) return true;
    const char *slash = strchr(given->base_model, '/');
    if (!is_name(given->base_model, "-._/") || !slash || slash == given->base_model || !slash[1] || strchr(slash + 1, '/'))
        return tt_fail(err, TT_ERROR_USAGE,
                       "'%s' is not where a model is published; give its owner and name, such as "
                       "HuggingFaceTB/SmolLM2-135M-Instruct",
                       given->base_model);
    return true;
}

static bool write_card(const char *folder, const tt_card_options *given, tt_error *err) {
    tt_notes notes = {0};
    const bool ok = tt_card_write(folder, given, &notes, err);
    for (size_t i = 0; ok && i < notes.count; i++) tt_console_error("%s: %s", folder, notes.items[i]);
    if (ok) {
        tt_console_print(stdout, folder);
        puts("/README.md");
    }
    tt_notes_free(&notes);
    return ok;
}

static bool run(const tt_arguments *arguments, tt_error *err) {
    const size_t count = arguments->operand_count;
    const tt_card_options given = {tt_argument_text(arguments, "--license"), tt_argument_text(arguments, "--base-model")};
    if (!check_names(&given, err)) return false;
    if (count > 1 && given.base_model)
        return tt_fail(err, TT_ERROR_USAGE,
                       "--base-model names one model, but there are %zu folders; make each one's page first", count);
    if (count == 1 && tt_argument_given(arguments, "--output"))
        return tt_fail(err, TT_ERROR_USAGE,
                       "one folder's page is its README.md, where a publisher's site looks for it; leave out --output");
    if (count == 1) return write_card(arguments->operands[0], &given, err);
    const char *path = tt_argument_text(arguments, "--output");
    const bool ok = tt_collection_write(arguments->operands, count, path, &given, err);
    if (ok) {
        tt_console_print(stdout, path);
        putchar('\n');
    }
    return ok;
}

const tt_command tt_command_card = {
    .name = "card",
    .purpose = TT_PURPOSE_EXAMINE,
    .summary = "write the page with which vectors are published",
    .description =
        "Writes README.md into a folder of vectors, with the front matter that Hugging Face reads, the axes, how to apply "
        "them, what "
        "trimtab eval --save has measured, charts, and how the vectors were made: the folder can then be uploaded as it "
        "is.\n\n"
        "Of several models' folders it writes the page of the collection, with a link to each, the smallest model first.",
    .operands = "DIR...",
    .operands_least = 1,
    .operand_kind = TT_OPTION_FOLDER,
    .run = run,
    .groups = {&group},
    .examples =
        {
            {"trimtab card vectors --license apache-2.0 --base-model HuggingFaceTB/SmolLM2-135M-Instruct",
             "one model's page"},
            {"trimtab card small large -o README.md", "the page of a collection"},
        },
};
