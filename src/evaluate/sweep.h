/* sweep.h: which axis values to try, where the user names none: how far vectors reach differs by model, axis and method, so
 * the ends are sought. Pure. Private to evaluate/. */
#pragma once

#include <stddef.h>

enum { TT_SWEEP_FIRST = 4, TT_SWEEP_MORE = 2 };

/* The sizes to begin with, of both sides. Returns how many. */
size_t tt_sweep_begin(bool quick, double sizes[static TT_SWEEP_FIRST]);

/* The sizes to go on with on one side, of which `count` sizes, ascending, were tried and found sound or not: larger ones
 * while the largest is sound, smaller ones where even the smallest is not. Returns how many; 0 at the end. */
size_t tt_sweep_next(const double *sizes, const bool *sound, size_t count, bool quick, double next[static TT_SWEEP_MORE]);
