/* commands.h: every command that the program has. */
#pragma once

#include "cli/options.h"

/* The program itself, as a command whose operand is a command's name: for parsing what comes before it, and for the help,
 * man page and completion of the whole. */
extern const tt_command tt_command_root;

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

/* The `index`-th command, NULL behind the last. */
const tt_command *tt_command_at(size_t index);

/* The command of this name, or NULL. */
const tt_command *tt_command_find(const char *name);

/* How `trimtab --help` heads the commands of a purpose: "Make control vectors". */
const char *tt_purpose_title(tt_purpose purpose);
