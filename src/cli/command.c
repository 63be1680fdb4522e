/* command.c: `trimtab command`, a mix as the options of llama.cpp, ready to paste. */
#include "base/text.h"
#include "cli/commands.h"
#include "cli/llama_version.h"
#include "cli/mix_options.h"

#include <stdio.h>
#include <string.h>

enum { FOR_CURRENT, FOR_LEGACY, FOR_KOBOLDCPP };
static const char *const programs[] = {"llama.cpp-0.7", "llama.cpp-legacy", "koboldcpp", NULL};

static const tt_option options[] = {
    {"--for", .kind = TT_OPTION_CHOICE, .argument = "PROGRAM", .choices = programs,
     .preset_text = "what llama-cli --version says",
     .help =
         "who takes the options: llama.cpp with FILE:SCALE, llama.cpp with FILE SCALE (before December 2025, and programs "
         "made from it), or KoboldCpp"},
    {"-m, --model", .kind = TT_OPTION_FILE, .argument = "FILE",
     .help = "the model that it is for: its vectors are chosen where the folder has several models', and checked"},
};
static const tt_option_group group = {"Options", options, sizeof options / sizeof *options};

static void add_word(tt_text *line, const char *word) {
    if (line->length) tt_text_add(line, " ");
    tt_text_add_shell_word(line, word);
}

/* KoboldCpp takes no control vectors, but any model: the mix goes into one, by the options that were given here. Where that
 * cannot be done no command is printed that would fail. */
static bool add_baking(tt_text *line, const tt_arguments *arguments, const trimtab_mix *mix, tt_error *err) {
    trimtab_error error;
    if (!tt_argument_given(arguments, "--model"))
        return tt_fail(err, TT_ERROR_USAGE,
                       "KoboldCpp takes no control vectors, only a model that carries them; name the model with -m FILE");
    trimtab_bake_check(mix, &error);
    if (!tt_went_well(&error, err)) return false;
    tt_text_add(line, "trimtab bake -m ");
    tt_text_add_shell_word(line, tt_argument_text(arguments, "--model"));
    for (size_t i = 0; i < arguments->given_count; i++) {
        const tt_given *given = &arguments->given[i];
        if (given->option >= options && given->option < options + group.count) continue;
        add_word(line, tt_option_name(given->option));
        if (given->text) add_word(line, given->text);
        if (given->second) add_word(line, given->second);
    }
    tt_text_add(line, " -o steered.gguf && koboldcpp --model steered.gguf");
    fputs("KoboldCpp takes no control vectors: this writes a model that carries the mix, and loads it\n", stderr);
    return tt_text_ok(line, err);
}

static bool add_options(tt_text *line, const tt_arguments *arguments, const trimtab_mix *mix, tt_error *err) {
    const bool told = tt_argument_given(arguments, "--for");
    const size_t program = told ? tt_argument_choice(arguments, "--for") : FOR_CURRENT;
    if (program == FOR_KOBOLDCPP) return add_baking(line, arguments, mix, err);
    trimtab_syntax syntax = program == FOR_LEGACY ? TRIMTAB_SYNTAX_LEGACY : TRIMTAB_SYNTAX_CURRENT;
    if (!told && !tt_llama_version_ask(&syntax, err)) return false;
    trimtab_error error;
    char *words = trimtab_llama_options(mix, syntax, &error);
    if (!tt_went_well(&error, err)) return false;
    tt_text_add(line, words);
    trimtab_text_free(words);
    return tt_text_ok(line, err);
}

static bool print_line(const tt_arguments *arguments, const trimtab_mix *mix, tt_error *err) {
    tt_text line = {0};
    tt_mix_warn(mix);
    bool ok = add_options(&line, arguments, mix, err);
    if (ok && !line.length) ok = tt_fail(err, TT_ERROR_INPUT, "the mix applies no vector: every scale in it is 0");
    if (ok) puts(line.data);
    tt_text_free(&line);
    return ok;
}

static bool run(const tt_arguments *arguments, tt_error *err) {
    if (!tt_mix_asked(arguments))
        return tt_fail(err, TT_ERROR_USAGE, "nothing to apply: name an axis, such as --axis language=0.5");
    trimtab_mix *mix = tt_mix_open_given(arguments, NULL, false, err);
    const bool ok = mix && print_line(arguments, mix, err);
    trimtab_mix_free(mix);
    return ok;
}

const tt_command tt_command_command = {
    .name = "command",
    .purpose = TT_PURPOSE_APPLY,
    .summary = "print the options that apply a mix with llama.cpp",
    .description = "Finds and checks the files of a mix, and prints the options with which llama-cli, llama-server and "
                   "llama.cpp's other "
                   "programs apply it, quoted for the shell, in the syntax of the version that is installed.\n\n"
                   "A file with a colon in its name cannot be scaled in the current syntax: trimtab merge makes one file of "
                   "such a mix. "
                   "For KoboldCpp, which takes no control vectors, the printed command bakes the mix into a model.",
    .run = run,
    .groups = {&group, &tt_mix_group},
    .examples =
        {
            {"trimtab command --vectors vectors --axis language=0.5", "what to put behind llama-cli -m model.gguf"},
            {"trimtab command --for llama.cpp-legacy --vectors vectors --axis language=0.5",
             "the same for an older llama.cpp"},
        },
};
