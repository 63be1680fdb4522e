/* axis.h: an axis, such as "language: simple or ornate", as pairs of phrases; the built-in ones and the user's files.
 *
 * Throughout trimtab, class 0 is the negative one and class 1 the positive one; the sides of a pair follow the
 * classes. */
#pragma once

#include "base/error.h"
#include "base/hash.h"
#include "prompts/findings.h"

#include <stddef.h>

enum { TT_NEGATIVE, TT_POSITIVE };

typedef struct tt_pair {
    char *side[2]; /* each continues a stem: "who writes ...", without a full stop */
} tt_pair;

typedef struct tt_axis {
    char *name;        /* valid in file names: letters, digits, '_', '-' and '.' */
    char *classes[2];  /* likewise */
    char *group;       /* "Writing style", ...; "" if the file has none */
    char *description; /* one sentence; "" if the file has none */
    tt_pair *pairs;
    size_t pair_count;
    char hash[TT_HASH_TEXT]; /* of name, classes and pairs: what a training run depends on */
} tt_axis;

/* Names of the built-in axes, in listing order. */
size_t tt_axis_builtin_count(void);
const char *tt_axis_builtin_name(size_t index);

/* Parses axis JSON. `file` is its name in messages ("FILE:LINE: ..."); `name` becomes the axis' name. On success the
 * caller frees it with tt_axis_free. */
bool tt_axis_parse(tt_axis *axis, const char *name, const char *file, const char *json, size_t length, tt_error *err);

/* Finds every fault of axis JSON, in the order of its lines. True if tt_axis_parse would accept it (there may be
 * warnings). `pair_count` (may be NULL) receives the number of valid pairs. */
bool tt_axis_check(const char *name, const char *json, size_t length, size_t *pair_count, tt_findings *findings);

/* The same for a file. An unreadable file is a finding, too. */
bool tt_axis_check_file(const char *file, size_t *pair_count, tt_findings *findings);

/* Loads a built-in axis by name, or an axis file (anything that has a slash or ends in ".json"; its name is the file's
 * without ".json"). The error for an unknown name suggests the nearest built-in one. */
bool tt_axis_load(tt_axis *axis, const char *name_or_file, tt_error *err);

void tt_axis_free(tt_axis *axis); /* harmless on `{0}` */
