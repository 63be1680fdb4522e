/* cores.h: how much of the processor there is for this process. */
#pragma once

/* Cores that this process may run on, at least 1: fewer than the machine's in a container or under taskset. */
int tt_cores_available(void);

/* How many threads of the whole machine, beside the calling one, want a core and keep wanting it for some 20 ms, which this
 * call then takes; 0 where the system does not tell. */
int tt_cores_wanted(void);
