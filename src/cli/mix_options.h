/* mix_options.h: which control vectors a command applies: --axis, --vectors, llama.cpp's --control-vector..., --force. */
#pragma once

#include "apply/target.h"
#include "terminal/options.h"
#include "vectors/mix.h"

extern const tt_option_group tt_mix_group;

/* A mix made ready for one model. It can be changed while it is in use: a chat does so. */
typedef struct tt_mix_given tt_mix_given;

/* Reads the options, finds and checks the vectors. `target` is the model that they are for; NULL where none is named: then
 * they need only fit one another. `arguments` and what `target` points to must outlive the result. */
tt_mix_given *tt_mix_given_open(const tt_arguments *arguments, const tt_vector_target *target, tt_error *err);

/* The same for commands that need a model's file and not the model: its file is what -m names, whose option is the
 * command's own; where -m is not given there is no target. `target` is to be closed after the mix, also after a failure. */
tt_mix_given *tt_mix_given_open_file(const tt_arguments *arguments, tt_target *target, tt_error *err);
void tt_mix_given_close(tt_mix_given *given); /* harmless on NULL */

/* True where the command line asks for any axis or vector. */
bool tt_mix_asked(const tt_arguments *arguments);

/* "NAME=VALUE,...": each axis is set to its value, beside the others; 0 leaves the de-bias vector alone. On failure all is
 * as it was. */
bool tt_mix_given_set(tt_mix_given *given, const char *text, tt_error *err);

/* The same, with no other axis and vector beside. */
bool tt_mix_given_replace(tt_mix_given *given, const char *text, tt_error *err);

/* Takes every axis and vector out. */
bool tt_mix_given_clear(tt_mix_given *given, tt_error *err);

/* What is applied, "language=0.5, my.gguf:0.3", or "" for nothing. And its warnings, a sentence each line, or "". Owned by
 * `given`; valid until it is changed. */
const char *tt_mix_given_text(const tt_mix_given *given);
const char *tt_mix_given_warnings(const tt_mix_given *given);

/* What is asked for, and what it comes to: the sum, its parts, how strong it may be. Owned by `given`; valid until it is
 * changed. */
const tt_mix *tt_mix_given_mix(const tt_mix_given *given);
const tt_blend *tt_mix_given_blend(const tt_mix_given *given);
