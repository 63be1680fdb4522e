/* progress.h: how far a long piece of work is, for the person who waits.
 *
 * On a terminal one line that is redrawn in place, at most ten times a second and never wider than the terminal, and is gone
 * at the end. Elsewhere (a log file) plain lines, few of them. The caller says where to, and whether that is a terminal;
 * without a stream nothing is shown. To be used from one thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef struct tt_progress {
    FILE *stream;           /* NULL: silent */
    bool terminal;          /* false: plain lines */
    const char *what;       /* "capturing"; borrowed */
    const char *unit;       /* "samples", or "%" where only a share is known; borrowed */
    uint64_t total, done;   /* total 0: not known */
    double (*clock)(void);  /* seconds that only grow; tests replace it */
    uint64_t done_at_begin; /* a resumed run's: does not count towards the rate */
    double begin, last_shown, last_advance;
    uint64_t last_shown_done, last_advance_done;
    double rate_sum, rate_weight; /* units a second, weighted towards the last half minute */
    bool drawn;                   /* a line stands on the terminal */
} tt_progress;

/* Begins to show. `done` of `total` are done already. */
void tt_progress_begin(tt_progress *progress, FILE *stream, bool terminal, const char *what, const char *unit,
                       uint64_t total, uint64_t done);

/* So many are done now. Cheap: may be called for each of them. */
void tt_progress_set(tt_progress *progress, uint64_t done);

/* A line of its own above the bar. */
void tt_progress_note(tt_progress *progress, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Takes the bar away; plain output gets a last line with what was done and the time, if that is
 * anything. Harmless when called twice, or on `{0}`. */
void tt_progress_end(tt_progress *progress);
