/* shared_options.h: groups of options that several commands have. */
#pragma once

#include "cli/options.h"

/* Which model, where it runs and how it is talked to: -m, -ngl, -ts, -t, -c, -b, -ub, --chat-template,
 * --separate-system-message, --rpc, --verbose. Names and meanings are llama.cpp's where it has them. */
extern const tt_option_group tt_model_options;

/* The model's path: -m, else TRIMTAB_MODEL; NULL and TT_ERROR_USAGE where there is neither. */
const char *tt_model_path(const tt_arguments *arguments, tt_error *err);
