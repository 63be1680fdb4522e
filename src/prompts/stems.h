/* stems.h: how a system message begins: one of `pre`, a space, one of `post` ("You are" + "an author"). */
#pragma once

#include "prompts/findings.h"

#include <stddef.h>

typedef struct tt_phrases {
    char **list;
    size_t count; /* at least 1 */
} tt_phrases;

typedef struct tt_stems {
    tt_phrases pre;
    tt_phrases post;
} tt_stems;

/* Parses {"pre": [...], "post": [...]}. `file` is its name in messages. On success the caller frees it with
 * tt_stems_free. */
bool tt_stems_parse(tt_stems *stems, const char *file, const char *json, size_t length, tt_error *err);

/* Loads a stems file; NULL means the built-in stems. */
bool tt_stems_load(tt_stems *stems, const char *file, tt_error *err);

void tt_stems_free(tt_stems *stems); /* harmless on `{0}` */
