/* shape.h: the dimensions of a states file, for its users and for its layout. */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef struct tt_states_shape {
    uint64_t samples; /* N, when complete */
    uint32_t rows;    /* prompts per sample */
    uint32_t blocks;  /* L */
    uint32_t width;   /* d */
} tt_states_shape;

enum { TT_STATES_AHEAD = 2880 }; /* how many samples after the first gap a batch may end, unless it begins there */

/* The size in bytes of a file of this shape, with an identity of `identity_length` bytes. */
uint64_t tt_states_size(const tt_states_shape *shape, size_t identity_length);
