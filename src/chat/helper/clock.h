// clock.h: the time that templates are told.
#pragma once

// Seconds since 1970 from now on; negative: the true time.
void clock_set(long long seconds);
