/* cores.c: see cores.h */
#include "base/cores.h"

#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

int tt_cores_available(void) {
    cpu_set_t set;
    const int count = sched_getaffinity(0, sizeof set, &set) ? 1 : CPU_COUNT(&set);
    return count > 0 ? count : 1;
}

/* A thread that runs only for a moment does not compete: the minimum of a few checks counts. */
enum { LOOKS = 8, BETWEEN_LOOKS = 3000000 /* nanoseconds */ };

/* The running threads of all the machine's processes. */
static int running_now(void) {
    /* "0.20 0.18 0.12 2/80 11206": three averages, then running and total threads. */
    FILE *file = fopen("/proc/loadavg", "re");
    if (!file) return 0;
    int running = 0;
    if (fscanf(file, "%*s %*s %*s %d/", &running) != 1) running = 0;
    fclose(file);
    return running;
}

/* "812 (name, with any characters) R 1 ...": the state follows the last parenthesis. */
static bool is_running(const char *thread) {
    char path[64], line[128];
    snprintf(path, sizeof path, "/proc/self/task/%.16s/stat", thread);
    FILE *file = fopen(path, "re");
    if (!file) return false;
    const char *name_end = fgets(line, sizeof line, file) ? strrchr(line, ')') : NULL;
    fclose(file);
    return name_end && strncmp(name_end, ") R", 3) == 0;
}

/* This process' own running threads: the caller, and threads that libraries start when they are loaded, which spin for a
 * while. */
static int own_running_now(void) {
    DIR *folder = opendir("/proc/self/task");
    if (!folder) return 1;
    int running = 0;
    for (const struct dirent *entry; (entry = readdir(folder));) running += is_running(entry->d_name);
    closedir(folder);
    return running;
}

static int others_running_now(void) {
    const int others = running_now() - own_running_now();
    return others > 0 ? others : 0;
}

int tt_cores_wanted(void) {
    int least = others_running_now();
    for (int i = 1; i < LOOKS && least > 0; i++) {
        nanosleep(&(struct timespec){.tv_nsec = BETWEEN_LOOKS}, NULL);
        const int others = others_running_now();
        if (others < least) least = others;
    }
    return least;
}
