/* help.h: the output of `--help` for a program and its commands, from their tables. */
#pragma once

#include "base/text.h"
#include "terminal/options.h"

#include <stdio.h>

/* Prints the command's help, as wide as the terminal. */
bool tt_help_print(const tt_program *program, const tt_command *command, FILE *stream, tt_error *err);

/* The same as text, `width` columns wide as far as words allow. */
void tt_help_text(const tt_program *program, const tt_command *command, int width, tt_text *text);

/* An option's default as help and the man page show it: "all built-in axes", "192", "$TRIMTAB_MODEL"; empty if there is
 * none. */
void tt_help_default(const tt_option *option, tt_text *text);
