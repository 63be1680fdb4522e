/* shared_options.h: groups of options that several commands have, and what they ask for. */
#pragma once

#include "cli/library.h"
#include "terminal/options.h"

/* Which model, where it runs and how it is talked to: -m, -ngl, -ts, -fa, -t, -b, -ub, --chat-template, --rpc,
 * --verbose. Names and meanings are llama.cpp's where it has them. */
extern const tt_option_group tt_model_group;
extern const tt_option_group tt_context_group; /* the context's size, where text of any length is written */
extern const tt_option_group tt_layout_group;  /* how the prompts of training are laid out */

/* The names of the built-in axes: a `suggestion` for options and operands. */
const char *tt_suggest_axis(size_t index);

/* The model's path: -m, else TRIMTAB_MODEL; NULL and TT_ERROR_USAGE where there is neither. */
const char *tt_model_path(const tt_arguments *arguments, tt_error *err);

/* The library's options as the group's say, for a caller to add to; the texts are those of `arguments`. */
trimtab_options tt_options_given(const tt_arguments *arguments);

/* Opens the model that the group's options name. On a terminal a line tells how much of it is loaded, unless `quiet`; Ctrl-C
 * ends that (TT_ERROR_INTERRUPTED), and from then on cancels what the handle does. Closed with tt_close_given. */
trimtab *tt_open_given(const tt_arguments *arguments, trimtab_options options, bool quiet, tt_error *err);
void tt_close_given(trimtab *t); /* harmless on NULL */
