/* card_charts.c: see card_charts.h */
#include "publish/card_charts.h"
#include "base/file.h"
#include "base/memory.h"
#include "draw/chart.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char negative_colour[] = "#1d6d75", positive_colour[] = "#c0601c";

/* A curve's numbers. */
struct curve {
    double *ys, *lows, *highs;
};

static bool curve_make(struct curve *curve, size_t count, tt_error *err) {
    curve->ys = tt_alloc(count, sizeof *curve->ys, err);
    curve->lows = tt_alloc(count, sizeof *curve->lows, err);
    curve->highs = tt_alloc(count, sizeof *curve->highs, err);
    return curve->ys && curve->lows && curve->highs;
}

static void curve_put(struct curve *curve, size_t i, tt_estimate estimate) {
    curve->ys[i] = estimate.value;
    curve->lows[i] = estimate.low;
    curve->highs[i] = estimate.high;
}

static void curve_free(struct curve *curve) {
    free(curve->ys);
    free(curve->lows);
    free(curve->highs);
}

/* ==== By value ==== */

enum { STEERING, COHERENCE, RELEVANCE, CURVES };

static void fill(const tt_axis_evaluation *axis, double *xs, struct curve curves[static CURVES]) {
    static const tt_estimate unknown = {NAN, NAN, NAN};
    const bool judged = tt_evaluation_judges(axis);
    for (size_t i = 0; i < axis->value_count; i++) {
        const tt_way_figures *way = &axis->values[i];
        xs[i] = way->value;
        curve_put(&curves[STEERING], i, judged ? way->steering : unknown);
        curve_put(&curves[COHERENCE], i, way->coherence);
        curve_put(&curves[RELEVANCE], i, way->relevance);
    }
}

static tt_chart_line line_of(const char *label, const char *colour, const struct curve *curve) {
    return (tt_chart_line){label, colour, curve->ys, curve->lows, curve->highs, false};
}

/* ==== By block ==== */

static bool list_blocks(const tt_axis_evaluation *axis, double **rows, double **debias, double **side, tt_error *err) {
    *rows = tt_alloc(axis->block_count, sizeof **rows, err);
    *debias = tt_alloc(axis->block_count, sizeof **debias, err);
    *side = tt_alloc(axis->block_count, sizeof **side, err);
    if (!*rows || !*debias || !*side) return false;
    for (size_t i = 0; i < axis->block_count; i++) {
        (*rows)[i] = axis->blocks[i].row;
        (*debias)[i] = axis->blocks[i].debias;
        (*side)[i] = axis->blocks[i].sides[1];
    }
    return true;
}

/* ==== The file ==== */

static bool write_svg(const tt_card_folder *folder, const tt_card_axis *axis, const tt_chart *charts, size_t count,
                      tt_error *err) {
    char *safe = tt_safe_name(axis->files->name, err);
    char *name = safe ? tt_format(err, "charts/%s.svg", safe) : NULL;
    char *path = name ? tt_path_join(folder->catalogue.folder, name, err) : NULL;
    char *svg = path ? tt_chart_svg(charts, count, err) : NULL;
    const bool ok = svg && tt_file_write(path, svg, strlen(svg), err);
    free(svg);
    free(path);
    free(name);
    free(safe);
    return ok;
}

static bool write_axis(const tt_card_folder *folder, const tt_card_axis *axis, tt_error *err) {
    const size_t count = axis->figures->value_count;
    struct curve curves[CURVES] = {0};
    double *rows = NULL, *debias = NULL, *side = NULL;
    double *xs = tt_alloc(count, sizeof *xs, err);
    bool ok = xs && list_blocks(axis->figures, &rows, &debias, &side, err);
    for (size_t i = 0; ok && i < CURVES; i++) ok = curve_make(&curves[i], count, err);
    if (ok) {
        fill(axis->figures, xs, curves);
        const tt_chart_line steering = line_of("steering", positive_colour, &curves[STEERING]);
        const tt_chart_line price[2] = {line_of("coherence", positive_colour, &curves[COHERENCE]),
                                        line_of("relevance", negative_colour, &curves[RELEVANCE])};
        const tt_chart_line lengths[2] = {{"side", positive_colour, .ys = side},
                                          {"de-bias", negative_colour, .ys = debias, .dashed = true}};
        const tt_chart charts[3] = {{"Steering (nats)", "value", xs, count, &steering, 1},
                                    {"Next to asking, to unsteered", "value", xs, count, price, 2},
                                    {"Length by block", "block", rows, axis->figures->block_count, lengths, 2}};
        ok = write_svg(folder, axis, charts, 3, err);
    }
    for (size_t i = 0; i < CURVES; i++) curve_free(&curves[i]);
    free(rows);
    free(debias);
    free(side);
    free(xs);
    return ok;
}

bool tt_card_charts_write(const tt_card_folder *folder, tt_error *err) {
    char *charts = tt_path_join(folder->catalogue.folder, "charts", err);
    bool ok = charts != NULL, made = false;
    for (size_t i = 0; ok && i < folder->count; i++) {
        if (!folder->axes[i].figures) continue;
        ok = (made || tt_make_folder(charts, err)) && write_axis(folder, &folder->axes[i], err);
        made = true;
    }
    free(charts);
    return ok;
}
