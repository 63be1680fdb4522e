/* side_by_side.c: see side_by_side.h */
#include "terminal/side_by_side.h"
#include "base/memory.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>
#include <unilbrk.h>
#include <uniwidth.h>

/* A text, the places where its lines may end, and how far it has been printed. */
typedef struct text_column {
    const char *text;
    char *breaks; /* one per byte: the UC_BREAK_... before it */
    size_t length, at;
} text_column;

/* Tabs and other control characters would break the columns. */
static char *clean(const char *text, tt_error *err) {
    char *copy = tt_strdup(text, err);
    for (char *c = copy; c && *c; c++)
        if ((unsigned char)*c < ' ' && *c != '\n') *c = ' ';
    return copy;
}

static bool open_column(text_column *column, const char *text, int width, tt_error *err) {
    column->text = text;
    column->length = strlen(text);
    column->breaks = tt_alloc(column->length + 1, 1, err);
    if (!column->breaks) return false;
    u8_width_linebreaks((const uint8_t *)text, column->length, width, 0, 0, NULL, "UTF-8", column->breaks);
    return true;
}

/* The next line, from column->at to the next break, without the spaces at its end. A word longer than a line is cut. */
static size_t next_line(text_column *column, int width, size_t *begin, int *columns) {
    *begin = column->at;
    size_t end = column->at;
    bool over = false;
    *columns = 0;
    while (end < column->length && !over) {
        const size_t next = end + tt_utf8_next(column->text + end, column->length - end);
        const int wide = u8_width((const uint8_t *)column->text + end, next - end, "UTF-8");
        if (column->text[end] == '\n') {
            column->at = next;
            break;
        }
        /* A space at a line's end may lie beyond it, since it is not printed. */
        if (*columns + wide > width && column->text[end] != ' ') {
            column->at = end;
            break;
        }
        *columns += wide;
        end = next;
        column->at = end;
        over = end < column->length && column->breaks[end] == UC_BREAK_POSSIBLE;
    }
    while (end > *begin && column->text[end - 1] == ' ') {
        end--;
        --*columns;
    }
    return end - *begin;
}

/* One row. `last`: no padding after the text. */
static void print_cell(FILE *stream, text_column *column, int width, bool last) {
    size_t begin = 0;
    int columns = 0;
    const size_t length = column->at < column->length ? next_line(column, width, &begin, &columns) : 0;
    fwrite(column->text + begin, 1, length, stream);
    if (!last) fprintf(stream, "%*s", width - columns, "");
}

static void print_heading(FILE *stream, const char *heading, int width, bool colour, bool last) {
    const int columns = u8_strwidth((const uint8_t *)heading, "UTF-8");
    fprintf(stream, "%s%s%s", colour ? "\033[1m" : "", heading, colour ? "\033[0m" : "");
    if (!last) fprintf(stream, "%*s", columns < width ? width - columns : 0, "");
}

static void print_rule(FILE *stream, int width, const char *piece) {
    for (int i = 0; i < width; i++) fputs(piece, stream);
}

static void print_rows(FILE *stream, const char *const headings[2], text_column columns[2], int width, bool colour,
                       bool unicode) {
    const char *gap = unicode ? " │ " : " | ", *piece = unicode ? "─" : "-";
    print_heading(stream, headings[0], width, colour, false);
    fputs(gap, stream);
    print_heading(stream, headings[1], width, colour, true);
    fputc('\n', stream);
    print_rule(stream, width, piece);
    fputs(unicode ? "─┼─" : "-+-", stream);
    print_rule(stream, width, piece);
    fputc('\n', stream);
    while (columns[0].at < columns[0].length || columns[1].at < columns[1].length) {
        print_cell(stream, &columns[0], width, false);
        fputs(gap, stream);
        print_cell(stream, &columns[1], width, true);
        fputc('\n', stream);
    }
}

bool tt_side_by_side(FILE *stream, const char *const headings[2], const char *const texts[2], int width, bool colour,
                     bool unicode, tt_error *err) {
    const int half = width > 9 ? (width - 3) / 2 : 3;
    char *clean_texts[2] = {clean(texts[0], err), clean(texts[1], err)};
    text_column columns[2] = {0};
    const bool ok = clean_texts[0] && clean_texts[1] && open_column(&columns[0], clean_texts[0], half, err) &&
                    open_column(&columns[1], clean_texts[1], half, err);
    if (ok) print_rows(stream, headings, columns, half, colour, unicode);
    for (size_t i = 0; i < 2; i++) {
        free(columns[i].breaks);
        free(clean_texts[i]);
    }
    return ok;
}
