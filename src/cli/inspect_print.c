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

static void add_origin(tt_table *table, const trimtab_vector_facts *facts) {
    if (!*facts->version && !*facts->method && !facts->samples) return;
    tt_table_cell(table, "made");
    tt_text text = {0};
    if (*facts->version) tt_text_addf(&text, "by trimtab %s", facts->version);
    if (*facts->method) tt_text_addf(&text, "%s%s", text.length ? ", " : "", facts->method);
    if (facts->samples)
        tt_text_addf(&text, "%s%" PRIu64 " samples, seed %" PRIu64, text.length ? ", " : "", facts->samples, facts->seed);
    tt_table_cell_text(table, &text);
    tt_text_free(&text);
}

static void add_recommended(tt_table *table, const trimtab_vector_facts *facts) {
    if (facts->recommended[0] == 0 && facts->recommended[1] == 0) return;
    char sizes[2][TT_NUMBER_TEXT] = {"none", "none"}; /* where no value that was tried was any good */
    for (int class = 0; class < 2; class++)
        if (facts->recommended[class] > 0)
            tt_number_text(round((double)facts->recommended[class] * 1e6) / 1e6, sizes[class]);
    tt_table_cell(table, "recommended");
    tt_table_cell(table, "%s towards %s, %s towards %s", sizes[0], facts->classes[0], sizes[1], facts->classes[1]);
}

/* What other tools wrote. */
static bool add_foreign(tt_table *table, const trimtab_vector *vector, tt_error *err) {
    const trimtab_vector_facts *facts = trimtab_vector_facts_of(vector);
    if (facts->from_zero) {
        tt_table_cell(table, "counted");
        tt_table_cell(table, "from 0: it has a direction.0");
    }
    for (size_t i = 0; i < facts->key_count; i++) {
        trimtab_error error;
        char *value;
        const char *key = trimtab_vector_key(vector, i, &value, &error);
        if (!tt_went_well(&error, err)) return false;
        tt_table_cell(table, "%s", key);
        tt_table_cell(table, "%s", value);
        trimtab_text_free(value);
    }
    return true;
}

static bool print_keys(const trimtab_vector *vector, tt_error *err) {
    const trimtab_vector_facts *facts = trimtab_vector_facts_of(vector);
    tt_table table = {0};
    tt_table_column(&table, "file", false);
    tt_table_column(&table, tt_path_name(facts->path), false);
    add_key(&table, "role", facts->role);
    add_key(&table, "axis", facts->axis);
    add_key(&table, "class", facts->class_name);
    if (*facts->classes[0] && *facts->classes[1]) {
        tt_table_cell(&table, "classes");
        tt_table_cell(&table, "%s (below 0), %s (above 0)", facts->classes[0], facts->classes[1]);
    }
    add_key(&table, "recipe", facts->recipe);
    add_key(&table, "model", facts->model);
    add_key(&table, "architecture", facts->architecture);
    add_key(&table, "fingerprint", facts->fingerprint);
    add_origin(&table, facts);
    add_recommended(&table, facts);
    tt_table_cell(&table, "layers");
    if (facts->layers_given)
        tt_table_cell(&table, "%" PRIu32 ", of which %" PRIu32 " have a direction", facts->layers, facts->directions);
    else
        tt_table_cell(&table, "%" PRIu32 " have a direction", facts->directions);
    tt_table_cell(&table, "hidden size");
    tt_table_cell(&table, "%" PRIu32, facts->width);
    if (facts->parameters) {
        char parameters[32];
        tt_table_cell(&table, "parameters");
        tt_table_cell(&table, "%s", tt_parameters_text((double)facts->parameters, parameters));
    }
    const bool ok = add_foreign(&table, vector, err) && tt_table_print(&table, stdout, 0, err);
    tt_table_free(&table);
    return ok;
}

/* The largest of a vector's lengths, or of its ratios. */
static double largest(const trimtab_vector *vector, bool ratio) {
    double most = 0;
    for (uint32_t K = 1; K < trimtab_vector_facts_of(vector)->layers; K++) {
        const trimtab_block_figures *figures = trimtab_vector_figures(vector, K);
        if (ratio && !figures) continue;
        most = fmax(most, ratio ? (double)figures->discriminant_ratio : trimtab_vector_length(vector, K));
    }
    return most;
}

static void add_figures(tt_table *table, const trimtab_block_figures *figures, double most) {
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

static bool print_layers(const trimtab_vector *vector, tt_error *err) {
    const bool measured = trimtab_vector_facts_of(vector)->figure_count > 0;
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
    for (uint32_t K = 1; K < trimtab_vector_facts_of(vector)->layers; K++) {
        if (!trimtab_vector_row(vector, K)) continue;
        const double length = trimtab_vector_length(vector, K);
        tt_table_cell(&table, "%" PRIu32, K);
        tt_table_cell(&table, "%.3g", length);
        tt_table_cell(&table, "%s", tt_bar_text(longest > 0 ? length / longest : 0, BAR_WIDTH, tt_console_unicode(), bar));
        if (measured) add_figures(&table, trimtab_vector_figures(vector, K), best);
    }
    const bool ok = tt_table_print(&table, stdout, 0, err);
    tt_table_free(&table);
    return ok;
}

/* ==== Several files ==== */

/* Row K's length for K = 1, 2, ...; NAN where there is none. The caller frees. */
static double *lengths(const trimtab_vector *vector, tt_error *err) {
    const uint32_t layers = trimtab_vector_facts_of(vector)->layers;
    double *values = tt_alloc(layers, sizeof *values, err);
    for (uint32_t K = 1; values && K < layers; K++)
        values[K - 1] = trimtab_vector_row(vector, K) ? trimtab_vector_length(vector, K) : NAN;
    return values;
}

static bool add_length_line(tt_table *table, const trimtab_vector *vector, tt_error *err) {
    double *values = lengths(vector, err);
    if (!values) return false;
    tt_text line = {0};
    tt_sparkline(&line, values, trimtab_vector_facts_of(vector)->layers - 1, tt_console_unicode());
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
        const trimtab_vector *vector = inspected->vectors[i];
        const trimtab_vector_facts *facts = trimtab_vector_facts_of(vector);
        tt_table_cell(&table, "%zu", i + 1);
        tt_table_cell(&table, "%s", facts->axis);
        tt_table_cell(&table, "%s", *facts->class_name ? facts->class_name : facts->role);
        tt_table_cell(&table, "%.3g", trimtab_vector_length(vector, 0));
        ok = add_length_line(&table, vector, err);
        tt_table_cell(&table, "%s", tt_path_name(facts->path));
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
    const trimtab_vector *a = inspected->vectors[i], *b = inspected->vectors[j];
    for (uint32_t K = 1; K < inspected->layers; K++) {
        const bool both = trimtab_vector_row(a, K) && trimtab_vector_row(b, K);
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

static void print_strength(const trimtab_mix_facts *mix) {
    if (!mix->axis_count)
        puts("it has no axis whose strength could be judged");
    else if (!isfinite(mix->safe_scale))
        puts("its axes cancel each other: at these proportions any strength is safe");
    else
        printf("its strongest value is %.2f; at these proportions it may be %.2f, the safe scale%s\n", mix->largest,
               mix->safe_scale, mix->largest > mix->safe_scale * (1 + 1e-9) ? ": the mix is too strong" : "");
}

static bool print_mix(const trimtab_mix *mix, tt_error *err) {
    const trimtab_mix_facts *facts = trimtab_mix_facts_of(mix);
    const trimtab_vector *part;
    double scale;
    char number[TT_NUMBER_TEXT];
    tt_table table = {0};
    tt_table_column(&table, "mix", false);
    tt_table_column(&table, "", true);
    tt_table_column(&table, "length", true);
    tt_table_column(&table, "layer by layer", false);
    bool ok = true;
    for (size_t i = 0; ok && (part = trimtab_mix_part(mix, i, &scale)); i++) {
        tt_table_cell(&table, "%s", tt_path_name(trimtab_vector_facts_of(part)->path));
        tt_table_cell(&table, "x %s", tt_number_text(scale, number));
        tt_table_cell(&table, "%.3g", fabs(scale) * trimtab_vector_length(part, 0));
        ok = add_length_line(&table, part, err);
    }
    tt_table_cell(&table, "%s", facts->text);
    tt_table_cell(&table, "%s", "");
    tt_table_cell(&table, "%.3g", trimtab_vector_length(facts->vector, 0));
    ok = ok && add_length_line(&table, facts->vector, err) && tt_table_print(&table, stdout, 0, err);
    tt_table_free(&table);
    if (ok) print_strength(facts);
    return ok;
}

bool tt_inspect_print(const tt_inspected *inspected, tt_error *err) {
    if (inspected->count == 1) {
        if (!print_keys(inspected->vectors[0], err)) return false;
        putchar('\n');
        if (!print_layers(inspected->vectors[0], err)) return false;
    } else if (inspected->count &&
               (!print_files(inspected, err) || !print_matrix(inspected, err) || !print_pairs(inspected, err))) {
        return false;
    }
    if (!inspected->mix) return true;
    if (inspected->count) putchar('\n');
    return print_mix(inspected->mix, err);
}
