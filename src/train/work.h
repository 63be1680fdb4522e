/* work.h: work in pieces, spread over the threads of this process and over the other ranks.
 *
 * Rank 0 knows what there is to do and keeps the results. Its threads work on pieces, and if there are other ranks, one
 * more thread hands pieces to them: a rank that finishes a piece hands in the result and gets the next, so no rank waits
 * for another. A result is kept before the rank that computed it gets its next piece. */
#pragma once

#include "train/ranks.h"

/* A piece: [first, first + count) of the work. A count of 0 means that none is left or, with `later`, that none is ready
 * yet. */
typedef struct tt_piece {
    uint64_t first, count;
    uint64_t later; /* 0 or 1 */
} tt_piece;

/* A channel between two ranks, in one direction. */
typedef struct tt_transfer {
    const tt_ranks *ranks;
    int other;
    bool sends; /* otherwise it receives */
} tt_transfer;

/* Sends the bytes, or fills them with those that the other rank sends. */
bool tt_transfer_bytes(const tt_transfer *transfer, void *bytes, size_t size, tt_error *err);

/* How to work on a piece. A worker is the memory for one piece, of the caller's own type. */
typedef struct tt_work {
    const tt_ranks *ranks;
    int threads;                                    /* of rank 0, working at once */
    const atomic_bool *cancel;                      /* may be NULL */
    void *data;                                     /* the functions' first argument */
    void *(*open)(const void *data, tt_error *err); /* makes a worker; each call below has one to itself */
    void (*close)(void *worker);
    tt_piece (*take)(void *data); /* rank 0: the next piece; one call at a time, and never during `keep` */
    bool (*load)(const void *data, void *worker, const tt_piece *piece, tt_error *err); /* rank 0: its input; may be NULL */
    bool (*compute)(const void *data, void *worker, const tt_piece *piece, tt_error *err);
    bool (*keep)(void *data, void *worker, const tt_piece *piece, tt_error *err);                   /* rank 0: its result */
    bool (*input)(const tt_transfer *transfer, void *worker, const tt_piece *piece, tt_error *err); /* may be NULL */
    bool (*result)(const tt_transfer *transfer, void *worker, const tt_piece *piece, tt_error *err);
} tt_work;

/* Does all of the work, or fails with the first error; interrupted soon after `*cancel` becomes true. */
bool tt_work_run(const tt_work *work, tt_error *err);
