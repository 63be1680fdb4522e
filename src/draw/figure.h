/* figure.h: figures as SVG text: line charts over the layers, and matrices in shades. A figure is a column of panels. */
#pragma once

#include "base/text.h"

#include <stddef.h>

typedef struct tt_figure {
    tt_text body;
    double height; /* so far, in pixels */
} tt_figure;       /* starts as `{0}`; ends with tt_figure_free */

typedef struct tt_figure_line {
    const char *label;    /* any bytes; cut where too long */
    const double *values; /* one for each x; a gap where not finite */
} tt_figure_line;

/* A chart of `count` lines over x = 1 ... `points`, from 0 or the least value up. */
void tt_figure_lines(tt_figure *figure, const char *title, const char *x_title, const tt_figure_line *lines, size_t count,
                     size_t points);

/* A matrix of cosines (n x n, row-major), numbered from 1. */
void tt_figure_matrix(tt_figure *figure, const char *title, const double *cosines, size_t n);

/* Writes the whole to `path`. */
bool tt_figure_write(const tt_figure *figure, const char *path, tt_error *err);
void tt_figure_free(tt_figure *figure);
