/* cores.c: see cores.h */
#include "base/cores.h"

#include <sched.h>
#include <stdio.h>
#include <time.h>

int tt_cores_available(void) {
    cpu_set_t set;
    const int count = sched_getaffinity(0, sizeof set, &set) ? 1 : CPU_COUNT(&set);
    return count > 0 ? count : 1;
}

/* What runs for a moment is no competitor: the least of a few looks counts. */
enum { LOOKS = 8, BETWEEN_LOOKS = 3000000 /* nanoseconds */ };

static int running_now(void) {
    /* "0.20 0.18 0.12 2/80 11206": three averages, then the threads that run, this one among them, of all. */
    FILE *file = fopen("/proc/loadavg", "re");
    if (!file) return 1;
    int running = 1;
    if (fscanf(file, "%*s %*s %*s %d/", &running) != 1) running = 1;
    fclose(file);
    return running;
}

int tt_cores_wanted(void) {
    int least = running_now();
    for (int i = 1; i < LOOKS && least > 1; i++) {
        nanosleep(&(struct timespec){.tv_nsec = BETWEEN_LOOKS}, NULL);
        const int running = running_now();
        if (running < least) least = running;
    }
    return least > 1 ? least - 1 : 0;
}
