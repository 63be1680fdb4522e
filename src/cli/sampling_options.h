/* sampling_options.h: llama.cpp's sampling options, under its names, as model/sampling.h wants to hear them. */
#pragma once

#include "model/sampling.h"
#include "terminal/options.h"

extern const tt_option_group tt_sampling_group;

/* What was given, and what has to be kept as long as it is in use. */
typedef struct tt_sampling_given {
    tt_sampling sampling;
    char *grammar; /* --grammar-file's content */
    tt_logit_bias *biases;
} tt_sampling_given; /* ends with tt_sampling_given_free */

/* Texts are borrowed from `arguments`. On failure nothing has to be freed. */
bool tt_sampling_read(tt_sampling_given *given, const tt_arguments *arguments, tt_error *err);
void tt_sampling_given_free(tt_sampling_given *given); /* harmless on `{0}` */
