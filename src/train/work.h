/* work.h: work in pieces, spread over the threads of this process and over the other ranks.
 *
 * Rank 0 knows what there is to do and keeps what is found. Threads of it work on pieces, and where there are other ranks
 * one more thread hands pieces to them: whoever is done with a piece hands in the result and gets the next, so nobody waits
 * for anybody. A piece's result is kept before whoever computed it gets the next one. */
#pragma once

#include "train/ranks.h"

/* A piece: [first, first + count) of what there is to do. A count of 0: there is none left; with `later`, none yet. */
typedef struct tt_piece {
    uint64_t first, count;
    uint64_t later; /* 0 or 1 */
} tt_piece;

/* One way of bytes between two ranks. */
typedef struct tt_transfer {
    const tt_ranks *ranks;
    int other;
    bool sends; /* else it receives */
} tt_transfer;

/* Sends these bytes, or fills them with what the other rank sends. */
bool tt_transfer_bytes(const tt_transfer *transfer, void *bytes, size_t size, tt_error *err);

/* What is done with a piece. A worker is the memory that one piece takes, of the caller's own type. */
typedef struct tt_work {
    const tt_ranks *ranks;
    int threads;                                    /* of rank 0 that work at once */
    const atomic_bool *cancel;                      /* may be NULL */
    void *data;                                     /* the functions' first argument */
    void *(*open)(const void *data, tt_error *err); /* makes a worker; each of those that follow has one to itself */
    void (*close)(void *worker);
    tt_piece (*take)(void *data); /* rank 0: the next piece; one call at a time, and never beside `keep` */
    bool (*load)(const void *data, void *worker, const tt_piece *piece, tt_error *err); /* rank 0: its input; may be NULL */
    bool (*compute)(const void *data, void *worker, const tt_piece *piece, tt_error *err);
    bool (*keep)(void *data, void *worker, const tt_piece *piece, tt_error *err);                   /* rank 0: its result */
    bool (*input)(const tt_transfer *transfer, void *worker, const tt_piece *piece, tt_error *err); /* may be NULL */
    bool (*result)(const tt_transfer *transfer, void *worker, const tt_piece *piece, tt_error *err);
} tt_work;

/* Does all of it, or fails with the first error; interrupted soon after `*cancel` has become true. */
bool tt_work_run(const tt_work *work, tt_error *err);
