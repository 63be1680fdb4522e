/* device_check.h: checks that blocks on a GPU or on another machine compute what the processor computes.
 *
 * Drivers and their compilers can fail silently: hidden states come out as noise, and so do vectors made from them. So a
 * few of the run's own prompts are also computed on the processor. */
#pragma once

#include "train/run.h"

/* Compares the two if a block may be on another device. A note says how far apart they are, or why they were not
 * compared: the model does not fit this machine's memory. Fails if they differ by more than rounding can explain. */
bool tt_device_check(tt_run *run, tt_error *err);
