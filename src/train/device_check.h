/* device_check.h: whether blocks on a GPU or on another machine compute what the processor does.
 *
 * Drivers and their compilers have faults that nothing reports: states come out as noise, and so do the vectors made of
 * them. So a few of the run's own prompts are computed on the processor as well. */
#pragma once

#include "train/run.h"

/* Compares, where a block may lie elsewhere; says in a note how far they are apart, or why they were not compared: the model
 * does not fit this machine's memory. Fails where they differ by more than rounding can. */
bool tt_device_check(tt_run *run, tt_error *err);
