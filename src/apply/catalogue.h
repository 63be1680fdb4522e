/* catalogue.h: which axes a folder has control vectors for, and which files belong together.
 *
 * Files are recognised by their keys, and by their names where they were made elsewhere. A vector that belongs to no axis is
 * an axis by itself, named after its file: a plain one. */
#pragma once

#include "apply/file_names.h"
#include "apply/fit.h"

enum { TT_FILE_DEBIAS, TT_FILE_NEGATIVE, TT_FILE_POSITIVE, TT_FILES };

/* One axis of one model. */
typedef struct tt_catalogue_axis {
    char *model_name, *name;
    char *classes[2];      /* negative, positive; "" where no file tells */
    bool ordered;          /* false: which class is the negative one is a guess, and values must name a class */
    bool plain;            /* one file, as the positive one: a negative value applies it the other way round */
    int depth;             /* of the folder that it was found in: 0 for the catalogue's own */
    char *paths[TT_FILES]; /* by TT_FILE_...; NULL where the file is missing */
    tt_vector keys;        /* what the first of the files says of itself; no rows */
    float recommended[2];  /* the scale to use towards each class; 0: not evaluated */
} tt_catalogue_axis;

typedef struct tt_catalogue {
    char *folder;
    tt_catalogue_axis *axes; /* by model_name, then by name */
    size_t count, capacity;
    tt_notes lost;      /* paths of de-bias files that cannot be used, */
    tt_notes lost_axes; /* and the axis of each, as its name tells it */
    tt_notes notes;     /* on files that cannot be used; warnings for the user */
} tt_catalogue;

/* Looks through `folder` and the folders in it, two levels down. GGUF files that are no control vectors are passed over.
 * `orders` are the axes whose classes the caller knows; may be NULL. */
bool tt_catalogue_open(tt_catalogue *catalogue, const char *folder, const tt_class_order *orders, size_t order_count,
                       tt_error *err);
void tt_catalogue_free(tt_catalogue *catalogue); /* harmless on `{0}` */

/* False, with a sentence, where the axis lacks its de-bias vector because that file cannot be used. */
bool tt_catalogue_check_debias(const tt_catalogue *catalogue, const tt_catalogue_axis *axis, tt_error *err);

/* How well the axis' vectors fit the model, by their keys. `target` NULL: wholly. */
tt_fit tt_catalogue_fit(const tt_catalogue_axis *axis, const tt_vector_target *target);

/* Whether `name` means the axis: by its own name, a class' name, or both with a dot between them ("humor.high"). 1: towards
 * its positive class, -1: towards its negative one, 0: it does not. */
int tt_catalogue_meaning(const tt_catalogue_axis *axis, const char *name);

/* Finds the axis that `name` means: `*sign` is as tt_catalogue_meaning tells. Among several the one that fits `target` (may
 * be NULL) best is taken, then an axis of that name rather than a class, a set rather than a plain vector, and what lies
 * nearer to the folder itself. The error suggests the nearest name there is, or the names that there is a choice of. */
bool tt_catalogue_find(const tt_catalogue *catalogue, const char *name, const tt_vector_target *target,
                       const tt_catalogue_axis **axis, int *sign, tt_error *err);

/* The shortest name that finds the axis' class `side` (0: the negative one), for an axis that is not ordered: its class, or
 * "axis.class" where another axis has a class of that name. The caller frees. */
char *tt_catalogue_class_name(const tt_catalogue *catalogue, const tt_catalogue_axis *axis, int side,
                              const tt_vector_target *target, tt_error *err);
