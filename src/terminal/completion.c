/* completion.c: see completion.h */
#include "terminal/completion.h"

#include <stdio.h>
#include <string.h>

/* What can be typed in one place: words, files, folders, or anything else. */
typedef struct tt_value {
    tt_option_kind kind;
    const char *const *choices;
    const char *(*suggestion)(size_t index);
} tt_value;

static tt_value value_of(const tt_option *option) { return (tt_value){option->kind, option->choices, option->suggestion}; }

static tt_value operand_of(const tt_command *command) {
    return (tt_value){command->operand_kind, command->operand_choices, command->operand_suggestion};
}

/* Appends the words, separated by spaces; returns whether there are any. */
static bool add_words(tt_text *text, const tt_value *value) {
    bool any = false;
    for (size_t i = 0; value->choices && value->choices[i]; i++, any = true)
        tt_text_addf(text, "%s%s", any ? " " : "", value->choices[i]);
    const char *word;
    for (size_t i = 0; value->suggestion && (word = value->suggestion(i)); i++, any = true)
        tt_text_addf(text, "%s%s", any ? " " : "", word);
    return any;
}

/* Appends `words` with a backslash before each of `special`, for use inside single quotes: a quote becomes `quote`. */
static void add_quoted(tt_text *text, const char *words, const char *special, const char *quote) {
    for (; *words; words++) {
        if (*words == '\'') {
            tt_text_add(text, quote);
            continue;
        }
        if (strchr(special, *words)) tt_text_add(text, "\\");
        tt_text_add_bytes(text, words, 1);
    }
}

/* The next command that help shows, from `*index` on. */
static const tt_command *next_command(const tt_program *program, size_t *index) {
    const tt_command *command;
    while ((command = program->commands[*index])) {
        ++*index;
        if (!command->hidden) return command;
    }
    return NULL;
}

/* The next option of a command that help shows, from `*index` on, which counts through all groups. */
static const tt_option *next_option(const tt_command *command, size_t *index) {
    for (;; (*index)++) {
        size_t place = *index;
        const tt_option_group *group;
        for (size_t g = 0; (group = tt_command_group(command, g)) && place >= group->count; g++) place -= group->count;
        if (!group) return NULL;
        if (group->options[place].hidden) continue;
        (*index)++;
        return &group->options[place];
    }
}

/* ==== bash ==== */

static const char bash_begin[] =
    "# bash completion of trimtab, made from its option tables\n"
    "_trimtab_words() { mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$current\"); }\n"
    "_trimtab() {\n"
    "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command='' word\n"
    "    COMPREPLY=()\n"
    "    # --option=value comes as three words\n"
    "    if [[ $current == '=' ]]; then current=''; elif [[ $previous == '=' ]]; then previous=${COMP_WORDS[COMP_CWORD-2]}; "
    "fi\n"
    "    for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
    "        if [[ $word != -* ]]; then command=$word; break; fi\n"
    "    done\n"
    "    case \"$command $previous\" in\n";

static void bash_value(tt_text *text, const tt_value *value) {
    tt_text words = {0};
    if (add_words(&words, value))
        tt_text_addf(text, "_trimtab_words '%s'", words.data);
    else if (value->kind == TT_OPTION_FILE)
        tt_text_add(text, "compopt -o default");
    else if (value->kind == TT_OPTION_FOLDER)
        tt_text_add(text, "compopt -o dirnames");
    else
        tt_text_add(text, ":");
    if (!tt_text_ok(&words, NULL)) text->failed = true;
    tt_text_free(&words);
}

static void bash_option_values(tt_text *text, const tt_command *command) {
    const tt_option *option;
    for (size_t i = 0; (option = next_option(command, &i));) {
        if (option->kind == TT_OPTION_FLAG) continue;
        char name[TT_OPTION_NAME];
        const char *bar = "";
        tt_text_add(text, "    ");
        for (const char *names = option->names; tt_option_next_name(&names, name); bar = " | ")
            tt_text_addf(text, "%s'%s %s'", bar, command->name, name);
        const tt_value value = value_of(option);
        tt_text_add(text, ") ");
        bash_value(text, &value);
        tt_text_add(text, "; return ;;\n");
    }
}

static void bash_option_names(tt_text *text, const tt_command *command) {
    const tt_option *option;
    const char *space = "";
    for (size_t i = 0; (option = next_option(command, &i));) {
        char name[TT_OPTION_NAME];
        for (const char *names = option->names; tt_option_next_name(&names, name); space = " ")
            tt_text_addf(text, "%s%s", space, name);
    }
}

static void bash_command_names(tt_text *text, const tt_program *program) {
    const tt_command *command;
    for (size_t i = 0; (command = next_command(program, &i));) tt_text_addf(text, "%s ", command->name);
}

static void add_bash(tt_text *text, const tt_program *program) {
    const tt_command *command;
    tt_text_add(text, bash_begin);
    for (size_t i = 0; (command = next_command(program, &i));) bash_option_values(text, command);
    tt_text_add(text, "    esac\n    if [[ $current == -* ]]; then\n        case $command in\n        '') _trimtab_words '");
    bash_option_names(text, program->root);
    tt_text_add(text, "' ;;\n");
    for (size_t i = 0; (command = next_command(program, &i));) {
        tt_text_addf(text, "        %s) _trimtab_words '", command->name);
        bash_option_names(text, command);
        tt_text_add(text, "' ;;\n");
    }
    tt_text_add(text, "        esac\n        return\n    fi\n    case $command in\n    '') _trimtab_words '");
    bash_command_names(text, program);
    tt_text_add(text, "help' ;;\n    help) _trimtab_words '");
    bash_command_names(text, program);
    tt_text_add(text, "' ;;\n");
    for (size_t i = 0; (command = next_command(program, &i));) {
        const tt_value value = operand_of(command);
        if (!command->operands) continue;
        tt_text_addf(text, "    %s) ", command->name);
        bash_value(text, &value);
        tt_text_add(text, " ;;\n");
    }
    tt_text_add(text, "    esac\n}\ncomplete -F _trimtab trimtab\n");
}

/* ==== zsh ==== */

/* ":MESSAGE:ACTION", the form of _arguments. */
static void zsh_value(tt_text *text, const char *message, const tt_value *value) {
    tt_text words = {0};
    tt_text_add(text, ":");
    add_quoted(text, message, ":\\", "'\\''");
    if (add_words(&words, value))
        tt_text_addf(text, ":(%s)", words.data);
    else
        tt_text_add(text, value->kind == TT_OPTION_FILE ? ":_files" : value->kind == TT_OPTION_FOLDER ? ":_files -/" : ": ");
    if (!tt_text_ok(&words, NULL)) text->failed = true;
    tt_text_free(&words);
}

/* One specification per spelling; each excludes the option's others, unless it may be repeated. */
static void zsh_options(tt_text *text, const tt_command *command) {
    const tt_option *option;
    for (size_t i = 0; (option = next_option(command, &i));) {
        char name[TT_OPTION_NAME], other[TT_OPTION_NAME];
        for (const char *names = option->names; tt_option_next_name(&names, name);) {
            const char *space = "";
            tt_text_add(text, option->repeatable ? " \\\n            '*" : " \\\n            '(");
            for (const char *all = option->names; !option->repeatable && tt_option_next_name(&all, other); space = " ")
                tt_text_addf(text, "%s%s", space, other);
            const bool equals = option->kind != TT_OPTION_FLAG && name[1] == '-';
            tt_text_addf(text, "%s%s%s[", option->repeatable ? "" : ")", name, equals ? "=" : "");
            add_quoted(text, option->help, "[]\\", "'\\''");
            tt_text_add(text, "]");
            const tt_value value = value_of(option), second = {.kind = TT_OPTION_TEXT};
            if (option->kind != TT_OPTION_FLAG) zsh_value(text, option->argument, &value);
            if (option->second) zsh_value(text, option->second, &second);
            tt_text_add(text, "'");
        }
    }
}

static void add_zsh(tt_text *text, const tt_program *program) {
    const tt_command *command;
    tt_text_add(text, "#compdef trimtab\n"
                      "# zsh completion of trimtab, made from its option tables\n"
                      "_trimtab() {\n"
                      "    local context state state_descr line\n"
                      "    typeset -A opt_args\n"
                      "    local -a commands=(\n");
    for (size_t i = 0; (command = next_command(program, &i));) {
        tt_text_addf(text, "        '%s:", command->name);
        add_quoted(text, command->summary, ":\\", "'\\''");
        tt_text_add(text, "'\n");
    }
    tt_text_add(text, "        'help:show the help of a command'\n    )\n    _arguments -C");
    zsh_options(text, program->root);
    tt_text_add(text, " \\\n            '1: :->command' '*:: :->rest'\n"
                      "    case $state in\n"
                      "    command) _describe -t commands command commands ;;\n"
                      "    rest)\n        case $words[1] in\n"
                      "        help) _describe -t commands command commands ;;\n");
    for (size_t i = 0; (command = next_command(program, &i));) {
        const tt_value value = operand_of(command);
        tt_text_addf(text, "        %s)\n            _arguments", command->name);
        zsh_options(text, command);
        if (command->operands) {
            tt_text_add(text, " \\\n            '*");
            zsh_value(text, command->operands, &value);
            tt_text_add(text, "'");
        }
        tt_text_add(text, " ;;\n");
    }
    tt_text_add(text, "        esac ;;\n    esac\n}\n"
                      "if [[ $funcstack[1] == _trimtab ]]; then _trimtab \"$@\"; else compdef _trimtab trimtab; fi\n");
}

/* ==== fish ==== */

static void fish_value(tt_text *text, const tt_value *value) {
    tt_text words = {0};
    if (add_words(&words, value))
        tt_text_addf(text, " -x -a '%s'", words.data);
    else if (value->kind == TT_OPTION_FOLDER)
        tt_text_add(text, " -x -a '(__fish_complete_directories)'");
    else
        tt_text_add(text, value->kind == TT_OPTION_FILE ? " -r -F" : " -x");
    if (!tt_text_ok(&words, NULL)) text->failed = true;
    tt_text_free(&words);
}

static void fish_description(tt_text *text, const char *words) {
    tt_text_add(text, " -d '");
    add_quoted(text, words, "\\", "\\'");
    tt_text_add(text, "'\n");
}

static void fish_options(tt_text *text, const tt_command *command, const char *condition) {
    const tt_option *option;
    for (size_t i = 0; (option = next_option(command, &i));) {
        char name[TT_OPTION_NAME];
        tt_text_addf(text, "complete -c trimtab -n '%s'", condition);
        for (const char *names = option->names; tt_option_next_name(&names, name);) {
            const char *kind = name[1] == '-' ? "-l" : name[2] ? "-o" : "-s";
            tt_text_addf(text, " %s %s", kind, name + strspn(name, "-"));
        }
        const tt_value value = value_of(option);
        if (option->kind != TT_OPTION_FLAG) fish_value(text, &value);
        fish_description(text, option->help);
    }
}

static void add_fish(tt_text *text, const tt_program *program) {
    const tt_command *command;
    tt_text_add(text, "# fish completion of trimtab, made from its option tables\ncomplete -c trimtab -f\n");
    fish_options(text, program->root, "__fish_use_subcommand");
    tt_text_add(text, "complete -c trimtab -n __fish_use_subcommand -a help -d 'show the help of a command'\n");
    for (size_t i = 0; (command = next_command(program, &i));) {
        tt_text_addf(text, "complete -c trimtab -n __fish_use_subcommand -a %s", command->name);
        fish_description(text, command->summary);
        tt_text_addf(text, "complete -c trimtab -n '__fish_seen_subcommand_from help' -a %s\n", command->name);
    }
    for (size_t i = 0; (command = next_command(program, &i));) {
        char condition[128];
        const tt_value value = operand_of(command);
        snprintf(condition, sizeof condition, "__fish_seen_subcommand_from %s", command->name);
        fish_options(text, command, condition);
        if (!command->operands) continue;
        tt_text_addf(text, "complete -c trimtab -n '%s'", condition);
        tt_text words = {0};
        if (add_words(&words, &value))
            tt_text_addf(text, " -a '%s'\n", words.data);
        else
            tt_text_add(text, value.kind == TT_OPTION_FILE     ? " -F\n"
                              : value.kind == TT_OPTION_FOLDER ? " -a '(__fish_complete_directories)'\n"
                                                               : " -f\n");
        if (!tt_text_ok(&words, NULL)) text->failed = true;
        tt_text_free(&words);
    }
}

/* ==== All shells ==== */

const char *const tt_completion_shells[] = {"bash", "zsh", "fish", NULL};

bool tt_completion_script(const tt_program *program, const char *shell, tt_text *text) {
    static void (*const scripts[])(tt_text *text, const tt_program *program) = {add_bash, add_zsh, add_fish};
    for (size_t i = 0; tt_completion_shells[i]; i++) {
        if (strcmp(tt_completion_shells[i], shell) != 0) continue;
        scripts[i](text, program);
        return true;
    }
    return false;
}
