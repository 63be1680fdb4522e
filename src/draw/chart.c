/* chart.c: see chart.h */
#include "draw/chart.h"
#include "base/number.h"
#include "base/text.h"

#include <math.h>
#include <string.h>

enum { PANEL_WIDTH = 400, HEIGHT = 300, LEFT = 52, RIGHT = 14, TOP = 34, BOTTOM = 66 };

/* Where numbers stand on a panel, in SVG's units. */
struct frame {
    double left, x_low, x_high, y_low, y_high;
};

static double place_x(const struct frame *frame, double x) {
    return frame->left + LEFT + (x - frame->x_low) / (frame->x_high - frame->x_low) * (PANEL_WIDTH - LEFT - RIGHT);
}

static double place_y(const struct frame *frame, double y) {
    return TOP + (frame->y_high - y) / (frame->y_high - frame->y_low) * (HEIGHT - TOP - BOTTOM);
}

double tt_chart_step(double range, size_t least) {
    const double most = range / (double)least, power = pow(10, floor(log10(most)));
    const double times = most / power;
    return power * (times >= 5 ? 5 : times >= 2 ? 2 : 1);
}

/* ==== Text ==== */

static void add_label(tt_text *svg, double x, double y, const char *anchor, const char *text) {
    tt_text_addf(svg, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
    tt_text_add_xml(svg, text, strlen(text));
    tt_text_add(svg, "</text>\n");
}

/* ==== A panel ==== */

static void widen(struct frame *frame, const double *ys, size_t count) {
    for (size_t i = 0; ys && i < count; i++) {
        if (!isfinite(ys[i])) continue;
        frame->y_low = fmin(frame->y_low, ys[i]);
        frame->y_high = fmax(frame->y_high, ys[i]);
    }
}

/* All lines and bands, and 0. */
static struct frame frame_of(const tt_chart *chart, double left) {
    struct frame frame = {.left = left, .x_high = 1};
    if (chart->point_count) {
        frame.x_low = chart->xs[0];
        frame.x_high = chart->xs[chart->point_count - 1];
    }
    if (!(frame.x_high > frame.x_low)) frame.x_high = frame.x_low + 1;
    for (size_t i = 0; i < chart->line_count; i++) {
        widen(&frame, chart->lines[i].ys, chart->point_count);
        widen(&frame, chart->lines[i].lows, chart->point_count);
        widen(&frame, chart->lines[i].highs, chart->point_count);
    }
    if (!(frame.y_high > frame.y_low)) frame.y_high = frame.y_low + 1;
    return frame;
}

/* Without the rounding that i x step brings: "0.3", not "0.30000000000000004". */
static const char *tick_text(double value, char number[static TT_NUMBER_TEXT]) {
    return tt_number_text(round(value * 1e6) / 1e6, number);
}

static void add_grid(tt_text *svg, const tt_chart *chart, const struct frame *frame) {
    char number[TT_NUMBER_TEXT];
    const double y_step = tt_chart_step(frame->y_high - frame->y_low, 4);
    const long y_last = lround(floor(frame->y_high / y_step + 0.001));
    for (long i = lround(ceil(frame->y_low / y_step)); i <= y_last; i++) {
        const double y = place_y(frame, (double)i * y_step);
        tt_text_addf(svg, "<line class=\"grid\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n",
                     place_x(frame, frame->x_low), y, place_x(frame, frame->x_high), y);
        add_label(svg, place_x(frame, frame->x_low) - 6, y + 4, "end", tick_text((double)i * y_step, number));
    }
    const double x_step = tt_chart_step(frame->x_high - frame->x_low, 4);
    const long x_last = lround(floor(frame->x_high / x_step + 0.001));
    for (long i = lround(ceil(frame->x_low / x_step)); i <= x_last; i++)
        add_label(svg, place_x(frame, (double)i * x_step), HEIGHT - BOTTOM + 16, "middle",
                  tick_text((double)i * x_step, number));
    add_label(svg, frame->left + (LEFT + PANEL_WIDTH - RIGHT) / 2.0, HEIGHT - BOTTOM + 32, "middle", chart->x_label);
}

static void add_band(tt_text *svg, const tt_chart *chart, const struct frame *frame, const tt_chart_line *line) {
    tt_text_addf(svg, "<polygon fill=\"%s\" fill-opacity=\"0.15\" points=\"", line->colour);
    for (size_t i = 0; i < chart->point_count; i++)
        if (isfinite(line->highs[i]))
            tt_text_addf(svg, "%.1f,%.1f ", place_x(frame, chart->xs[i]), place_y(frame, line->highs[i]));
    for (size_t i = chart->point_count; i-- > 0;)
        if (isfinite(line->lows[i]))
            tt_text_addf(svg, "%.1f,%.1f ", place_x(frame, chart->xs[i]), place_y(frame, line->lows[i]));
    tt_text_add(svg, "\"/>\n");
}

static void add_line(tt_text *svg, const tt_chart *chart, const struct frame *frame, const tt_chart_line *line) {
    if (line->lows && line->highs) add_band(svg, chart, frame, line);
    tt_text_addf(svg, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\"%s points=\"", line->colour,
                 line->dashed ? " stroke-dasharray=\"5 4\"" : "");
    for (size_t i = 0; i < chart->point_count; i++)
        if (isfinite(line->ys[i]))
            tt_text_addf(svg, "%.1f,%.1f ", place_x(frame, chart->xs[i]), place_y(frame, line->ys[i]));
    tt_text_add(svg, "\"/>\n");
}

/* One entry a line, all of the same width. */
static void add_legend(tt_text *svg, const tt_chart *chart, const struct frame *frame) {
    const double width = (double)(PANEL_WIDTH - LEFT - RIGHT) / (double)(chart->line_count ? chart->line_count : 1);
    for (size_t i = 0; i < chart->line_count; i++) {
        const double x = frame->left + LEFT + (double)i * width;
        tt_text_addf(svg, "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"%s\" stroke-width=\"2\"%s/>\n", x,
                     HEIGHT - 16, x + 16, HEIGHT - 16, chart->lines[i].colour,
                     chart->lines[i].dashed ? " stroke-dasharray=\"5 4\"" : "");
        add_label(svg, x + 21, HEIGHT - 12, "start", chart->lines[i].label);
    }
}

static void add_panel(tt_text *svg, const tt_chart *chart, double left) {
    const struct frame frame = frame_of(chart, left);
    tt_text_add(svg, "<g font-size=\"14\" font-weight=\"600\">");
    add_label(svg, left + LEFT, 20, "start", chart->title);
    tt_text_add(svg, "</g>\n");
    add_grid(svg, chart, &frame);
    for (size_t i = 0; i < chart->line_count; i++) add_line(svg, chart, &frame, &chart->lines[i]);
    add_legend(svg, chart, &frame);
}

char *tt_chart_svg(const tt_chart *charts, size_t count, tt_error *err) {
    tt_text svg = {0};
    tt_text_addf(&svg,
                 "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %zu %d\" width=\"%zu\" height=\"%d\" "
                 "font-family=\"system-ui, sans-serif\" font-size=\"12\" fill=\"#444\">\n"
                 "<style>.grid { stroke: #ddd; stroke-width: 1; }</style>\n"
                 "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
                 count * PANEL_WIDTH, HEIGHT, count * PANEL_WIDTH, HEIGHT);
    for (size_t i = 0; i < count; i++) add_panel(&svg, &charts[i], (double)(i * PANEL_WIDTH));
    tt_text_add(&svg, "</svg>\n");
    return tt_text_take(&svg, err);
}
