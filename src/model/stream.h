/* stream.h: where the residual stream begins: which node of libllama's graph is h_0, the input of block 0.
 *
 * Architectures name that node differently ("embd", "inp_scaled", "inpL", or not at all), and compute different things before
 * it: a scale, positions, a norm. Where a model lies on several devices the scheduler puts copies between nodes. So it is
 * found by what it is: h_0 is what block 0's output is a sum of, together with what the block adds, and nothing of the block
 * has a part in h_0 itself. */
#pragma once

#include "base/error.h"

#include <ggml.h>

/* A search through one graph of one token, whose nodes are noted in the order in which they are computed. Zeroed to begin
 * with, but for `width`. */
typedef struct tt_stream {
    int64_t width;
    struct tt_stream_node *nodes; /* noted so far */
    size_t count, room;
} tt_stream;

/* Notes a node, up to block 0's output, included. */
bool tt_stream_note(tt_stream *stream, const struct ggml_tensor *node, tt_error *err);

/* The node that is h_0, when the last node noted is block 0's output; NULL where there is none, or more than one may be it,
 * or its name is another node's as well. */
const struct ggml_tensor *tt_stream_begins(const tt_stream *stream);

void tt_stream_free(tt_stream *stream);
