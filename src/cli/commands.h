/* commands.h: every command that the program has. */
#pragma once

#include "terminal/options.h"

/* All of them, and the program itself. */
extern const tt_program tt_trimtab;

extern const tt_command tt_command_axes;
extern const tt_command tt_command_bake;
extern const tt_command tt_command_command;
extern const tt_command tt_command_card;
extern const tt_command tt_command_completion;
extern const tt_command tt_command_eval;
extern const tt_command tt_command_inspect;
extern const tt_command tt_command_man;
extern const tt_command tt_command_merge;
extern const tt_command tt_command_run;
extern const tt_command tt_command_serve;
extern const tt_command tt_command_template;
extern const tt_command tt_command_train;
