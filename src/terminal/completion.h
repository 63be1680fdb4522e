/* completion.h: scripts with which shells complete a program's command lines, made from the commands' tables. */
#pragma once

#include "base/text.h"
#include "terminal/options.h"

extern const char *const tt_completion_shells[]; /* NULL-terminated */

/* Appends the script for one of them; false for another shell. */
bool tt_completion_script(const tt_program *program, const char *shell, tt_text *text);
