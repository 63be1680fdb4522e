/* findings.h: what is wrong with a file of prompt material, as a list, so that one check tells all of it.
 *
 * The readers of axes, stems and grammars collect findings; a caller that only wants to know whether the file is usable
 * takes the first error through tt_findings_ok. */
#pragma once

#include "base/error.h"

#include <stddef.h>

enum { TT_FINDINGS_LIMIT = 1000 }; /* more are counted, but not kept */

typedef struct tt_finding {
    size_t line;     /* 1-based; 0: the file as a whole */
    bool is_warning; /* the file can be used, but should be looked at */
    char *message;   /* what is wrong; what to do. UTF-8, no newline */
} tt_finding;

typedef struct tt_findings {
    tt_finding *list;
    size_t count;
    size_t capacity;
    size_t error_count; /* those that are no warnings */
    size_t omitted;     /* those beyond the limit */
    bool failed;        /* memory was short: the list lacks something */
} tt_findings;          /* starts as `{0}`; ends with tt_findings_free */

void tt_findings_free(tt_findings *findings);

void tt_findings_error(tt_findings *findings, size_t line, const char *format, ...) __attribute__((format(printf, 3, 4)));
void tt_findings_warning(tt_findings *findings, size_t line, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Puts the list in the order of the lines. */
void tt_findings_sort(tt_findings *findings);

/* True when there is no error; else the first one, "FILE:LINE: ...", is in `err` (TT_ERROR_INPUT, or TT_ERROR_MEMORY). */
bool tt_findings_ok(const tt_findings *findings, const char *file, tt_error *err);
