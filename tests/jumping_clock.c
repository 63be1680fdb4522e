/* jumping_clock.c: loaded before the program (LD_PRELOAD), makes the time of day jump back by an hour every time that it is
 * asked for, as if somebody kept setting the clock. The clock that only grows (CLOCK_MONOTONIC) is left alone. */
#define _GNU_SOURCE
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static time_t now(void) {
    static atomic_long asked;
    return 1700000000 - 3600 * atomic_fetch_add(&asked, 1);
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    if (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE) return (int)syscall(SYS_clock_gettime, clock, time);
    *time = (struct timespec){.tv_sec = now()};
    return 0;
}

int gettimeofday(struct timeval *restrict time, void *restrict) {
    *time = (struct timeval){.tv_sec = now()};
    return 0;
}

time_t time(time_t *result) {
    const time_t second = now();
    if (result) *result = second;
    return second;
}
