/* shape.h: what a states file holds, for those who ask for one and those who lay it out. */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef struct tt_states_shape {
    uint64_t samples; /* N, when complete */
    uint32_t rows;    /* prompts a sample */
    uint32_t blocks;  /* L */
    uint32_t width;   /* d */
} tt_states_shape;

enum { TT_STATES_AHEAD = 2880 }; /* samples that a batch may end behind the first gap, unless it begins there */

/* Bytes that a file of this shape takes, with an identity of `identity_length` bytes. */
uint64_t tt_states_size(const tt_states_shape *shape, size_t identity_length);
