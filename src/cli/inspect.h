/* inspect.h: what `trimtab inspect` has read, and the three ways it is shown: as tables and plots, as JSON, as a figure. */
#pragma once

#include "apply/blend.h"
#include "vectors/vector.h"

#include <yyjson.h>

enum { TT_INSPECT_MOST = 30 }; /* files at once: a matrix that fits a screen */

typedef struct tt_inspected {
    tt_vector *vectors;
    size_t count;
    uint32_t layers;      /* the largest layer_count */
    uint32_t at;          /* the layer to compare at; 0: all, taken together */
    const tt_blend *mix;  /* NULL: none was asked for */
    const char *mix_text; /* its usual form */
} tt_inspected;

/* How alike vectors i and j are at layer K (0: all), as tt_vector_cosine; NAN where their widths differ. */
double tt_inspected_cosine(const tt_inspected *inspected, size_t i, size_t j, uint32_t K);

/* The figures that row K was made from; NULL where the file has none. */
const tt_block_figures *tt_figures_of_row(const tt_vector *vector, uint32_t K);

bool tt_inspect_print(const tt_inspected *inspected, tt_error *err);
yyjson_mut_doc *tt_inspect_json(const tt_inspected *inspected); /* NULL where memory is short */
bool tt_inspect_svg(const tt_inspected *inspected, const char *path, tt_error *err);
