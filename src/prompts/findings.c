/* findings.c: see findings.h */
#include "prompts/findings.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void tt_findings_free(tt_findings *findings) {
    for (size_t i = 0; i < findings->count; i++) free(findings->list[i].message);
    free(findings->list);
    *findings = (tt_findings){0};
}

enum { MESSAGE = sizeof((tt_error *)0)->message };

static void add(tt_findings *findings, size_t line, bool is_warning, const char *message) {
    findings->error_count += !is_warning;
    if (findings->count == TT_FINDINGS_LIMIT) {
        findings->omitted++;
        return;
    }
    char *copy = tt_strdup(message, NULL);
    if (!copy || !tt_grow(&findings->list, &findings->capacity, findings->count, sizeof *findings->list, NULL)) {
        free(copy);
        findings->failed = true;
        return;
    }
    tt_one_line(copy); /* it quotes the file's text */
    findings->list[findings->count++] = (tt_finding){.line = line, .is_warning = is_warning, .message = copy};
}

void tt_findings_error(tt_findings *findings, size_t line, const char *format, ...) {
    char message[MESSAGE];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    add(findings, line, false, message);
}

void tt_findings_warning(tt_findings *findings, size_t line, const char *format, ...) {
    char message[MESSAGE];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    add(findings, line, true, message);
}

static int by_line(const void *a, const void *b) {
    const tt_finding *left = a, *right = b;
    return (left->line > right->line) - (left->line < right->line);
}

void tt_findings_sort(tt_findings *findings) {
    if (findings->count) qsort(findings->list, findings->count, sizeof *findings->list, by_line);
}

bool tt_findings_ok(const tt_findings *findings, const char *file, tt_error *err) {
    if (findings->failed) return tt_fail(err, TT_ERROR_MEMORY, "%s: out of memory", file);
    for (size_t i = 0; i < findings->count; i++) {
        const tt_finding *finding = &findings->list[i];
        if (finding->is_warning) continue;
        if (!finding->line) return tt_fail(err, TT_ERROR_INPUT, "%s: %s", file, finding->message);
        return tt_fail(err, TT_ERROR_INPUT, "%s:%zu: %s", file, finding->line, finding->message);
    }
    /* The list may be full of warnings. */
    return !findings->error_count || tt_fail(err, TT_ERROR_INPUT, "%s: too much is wrong with it to tell", file);
}
