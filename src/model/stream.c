/* stream.c: see stream.h
 *
 * A node belongs to a block where a block's weight or its cache has a part in it; weights are called "blk.N. ..." in every
 * GGUF file. From block 0's output the search goes back through what a residual stream is made of (sums, multiples,
 * reshaping) to the first node that belongs to no block. */
#include "model/stream.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { LONGEST_WAY = 64 /* operations from block 0's output back to its input; a few are usual */ };

struct tt_stream_node {
    const struct ggml_tensor *tensor;
    bool in_block;
};

/* ==== Through the scheduler's copies ====
 *
 * What a node reads from another device is a copy that no operation has made, called "DEVICE#NAME#NUMBER". A name is cut off
 * at GGML_MAX_NAME, which the name of a device over RPC, with its host in it, may bring about. */

static bool is_cut_off(const struct ggml_tensor *tensor) { return strlen(tensor->name) == GGML_MAX_NAME - 1; }

/* Where the original's name begins in a copy's, and its length; NULL in what is no copy. */
static const char *name_of_original(const struct ggml_tensor *tensor, size_t *length) {
    const char *begin = tensor->op == GGML_OP_NONE ? strchr(tensor->name, '#') : NULL;
    if (!begin || is_cut_off(tensor)) return NULL;
    const char *end = strrchr(++begin, '#');
    *length = end ? (size_t)(end - begin) : 0;
    return end ? begin : NULL;
}

static const struct tt_stream_node *find_node(const tt_stream *stream, const struct ggml_tensor *tensor) {
    for (size_t i = stream->count; i-- > 0;)
        if (stream->nodes[i].tensor == tensor) return &stream->nodes[i];
    size_t length;
    const char *name = name_of_original(tensor, &length);
    for (size_t i = name ? stream->count : 0; i-- > 0;) {
        const struct ggml_tensor *original = stream->nodes[i].tensor;
        if (strlen(original->name) == length && memcmp(original->name, name, length) == 0 &&
            ggml_are_same_shape(original, tensor) && original->type == tensor->type)
            return &stream->nodes[i];
    }
    return NULL;
}

/* ==== What belongs to a block ==== */

/* Weights, caches and inputs; what cannot be told because its name is cut off counts as a block's, which at worst ends the
 * search without a result. */
static bool leaf_is_of_block(const struct ggml_tensor *leaf) {
    return is_cut_off(leaf) || strstr(leaf->name, "blk.") || strstr(leaf->name, "cache_");
}

static bool is_of_block(const tt_stream *stream, const struct ggml_tensor *node) {
    for (int i = 0; i < GGML_MAX_SRC; i++) {
        if (!node->src[i]) continue;
        const struct tt_stream_node *source = find_node(stream, node->src[i]);
        if (source ? source->in_block : leaf_is_of_block(node->src[i])) return true;
    }
    return false;
}

bool tt_stream_note(tt_stream *stream, const struct ggml_tensor *node, tt_error *err) {
    if (!tt_grow(&stream->nodes, &stream->room, stream->count, sizeof *stream->nodes, err)) return false;
    const struct tt_stream_node noted = {node, is_of_block(stream, node)};
    stream->nodes[stream->count++] = noted;
    return true;
}

void tt_stream_free(tt_stream *stream) {
    free(stream->nodes);
    *stream = (tt_stream){0};
}

/* ==== The way back ==== */

static bool is_as_wide(const tt_stream *stream, const struct ggml_tensor *tensor) {
    return tensor->type == GGML_TYPE_F32 && tensor->ne[0] == stream->width && ggml_nelements(tensor) == stream->width;
}

/* The same numbers in another shape: what was computed before that. */
static const struct ggml_tensor *before_reshaping(const tt_stream *stream, const struct ggml_tensor *tensor) {
    while (tensor->op == GGML_OP_RESHAPE || tensor->op == GGML_OP_VIEW || tensor->op == GGML_OP_CONT) {
        const struct tt_stream_node *source = find_node(stream, tensor->src[0]);
        if (!source || !is_as_wide(stream, source->tensor)) break;
        tensor = source->tensor;
    }
    return tensor;
}

struct way {
    const tt_stream *stream;
    const struct ggml_tensor *found;
    bool ambiguous;
};

static void go_back(struct way *way, const struct ggml_tensor *tensor, int left);

static void arrive(struct way *way, const struct ggml_tensor *tensor) {
    if (!is_as_wide(way->stream, tensor)) return;
    const struct ggml_tensor *beginning = before_reshaping(way->stream, tensor);
    way->ambiguous = way->ambiguous || (way->found && way->found != beginning);
    way->found = beginning;
}

/* Some models multiply a block's output by a weight: the stream goes on through the other factor. */
static void go_through_product(struct way *way, const struct ggml_tensor *product, int left) {
    const bool first = find_node(way->stream, product->src[0]), second = find_node(way->stream, product->src[1]);
    if (first != second) go_back(way, product->src[first ? 0 : 1], left);
}

static void go_back(struct way *way, const struct ggml_tensor *tensor, int left) {
    const struct tt_stream_node *node = find_node(way->stream, tensor);
    if (!node || left == 0) return;
    if (!node->in_block) {
        arrive(way, node->tensor);
        return;
    }
    switch (node->tensor->op) {
    case GGML_OP_ADD:
        go_back(way, node->tensor->src[0], left - 1);
        go_back(way, node->tensor->src[1], left - 1);
        return;
    case GGML_OP_MUL:
        go_through_product(way, node->tensor, left - 1);
        return;
    case GGML_OP_SCALE:
    case GGML_OP_RESHAPE:
    case GGML_OP_VIEW:
    case GGML_OP_CONT:
        go_back(way, node->tensor->src[0], left - 1);
        return;
    default: /* what the block computes and adds */
        return;
    }
}

/* The graphs to come know the node by its name. */
static bool name_is_its_own(const tt_stream *stream, const struct ggml_tensor *tensor) {
    for (size_t i = 0; i < stream->count; i++)
        if (stream->nodes[i].tensor != tensor && strcmp(stream->nodes[i].tensor->name, tensor->name) == 0) return false;
    return tensor->name[0] != '\0';
}

const struct ggml_tensor *tt_stream_begins(const tt_stream *stream) {
    if (!stream->count) return NULL;
    struct way way = {.stream = stream};
    go_back(&way, stream->nodes[stream->count - 1].tensor, LONGEST_WAY);
    return way.found && !way.ambiguous && name_is_its_own(stream, way.found) ? way.found : NULL;
}
