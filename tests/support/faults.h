/* faults.h: makes the n-th call of a kind fail, so that a test can see what becomes of every failure that a caller may meet.
 *
 * The calls are caught by the linker (--wrap, see tests/CMakeLists.txt), so those of this project's code fail, not those
 * inside the libraries it uses; only yyjson's allocations count as ours, since it makes them on our behalf. Tests in C say
 * with tt_faults_begin what is to fail. The program of the same calls, tests/trimtab_faulty, is told through a file that it
 * maps, the panel: tests/support/faulty.py is the other end of it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tt_fault {
    TT_FAULT_NONE,
    TT_FAULT_MEMORY,      /* what allocates, here or in a library on our behalf: no memory */
    TT_FAULT_WRITE,       /* write, pwrite: half of the bytes, and then the disk is full (ENOSPC) */
    TT_FAULT_ERROR,       /* the calls on files whose failure must be told: an input/output error (EIO) */
    TT_FAULT_INTERRUPTED, /* the calls that a signal can interrupt: EINTR */
    TT_FAULT_SHORT,       /* read, pread, write, pwrite: one byte instead of all */
    TT_FAULT_BORNE,       /* the calls whose failure may be borne, such as close of a file that was read: EIO */
    TT_FAULT_ENGINE,      /* libllama and libmicrohttpd: a model, context, decode or daemon that fails */
    TT_FAULT_RECORD,      /* none fails; the panel gets a line for each call */
    TT_FAULTS = TT_FAULT_RECORD
};

enum { TT_FAULTS_ALTERNATE = SIZE_MAX }; /* in place of a number: every second call */

/* From now on the `nth` call (from 1) of this kind fails; 0: none. */
void tt_faults_begin(enum tt_fault fault, size_t nth);

/* Ends that. True when the call was reached, so that it did fail. */
bool tt_faults_end(void);

/* For the wrappers: true when this call is to fail. */
bool tt_faults_strike(enum tt_fault fault);

/* For the wrappers: true after TT_FAULT_WRITE has struck, until the end. */
bool tt_faults_disk_full(void);
