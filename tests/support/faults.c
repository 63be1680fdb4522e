/* faults.c: see faults.h. Here is what decides which call fails; the calls are in faults_memory.c, faults_files.c and
 * faults_engine.c. */
#include "support/faults.h"

#include <execinfo.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* What tests/support/faulty.py reads and writes: its `HEADER`. */
typedef struct panel {
    atomic_uint fault;   /* an enum tt_fault */
    atomic_uint reached; /* how many calls have failed */
    _Atomic uint64_t left;
    _Atomic uint64_t recorded; /* calls that TT_FAULT_RECORD has met; no more are written down than there is room for */
    uint64_t calls[];          /* a byte of enum tt_fault, and a hash of the way to the call */
} panel;

static panel own;
static panel *present = &own;
static size_t room; /* for calls */

enum { FRAMES = 48, FRAMES_OF_OURS = 14 };

/* Before main: nothing is started yet that another thread could be in. */
__attribute__((constructor)) static void map_panel(void) {
    const char *path = getenv("TRIMTAB_FAULTS");
    struct stat status;
    if (!path) return;
    const int fd = openat(AT_FDCWD, path, O_RDWR | O_CLOEXEC); /* open itself is a call that can fail */
    void *mapped = MAP_FAILED;
    if (fd >= 0 && fstat(fd, &status) == 0)
        mapped = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED) {
        perror("TRIMTAB_FAULTS");
        _exit(99);
    }
    void *frames[FRAMES];
    backtrace(frames, FRAMES); /* its first call allocates */
    room = ((size_t)status.st_size - sizeof(panel)) / sizeof(uint64_t);
    present = mapped;
}

/* The same for the same way through this program's functions to this call, in every process. */
static uint64_t way_here(void) {
    extern const char __executable_start[], etext[];
    void *frames[FRAMES];
    const int count = backtrace(frames, FRAMES);
    uint64_t hash = 14695981039346656037u;
    for (int i = 0, ours = 0; i < count && ours < FRAMES_OF_OURS; i++) {
        const char *at = frames[i];
        if (at < __executable_start || at >= etext) continue;
        hash = (hash ^ (uint64_t)(at - __executable_start)) * 1099511628211u;
        ours++;
    }
    return hash;
}

static void record(enum tt_fault fault) {
    const uint64_t place = atomic_fetch_add(&present->recorded, 1);
    if (place < room) present->calls[place] = (uint64_t)fault << 56 | way_here() >> 8;
}

void tt_faults_begin(enum tt_fault fault, size_t nth) {
    atomic_store(&present->left, nth);
    atomic_store(&present->reached, 0);
    atomic_store(&present->fault, nth ? fault : TT_FAULT_NONE);
}

bool tt_faults_end(void) {
    atomic_store(&present->fault, TT_FAULT_NONE);
    return atomic_load(&present->reached) > 0;
}

bool tt_faults_strike(enum tt_fault fault) {
    const enum tt_fault wanted = atomic_load(&present->fault);
    if (wanted == TT_FAULT_RECORD) record(fault);
    if (wanted != fault) return false;
    uint64_t left = atomic_load(&present->left);
    do {
        if (left == 0) return false;
    } while (!atomic_compare_exchange_weak(&present->left, &left, left - 1));
    /* Alternating counts down from an odd number that no run reaches the end of. */
    const bool strikes = left > SIZE_MAX / 2 ? left % 2 == 1 : left == 1;
    if (strikes) atomic_fetch_add(&present->reached, 1);
    return strikes;
}

bool tt_faults_disk_full(void) {
    return atomic_load(&present->fault) == TT_FAULT_WRITE && atomic_load(&present->reached) > 0;
}
