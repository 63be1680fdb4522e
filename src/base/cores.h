/* cores.h: how much of the processor this process may use. */
#pragma once

/* Cores that this process may run on, at least 1: fewer than the machine's in a container or under taskset. */
int tt_cores_available(void);

/* The number of threads on the whole machine, besides the calling one, that want a core for some 20 ms on end; the call
 * then takes that long. 0 if the system does not say. */
int tt_cores_wanted(void);
