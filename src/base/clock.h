/* clock.h: how much time passes. */
#pragma once

/* Seconds of a clock that only goes forward, whatever is done to the time of day (CLOCK_MONOTONIC); its zero means nothing.
 */
double tt_seconds(void);
