/* line_editor.h: lines typed at the terminal, with editing and history, by libedit. */
#pragma once

#include "base/text.h"

typedef struct tt_line_editor tt_line_editor;

typedef enum tt_line_result {
    TT_LINE_READ,
    TT_LINE_END,         /* Ctrl-D, or the terminal is gone */
    TT_LINE_INTERRUPTED, /* Ctrl-C: the input is dropped */
} tt_line_result;

/* Edits on the terminal at standard input and echoes to standard error; standard output is for the answers. */
tt_line_editor *tt_line_editor_open(tt_error *err);
void tt_line_editor_close(tt_line_editor *editor); /* harmless on NULL */

/* Reads an entry into `text`: a line, or several, of which all but the last end in a backslash. `prompts` are shown
 * before the first line and before each further one. */
tt_line_result tt_line_editor_read(tt_line_editor *editor, const char *const prompts[2], tt_text *text);
