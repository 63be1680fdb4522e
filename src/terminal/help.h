/* help.h: what `--help` prints of a program and of its commands, from their tables. */
#pragma once

#include "base/text.h"
#include "terminal/options.h"

#include <stdio.h>

/* Prints the command's help, as wide as the terminal. */
bool tt_help_print(const tt_program *program, const tt_command *command, FILE *stream, tt_error *err);

/* The same as text, `width` columns wide where words allow it. */
void tt_help_text(const tt_program *program, const tt_command *command, int width, tt_text *text);

/* How help and the man page tell an option's default: "all built-in axes", "192", "$TRIMTAB_MODEL"; empty where there is
 * none. */
void tt_help_default(const tt_option *option, tt_text *text);
