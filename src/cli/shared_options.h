/* shared_options.h: groups of options that several commands have, and what they say as the rooms below want to hear it. */
#pragma once

#include "cli/options.h"
#include "model/engine.h"
#include "model/model.h"

/* Which model, where it runs and how it is talked to: -m, -ngl, -ts, -fa, -t, -c, -b, -ub, --chat-template,
 * --separate-system-message, --rpc, --verbose. Names and meanings are llama.cpp's where it has them. */
extern const tt_option_group tt_model_group;

/* The names of the built-in axes: a `suggestion` for options and operands. */
const char *tt_suggest_axis(size_t index);

/* The model's path: -m, else TRIMTAB_MODEL; NULL and TT_ERROR_USAGE where there is neither. */
const char *tt_model_path(const tt_arguments *arguments, tt_error *err);

/* Fills `options` from the group, whose texts it borrows. False where no model is named. */
bool tt_model_options_given(const tt_arguments *arguments, tt_model_options *options, tt_error *err);

/* The engine, as --verbose and --rpc want it. */
tt_engine *tt_engine_start_given(const tt_arguments *arguments, tt_error *err);
