/* sampling_options.h: llama.cpp's sampling options, under its names. */
#pragma once

#include "cli/library.h"
#include "terminal/options.h"

extern const tt_option_group tt_sampling_group;

/* What was given. The caller frees with trimtab_sampling_free. */
trimtab_sampling *tt_sampling_given(const tt_arguments *arguments, tt_error *err);
