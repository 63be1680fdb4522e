/* chart.h: draws line charts and matrices as SVG, which needs no scripts. Pure: numbers in, text out. */
#pragma once

#include "base/text.h"

typedef struct tt_chart_line {
    const char *label;               /* any bytes; cut if too long */
    const char *colour;              /* an SVG colour: "#1d6d75"; NULL: a default, by the line's number */
    const double *ys, *lows, *highs; /* one per point; a gap if not finite. The last two, a band, may be NULL */
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

/* A picture being drawn: rows, one below the other. */
typedef struct tt_drawing {
    tt_text body;
    double width, height; /* so far, in pixels */
} tt_drawing;             /* starts as `{0}`; ends with tt_drawing_free */

/* A row of charts, side by side, with their legends below. A single chart is wide, with room for a long legend next to
 * it. */
void tt_draw_charts(tt_drawing *drawing, const tt_chart *charts, size_t count);

/* A matrix of cosines (n x n, row-major) in shades, numbered from 1. */
void tt_draw_matrix(tt_drawing *drawing, const char *title, const double *cosines, size_t n);

/* The complete SVG file. NULL when out of memory, now or earlier; the caller frees it. */
char *tt_drawing_svg(const tt_drawing *drawing, tt_error *err);
void tt_drawing_free(tt_drawing *drawing);

/* A picture of one row. */
char *tt_chart_svg(const tt_chart *charts, size_t count, tt_error *err);

/* The largest of 1, 2 and 5 times a power of ten that divides `range` > 0 into at least `least` parts. */
double tt_chart_step(double range, size_t least);
