/* chart.c: see chart.h */
#include "draw/chart.h"

#include <math.h>

enum { /* pixels, here and below */
       TITLE = 34,
       PLOT_HEIGHT = 200,
       PANEL_WIDTH = 400, /* of a chart in a row */
       PANEL_LEFT = 52,
       PANEL_PLOT = 334,
       PANEL_BELOW = 66, /* a plot: ticks, their title, the legend */
       WIDE_WIDTH = 900, /* of a single chart, and of a matrix */
       WIDE_LEFT = 70,
       WIDE_PLOT = 530,
       WIDE_BELOW = 45,
       LEGEND_LINE = 18,
       MARGIN = 20,
       CELL = 34, /* of a matrix, at most */
       LABEL_BYTES = 36,
       TITLE_BYTES = 100,
};

/* Colours that can be told apart with any kind of colour vision (Okabe and Ito); further lines are dashed. */
static const char *const colours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"};
static const char *const dashes[] = {"none", "5 4", "2 3", "8 3 2 3", "1 5"};
enum { COLOURS = sizeof colours / sizeof *colours, DASHES = sizeof dashes / sizeof *dashes };

/* Where numbers stand, and the plot itself. */
typedef struct frame {
    double left, top, width, x_low, x_high, y_low, y_high;
    bool legend_beside;
} frame;

static double place_x(const frame *f, double x) { return f->left + (x - f->x_low) / (f->x_high - f->x_low) * f->width; }

static double place_y(const frame *f, double y) { return f->top + (f->y_high - y) / (f->y_high - f->y_low) * PLOT_HEIGHT; }

double tt_chart_step(double range, size_t least) {
    const double most = range / (double)least, power = pow(10, floor(log10(most)));
    const double times = most / power;
    return power * (times >= 5 ? 5 : times >= 2 ? 2 : 1);
}

/* ==== Text ==== */

/* At most this many bytes of `text`, which may be arbitrary. */
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

static void add_title(tt_text *body, double x, double y, const char *title) {
    tt_text_addf(body, "<text class=\"title\" x=\"%.1f\" y=\"%.1f\">", x, y);
    add_words(body, title, TITLE_BYTES);
    tt_text_add(body, "</text>\n");
}

/* ==== A chart ==== */

static void widen(frame *f, const double *ys, size_t count) {
    for (size_t i = 0; ys && i < count; i++) {
        if (!isfinite(ys[i])) continue;
        f->y_low = fmin(f->y_low, ys[i]);
        f->y_high = fmax(f->y_high, ys[i]);
    }
}

/* All lines and bands, and 0. */
static void find_limits(frame *f, const tt_chart *chart) {
    f->x_high = 1;
    if (chart->point_count) {
        f->x_low = chart->xs[0];
        f->x_high = chart->xs[chart->point_count - 1];
    }
    if (!(f->x_high > f->x_low)) f->x_high = f->x_low + 1;
    for (size_t i = 0; i < chart->line_count; i++) {
        widen(f, chart->lines[i].ys, chart->point_count);
        widen(f, chart->lines[i].lows, chart->point_count);
        widen(f, chart->lines[i].highs, chart->point_count);
    }
    if (!(f->y_high > f->y_low + 1e-30)) f->y_high = f->y_low + 1;
}

static void add_grid(tt_text *body, const tt_chart *chart, const frame *f) {
    const double y_step = tt_chart_step(f->y_high - f->y_low, 4), x_step = tt_chart_step(f->x_high - f->x_low, 4);
    const long y_last = lround(floor(f->y_high / y_step + 0.001)), x_last = lround(floor(f->x_high / x_step + 0.001));
    const double bottom = f->top + PLOT_HEIGHT;
    for (long i = lround(ceil(f->y_low / y_step)); i <= y_last; i++) {
        const double y = place_y(f, (double)i * y_step);
        tt_text_addf(body, "<line class=\"grid\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n", f->left, y,
                     f->left + f->width, y);
        add_number(body, f->left - 6, y + 4, "end", (double)i * y_step);
    }
    for (long i = lround(ceil(f->x_low / x_step)); i <= x_last; i++)
        add_number(body, place_x(f, (double)i * x_step), bottom + 16, "middle", (double)i * x_step);
    add_label(body, f->left + f->width / 2, bottom + 32, "middle", chart->x_label);
}

static void add_band(tt_text *body, const tt_chart *chart, const frame *f, const tt_chart_line *line, const char *colour) {
    tt_text_addf(body, "<polygon fill=\"%s\" fill-opacity=\"0.15\" points=\"", colour);
    for (size_t i = 0; i < chart->point_count; i++)
        if (isfinite(line->highs[i])) tt_text_addf(body, "%.1f,%.1f ", place_x(f, chart->xs[i]), place_y(f, line->highs[i]));
    for (size_t i = chart->point_count; i-- > 0;)
        if (isfinite(line->lows[i])) tt_text_addf(body, "%.1f,%.1f ", place_x(f, chart->xs[i]), place_y(f, line->lows[i]));
    tt_text_add(body, "\"/>\n");
}

/* Line `index`, with its legend entry; all entries below a plot have the same width. */
static void add_line(tt_text *body, const tt_chart *chart, const frame *f, size_t index) {
    const tt_chart_line *line = &chart->lines[index];
    const char *colour = line->colour ? line->colour : colours[index % COLOURS];
    const char *dash = line->colour ? dashes[line->dashed] : dashes[index / COLOURS % DASHES];
    if (line->lows && line->highs) add_band(body, chart, f, line, colour);
    tt_text_addf(body, "<path stroke=\"%s\" stroke-dasharray=\"%s\" d=\"", colour, dash);
    bool pen = false;
    for (size_t i = 0; i < chart->point_count; i++) {
        const bool here = isfinite(line->ys[i]);
        /* "h0": an isolated point is a dot */
        if (here)
            tt_text_addf(body, "%s%.1f %.1f%s", pen ? "L" : "M", place_x(f, chart->xs[i]), place_y(f, line->ys[i]),
                         pen ? "" : "h0");
        pen = here;
    }
    const double x =
        f->legend_beside ? f->left + f->width + 20 : f->left + (double)index * f->width / (double)chart->line_count;
    const double y = f->legend_beside ? f->top + LEGEND_LINE * (0.5 + (double)index) : f->top + PLOT_HEIGHT + 50;
    tt_text_addf(body, "M%.1f %.1fh16\"/>\n", x, y);
    add_label(body, x + 22, y + 4, "start", line->label);
}

static void add_panel(tt_text *body, const tt_chart *chart, frame f) {
    find_limits(&f, chart);
    add_title(body, f.left, f.top - 14, chart->title);
    add_grid(body, chart, &f);
    for (size_t i = 0; i < chart->line_count; i++) add_line(body, chart, &f, i);
}

void tt_draw_charts(tt_drawing *drawing, const tt_chart *charts, size_t count) {
    const double top = drawing->height + TITLE;
    if (count == 1) {
        add_panel(&drawing->body, charts, (frame){.left = WIDE_LEFT, .top = top, .width = WIDE_PLOT, .legend_beside = true});
        drawing->height = top + fmax(PLOT_HEIGHT + WIDE_BELOW, LEGEND_LINE * (double)charts->line_count) + MARGIN;
        drawing->width = fmax(drawing->width, WIDE_WIDTH);
        return;
    }
    for (size_t i = 0; i < count; i++)
        add_panel(&drawing->body, &charts[i],
                  (frame){.left = (double)i * PANEL_WIDTH + PANEL_LEFT, .top = top, .width = PANEL_PLOT});
    drawing->height = top + PLOT_HEIGHT + PANEL_BELOW;
    drawing->width = fmax(drawing->width, (double)count * PANEL_WIDTH);
}

/* ==== A matrix ==== */

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

void tt_draw_matrix(tt_drawing *drawing, const char *title, const double *cosines, size_t n) {
    tt_text *body = &drawing->body;
    const double size = fmin(CELL, WIDE_PLOT / (double)n), top = drawing->height + TITLE + 12;
    add_title(body, WIDE_LEFT, drawing->height + TITLE - 14, title);
    for (size_t i = 0; i < n; i++) {
        const double y = top + (double)i * size;
        add_number(body, WIDE_LEFT + ((double)i + 0.5) * size, top - 6, "middle", (double)i + 1);
        add_number(body, WIDE_LEFT - 8, y + size / 2 + 4, "end", (double)i + 1);
        for (size_t j = 0; j < n; j++) add_cell(body, WIDE_LEFT + (double)j * size, y, size, cosines[i * n + j]);
    }
    drawing->height = top + (double)n * size + MARGIN;
    drawing->width = fmax(drawing->width, WIDE_WIDTH);
}

/* ==== The whole ==== */

char *tt_drawing_svg(const tt_drawing *drawing, tt_error *err) {
    if (!tt_text_ok(&drawing->body, err)) return NULL;
    tt_text all = {0};
    tt_text_addf(&all,
                 "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\">\n"
                 "<style>text{font:12px system-ui,sans-serif;fill:#333}.title{font-weight:600;font-size:14px}"
                 ".cell,.light{font-size:10px;text-anchor:middle}.light{fill:#fff}"
                 ".grid{stroke:#ddd}path{fill:none;stroke-width:2;stroke-linecap:round}</style>\n"
                 "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
                 drawing->width, drawing->height, drawing->width, drawing->height);
    tt_text_add_bytes(&all, drawing->body.data ? drawing->body.data : "", drawing->body.length);
    tt_text_add(&all, "</svg>\n");
    return tt_text_take(&all, err);
}

void tt_drawing_free(tt_drawing *drawing) { tt_text_free(&drawing->body); }

char *tt_chart_svg(const tt_chart *charts, size_t count, tt_error *err) {
    tt_drawing drawing = {0};
    tt_draw_charts(&drawing, charts, count);
    char *svg = tt_drawing_svg(&drawing, err);
    tt_drawing_free(&drawing);
    return svg;
}
