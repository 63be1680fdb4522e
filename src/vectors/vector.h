/* vector.h: a control vector, as it is in memory and as a GGUF file (docs/vector-format.md).
 *
 * Its rows are named as llama.cpp does: row K, 1 <= K < layer_count, is the tensor direction.K, added to the output of block
 * K. */
#pragma once

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

typedef enum tt_role { TT_ROLE_UNKNOWN, TT_ROLE_DEBIAS, TT_ROLE_NEGATIVE, TT_ROLE_POSITIVE, TT_ROLE_MIX } tt_role;

/* The figures of one block's direction, as they were measured (docs/method.md, section 3). */
typedef struct tt_block_figures {
    uint32_t block, kept, accepted;
    float discriminant_ratio, variance_reduction;
    float deviations[2], means[2], middle;
} tt_block_figures;

typedef struct tt_vector {
    char *path;           /* where it was read from; NULL for one made in memory */
    char *architecture;   /* controlvector.model_hint; "" when the file has none */
    uint32_t layer_count; /* controlvector.layer_count, L; where the file has none: highest K + 1 */
    uint32_t width;       /* d */
    float **rows;         /* layer_count entries; NULL where there is no direction */
    /* What trimtab's own files also tell; "" or 0 or TT_ROLE_UNKNOWN elsewhere, except what a file name in the usual form
     * {model}-{axis}__{class}.gguf tells. */
    char *model_name, *axis, *class_name, *classes[2], *fingerprint, *method, *version, *recipe;
    tt_role role;
    uint64_t samples, seed;
    int layer_offset;     /* 1 or 0; -1: not told */
    float recommended[2]; /* the scale to use towards each class, by evaluation; 0: not evaluated */
    tt_block_figures *figures;
    size_t figure_count;
} tt_vector;

/* An empty vector with room for `layer_count` rows and every string "". */
bool tt_vector_init(tt_vector *vector, uint32_t layer_count, uint32_t width, tt_error *err);
void tt_vector_free(tt_vector *vector); /* harmless on `{0}` */

/* Copies `scale` x `values` (width of them) in as row K (allocated if needed, added to what is there). */
bool tt_vector_add_row(tt_vector *vector, uint32_t K, const float *values, double scale, tt_error *err);

/* Replaces one of the vector's strings. */
bool tt_vector_set(char **field, const char *value, tt_error *err);

bool tt_vector_read(tt_vector *vector, const char *path, tt_error *err);
bool tt_vector_write(const tt_vector *vector, const char *path, tt_error *err);

/* `text` made safe for file names: runs of anything but letters, digits, '.', '_' and '-' become one '-'. "model" when
 * nothing is left. */
char *tt_safe_name(const char *text, tt_error *err);

/* "{folder}/{model}-{axis}__{suffix}.gguf", suffix "debias" or a class. */
char *tt_vector_path(const char *folder, const char *model, const char *axis, const char *suffix, tt_error *err);
