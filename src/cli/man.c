/* man.c: `trimtab man`, which prints manual pages in troff's man macros, made from the commands' tables. The build runs it;
 * it is hidden from help. */
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/commands.h"
#include "terminal/help.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Appends `words` so that troff prints them as they are. */
static void add_escaped(tt_text *text, const char *words, size_t length) {
    for (size_t i = 0; i < length; i++) {
        const bool line_begins = !text->length || text->data[text->length - 1] == '\n';
        switch (words[i]) {
        case '\\':
            tt_text_add(text, "\\e");
            break;
        case '-':
            tt_text_add(text, "\\-");
            break;
        case '~':
            tt_text_add(text, "\\(ti");
            break;
        case '^':
            tt_text_add(text, "\\(ha");
            break;
        case '`':
            tt_text_add(text, "\\(ga");
            break;
        case '\'':
            tt_text_add(text, "\\(aq");
            break;
        case '.':
            if (line_begins) tt_text_add(text, "\\&");
            tt_text_add(text, ".");
            break;
        default:
            tt_text_add_bytes(text, &words[i], 1);
        }
    }
}

static void add_line(tt_text *text, const char *words) {
    add_escaped(text, words, strlen(words));
    tt_text_add(text, "\n");
}

static void add_paragraphs(tt_text *text, const char *paragraphs) {
    while (*paragraphs) {
        const char *end = strstr(paragraphs, "\n\n");
        const size_t length = end ? (size_t)(end - paragraphs) : strlen(paragraphs);
        add_escaped(text, paragraphs, length);
        tt_text_add(text, end ? "\n.PP\n" : "\n");
        paragraphs += end ? length + 2 : length;
    }
}

/* "-m, --model FILE" with bold names and an italic value. */
static void add_option_head(tt_text *text, const tt_option *option) {
    char name[TT_OPTION_NAME];
    bool first = true;
    for (const char *names = option->names; tt_option_next_name(&names, name); first = false) {
        if (!first) tt_text_add(text, ", ");
        tt_text_add(text, "\\fB");
        add_escaped(text, name, strlen(name));
        tt_text_add(text, "\\fR");
    }
    if (option->argument) {
        tt_text_add(text, " \\fI");
        add_escaped(text, option->argument, strlen(option->argument));
        tt_text_add(text, "\\fR");
    }
    if (option->second) tt_text_addf(text, option->second_if_number ? " [\\fI%s\\fR]" : " \\fI%s\\fR", option->second);
    tt_text_add(text, "\n");
}

static void add_option(tt_text *text, const tt_option *option) {
    tt_text preset = {0};
    tt_text_add(text, ".TP\n");
    add_option_head(text, option);
    add_escaped(text, option->help, strlen(option->help));
    for (size_t i = 0; option->choices && option->choices[i] && option->kind == TT_OPTION_CHOICE; i++) {
        tt_text_add(text, i ? ", " : ": ");
        add_escaped(text, option->choices[i], strlen(option->choices[i]));
    }
    tt_text_add(text, ".\n");
    tt_help_default(option, &preset);
    if (preset.length) {
        tt_text_add(text, "Default: ");
        add_escaped(text, preset.data, preset.length);
        tt_text_add(text, ".\n");
    }
    if (option->repeatable) tt_text_add(text, "May be given several times.\n");
    if (!tt_text_ok(&preset, NULL)) text->failed = true;
    tt_text_free(&preset);
}

static void add_options(tt_text *text, const tt_command *command) {
    const tt_option_group *group;
    const char *title = "Options"; /* that heading stands already */
    tt_text_add(text, ".SH OPTIONS\n");
    for (size_t g = 0; (group = tt_command_group(command, g)); g++) {
        if (strcmp(group->title, title) != 0) {
            tt_text_add(text, ".SS ");
            add_line(text, group->title);
        }
        title = group->title;
        for (size_t i = 0; i < group->count; i++) {
            if (!group->options[i].hidden) add_option(text, &group->options[i]);
        }
    }
}

static void add_commands(tt_text *text) {
    const tt_command *command;
    tt_text_add(text, ".SH COMMANDS\n");
    for (int purpose = 0; purpose < TT_PURPOSES; purpose++) {
        bool any = false;
        for (size_t i = 0; (command = tt_command_at(i)); i++) {
            if (command->hidden || (int)command->purpose != purpose) continue;
            if (!any) tt_text_addf(text, ".SS %s\n", tt_purpose_title((tt_purpose)purpose));
            any = true;
            tt_text_addf(text, ".TP\n\\fBtrimtab\\-%s\\fR(1)\n", command->name);
            add_escaped(text, command->summary, strlen(command->summary));
            tt_text_add(text, ".\n");
        }
    }
}

/* Every variable that an option of this command, or of any command for the root's page, falls back to; and NO_COLOR. */
static void add_environment(tt_text *text, const tt_command *command) {
    const tt_option_group *group;
    tt_text_add(text, ".SH ENVIRONMENT\n");
    for (size_t g = 0; (group = tt_command_group(command, g)); g++) {
        for (size_t i = 0; i < group->count; i++) {
            const tt_option *option = &group->options[i];
            if (!option->environment || option->hidden) continue;
            tt_text_addf(text, ".TP\n.B %s\nStands in for ", option->environment);
            const char *name = tt_option_name(option);
            add_escaped(text, name, strlen(name));
            tt_text_add(text, " where that is not given.\n");
        }
    }
    tt_text_add(text, ".TP\n.B NO_COLOR\nWhere it is set and not empty, nothing is coloured.\n");
}

static void add_examples(tt_text *text, const tt_command *command) {
    if (command->examples[0].command) tt_text_add(text, ".SH EXAMPLES\n");
    for (size_t i = 0; i < TT_EXAMPLES_MOST && command->examples[i].command; i++) {
        tt_text_add(text, i ? ".PP\n" : "");
        add_line(text, command->examples[i].says);
        tt_text_add(text, ".PP\n.RS\n.nf\n");
        add_line(text, command->examples[i].command);
        tt_text_add(text, ".fi\n.RE\n");
    }
}

static void add_page(tt_text *text, const tt_command *command) {
    const bool is_root = command == &tt_command_root;
    tt_text_add(text, ".TH TRIMTAB");
    if (!is_root) tt_text_add(text, "\\-");
    for (const char *c = is_root ? "" : command->name; *c; c++) tt_text_addf(text, "%c", toupper((unsigned char)*c));
    tt_text_add(text, " 1 \"\" \"trimtab " TRIMTAB_VERSION "\" \"User Commands\"\n.SH NAME\n");
    tt_text_addf(text, "%s%s \\- ", is_root ? "" : "trimtab\\-", command->name);
    add_line(text, command->summary);
    tt_text_addf(text, ".SH SYNOPSIS\n.B trimtab%s%s\n[\\fIOPTION\\fR...]", is_root ? "" : " ",
                 is_root ? "" : command->name);
    if (command->operands) {
        tt_text_add(text, " ");
        add_escaped(text, command->operands, strlen(command->operands));
    }
    tt_text_add(text, "\n.SH DESCRIPTION\n");
    if (command->description)
        add_paragraphs(text, command->description);
    else
        add_line(text, command->summary);
    if (is_root) add_commands(text);
    add_options(text, command);
    add_examples(text, command);
    add_environment(text, command);
    tt_text_add(text, ".SH EXIT STATUS\n0 done, 1 failed, 2 wrong usage.\n");
    tt_text_addf(text, ".SH SEE ALSO\n%s\n", is_root ? "\\fBllama\\-completion\\fR(1)" : "\\fBtrimtab\\fR(1)");
}

static char *page_of(const tt_command *command, tt_error *err) {
    tt_text text = {0};
    add_page(&text, command);
    return tt_text_take(&text, err);
}

static bool write_page(const tt_command *command, const char *folder, tt_error *err) {
    const bool is_root = command == &tt_command_root;
    char *page = page_of(command, err);
    char *path = page ? tt_format(err, "%s/trimtab%s%s.1", folder, is_root ? "" : "-", is_root ? "" : command->name) : NULL;
    const bool ok = path && tt_file_write(path, page, strlen(page), err);
    free(path);
    free(page);
    return ok;
}

static bool write_all_pages(const char *folder, tt_error *err) {
    if (!tt_make_folder(folder, err) || !write_page(&tt_command_root, folder, err)) return false;
    const tt_command *command;
    for (size_t i = 0; (command = tt_command_at(i)); i++) {
        if (!command->hidden && !write_page(command, folder, err)) return false;
    }
    return true;
}

static bool run(const tt_arguments *arguments, tt_error *err) {
    const char *folder = tt_argument_text(arguments, "--output");
    if (folder) return write_all_pages(folder, err);
    const char *name = arguments->operand_count ? arguments->operands[0] : NULL;
    const tt_command *command = name ? tt_command_find(name) : &tt_command_root;
    if (!command) return tt_fail(err, TT_ERROR_USAGE, "there is no command '%s'", name);
    char *page = page_of(command, err);
    if (page) fputs(page, stdout);
    free(page);
    return page != NULL;
}

static const tt_option options[] = {
    {"-o, --output", .kind = TT_OPTION_FOLDER, .argument = "DIR", .help = "write the pages of all commands there"},
};
static const tt_option_group group = {"Options", options, sizeof options / sizeof *options};

const tt_command tt_command_man = {
    .name = "man",
    .purpose = TT_PURPOSE_OTHER,
    .hidden = true,
    .summary = "print a manual page in troff format",
    .operands = "[COMMAND]",
    .operands_most = 1,
    .groups = {&group},
    .run = run,
};
