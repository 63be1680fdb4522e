/* line_editor.c: see line_editor.h */
#include "terminal/line_editor.h"
#include "base/file.h"
#include "base/memory.h"
#include "terminal/interrupt.h"

#include <errno.h>
#include <histedit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

enum { HISTORY_LINES = 1000 };

struct tt_line_editor {
    EditLine *edit;
    History *history;
    const char *prompt;
    bool at_start; /* nothing has been typed on the line yet */
};

static const char *prompt_of(EditLine *edit) {
    tt_line_editor *editor = NULL;
    el_get(edit, EL_CLIENTDATA, &editor);
    return editor->prompt;
}

/* Reads one byte from the terminal: 1, 0 at its end, -1 after Ctrl-C. Other signals, such as a resized window, are
 * ignored. */
static int read_byte(char *byte) {
    while (tt_wait_for_input(STDIN_FILENO, tt_interrupt_flag())) {
        const ssize_t count = read(STDIN_FILENO, byte, 1);
        if (count >= 0) return (int)count;
        if (errno != EINTR) return -1;
    }
    return -1;
}

/* libedit's own function would ignore a first Ctrl-C and, on a terminal without editing (TERM=dumb), read Ctrl-D as a
 * character. */
static int read_character(EditLine *edit, wchar_t *character) {
    enum { CTRL_D = 4 };
    tt_line_editor *editor = NULL;
    el_get(edit, EL_CLIENTDATA, &editor);
    mbstate_t state = {0};
    for (;;) {
        char byte;
        const int result = read_byte(&byte);
        if (result != 1) return result;
        if (editor->at_start && byte == CTRL_D) return 0;
        editor->at_start = false;
        const size_t used = mbrtowc(character, &byte, 1, &state);
        if (used != (size_t)-1 && used != (size_t)-2) return 1;
        if (used == (size_t)-1) state = (mbstate_t){0}; /* not in the locale's encoding: dropped */
    }
}

tt_line_editor *tt_line_editor_open(tt_error *err) {
    tt_line_editor *editor = tt_alloc(1, sizeof *editor, err);
    if (!editor) return NULL;
    HistEvent event;
    editor->prompt = "";
    editor->history = history_init();
    editor->edit = el_init("trimtab", stdin, stderr, stderr);
    if (!editor->history || !editor->edit) {
        tt_line_editor_close(editor);
        tt_fail(err, TT_ERROR_IO, "the terminal cannot be used for a chat; give a prompt with -p");
        return NULL;
    }
    history(editor->history, &event, H_SETSIZE, HISTORY_LINES);
    history(editor->history, &event, H_SETUNIQUE, 1);
    el_set(editor->edit, EL_CLIENTDATA, editor);
    el_set(editor->edit, EL_PROMPT, prompt_of);
    el_set(editor->edit, EL_EDITOR, "emacs");
    el_set(editor->edit, EL_HIST, history, editor->history);
    el_set(editor->edit, EL_GETCFN, read_character);
    el_set(editor->edit, EL_BIND, "^R", "em-inc-search-prev", NULL);
    el_source(editor->edit, NULL); /* the user's ~/.editrc */
    return editor;
}

void tt_line_editor_close(tt_line_editor *editor) {
    if (!editor) return;
    if (editor->edit) el_end(editor->edit);
    if (editor->history) history_end(editor->history);
    free(editor);
}

tt_line_result tt_line_editor_read(tt_line_editor *editor, const char *const prompts[2], tt_text *text) {
    tt_text_clear(text);
    el_resize(editor->edit);
    for (bool more = true, first = true; more; first = false) {
        editor->prompt = prompts[first ? 0 : 1];
        editor->at_start = true;
        int length = 0;
        el_set(editor->edit, EL_PREP_TERM, 1); /* before the prompt, so that early typing is not shown twice */
        const char *line = el_gets(editor->edit, &length);
        if (!line || length <= 0) {
            fputc('\n', stderr);
            if (!atomic_load(tt_interrupt_flag())) return TT_LINE_END;
            tt_interrupt_clear();
            el_reset(editor->edit);
            return TT_LINE_INTERRUPTED;
        }
        HistEvent event;
        if (line[0] != '\n') history(editor->history, &event, H_ENTER, line);
        if (line[length - 1] == '\n') length--;
        more = length > 0 && line[length - 1] == '\\';
        if (!first) tt_text_add(text, "\n");
        tt_text_add_bytes(text, line, (size_t)(more ? length - 1 : length));
    }
    return TT_LINE_READ;
}
