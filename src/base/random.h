/* random.h: random numbers that depend only on their coordinates.
 *
 * A counter-based generator: the draw for (seed, stream, index, slot) is a mix of those four values, so that sample 17 is
 * the same whether it is drawn first or last, on this machine or another, with other axes or without. The mixer is the
 * finaliser of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014). */
#pragma once

#include <stdint.h>

/* 64 uniform bits. */
uint64_t tt_random_bits(uint64_t seed, uint64_t stream, uint64_t index, uint64_t slot);

/* Uniform in [0, bound), bound > 0, by Lemire's multiplication: the bias, bound / 2^64, is below anything measurable. */
uint64_t tt_random_below(uint64_t seed, uint64_t stream, uint64_t index, uint64_t slot, uint64_t bound);

/* A stream number for a name (FNV-1a). */
uint64_t tt_random_stream(const char *name);
