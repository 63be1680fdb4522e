/* direction.h: from two classes' contributions to the direction that separates them. Pure mathematics: arrays in, arrays
 * out. docs/method.md has the formulas.
 *
 * A and B are N x d, row-major: the negative and the positive class' contributions, each minus its sample's baseline. */
#pragma once

#include "directions/types.h"

/* Finds the direction of one block. Fails for N < 2, d < 1, values that are not finite, or when out of memory. A and B
 * are only read. On failure `direction` is empty.
 *
 * The same arguments give the same bytes on one machine with one number of threads; another number may change the last
 * bits. Several threads may call it at once. OpenBLAS has one thread setting for the whole process: a call with `threads`
 * other than 0 sets it, and overlapping calls use the first one's setting. */
bool tt_direction_find(const float *A, const float *B, size_t N, size_t d, const tt_direction_options *options,
                       tt_direction *direction, tt_error *err);

/* Peak bytes that tt_direction_find allocates for N x d with these options, for planning. */
size_t tt_direction_memory(size_t N, size_t d, const tt_direction_options *options);

/* The names that users see, each list NULL-terminated and in the order of its enumeration: "cross-covariance",
 * "mean-difference", "pca"; "auto", "dense", "reduced", "lanczos". */
extern const char *const tt_method_names[], *const tt_solver_names[];

const char *tt_method_name(tt_method method);
bool tt_method_parse(const char *name, tt_method *method, tt_error *err);
bool tt_solver_parse(const char *name, tt_solver *solver, tt_error *err);
