/* metrics.h: what a server counts, and tells in Prometheus' text format. Counted from any thread, without a lock. */
#pragma once

#include "base/text.h"

#include <stdatomic.h>
#include <stdint.h>

enum { TT_BUCKETS = 12 };

/* How long something took: how often at most so many seconds. */
typedef struct tt_histogram {
    atomic_uint_fast64_t buckets[TT_BUCKETS + 1]; /* the last: more than every bound */
    atomic_uint_fast64_t microseconds;            /* in all */
} tt_histogram;

typedef struct tt_metrics {
    atomic_uint_fast64_t answered[6]; /* requests by the first digit of their status */
    atomic_uint_fast64_t read_tokens, reused_tokens, written_tokens, decodes, departures, steered;
    atomic_uint busy_slots, queued, connections;
    tt_histogram first_token, whole;
} tt_metrics; /* starts as `{0}` */

void tt_histogram_add(tt_histogram *histogram, double seconds);

/* Appends all of it, with what is not counted but known. */
void tt_metrics_write(const tt_metrics *metrics, uint32_t slots, tt_text *text);
