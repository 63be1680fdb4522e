/* figure.c: see figure.h */
#include "draw/figure.h"
#include "base/file.h"

#include <math.h>
#include <string.h>

enum {
    FIGURE_WIDTH = 900, /* pixels, here and below */
    MARGIN = 20,
    TITLE = 30,
    PLOT_LEFT = 70,
    PLOT_WIDTH = 530,
    PLOT_HEIGHT = 200,
    AXIS = 45, /* below a plot: its ticks and their title */
    LEGEND_LEFT = PLOT_LEFT + PLOT_WIDTH + 20,
    LEGEND_LINE = 18,
    LABEL_BYTES = 36,
    CELL = 34, /* of a matrix, at most */
};

/* Colours that people with any kind of colour vision can tell apart (Okabe and Ito); further lines are dashed. */
static const char *const colours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"};
static const char *const dashes[] = {"none", "6 3", "2 3", "8 3 2 3", "1 5"};
enum { COLOURS = sizeof colours / sizeof *colours, DASHES = sizeof dashes / sizeof *dashes };

/* At most so many bytes of `text`, which may be anybody's. */
static void add_words(tt_text *body, const char *text, size_t most) {
    const size_t length = tt_utf8_cut(text, most);
    tt_text_add_xml(body, text, length);
    if (text[length]) tt_text_add(body, "…");
}

static void add_label(tt_text *body, double x, double y, const char *anchor, const char *text) {
    tt_text_addf(body, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
    add_words(body, text, LABEL_BYTES);
    tt_text_add(body, "</text>\n");
}

static void add_number(tt_text *body, double x, double y, const char *anchor, double number) {
    tt_text_addf(body, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%.4g</text>\n", x, y, anchor, number);
}

static void add_title(tt_figure *figure, const char *title) {
    figure->height += TITLE;
    tt_text_addf(&figure->body, "<text class=\"title\" x=\"%d\" y=\"%.1f\">", MARGIN, figure->height - 8);
    add_words(&figure->body, title, 100);
    tt_text_add(&figure->body, "</text>\n");
}

/* ==== Lines ==== */

typedef struct plot {
    double top, least, most;
    size_t points;
} plot;

static double x_of(const plot *p, size_t point) {
    return PLOT_LEFT + (p->points > 1 ? (double)(point - 1) / (double)(p->points - 1) : 0.5) * PLOT_WIDTH;
}

static double y_of(const plot *p, double value) {
    return p->top + PLOT_HEIGHT - (value - p->least) / (p->most - p->least) * PLOT_HEIGHT;
}

/* A step of 1, 2 or 5 times a power of ten, of which about `count` make `range`. */
static double nice_step(double range, double count) {
    const double power = pow(10, floor(log10(range / count))), mantissa = range / count / power;
    return power * (mantissa < 1.5 ? 1 : mantissa < 3.5 ? 2 : mantissa < 7.5 ? 5 : 10);
}

static void find_limits(plot *p, const tt_figure_line *lines, size_t count) {
    p->least = 0;
    p->most = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t n = 0; n < p->points; n++) {
            if (!isfinite(lines[i].values[n])) continue;
            p->least = fmin(p->least, lines[i].values[n]);
            p->most = fmax(p->most, lines[i].values[n]);
        }
    }
    if (p->most - p->least < 1e-30) p->most = p->least + 1;
}

static void add_axes(tt_text *body, const plot *p, const char *x_title) {
    const double step = nice_step(p->most - p->least, 4);
    const long first = lround(ceil(p->least / step)), last = lround(floor(p->most / step * (1 + 1e-9)));
    for (long tick = first; tick <= last; tick++) {
        const double y = y_of(p, (double)tick * step);
        tt_text_addf(body, "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>\n", PLOT_LEFT,
                     PLOT_LEFT + PLOT_WIDTH, y, y);
        add_number(body, PLOT_LEFT - 8, y + 4, "end", (double)tick * step);
    }
    const size_t between = (size_t)fmax(1, nice_step((double)p->points, 8));
    for (size_t point = between; point <= p->points; point += between)
        add_number(body, x_of(p, point), p->top + PLOT_HEIGHT + 18, "middle", (double)point);
    add_label(body, PLOT_LEFT + PLOT_WIDTH / 2.0, p->top + PLOT_HEIGHT + 36, "middle", x_title);
}

static void add_line(tt_text *body, const plot *p, const tt_figure_line *line, size_t index) {
    tt_text_addf(body, "<path stroke=\"%s\" stroke-dasharray=\"%s\" d=\"", colours[index % COLOURS],
                 dashes[index / COLOURS % DASHES]);
    bool pen = false;
    for (size_t n = 0; n < p->points; n++) {
        const bool here = isfinite(line->values[n]);
        /* "h0": a point that stands alone is a dot */
        if (here)
            tt_text_addf(body, "%s%.1f %.1f%s", pen ? "L" : "M", x_of(p, n + 1), y_of(p, line->values[n]), pen ? "" : "h0");
        pen = here;
    }
    const double y = p->top + LEGEND_LINE * (0.5 + (double)index);
    tt_text_addf(body, "M%d %.1fh24\"/>\n", LEGEND_LEFT, y);
    add_label(body, LEGEND_LEFT + 32, y + 4, "start", line->label);
}

void tt_figure_lines(tt_figure *figure, const char *title, const char *x_title, const tt_figure_line *lines, size_t count,
                     size_t points) {
    add_title(figure, title);
    plot p = {.top = figure->height, .points = points};
    find_limits(&p, lines, count);
    add_axes(&figure->body, &p, x_title);
    for (size_t i = 0; i < count; i++) add_line(&figure->body, &p, &lines[i], i);
    figure->height += fmax(PLOT_HEIGHT + AXIS, LEGEND_LINE * (double)count) + MARGIN;
}

/* ==== Matrices ==== */

/* White for 0, blue towards 1, orange towards -1. */
static void add_shade(tt_text *body, double cosine) {
    const double share = isfinite(cosine) ? fmin(1, fabs(cosine)) : 0;
    const double full[2][3] = {{213, 94, 0}, {0, 114, 178}};
    const double *colour = full[cosine > 0];
    tt_text_add(body, "#");
    for (int i = 0; i < 3; i++) tt_text_addf(body, "%02x", (unsigned)lround(255 + share * (colour[i] - 255)));
}

static void add_cell(tt_text *body, double x, double y, double size, double cosine) {
    tt_text_addf(body, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"", x, y, size, size);
    add_shade(body, cosine);
    tt_text_add(body, "\"/>\n");
    if (isfinite(cosine))
        tt_text_addf(body, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">%.2f</text>\n", fabs(cosine) > 0.6 ? "light" : "cell",
                     x + size / 2, y + size / 2 + 4, cosine);
}

void tt_figure_matrix(tt_figure *figure, const char *title, const double *cosines, size_t n) {
    add_title(figure, title);
    tt_text *body = &figure->body;
    const double size = fmin(CELL, PLOT_WIDTH / (double)n), top = figure->height + 16;
    for (size_t i = 0; i < n; i++) {
        const double y = top + (double)i * size;
        add_number(body, PLOT_LEFT + ((double)i + 0.5) * size, top - 6, "middle", (double)i + 1);
        add_number(body, PLOT_LEFT - 8, y + size / 2 + 4, "end", (double)i + 1);
        for (size_t j = 0; j < n; j++) add_cell(body, PLOT_LEFT + (double)j * size, y, size, cosines[i * n + j]);
    }
    figure->height = top + (double)n * size + MARGIN;
}

/* ==== The whole ==== */

bool tt_figure_write(const tt_figure *figure, const char *path, tt_error *err) {
    if (!tt_text_ok(&figure->body, err)) return false;
    tt_text all = {0};
    const double height = figure->height + MARGIN;
    tt_text_addf(&all,
                 "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%.0f\" viewBox=\"0 0 %d %.0f\">\n"
                 "<style>text{font:12px sans-serif;fill:#222}.title{font-weight:bold;font-size:14px}"
                 ".cell,.light{font-size:10px;text-anchor:middle}.light{fill:#fff}"
                 ".grid{stroke:#ddd}path{fill:none;stroke-width:1.8;stroke-linecap:round}</style>\n"
                 "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
                 FIGURE_WIDTH, height, FIGURE_WIDTH, height);
    tt_text_add_bytes(&all, figure->body.data ? figure->body.data : "", figure->body.length);
    tt_text_add(&all, "</svg>\n");
    const bool ok = tt_text_ok(&all, err) && tt_file_write(path, all.data, all.length, err);
    tt_text_free(&all);
    return ok;
}

void tt_figure_free(tt_figure *figure) { tt_text_free(&figure->body); }
