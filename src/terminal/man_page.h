/* man_page.h: a manual page in troff's man macros, made from a command's table. */
#pragma once

#include "base/text.h"
#include "terminal/options.h"

/* Appends the page of a command, or of the whole program for its root. */
void tt_man_page(const tt_program *program, const tt_command *command, tt_text *text);
