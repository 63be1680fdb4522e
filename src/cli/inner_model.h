/* inner_model.h: a model opened past the library, for the command that does not go by it yet. */
#pragma once

#include "model/chat.h"
#include "model/engine.h"
#include "model/model.h"
#include "terminal/options.h"

/* How conversations are laid out, as the group's options say. */
tt_chat_options tt_chat_given(const tt_arguments *arguments);

/* Opens the model that the group's options name, in an engine of its own. On a terminal a line tells how much of it is
 * loaded, unless `quiet`; the first Ctrl-C ends that (TT_ERROR_INTERRUPTED). The caller closes the model, then the engine;
 * on failure both are NULL. */
tt_model *tt_model_open_given(const tt_arguments *arguments, bool quiet, tt_engine **engine, tt_error *err);
