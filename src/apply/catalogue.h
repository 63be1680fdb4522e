/* catalogue.h: which axes a folder has control vectors for, and which files belong together.
 *
 * Files are recognised by their keys, and by their names where they were made elsewhere. */
#pragma once

#include "apply/fit.h"

/* An axis' classes in their order. Names of files do not tell which class is the negative one: who knows the axes does. */
typedef struct tt_class_order {
    const char *axis, *classes[2];
} tt_class_order;

enum { TT_FILE_DEBIAS, TT_FILE_NEGATIVE, TT_FILE_POSITIVE, TT_FILES };

/* One axis of one model. */
typedef struct tt_catalogue_axis {
    char *model_name, *name;
    char *classes[2];      /* negative, positive; "" where no file tells */
    bool ordered;          /* false: which class is the negative one is a guess, and values must name a class */
    char *paths[TT_FILES]; /* by TT_FILE_...; NULL where the file is missing */
    tt_vector keys;        /* what the first of the files says of itself; no rows */
    float recommended[2];  /* the scale to use towards each class; 0: not evaluated */
} tt_catalogue_axis;

typedef struct tt_catalogue {
    char *folder;
    tt_catalogue_axis *axes; /* by model_name, then by name */
    size_t count, capacity;
    tt_notes notes; /* on files that cannot be used; warnings for the user */
} tt_catalogue;

/* Looks through `folder` (not through folders in it). GGUF files that are no control vectors are passed over. `orders` are
 * the axes whose classes the caller knows; may be NULL. */
bool tt_catalogue_open(tt_catalogue *catalogue, const char *folder, const tt_class_order *orders, size_t order_count,
                       tt_error *err);
void tt_catalogue_free(tt_catalogue *catalogue); /* harmless on `{0}` */

/* How well the axis' vectors fit the model, by their keys. `target` NULL: wholly. */
tt_fit tt_catalogue_fit(const tt_catalogue_axis *axis, const tt_vector_target *target);

/* Finds the axis that `name` means, itself or one of its classes: `*sign` is 1 for the axis and its positive class, -1 for
 * the negative class. Among several models' axes the one that fits `target` (may be NULL) is taken. The error suggests the
 * nearest name there is, or names the models there is a choice of. */
bool tt_catalogue_find(const tt_catalogue *catalogue, const char *name, const tt_vector_target *target,
                       const tt_catalogue_axis **axis, int *sign, tt_error *err);
