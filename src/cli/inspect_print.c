/* inspect_print.c: control vectors as tables and small plots of text. */
#include "base/file.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/text.h"
#include "cli/inspect.h"
#include "terminal/console.h"
#include "terminal/table.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

enum { BAR_WIDTH = 20 };

/* ==== One file ==== */

static void add_key(tt_table *table, const char *name, const char *value) {
    if (!*value) return;
    tt_table_cell(table, "%s", name);
    tt_table_cell(table, "%s", value);
}

static void add_origin(tt_table *table, const tt_vector *vector) {
    if (!*vector->version && !*vector->method && !vector->samples) return;
    tt_table_cell(table, "made");
    tt_text text = {0};
    if (*vector->version) tt_text_addf(&text, "by trimtab %s", vector->version);
    if (*vector->method) tt_text_addf(&text, "%s%s", text.length ? ", " : "", vector->method);
    if (vector->samples)
        tt_text_addf(&text, "%s%" PRIu64 " samples, seed %" PRIu64, text.length ? ", " : "", vector->samples, vector->seed);
    tt_table_cell_text(table, &text);
    tt_text_free(&text);
}

static void add_recommended(tt_table *table, const tt_vector *vector) {
    if (vector->recommended[0] == 0 && vector->recommended[1] == 0) return;
    char sizes[2][TT_NUMBER_TEXT] = {"none", "none"}; /* where no value that was tried was any good */
    for (int class = 0; class < 2; class++)
        if (vector->recommended[class] > 0)
            tt_number_text(round((double)vector->recommended[class] * 1e6) / 1e6, sizes[class]);
    tt_table_cell(table, "recommended");
    tt_table_cell(table, "%s towards %s, %s towards %s", sizes[0], vector->classes[0], sizes[1], vector->classes[1]);
}

/* What other tools wrote. */
static void add_foreign(tt_table *table, const tt_vector *vector) {
    if (vector->from_zero) {
        tt_table_cell(table, "counted");
        tt_table_cell(table, "from 0: it has a direction.0");
    }
    for (size_t i = 0; i < tt_gguf_keys_count(vector->foreign); i++) {
        tt_text value = {0};
        tt_gguf_keys_value(vector->foreign, i, &value);
        tt_table_cell(table, "%s", tt_gguf_keys_name(vector->foreign, i));
        tt_table_cell_text(table, &value);
        tt_text_free(&value);
    }
}

static bool print_keys(const tt_vector *vector, tt_error *err) {
    tt_table table = {0};
    tt_table_column(&table, "file", false);
    tt_table_column(&table, tt_path_name(vector->path), false);
    add_key(&table, "role", tt_role_name(vector->role));
    add_key(&table, "axis", vector->axis);
    add_key(&table, "class", vector->class_name);
    if (*vector->classes[0] && *vector->classes[1]) {
        tt_table_cell(&table, "classes");
        tt_table_cell(&table, "%s (below 0), %s (above 0)", vector->classes[0], vector->classes[1]);
    }
    add_key(&table, "recipe", vector->recipe);
    add_key(&table, "model", vector->model_name);
    add_key(&table, "architecture", vector->architecture);
    add_key(&table, "fingerprint", vector->fingerprint);
    add_origin(&table, vector);
    add_recommended(&table, vector);
    tt_table_cell(&table, "layers");
    if (vector->layer_count_given)
        tt_table_cell(&table, "%" PRIu32 ", of which %" PRIu32 " have a direction", vector->layer_count,
                      tt_vector_row_count(vector));
    else
        tt_table_cell(&table, "%" PRIu32 " have a direction", tt_vector_row_count(vector));
    tt_table_cell(&table, "hidden size");
    tt_table_cell(&table, "%" PRIu32, vector->width);
    if (vector->parameters) {
        char parameters[32];
        tt_table_cell(&table, "parameters");
        tt_table_cell(&table, "%s", tt_parameters_text((double)vector->parameters, parameters));
    }
    add_foreign(&table, vector);
    const bool ok = tt_table_print(&table, stdout, 0, err);
    tt_table_free(&table);
    return ok;
}

/* The largest of a vector's lengths, or of its ratios. */
static double largest(const tt_vector *vector, bool ratio) {
    double most = 0;
    for (uint32_t K = 1; K < vector->layer_count; K++) {
        const tt_block_figures *figures = tt_figures_of_row(vector, K);
        if (ratio ? figures == NULL : vector->rows[K] == NULL) continue;
        most = fmax(most, ratio ? (double)figures->discriminant_ratio : tt_vector_row_norm(vector, K));
    }
    return most;
}

static void add_figures(tt_table *table, const tt_block_figures *figures, double most) {
    char bar[TT_BAR_TEXT];
    if (!figures) {
        for (int i = 0; i < 5; i++) tt_table_cell(table, "%s", "");
        return;
    }
    tt_table_cell(table, "%.0f", 100 * (double)figures->discriminant_ratio);
    tt_table_cell(
        table, "%s",
        tt_bar_text(most > 0 ? (double)figures->discriminant_ratio / most : 0, BAR_WIDTH, tt_console_unicode(), bar));
    tt_table_cell(table, "%.1f", 100 * (double)figures->variance_reduction);
    tt_table_cell(table, "%" PRIu32, figures->kept);
    tt_table_cell(table, "%" PRIu32, figures->accepted);
}

static bool print_layers(const tt_vector *vector, tt_error *err) {
    const bool measured = vector->figure_count > 0;
    const double longest = largest(vector, false), best = largest(vector, true);
    char bar[TT_BAR_TEXT];
    tt_table table = {0};
    tt_table_column(&table, "layer", true);
    tt_table_column(&table, "length", true);
    tt_table_column(&table, "", false);
    if (measured) {
        tt_table_column(&table, "ratio %", true);
        tt_table_column(&table, "", false);
        tt_table_column(&table, "variance -%", true);
        tt_table_column(&table, "kept", true);
        tt_table_column(&table, "used", true);
    }
    for (uint32_t K = 1; K < vector->layer_count; K++) {
        if (!vector->rows[K]) continue;
        const double length = tt_vector_row_norm(vector, K);
        tt_table_cell(&table, "%" PRIu32, K);
        tt_table_cell(&table, "%.3g", length);
        tt_table_cell(&table, "%s", tt_bar_text(longest > 0 ? length / longest : 0, BAR_WIDTH, tt_console_unicode(), bar));
        if (measured) add_figures(&table, tt_figures_of_row(vector, K), best);
    }
    const bool ok = tt_table_print(&table, stdout, 0, err);
    tt_table_free(&table);
    return ok;
}

/* ==== Several files ==== */

/* Row K's length for K = 1, 2, ...; NAN where there is none. The caller frees. */
static double *lengths(const tt_vector *vector, tt_error *err) {
    double *values = tt_alloc(vector->layer_count, sizeof *values, err);
    for (uint32_t K = 1; values && K < vector->layer_count; K++)
        values[K - 1] = vector->rows[K] ? tt_vector_row_norm(vector, K) : NAN;
    return values;
}

static bool add_length_line(tt_table *table, const tt_vector *vector, tt_error *err) {
    double *values = lengths(vector, err);
    if (!values) return false;
    tt_text line = {0};
    tt_sparkline(&line, values, vector->layer_count - 1, tt_console_unicode());
    tt_table_cell_text(table, &line);
    tt_text_free(&line);
    free(values);
    return true;
}

static bool print_files(const tt_inspected *inspected, tt_error *err) {
    tt_table table = {0};
    tt_table_column(&table, "", true);
    tt_table_column(&table, "axis", false);
    tt_table_column(&table, "class", false);
    tt_table_column(&table, "length", true);
    tt_table_column(&table, "layer by layer", false);
    tt_table_column(&table, "file", false);
    bool ok = true;
    for (size_t i = 0; ok && i < inspected->count; i++) {
        const tt_vector *vector = &inspected->vectors[i];
        tt_table_cell(&table, "%zu", i + 1);
        tt_table_cell(&table, "%s", vector->axis);
        tt_table_cell(&table, "%s", *vector->class_name ? vector->class_name : tt_role_name(vector->role));
        tt_table_cell(&table, "%.3g", tt_vector_norm(vector));
        ok = add_length_line(&table, vector, err);
        tt_table_cell(&table, "%s", tt_path_name(vector->path));
    }
    ok = ok && tt_table_print(&table, stdout, 0, err);
    tt_table_free(&table);
    return ok;
}

static void add_cosine(tt_table *table, double cosine) {
    if (isfinite(cosine))
        tt_table_cell(table, "%.2f", cosine);
    else
        tt_table_cell(table, "-");
}

static bool print_matrix(const tt_inspected *inspected, tt_error *err) {
    if (inspected->at)
        printf("\ncosines at layer %" PRIu32 "\n", inspected->at);
    else
        puts("\ncosines, all layers taken together");
    tt_table table = {0};
    char number[24];
    tt_table_column(&table, "", true);
    for (size_t i = 0; i < inspected->count; i++) {
        snprintf(number, sizeof number, "%zu", i + 1);
        tt_table_column(&table, number, true);
    }
    for (size_t i = 0; i < inspected->count; i++) {
        tt_table_cell(&table, "%zu", i + 1);
        for (size_t j = 0; j < inspected->count; j++)
            add_cosine(&table, tt_inspected_cosine(inspected, i, j, inspected->at));
    }
    const bool ok = tt_table_print(&table, stdout, 2, err);
    tt_table_free(&table);
    return ok;
}

/* One pair's cosines at all layers: the least, the largest, and a line from -1 to 1. */
static bool add_pair(tt_table *table, const tt_inspected *inspected, size_t i, size_t j, tt_error *err) {
    double *values = tt_alloc(inspected->layers, sizeof *values, err);
    if (!values) return false;
    uint32_t least = 1, most = 1;
    const tt_vector *a = &inspected->vectors[i], *b = &inspected->vectors[j];
    for (uint32_t K = 1; K < inspected->layers; K++) {
        const bool both = K < a->layer_count && K < b->layer_count && a->rows[K] && b->rows[K];
        values[K - 1] = both ? tt_inspected_cosine(inspected, i, j, K) : NAN;
        if (!isfinite(values[K - 1])) continue;
        if (!(values[K - 1] >= values[least - 1])) least = K;
        if (!(values[K - 1] <= values[most - 1])) most = K;
    }
    tt_text line = {0};
    tt_sparkline_between(&line, values, inspected->layers - 1, -1, 1, tt_console_unicode());
    tt_table_cell(table, "%zu, %zu", i + 1, j + 1);
    add_cosine(table, values[least - 1]);
    tt_table_cell(table, "%" PRIu32, least);
    add_cosine(table, values[most - 1]);
    tt_table_cell(table, "%" PRIu32, most);
    tt_table_cell_text(table, &line);
    tt_text_free(&line);
    free(values);
    return true;
}

static bool print_pairs(const tt_inspected *inspected, tt_error *err) {
    puts("\ncosines, layer by layer (from -1 to 1)");
    tt_table table = {0};
    tt_table_column(&table, "pair", false);
    tt_table_column(&table, "least", true);
    tt_table_column(&table, "layer", true);
    tt_table_column(&table, "largest", true);
    tt_table_column(&table, "layer", true);
    tt_table_column(&table, "", false);
    bool ok = true;
    for (size_t i = 0; ok && i < inspected->count; i++)
        for (size_t j = i + 1; ok && j < inspected->count; j++) ok = add_pair(&table, inspected, i, j, err);
    ok = ok && tt_table_print(&table, stdout, 2, err);
    tt_table_free(&table);
    return ok;
}

/* ==== A mix ==== */

static void print_strength(const tt_blend *mix) {
    if (!mix->axis_count)
        puts("it has no axis whose strength could be judged");
    else if (!isfinite(mix->safe_scale))
        puts("its axes cancel each other: at these proportions any strength is safe");
    else
        printf("its strongest value is %.2f; at these proportions it may be %.2f, the safe scale%s\n", mix->largest,
               mix->safe_scale, mix->largest > mix->safe_scale * (1 + 1e-9) ? ": the mix is too strong" : "");
}

static bool print_mix(const tt_inspected *inspected, tt_error *err) {
    const tt_blend *mix = inspected->mix;
    char number[TT_NUMBER_TEXT];
    tt_table table = {0};
    tt_table_column(&table, "mix", false);
    tt_table_column(&table, "", true);
    tt_table_column(&table, "length", true);
    tt_table_column(&table, "layer by layer", false);
    bool ok = true;
    for (size_t i = 0; ok && i < mix->part_count; i++) {
        const tt_mix_part *part = &mix->parts[i];
        tt_table_cell(&table, "%s", tt_path_name(part->vector.path));
        tt_table_cell(&table, "x %s", tt_number_text(part->scale, number));
        tt_table_cell(&table, "%.3g", fabs(part->scale) * tt_vector_norm(&part->vector));
        ok = add_length_line(&table, &part->vector, err);
    }
    tt_table_cell(&table, "%s", inspected->mix_text);
    tt_table_cell(&table, "%s", "");
    tt_table_cell(&table, "%.3g", tt_vector_norm(&mix->vector));
    ok = ok && add_length_line(&table, &mix->vector, err) && tt_table_print(&table, stdout, 0, err);
    tt_table_free(&table);
    if (ok) print_strength(mix);
    return ok;
}

bool tt_inspect_print(const tt_inspected *inspected, tt_error *err) {
    if (inspected->count == 1) {
        if (!print_keys(inspected->vectors, err)) return false;
        putchar('\n');
        if (!print_layers(inspected->vectors, err)) return false;
    } else if (inspected->count &&
               (!print_files(inspected, err) || !print_matrix(inspected, err) || !print_pairs(inspected, err))) {
        return false;
    }
    if (!inspected->mix) return true;
    if (inspected->count) putchar('\n');
    return print_mix(inspected, err);
}
