/* vector.h: a control vector, as it is in memory and as a GGUF file (docs/vector-format.md).
 *
 * Its rows are named as llama.cpp does: row K, 1 <= K < layer_count, is the tensor direction.K, added to the output of block
 * K. */
#pragma once

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

typedef enum tt_role { TT_ROLE_UNKNOWN, TT_ROLE_DEBIAS, TT_ROLE_NEGATIVE, TT_ROLE_POSITIVE, TT_ROLE_MIX } tt_role;

enum { TT_LAYERS_MOST = 4096 }; /* more than any model has: what a file may ask for */

/* The figures of one block's direction, as they were measured (docs/method.md, section 3). */
typedef struct tt_block_figures {
    uint32_t block, kept, accepted;
    float discriminant_ratio, variance_reduction;
    float deviations[2], means[2], middle;
} tt_block_figures;

typedef struct tt_vector {
    char *path;             /* where it was read from; NULL for one made in memory */
    char *architecture;     /* controlvector.model_hint; "" when the file has none */
    uint32_t layer_count;   /* controlvector.layer_count, L; where the file does not tell it: highest K + 1 */
    bool layer_count_given; /* the file tells L; false also where its layer_count is the number of its rows, as other tools
                               write it */
    uint32_t width;         /* d */
    uint32_t highest;       /* of a file: the largest K that has a tensor direction.K */
    float **rows;           /* layer_count entries; NULL where there is no direction */
    /* What trimtab's own files also tell; "" or 0 or TT_ROLE_UNKNOWN elsewhere, except what a file name in the usual form
     * {model}-{axis}__{class}.gguf tells. */
    char *model_name, *axis, *class_name, *classes[2], *fingerprint, *method, *version, *recipe;
    char *chat; /* tt_chat_digest of the layout that its conversations had */
    tt_role role;
    uint64_t samples, seed;
    uint64_t parameters;  /* of the model: the number of its weights */
    int layer_offset;     /* 1 or 0; -1: not told */
    float recommended[2]; /* the scale to use towards each class, by evaluation; 0: not evaluated */
    tt_block_figures *figures;
    size_t figure_count;
} tt_vector;

/* An empty vector with room for `layer_count` rows and every string "". */
bool tt_vector_init(tt_vector *vector, uint32_t layer_count, uint32_t width, tt_error *err);
void tt_vector_free(tt_vector *vector); /* harmless on `{0}` */

/* A copy of all that `vector` has. */
bool tt_vector_copy(tt_vector *copy, const tt_vector *vector, tt_error *err);

/* Copies `scale` x `values` (width of them) in as row K (allocated if needed, added to what is there). */
bool tt_vector_add_row(tt_vector *vector, uint32_t K, const float *values, double scale, tt_error *err);

/* Replaces one of the vector's strings. */
bool tt_vector_set(char **field, const char *value, tt_error *err);

/* Reads a control-vector file: trimtab's, or any that llama.cpp takes. Refused with one sentence: what is no GGUF or no
 * control vector, is damaged, or has a row of a wrong name, type or width, for layer 0 or beyond the last, or with a value
 * that is not finite. */
bool tt_vector_read(tt_vector *vector, const char *path, tt_error *err);

/* As tt_vector_read, but leaves the values on the disk: `rows` are all NULL. For looking through a folder. */
bool tt_vector_read_keys(tt_vector *vector, const char *path, tt_error *err);

/* Writes the vector: the same content gives the same bytes; all of the file or nothing. Of a row's K 1 <= K < layer_count
 * must hold, and its values must be finite. */
bool tt_vector_write(const tt_vector *vector, const char *path, tt_error *err);

/* "debias", "negative", "positive", "mix"; "" for TT_ROLE_UNKNOWN. */
const char *tt_role_name(tt_role role);

/* How many layers have a row; the highest of them, also where the rows were left on the disk. */
uint32_t tt_vector_row_count(const tt_vector *vector);
uint32_t tt_vector_last_row(const tt_vector *vector);

/* How messages call it: by the file that it came from, or "the vector". */
const char *tt_vector_title(const tt_vector *vector);

/* The length of row K (its Euclidean norm); 0 where there is no row. And of all rows, taken together as one. */
double tt_vector_row_norm(const tt_vector *vector, uint32_t K);
double tt_vector_norm(const tt_vector *vector);

/* `text` made safe for file names: runs of anything but letters, digits, '.', '_' and '-' become one '-'. "model" when
 * nothing is left. */
char *tt_safe_name(const char *text, tt_error *err);

/* "{folder}/{model}-{axis}__{suffix}.gguf", suffix "debias" or a class; each part made safe. */
char *tt_vector_path(const char *folder, const char *model, const char *axis, const char *suffix, tt_error *err);

/* Takes a file name in that form apart, whatever characters its parts have (vectors made elsewhere may have colons in
 * them): the suffix follows the last "__", the axis the last '-' before it. False where the name has another form. The
 * parts point into `path`. */
typedef struct tt_vector_name {
    const char *model, *axis, *suffix;
    size_t model_length, axis_length, suffix_length;
} tt_vector_name;
bool tt_vector_name_parse(const char *path, tt_vector_name *name);
