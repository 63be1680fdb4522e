/* shared_options.h: groups of options that several commands have, and what they ask for. */
#pragma once

#include "model/chat.h"
#include "model/engine.h"
#include "model/model.h"
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

/* How conversations are laid out, as the group's options say. */
tt_chat_options tt_chat_given(const tt_arguments *arguments);

/* Opens the model that the group's options name, in an engine of its own. On a terminal a line tells how much of it is
 * loaded, unless `quiet`; the first Ctrl-C ends that (TT_ERROR_INTERRUPTED). The caller closes the model, then the engine;
 * on failure both are NULL. */
tt_model *tt_model_open_given(const tt_arguments *arguments, bool quiet, tt_engine **engine, tt_error *err);
