/* faults.h: makes the n-th call of a kind fail, so that a test can see what becomes of every failure that a caller may meet.
 *
 * The calls are caught by the linker (--wrap, see tests/CMakeLists.txt), so those of this project's code fail, not those
 * inside the libraries it uses. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum tt_fault {
    TT_FAULT_NONE,
    TT_FAULT_MEMORY,      /* malloc, calloc, realloc, strdup: no memory */
    TT_FAULT_WRITE,       /* write, pwrite: half of the bytes, and then the disk is full (ENOSPC) */
    TT_FAULT_ERROR,       /* any of the wrapped file calls: an input/output error (EIO) */
    TT_FAULT_INTERRUPTED, /* the calls that a signal can interrupt: EINTR, once */
    TT_FAULT_SHORT,       /* read, pread, write, pwrite: one byte instead of all, once */
    TT_FAULTS
};

/* From now on the `nth` call (from 1) of this kind fails; 0: none. */
void tt_faults_begin(enum tt_fault fault, size_t nth);

/* Ends that. True when the call was reached, so that it did fail. */
bool tt_faults_end(void);
