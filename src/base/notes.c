/* notes.c: see notes.h */
#include "base/notes.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

bool tt_notes_add(tt_notes *notes, tt_error *err, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *text = NULL;
    const int length = vasprintf(&text, format, args);
    va_end(args);
    if (length < 0) return tt_fail(err, TT_ERROR_MEMORY, "out of memory");
    if (!tt_grow(&notes->items, &notes->capacity, notes->count, sizeof *notes->items, err)) {
        free(text);
        return false;
    }
    tt_one_line(text); /* like an error's message */
    notes->items[notes->count++] = text;
    return true;
}

bool tt_notes_add_all(tt_notes *notes, const tt_notes *from, tt_error *err) {
    for (size_t i = 0; i < from->count; i++)
        if (!tt_notes_add(notes, err, "%s", from->items[i])) return false;
    return true;
}

void tt_notes_free(tt_notes *notes) {
    for (size_t i = 0; i < notes->count; i++) free(notes->items[i]);
    free(notes->items);
    *notes = (tt_notes){0};
}
