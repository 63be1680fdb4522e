/* chart.h: line charts as an SVG file, for a page of vectors that is shown where no script runs. Pure: numbers in, text out.
 */
#pragma once

#include "base/error.h"

#include <stddef.h>

typedef struct tt_chart_line {
    const char *label, *colour;      /* the colour as SVG has it: "#1d6d75" */
    const double *ys, *lows, *highs; /* one a point; NaN where there is none. The last two, a band, may be NULL */
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

/* Panels side by side. NULL when memory is short; the caller frees. */
char *tt_chart_svg(const tt_chart *charts, size_t count, tt_error *err);

/* The largest of 1, 2 and 5 times a power of ten that divides `range` > 0 into at least `least` parts. */
double tt_chart_step(double range, size_t least);
