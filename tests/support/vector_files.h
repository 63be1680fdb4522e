/* vector_files.h: control vectors for tests: the three files of an axis, with random rows; and one that uses every field. */
#pragma once

#include "vectors/vector.h"

typedef struct test_axis {
    const char *folder; /* NULL: the scratch folder (scratch.h) */
    const char *axis, *classes[2];
    const char *model;       /* NULL: "Tiny" */
    const char *fingerprint; /* NULL: "f00d" */
    uint32_t layers, width;  /* 0: 4 and 8 */
    uint64_t parameters;     /* of the model; 0: not told */
    float size;              /* of the values; 0: 1 */
    uint64_t seed;           /* of the rows */
    const float *row;        /* [width]; NULL: random rows. Else each row of the positive side, times its K */
} test_axis;

/* Writes {model}-{axis}__debias.gguf and the two sides, the negative one being the positive's opposite, with rows 1 to
 * layers - 1. Fails the running test where it cannot. */
void test_axis_write(const test_axis *axis);

/* A vector that uses every field, L = 5, d = 3, with rows 1 and 4. The caller frees it. */
tt_vector test_full_vector(void);
