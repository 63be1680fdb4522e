/* vector_files.c: see vector_files.h */
#include "support/vector_files.h"
#include "base/memory.h"
#include "base/random.h"
#include "support/scratch.h"
#include "vectors/vector.h"

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

/* Row K of the de-bias vector (slot 0) or of the positive side (slot 1). */
static void fill_row(const test_axis *axis, uint32_t slot, uint32_t K, uint32_t width, float *row) {
    for (uint32_t i = 0; i < width; i++) {
        const double unit = (double)tt_random_bits(axis->seed, slot, K, i) / 0x1p64 - 0.5;
        row[i] = (float)unit * (axis->size > 0 ? axis->size : 1);
        if (axis->row) row[i] = (slot ? axis->row[i] : 0.25F) * (float)K;
    }
}

static void write_file(const test_axis *axis, tt_role role) {
    const uint32_t layers = axis->layers ? axis->layers : 4, width = axis->width ? axis->width : 8;
    const char *model = axis->model ? axis->model : "Tiny";
    const char *class_name = role == TT_ROLE_DEBIAS ? "" : axis->classes[role == TT_ROLE_POSITIVE];
    tt_vector vector;
    assert_true(tt_vector_init(&vector, layers, width, NULL));
    assert_true(tt_vector_set(&vector.architecture, "llama", NULL) && tt_vector_set(&vector.model_name, model, NULL) &&
                tt_vector_set(&vector.axis, axis->axis, NULL) && tt_vector_set(&vector.class_name, class_name, NULL) &&
                tt_vector_set(&vector.classes[0], axis->classes[0], NULL) &&
                tt_vector_set(&vector.classes[1], axis->classes[1], NULL) &&
                tt_vector_set(&vector.fingerprint, axis->fingerprint ? axis->fingerprint : "f00d", NULL));
    vector.role = role;
    vector.parameters = axis->parameters;
    float *row = tt_alloc(width, sizeof *row, NULL);
    assert_non_null(row);
    for (uint32_t K = 1; K < layers; K++) {
        fill_row(axis, role != TT_ROLE_DEBIAS, K, width, row);
        assert_true(tt_vector_add_row(&vector, K, row, role == TT_ROLE_NEGATIVE ? -1 : 1, NULL));
    }
    const char *folder = axis->folder ? axis->folder : scratch_folder();
    char *path = tt_vector_path(folder, model, axis->axis, *class_name ? class_name : "debias", NULL);
    tt_error err = {0};
    if (!path || !tt_vector_write(&vector, path, &err)) fail_msg("%s", err.message);
    free(path);
    free(row);
    tt_vector_free(&vector);
}

void test_axis_write(const test_axis *axis) {
    write_file(axis, TT_ROLE_DEBIAS);
    write_file(axis, TT_ROLE_NEGATIVE);
    write_file(axis, TT_ROLE_POSITIVE);
}

tt_vector test_full_vector(void) {
    tt_vector vector;
    assert_true(tt_vector_init(&vector, 5, 3, NULL));
    assert_true(tt_vector_set(&vector.architecture, "llama", NULL));
    assert_true(tt_vector_set(&vector.model_name, "Some Model 7B", NULL));
    assert_true(tt_vector_set(&vector.axis, "language", NULL));
    assert_true(tt_vector_set(&vector.class_name, "ornate", NULL));
    assert_true(tt_vector_set(&vector.classes[0], "simple", NULL));
    assert_true(tt_vector_set(&vector.classes[1], "ornate", NULL));
    assert_true(tt_vector_set(&vector.fingerprint, "0123abcd", NULL));
    assert_true(tt_vector_set(&vector.method, "cross-covariance", NULL));
    assert_true(tt_vector_set(&vector.version, "0.1", NULL));
    assert_true(tt_vector_set(&vector.recipe, "none", NULL));
    vector.role = TT_ROLE_POSITIVE;
    vector.samples = 192;
    vector.seed = UINT64_MAX; /* a seed may have its highest bit set */
    vector.parameters = 7'000'000'000;
    vector.layer_offset = 1;
    vector.recommended[0] = 0.4F;
    vector.recommended[1] = 0.6F;
    vector.figure_count = 2;
    vector.figures = tt_alloc(2, sizeof *vector.figures, NULL);
    assert_non_null(vector.figures);
    vector.figures[0] = (tt_block_figures){1, 2, 3, 1.5F, 0.25F, {0.1F, 0.2F}, {-1, 1}, 0.5F};
    vector.figures[1] = (tt_block_figures){3, 5, 6, 2.5F, 0.75F, {0.3F, 0.4F}, {-2, 2}, 0.125F};
    const float rows[2][3] = {{1, -2, 2}, {0.5F, 0, -0.25F}};
    assert_true(tt_vector_add_row(&vector, 1, rows[0], 1, NULL));
    assert_true(tt_vector_add_row(&vector, 4, rows[1], 1, NULL));
    return vector;
}
