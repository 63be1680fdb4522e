/* inspect_svg.c: `trimtab inspect --svg`: the lengths and discriminant ratios of the files, and of the mix, over the layers;
 * and how alike the files are. */
#include "base/file.h"
#include "base/memory.h"
#include "cli/inspect.h"
#include "draw/chart.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Lines over the layers, with what they own. */
typedef struct lines {
    tt_chart_line *items; /* [count] */
    char **labels;        /* [count] */
    double *values;       /* [count][points] */
    double *layers;       /* [points]: 1, 2, ... */
    size_t count, points;
} lines;

static void lines_free(lines *all) {
    for (size_t i = 0; all->labels && i < all->count; i++) free(all->labels[i]);
    free(all->labels);
    free(all->items);
    free(all->values);
    free(all->layers);
}

static bool lines_begin(lines *all, const tt_inspected *inspected, tt_error *err) {
    const size_t most = inspected->count + 1;
    uint32_t layers = inspected->layers;
    const trimtab_vector *mix = inspected->mix ? trimtab_mix_facts_of(inspected->mix)->vector : NULL;
    if (mix && trimtab_vector_facts_of(mix)->layers > layers) layers = trimtab_vector_facts_of(mix)->layers;
    *all = (lines){.points = layers > 1 ? layers - 1 : 1};
    all->items = tt_alloc(most, sizeof *all->items, err);
    all->labels = tt_alloc(most, sizeof *all->labels, err);
    all->values = tt_alloc(most * all->points, sizeof *all->values, err);
    all->layers = tt_alloc(all->points, sizeof *all->layers, err);
    for (size_t n = 0; all->layers && n < all->points; n++) all->layers[n] = (double)n + 1;
    return all->items && all->labels && all->values && all->layers;
}

static double value_of(const trimtab_vector *vector, uint32_t K, bool ratio) {
    if (K >= trimtab_vector_facts_of(vector)->layers) return NAN;
    const trimtab_block_figures *figures = trimtab_vector_figures(vector, K);
    if (ratio) return figures ? 100 * (double)figures->discriminant_ratio : NAN;
    return trimtab_vector_row(vector, K) ? trimtab_vector_length(vector, K) : NAN;
}

/* Takes over `label`. */
static bool add_line(lines *all, const trimtab_vector *vector, char *label, bool ratio) {
    if (!label) return false;
    double *values = all->values + all->count * all->points;
    for (size_t n = 0; n < all->points; n++) values[n] = value_of(vector, (uint32_t)n + 1, ratio);
    all->items[all->count] = (tt_chart_line){.label = label, .ys = values};
    all->labels[all->count++] = label;
    return true;
}

static char *label_of(const tt_inspected *inspected, size_t index, tt_error *err) {
    const trimtab_vector_facts *facts = trimtab_vector_facts_of(inspected->vectors[index]);
    const char *side = *facts->class_name ? facts->class_name : facts->role;
    if (!*facts->axis || !*side) return tt_format(err, "%zu  %s", index + 1, tt_path_name(facts->path));
    return tt_format(err, "%zu  %s: %s", index + 1, facts->axis, side);
}

static bool draw_lines(tt_drawing *drawing, const tt_inspected *inspected, bool ratio, tt_error *err) {
    lines all;
    bool ok = lines_begin(&all, inspected, err);
    for (size_t i = 0; ok && i < inspected->count; i++) {
        const trimtab_vector *vector = inspected->vectors[i];
        if (!ratio || trimtab_vector_facts_of(vector)->figure_count)
            ok = add_line(&all, vector, label_of(inspected, i, err), ratio);
    }
    if (ok && !ratio && inspected->mix) {
        const trimtab_mix_facts *mix = trimtab_mix_facts_of(inspected->mix);
        ok = add_line(&all, mix->vector, tt_strdup(mix->text, err), ratio);
    }
    if (ok && all.count)
        tt_draw_charts(drawing,
                       &(tt_chart){ratio ? "Discriminant ratio (%)" : "Length of the direction", "layer", all.layers,
                                   all.points, all.items, all.count},
                       1);
    lines_free(&all);
    return ok;
}

static bool draw_matrix(tt_drawing *drawing, const tt_inspected *inspected, tt_error *err) {
    const size_t n = inspected->count;
    double *cosines = tt_alloc(n * n, sizeof *cosines, err);
    if (!cosines) return false;
    for (size_t k = 0; k < n * n; k++) cosines[k] = tt_inspected_cosine(inspected, k / n, k % n, inspected->at);
    char title[64] = "Cosines, all layers taken together";
    if (inspected->at) snprintf(title, sizeof title, "Cosines at layer %u", inspected->at);
    tt_draw_matrix(drawing, title, cosines, n);
    free(cosines);
    return true;
}

bool tt_inspect_svg(const tt_inspected *inspected, const char *path, tt_error *err) {
    tt_drawing drawing = {0};
    const bool ok = draw_lines(&drawing, inspected, false, err) && draw_lines(&drawing, inspected, true, err) &&
                    (inspected->count < 2 || draw_matrix(&drawing, inspected, err));
    char *svg = ok ? tt_drawing_svg(&drawing, err) : NULL;
    const bool written = svg && tt_file_write(path, svg, strlen(svg), err);
    free(svg);
    tt_drawing_free(&drawing);
    return written;
}
