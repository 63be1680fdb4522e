/* chart.h: the one drawer of charts: line charts and matrices as SVG, which is shown where no script runs. Pure: numbers in,
 * text out. */
#pragma once

#include "base/text.h"

typedef struct tt_chart_line {
    const char *label;               /* any bytes; cut where too long */
    const char *colour;              /* as SVG has it: "#1d6d75"; NULL: one of the drawer's own, by the line's number */
    const double *ys, *lows, *highs; /* one a point; a gap where not finite. The last two, a band, may be NULL */
    bool dashed;
} tt_chart_line;

/* One panel. Nothing is copied. */
typedef struct tt_chart {
    const char *title, *x_label;
    const double *xs; /* ascending */
    size_t point_count;
    const tt_chart_line *lines;
    size_t line_count;
} tt_chart;

/* A picture in the making: rows, one below the other. */
typedef struct tt_drawing {
    tt_text body;
    double width, height; /* so far, in pixels */
} tt_drawing;             /* starts as `{0}`; ends with tt_drawing_free */

/* A row of charts, side by side, with their legends below; one alone is wide, and has room for a long legend beside it. */
void tt_draw_charts(tt_drawing *drawing, const tt_chart *charts, size_t count);

/* A matrix of cosines (n x n, row-major) in shades, numbered from 1. */
void tt_draw_matrix(tt_drawing *drawing, const char *title, const double *cosines, size_t n);

/* The whole as an SVG file. NULL when memory is short, now or before; the caller frees. */
char *tt_drawing_svg(const tt_drawing *drawing, tt_error *err);
void tt_drawing_free(tt_drawing *drawing);

/* A picture of one row. */
char *tt_chart_svg(const tt_chart *charts, size_t count, tt_error *err);

/* The largest of 1, 2 and 5 times a power of ten that divides `range` > 0 into at least `least` parts. */
double tt_chart_step(double range, size_t least);
