/* inspect.h: what `trimtab inspect` has read, and the three ways it is shown: as tables and plots, as JSON, as a figure. */
#pragma once

#include "cli/library.h"

#include <yyjson.h>

enum {
    TT_INSPECT_MOST = 30,         /* files at once: a matrix that fits a screen */
    TT_INSPECT_LAYERS_MOST = 4096 /* more than any model has */
};

typedef struct tt_inspected {
    trimtab_vector **vectors;
    size_t count;
    uint32_t layers;        /* the largest number of layers */
    uint32_t at;            /* the layer to compare at; 0: all, taken together */
    const trimtab_mix *mix; /* NULL: none was asked for */
} tt_inspected;

/* How alike vectors i and j are at layer K (0: all), as trimtab_vector_cosine. */
double tt_inspected_cosine(const tt_inspected *inspected, size_t i, size_t j, uint32_t K);

bool tt_inspect_print(const tt_inspected *inspected, tt_error *err);
yyjson_mut_doc *tt_inspect_json(const tt_inspected *inspected); /* NULL where memory is short */
bool tt_inspect_svg(const tt_inspected *inspected, const char *path, tt_error *err);
