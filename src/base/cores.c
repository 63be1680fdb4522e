/* cores.c: see cores.h */
#include "base/cores.h"

#include <sched.h>
#include <stdio.h>

int tt_cores_available(void) {
    cpu_set_t set;
    const int count = sched_getaffinity(0, sizeof set, &set) ? 1 : CPU_COUNT(&set);
    return count > 0 ? count : 1;
}

int tt_cores_wanted(void) {
    /* "0.20 0.18 0.12 2/80 11206": three averages, then the threads that run, this one among them, of all. */
    FILE *file = fopen("/proc/loadavg", "re");
    if (!file) return 0;
    int running = 1;
    if (fscanf(file, "%*s %*s %*s %d/", &running) != 1) running = 1;
    fclose(file);
    return running > 1 ? running - 1 : 0;
}
