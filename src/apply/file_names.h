/* file_names.h: what the name of a vector's file says of the vector, where its keys say nothing.
 *
 * Published sets are named {model}-{axis}__{class}.gguf, with __debias for the de-bias vector where the set has one. People
 * rename files: where the axis is known, any '-', '_', '.' or ' ' may stand between the parts, in any case. */
#pragma once

#include "base/error.h"

#include <stddef.h>

/* An axis' classes in their order. Names of files do not tell which class is the negative one: who knows the axes does. */
typedef struct tt_class_order {
    const char *axis, *classes[2];
} tt_class_order;

typedef struct tt_file_name {
    char *model, *axis, *class_name; /* "" where the name does not tell */
    bool debias;
} tt_file_name; /* freed by tt_file_name_free */

/* Takes the name of the file `path` apart; `orders` are the axes that are known. A name that tells nothing leaves `axis`
 * "" and the whole name, without ".gguf", in `model`. */
bool tt_file_name_read(tt_file_name *name, const char *path, const tt_class_order *orders, size_t order_count,
                       tt_error *err);
void tt_file_name_free(tt_file_name *name); /* harmless on `{0}` */
