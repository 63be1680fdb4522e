/* help.c: see help.h */
#include "terminal/help.h"
#include "terminal/console.h"

#include <string.h>

enum { TT_HELP_COLUMN = 28, TT_HELP_WIDEST = 100, TT_HELP_NARROW = 50 };

/* How many bytes of the word at `word` fit into a line of `room` columns: all, or, if it is too long (a list such as
 * "a;b;c"), up to the last comma or semicolon that fits. */
static int word_length(const char *word, int room) {
    const int length = (int)strcspn(word, " ");
    int fits = 0;
    for (int i = 1; i <= room && i < length; i++) {
        if (strchr(",;", word[i - 1])) fits = i;
    }
    return length > room && fits ? fits : length;
}

/* Appends `words` from column `column` on (where the text now is), wrapped at `width`; further lines begin at `indent`. Ends
 * the line. The tables' texts are ASCII: one byte, one column. */
static void add_wrapped(tt_text *text, const char *words, int column, int indent, int width) {
    bool first = true;
    for (;;) {
        words += strspn(words, " ");
        const int length = word_length(words, width - indent);
        if (!length) break;
        if (!first && column + 1 + length > width) {
            tt_text_addf(text, "\n%*s", indent, "");
            column = indent;
            first = true;
        }
        tt_text_addf(text, "%s%.*s", first ? "" : " ", length, words);
        column += length + !first;
        first = false;
        words += length;
    }
    tt_text_add(text, "\n");
}

/* Paragraphs, each followed by an empty line. */
static void add_paragraphs(tt_text *text, const char *paragraphs, int width) {
    while (*paragraphs) {
        const char *end = strstr(paragraphs, "\n\n");
        const size_t length = end ? (size_t)(end - paragraphs) : strlen(paragraphs);
        tt_text one = {0};
        tt_text_add_bytes(&one, paragraphs, length);
        if (tt_text_ok(&one, NULL))
            add_wrapped(text, one.data, 0, 0, width);
        else
            text->failed = true;
        tt_text_add(text, "\n");
        tt_text_free(&one);
        paragraphs += end ? length + 2 : length;
    }
}

/* "  LEFT      right"; the right part gets its own line if the left is too wide or the terminal too narrow. */
static void add_entry(tt_text *text, const char *left, const char *right, int width) {
    const int length = (int)strlen(left), indent = width < TT_HELP_NARROW ? 4 : TT_HELP_COLUMN;
    tt_text_addf(text, "  %s", left);
    if (length + 4 > indent)
        tt_text_addf(text, "\n%*s", indent, "");
    else
        tt_text_addf(text, "%*s", indent - 2 - length, "");
    add_wrapped(text, right, indent, indent, width);
}

/* "trimtab train [OPTION...]" */
static void add_usage(const tt_program *program, const tt_command *command, tt_text *text) {
    tt_text_addf(text, "%s", program->root->name);
    tt_text_addf(text, command == program->root ? " [OPTION...]" : " %s [OPTION...]", command->name);
    if (command->operands) tt_text_addf(text, " %s", command->operands);
}

void tt_help_default(const tt_option *option, tt_text *text) {
    if (option->environment) tt_text_addf(text, "$%s", option->environment);
    const char *preset = option->preset_text ? option->preset_text : option->preset;
    if (preset) tt_text_addf(text, "%s%s", option->environment ? ", else " : "", preset);
}

static void add_option(const tt_option *option, int width, tt_text *text) {
    tt_text left = {0}, right = {0}, preset = {0};
    tt_text_add(&left, option->names);
    if (option->argument) tt_text_addf(&left, " %s", option->argument);
    if (option->second) tt_text_addf(&left, option->second_if_number ? " [%s]" : " %s", option->second);
    tt_text_add(&right, option->help);
    for (size_t i = 0; option->choices && option->choices[i] && option->kind == TT_OPTION_CHOICE; i++)
        tt_text_addf(&right, "%s%s", i ? ", " : ": ", option->choices[i]);
    tt_help_default(option, &preset);
    if (preset.length) tt_text_addf(&right, " (default: %s)", preset.data);
    if (option->repeatable) tt_text_add(&right, " [repeatable]");
    if (tt_text_ok(&left, NULL) && tt_text_ok(&right, NULL) && tt_text_ok(&preset, NULL))
        add_entry(text, left.data, right.data, width);
    else
        text->failed = true;
    tt_text_free(&left);
    tt_text_free(&right);
    tt_text_free(&preset);
}

static void add_options(const tt_command *command, int width, tt_text *text) {
    const tt_option_group *group;
    const char *title = "";
    for (size_t g = 0; (group = tt_command_group(command, g)); g++) {
        /* Groups with the same title share a heading, as "Options" and --help do. */
        if (strcmp(group->title, title) != 0) tt_text_addf(text, "%s%s:\n", g ? "\n" : "", group->title);
        title = group->title;
        for (size_t i = 0; i < group->count; i++) {
            if (!group->options[i].hidden) add_option(&group->options[i], width, text);
        }
    }
}

static void add_commands(const tt_program *program, int width, tt_text *text) {
    for (int purpose = 0; purpose < TT_PURPOSES; purpose++) {
        bool any = false;
        for (const tt_command *const *at = program->commands; *at; at++) {
            if ((*at)->hidden || (int)(*at)->purpose != purpose) continue;
            if (!any) tt_text_addf(text, "%s:\n", program->purposes[purpose]);
            any = true;
            add_entry(text, (*at)->name, (*at)->summary, width);
        }
        if (any) tt_text_add(text, "\n");
    }
}

void tt_help_text(const tt_program *program, const tt_command *command, int width, tt_text *text) {
    tt_text usage = {0};
    tt_text_add(&usage, "usage: ");
    add_usage(program, command, &usage);
    if (tt_text_ok(&usage, NULL))
        add_wrapped(text, usage.data, 0, 7, width);
    else
        text->failed = true;
    tt_text_free(&usage);
    tt_text_add(text, "\n");
    if (command->description) {
        add_paragraphs(text, command->description, width);
    } else {
        add_wrapped(text, command->summary, 0, 0, width);
        tt_text_add(text, "\n");
    }
    if (command == program->root) add_commands(program, width, text);
    add_options(command, width, text);
    for (size_t i = 0; i < TT_EXAMPLES_MOST && command->examples[i].command; i++) {
        tt_text_addf(text, "%s\n  %s\n      ", i ? "" : "\nExamples:", command->examples[i].command);
        add_wrapped(text, command->examples[i].says, 6, 6, width);
    }
    if (command == program->root)
        tt_text_addf(text, "\n'%s COMMAND --help' tells all about a command.\n", program->root->name);
}

bool tt_help_print(const tt_program *program, const tt_command *command, FILE *stream, tt_error *err) {
    const int width = tt_console_width(stream, 80);
    tt_text text = {0};
    tt_help_text(program, command, width < TT_HELP_WIDEST ? width : TT_HELP_WIDEST, &text);
    const bool ok = tt_text_ok(&text, err);
    if (ok) fputs(text.data, stream);
    tt_text_free(&text);
    return ok;
}
