/* table.c: see table.h */
#include "terminal/table.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <uniwidth.h>

static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"};
static const char *const heights[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
static const char *const plain_heights[] = {"_", ".", "-", "~", "=", "+", "*", "#"};
enum { TT_HEIGHTS = sizeof heights / sizeof *heights };

size_t tt_text_width(const char *text) {
    const int width = u8_strwidth((const uint8_t *)text, "UTF-8");
    return width < 0 ? strlen(text) : (size_t)width;
}

/* Makes the text appended to the cells since `begin` one cell. */
static void end_cell(tt_table *table, size_t begin) {
    if (table->cells.failed) return;
    tt_one_line(table->cells.data + begin);
    table->cells.length = begin + strlen(table->cells.data + begin);
    const size_t width = tt_text_width(table->cells.data + begin), column = table->count % table->columns;
    if (width > table->widths[column]) table->widths[column] = width;
    tt_text_add_bytes(&table->cells, "", 1);
    table->count++;
}

void tt_table_column(tt_table *table, const char *title, bool right) {
    if (table->columns == TT_TABLE_COLUMNS || table->count != table->columns) return; /* columns come first */
    table->right[table->columns++] = right;
    const size_t begin = table->cells.length;
    tt_text_add(&table->cells, title);
    end_cell(table, begin);
}

void tt_table_cell(tt_table *table, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *text = NULL;
    const int length = vasprintf(&text, format, args);
    va_end(args);
    if (length < 0) {
        table->cells.failed = true;
        return;
    }
    const size_t begin = table->cells.length;
    tt_text_add(&table->cells, text);
    free(text);
    end_cell(table, begin);
}

void tt_table_cell_text(tt_table *table, const tt_text *text) {
    if (text->failed) table->cells.failed = true;
    tt_table_cell(table, "%s", text->data ? text->data : "");
}

bool tt_table_print(const tt_table *table, FILE *stream, int indent, tt_error *err) {
    if (!tt_text_ok(&table->cells, err)) return false;
    const char *cell = table->cells.data;
    for (size_t i = 0; i < table->count; i++, cell += strlen(cell) + 1) {
        const size_t column = i % table->columns;
        const bool last = column + 1 == table->columns || i + 1 == table->count;
        const int gap = (int)(table->widths[column] - tt_text_width(cell));
        if (column == 0) fprintf(stream, "%*s", indent, "");
        if (table->right[column]) fprintf(stream, "%*s", gap, "");
        fputs(cell, stream);
        if (last)
            fputc('\n', stream);
        else
            fprintf(stream, "%*s", 2 + (table->right[column] ? 0 : gap), "");
    }
    return true;
}

void tt_table_free(tt_table *table) {
    tt_text_free(&table->cells);
    *table = (tt_table){0};
}

const char *tt_bar_text(double share, int width, bool unicode, char text[static TT_BAR_TEXT]) {
    const double clamped = isfinite(share) ? fmin(1, fmax(0, share)) : 0;
    const int steps = unicode ? 8 : 1, filled = (int)lround(clamped * width * steps);
    char *end = text;
    for (int i = 0; i < width && i < 64; i++) {
        const int level = filled - i * steps;
        const char *part = level <= 0 ? " " : !unicode ? "#" : eighths[level < 8 ? level : 8];
        end = stpcpy(end, part);
    }
    *end = '\0';
    return text;
}

void tt_sparkline_between(tt_text *text, const double *values, size_t count, double least, double most, bool unicode) {
    for (size_t i = 0; i < count; i++) {
        const double share = most > least ? (values[i] - least) / (most - least) : 0.5;
        const size_t height = (size_t)fmin(TT_HEIGHTS - 1, fmax(0, share) * TT_HEIGHTS);
        tt_text_add(text, !isfinite(values[i]) ? " " : unicode ? heights[height] : plain_heights[height]);
    }
}

void tt_sparkline(tt_text *text, const double *values, size_t count, bool unicode) {
    double least = INFINITY, most = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(values[i])) continue;
        least = fmin(least, values[i]);
        most = fmax(most, values[i]);
    }
    tt_sparkline_between(text, values, count, least, most, unicode);
}
