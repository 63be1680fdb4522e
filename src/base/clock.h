/* clock.h: elapsed time. */
#pragma once

/* Seconds of a clock that only goes forward, even when the time of day is set (CLOCK_MONOTONIC); its zero is
 * arbitrary. */
double tt_seconds(void);
