/* progress.h: how far long work has come, for the person waiting.
 *
 * On a terminal it is one line, redrawn in place at most ten times a second, never wider than the terminal, and removed
 * at the end. Elsewhere (a log file) it is a few plain lines. The caller gives the stream and says whether it is a
 * terminal; without a stream nothing is shown. For use from one thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef struct tt_progress {
    FILE *stream;           /* NULL: silent */
    bool terminal;          /* false: plain lines */
    const char *what;       /* "capturing"; borrowed */
    const char *unit;       /* "samples", or "%" if only a share is known; borrowed */
    uint64_t total, done;   /* total 0: not known */
    double (*clock)(void);  /* monotonic seconds; tests replace it */
    uint64_t done_at_begin; /* for a resumed run; does not count towards the rate */
    double begin, last_shown, last_advance;
    uint64_t last_shown_done, last_advance_done;
    double rate_sum, rate_weight; /* units per second, weighted towards the last half minute */
    bool drawn;                   /* a line is on the terminal */
} tt_progress;

/* Starts the display. `done` of `total` are done already. */
void tt_progress_begin(tt_progress *progress, FILE *stream, bool terminal, const char *what, const char *unit,
                       uint64_t total, uint64_t done);

/* Sets how many are done. Cheap enough to call for each. */
void tt_progress_set(tt_progress *progress, uint64_t done);

/* Prints a separate line above the bar. */
void tt_progress_note(tt_progress *progress, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Removes the bar; plain output gets a last line with the amount and the time, if anything was done. Harmless when called
 * twice, or on `{0}`. */
void tt_progress_end(tt_progress *progress);
