/* main.c: finds the command that is asked for, runs it, and turns its result into a message and an exit status.
 *
 * Exit status: 0 done, 1 failed, 2 wrong usage. A run that Ctrl-C ended dies of that signal, and one whose reader went away
 * of SIGPIPE, as a shell expects. */
#include "base/cores.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/shared_options.h"
#include "terminal/console.h"
#include "terminal/help.h"
#include "terminal/interrupt.h"
#include "terminal/spinning.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TT_DONE, TT_FAILED, TT_WRONG_USAGE };

/* The error's message, and the exit status that belongs to it. */
static int fail(const tt_error *err) {
    if (err->kind == TT_ERROR_INTERRUPTED) tt_interrupt_finish();
    if (err->message[0]) tt_console_error("%s", err->message);
    return err->kind == TT_ERROR_USAGE ? TT_WRONG_USAGE : TT_FAILED;
}

/* The exit status of a program that has `status` so far: that can still fail by what was printed, which is told unless
 * something else was. */
static int finish(int status, bool told) {
    tt_error err = {0};
    if (tt_console_flush(&err)) return status;
    if (err.kind == TT_ERROR_NONE) { /* nobody reads any more: end as other programs do */
        signal(SIGPIPE, SIG_DFL);
        raise(SIGPIPE);
    }
    const int failed = told ? TT_FAILED : fail(&err);
    return status ? status : failed;
}

static int unknown_command(const char *name) {
    const char *names[64];
    size_t count = 0;
    for (size_t i = 0; tt_trimtab.commands[i] && count < sizeof names / sizeof *names; i++) {
        if (!tt_trimtab.commands[i]->hidden) names[count++] = tt_trimtab.commands[i]->name;
    }
    const char *nearest = tt_nearest(name, names, count);
    if (nearest)
        tt_console_error("there is no command '%s'; did you mean '%s'?", name, nearest);
    else
        tt_console_error("there is no command '%s'; 'trimtab --help' lists them", name);
    return TT_WRONG_USAGE;
}

static int help(const tt_command *command) {
    tt_error err = {0};
    const int status = tt_help_print(&tt_trimtab, command, stdout, &err) ? TT_DONE : fail(&err);
    return finish(status, err.message[0]);
}

/* Before a command that computes with a model: see spinning.h. */
static void set_spinning(const tt_arguments *arguments, char *const *argv) {
    const tt_option_group *group;
    bool uses_model = false;
    for (size_t i = 0; (group = tt_command_group(arguments->command, i)); i++)
        uses_model = uses_model || group == &tt_model_group;
    if (!uses_model) return;
    const int64_t threads = tt_argument_given(arguments, "-t") ? tt_argument_count(arguments, "-t") : tt_cores_available();
    tt_spinning_set(threads, arguments->command->purpose != TT_PURPOSE_APPLY, argv);
}

/* `argv` begins with the command's name; `whole` is main's. */
static int run_command(const tt_command *command, int argc, char **argv, char *const *whole) {
    tt_error err = {0};
    tt_arguments arguments;
    int status = TT_DONE;
    if (!tt_arguments_parse(&arguments, command, argc, argv, &err)) {
        status = fail(&err);
    } else if (arguments.help) {
        status = help(command);
    } else {
        set_spinning(&arguments, whole);
        tt_interrupt_catch();
        if (!command->run(&arguments, &err)) {
            fflush(stdout); /* what was done comes before why it ended */
            status = fail(&err);
        }
    }
    tt_arguments_free(&arguments);
    return finish(status, err.message[0]);
}

/* With the versions of the engines: what computes, and what lays out conversations. */
static void print_version(void) {
    const char *chat = trimtab_template_engine();
    printf("trimtab %s\nlibllama %s\nchat templates: ", trimtab_version(), trimtab_engine_version());
    if (chat)
        printf("llama.cpp %s\n", chat);
    else
        puts("named ones alone");
}

/* "trimtab help train" is "trimtab train --help". */
static int help_command(const char *name) {
    const tt_command *command = name ? tt_program_find(&tt_trimtab, name) : tt_trimtab.root;
    return command ? help(command) : unknown_command(name);
}

int main(int argc, char **argv) {
    tt_console_begin();
    tt_error err = {0};
    tt_arguments arguments;
    if (!tt_arguments_parse(&arguments, tt_trimtab.root, argc, argv, &err)) {
        tt_arguments_free(&arguments);
        return fail(&err);
    }
    const bool wants_help = arguments.help, wants_version = !wants_help && tt_argument_flag(&arguments, "--version");
    const size_t operands = arguments.operand_count;
    char **const rest = argv + argc - operands; /* the command's name and what follows; NULL ends it */
    tt_arguments_free(&arguments);
    if (wants_help) return help(tt_trimtab.root);
    if (wants_version) {
        print_version();
        return finish(TT_DONE, false);
    }
    if (!operands) {
        tt_help_print(&tt_trimtab, tt_trimtab.root, stderr, NULL);
        return TT_WRONG_USAGE;
    }
    if (strcmp(rest[0], "help") == 0) return help_command(rest[1]);
    const tt_command *command = tt_program_find(&tt_trimtab, rest[0]);
    return command ? run_command(command, (int)operands, rest, argv) : unknown_command(rest[0]);
}
