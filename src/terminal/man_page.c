/* man_page.c: see man_page.h */
#include "terminal/man_page.h"
#include "terminal/help.h"

#include <ctype.h>
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
    const char *title = "Options"; /* that heading exists already */
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

static void add_commands(tt_text *text, const tt_program *program) {
    tt_text_add(text, ".SH COMMANDS\n");
    for (int purpose = 0; purpose < TT_PURPOSES; purpose++) {
        bool any = false;
        for (const tt_command *const *at = program->commands; *at; at++) {
            const tt_command *command = *at;
            if (command->hidden || (int)command->purpose != purpose) continue;
            if (!any) tt_text_addf(text, ".SS %s\n", program->purposes[purpose]);
            any = true;
            tt_text_addf(text, ".TP\n\\fBtrimtab\\-%s\\fR(1)\n", command->name);
            add_escaped(text, command->summary, strlen(command->summary));
            tt_text_add(text, ".\n");
        }
    }
}

/* Every environment variable of this command's options (for the root's page, of all commands' options), and NO_COLOR. */
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

void tt_man_page(const tt_program *program, const tt_command *command, tt_text *text) {
    const bool is_root = command == program->root;
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
    if (is_root) add_commands(text, program);
    add_options(text, command);
    add_examples(text, command);
    add_environment(text, command);
    tt_text_add(text, ".SH EXIT STATUS\n0 done, 1 failed, 2 wrong usage.\n");
    tt_text_addf(text, ".SH SEE ALSO\n%s\n", is_root ? "\\fBllama\\-completion\\fR(1)" : "\\fBtrimtab\\fR(1)");
}
