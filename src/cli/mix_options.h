/* mix_options.h: which control vectors a command applies: --axis, --vectors, llama.cpp's --control-vector..., --force. */
#pragma once

#include "apply/mixer.h"
#include "apply/target.h"
#include "terminal/options.h"

extern const tt_option_group tt_mix_group;
extern const tt_option_group tt_vector_file_group; /* --control-vector... alone */

/* Adds what these say to `mix`. */
bool tt_mix_read_files(tt_mix *mix, const tt_arguments *arguments, tt_error *err);

/* Reads the options, finds and checks the vectors. `target` is the model that they are for; NULL where none is named: then
 * they need only fit one another. `model` is the same model where it is loaded, `chat` the layout of its conversations; both
 * may be NULL. All must outlive the result. */
tt_mixer *tt_mix_open_given(const tt_arguments *arguments, const tt_vector_target *target, tt_model *model,
                            const tt_chat *chat, tt_error *err);

/* The same for commands that need a model's file and not the model: its file is what -m names, whose option is the
 * command's own; where -m is not given there is no target. `target` is to be closed after the mix, also after a failure. */
tt_mixer *tt_mix_open_given_file(const tt_arguments *arguments, tt_target *target, tt_error *err);

/* True where the command line asks for any axis or vector. */
bool tt_mix_asked(const tt_arguments *arguments);

/* Prints what there is to warn of on standard error. */
void tt_mix_warn(const tt_mixer *mixer);
