/* compare.h: the similarity of control vectors, and the scales that it allows. */
#pragma once

#include "vectors/vector.h"

/* The cosine between row K of both, or, for K = 0, between all rows of each, taken as one long vector. 0 if either lacks
 * the row or its length is 0. Widths must agree. */
double tt_vector_cosine(const tt_vector *a, const tt_vector *b, uint32_t K);

/* The largest safe value of a mix's strongest axis, for `n` axes in the proportions of `weights`.
 *
 * An axis at value 1 moves the hidden state by the distance of its two classes from the middle: one unit of its own, in
 * its own direction. Axes at values s_i together move it by sqrt(s' R s) units, where R (n x n, row-major) has the
 * cosines between their directions; that should be at most 1. For s = t w, with the largest |w_i| = 1, the largest such t
 * is 1 / sqrt(w' R w): for equal weights 1 / sqrt(1' R 1), which is 1/n if all directions are the same and sqrt(1/n) if
 * none are related. Weights are signed. INFINITY if the directions cancel, or n = 0. */
double tt_safe_scale(const double *R, const double *weights, size_t n);
