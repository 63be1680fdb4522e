/* vector.h: a control vector, in memory and as a GGUF file (docs/vector-format.md).
 *
 * Its rows are numbered as in llama.cpp: row K, 1 <= K < layer_count, is the tensor direction.K, added to the output of
 * block K. */
#pragma once

#include "base/error.h"
#include "gguf/keys.h"

#include <stddef.h>
#include <stdint.h>

typedef enum tt_role { TT_ROLE_UNKNOWN, TT_ROLE_DEBIAS, TT_ROLE_NEGATIVE, TT_ROLE_POSITIVE, TT_ROLE_MIX } tt_role;

enum { TT_LAYERS_MOST = 4096 }; /* more than any model has: the limit for a file */

/* The metrics of one block's direction, as measured in training (docs/method.md). */
typedef struct tt_block_figures {
    uint32_t block, kept, accepted;
    float discriminant_ratio, variance_reduction;
    float deviations[2], means[2], middle;
} tt_block_figures;

typedef struct tt_vector {
    char *path;             /* the file that it was read from; NULL for one made in memory */
    char *architecture;     /* controlvector.model_hint; "" if the file has none */
    uint32_t layer_count;   /* controlvector.layer_count, L; highest K + 1 if the file does not give it */
    bool layer_count_given; /* the file gives L; false also if its layer_count is the number of its rows, as other tools
                               write it */
    uint32_t width;         /* d */
    /* Of a file: the number of its tensors direction.N, and the smallest N above 0 and the largest N among them. */
    uint32_t tensors, lowest, highest;
    bool own;        /* trimtab wrote it: it has trimtab's keys */
    bool from_zero;  /* it has a direction.0, kept in rows[0] until apply/fit.h has found out how its maker counts */
    char *operation; /* the key and value by which another tool says that the vector is not meant to be added; or NULL */
    tt_gguf_keys *foreign; /* keys of other tools; or NULL */
    float **rows;          /* layer_count entries; NULL if there is no direction */
    /* From trimtab's own keys; otherwise "", 0 or TT_ROLE_UNKNOWN, except what a file name in the canonical form
     * {model}-{axis}__{class}.gguf gives. */
    char *model_name, *axis, *class_name, *classes[2], *fingerprint, *method, *version, *recipe;
    char *chat; /* tt_chat_digest of the layout used in training */
    tt_role role;
    uint64_t samples, seed;
    uint64_t parameters;  /* of the model: its number of weights */
    int layer_offset;     /* 1 or 0; -1: not given */
    float recommended[2]; /* the scale to use towards each class, by evaluation; 0: not evaluated */
    tt_block_figures *figures;
    size_t figure_count;
} tt_vector;

/* An empty vector with room for `layer_count` rows and every string "". */
bool tt_vector_init(tt_vector *vector, uint32_t layer_count, uint32_t width, tt_error *err);
void tt_vector_free(tt_vector *vector); /* harmless on `{0}` */

/* A copy of all that `vector` has. */
bool tt_vector_copy(tt_vector *copy, const tt_vector *vector, tt_error *err);

/* Adds `scale` x `values` (width of them) to row K, which is allocated if needed. */
bool tt_vector_add_row(tt_vector *vector, uint32_t K, const float *values, double scale, tt_error *err);

/* Replaces one of the vector's strings. */
bool tt_vector_set(char **field, const char *value, tt_error *err);

/* Reads a control-vector file, trimtab's or another tool's, in F32, F16, BF16 or F64. It refuses, with one sentence, a
 * file that is not GGUF or not a control vector, is damaged, has only layer 0, or has a row of the wrong name, type or
 * width, beyond the last layer, or with a value that is not finite. */
bool tt_vector_read(tt_vector *vector, const char *path, tt_error *err);

/* Like tt_vector_read, but leaves the values on the disk: `rows` are all NULL. For looking through a folder. */
bool tt_vector_read_keys(tt_vector *vector, const char *path, tt_error *err);

/* Writes the whole file or nothing; the same content gives the same bytes. Every row needs 1 <= K < layer_count and
 * finite values. */
bool tt_vector_write(const tt_vector *vector, const char *path, tt_error *err);

/* "debias", "negative", "positive", "mix"; "" for TT_ROLE_UNKNOWN. */
const char *tt_role_name(tt_role role);

/* The number of layers with a row; the highest of them. Both also work if the rows were left on the disk. */
uint32_t tt_vector_row_count(const tt_vector *vector);
uint32_t tt_vector_last_row(const tt_vector *vector);

/* Its name in messages: the file that it came from, or "the vector". */
const char *tt_vector_title(const tt_vector *vector);

/* The length of row K (its Euclidean norm; 0 if there is no row), and of all rows, taken as one vector. */
double tt_vector_row_norm(const tt_vector *vector, uint32_t K);
double tt_vector_norm(const tt_vector *vector);

/* `text` made safe for file names: each run of characters other than letters, digits, '.', '_' and '-' becomes one '-'.
 * "model" if nothing is left. */
char *tt_safe_name(const char *text, tt_error *err);

/* "{folder}/{model}-{axis}__{suffix}.gguf", suffix "debias" or a class; each part made safe. */
char *tt_vector_path(const char *folder, const char *model, const char *axis, const char *suffix, tt_error *err);

/* Splits a file name of that form, whose parts may contain any characters (other tools' vectors may have colons): the
 * suffix follows the last "__", the axis the last '-' before it. False if the name has another form. The parts point into
 * `path`. */
typedef struct tt_vector_name {
    const char *model, *axis, *suffix;
    size_t model_length, axis_length, suffix_length;
} tt_vector_name;
bool tt_vector_name_parse(const char *path, tt_vector_name *name);
