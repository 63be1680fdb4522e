/* mix_options.h: which control vectors a command applies: --axis, --vectors, llama.cpp's --control-vector..., --force. */
#pragma once

#include "cli/library.h"
#include "terminal/options.h"

extern const tt_option_group tt_mix_group;
extern const tt_option_group tt_vector_file_group; /* --control-vector... alone */

/* Adds the files that these options name to `mix`, and the range of layers. */
bool tt_mix_add_given_files(trimtab_mix *mix, const tt_arguments *arguments, tt_error *err);

/* The mix that the options ask for, found and checked: for `t`, or, where that is NULL, for the file that -m names, which is
 * the command's own option; where that is not given the vectors need only fit one another. The caller frees. */
trimtab_mix *tt_mix_open_given(const tt_arguments *arguments, trimtab *t, bool conversation, tt_error *err);

/* True where the command line asks for any axis or vector. */
bool tt_mix_asked(const tt_arguments *arguments);

/* The mix in its canonical form. */
const char *tt_mix_name(const trimtab_mix *mix);

/* Prints what there is to warn of on standard error. */
void tt_mix_warn(const trimtab_mix *mix);
