/* compare.h: how alike control vectors are, and what follows for their scales. */
#pragma once

#include "vectors/vector.h"

/* The cosine between row K of both, or between all their rows, taken as one long vector each (K = 0). 0 where one of them
 * has no row, or one without length. Widths must agree. */
double tt_vector_cosine(const tt_vector *a, const tt_vector *b, uint32_t K);

/* The largest safe value of a mix's strongest axis, for `n` axes with `weights` in the same proportions.
 *
 * An axis at value 1 moves the hidden state by as much as its two classes lie from the middle: by one unit of its own, in
 * its own direction. Axes at values s_i together move it by sqrt(s' R s) units, where R (n x n, row-major) has the cosines
 * between their directions; that is to be at most 1. For s = t w, with the largest |w_i| = 1, the largest such t is 1 /
 * sqrt(w' R w): for equal weights 1 / sqrt(1' R 1), which is 1/n when all directions are the same and sqrt(1/n) when none
 * are related. Weights carry their sign. INFINITY when the directions cancel, or n = 0. */
double tt_safe_scale(const double *R, const double *weights, size_t n);
