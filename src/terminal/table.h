/* table.h: aligned columns, and small text plots, for people. Programs use --json. */
#pragma once

#include "base/text.h"

#include <stdio.h>

enum { TT_TABLE_COLUMNS = 32, TT_BAR_TEXT = 4 * 64 + 1 };

/* Columns first, then cells, row by row. Starts as `{0}`; ends with tt_table_free. */
typedef struct tt_table {
    tt_text cells; /* each ends with a zero */
    size_t columns, count;
    size_t widths[TT_TABLE_COLUMNS]; /* of the widest cell so far, in terminal columns */
    bool right[TT_TABLE_COLUMNS];
} tt_table;

/* Adds a column. Numbers should be aligned right. */
void tt_table_column(tt_table *table, const char *title, bool right);

/* Fills the next cell. Control characters, which text from a file may contain, become '?'. */
void tt_table_cell(tt_table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same with a tt_text; if that ran out of memory, so has the table. */
void tt_table_cell_text(tt_table *table, const tt_text *text);

/* Prints titles and rows, each indented by `indent` spaces. An incomplete last row is printed as far as it goes. */
bool tt_table_print(const tt_table *table, FILE *stream, int indent, tt_error *err);
void tt_table_free(tt_table *table);

/* The number of terminal columns that UTF-8 text takes. */
size_t tt_text_width(const char *text);

/* A bar that fills `share` (0..1) of `width` <= 64 columns: "████▌   ", or "####    " without Unicode. */
const char *tt_bar_text(double share, int width, bool unicode, char text[static TT_BAR_TEXT]);

/* One character per value, its height between the smallest and the largest of them: "▁▃▅█"; a gap for a value that is not
 * finite. */
void tt_sparkline(tt_text *text, const double *values, size_t count, bool unicode);

/* The same between given limits, so that several plots can be compared. */
void tt_sparkline_between(tt_text *text, const double *values, size_t count, double least, double most, bool unicode);
