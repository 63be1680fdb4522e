/* findings.h: the faults of a file of prompt material, as a list, so that one check reports all of them.
 *
 * The readers of axes, stems and grammars collect findings. A caller that only needs to know whether the file is usable
 * gets the first error from tt_findings_ok. */
#pragma once

#include "base/error.h"

#include <stddef.h>

enum { TT_FINDINGS_LIMIT = 1000 }; /* further ones are counted, but not kept */

typedef struct tt_finding {
    size_t line;     /* 1-based; 0: the file as a whole */
    bool is_warning; /* the file is usable, but should be looked at */
    char *message;   /* what is wrong; what to do. UTF-8, no newline */
} tt_finding;

typedef struct tt_findings {
    tt_finding *list;
    size_t count;
    size_t capacity;
    size_t error_count; /* those that are not warnings */
    size_t omitted;     /* those beyond the limit */
    bool failed;        /* out of memory: the list is incomplete */
} tt_findings;          /* starts as `{0}`; ends with tt_findings_free */

void tt_findings_free(tt_findings *findings);

void tt_findings_error(tt_findings *findings, size_t line, const char *format, ...) __attribute__((format(printf, 3, 4)));
void tt_findings_warning(tt_findings *findings, size_t line, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Sorts the list by line. */
void tt_findings_sort(tt_findings *findings);

/* True if there is no error; otherwise `err` gets the first one, "FILE:LINE: ..." (TT_ERROR_INPUT, or
 * TT_ERROR_MEMORY). */
bool tt_findings_ok(const tt_findings *findings, const char *file, tt_error *err);
