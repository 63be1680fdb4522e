/* passages.h: short passages whose class is known, in pairs of one writing prompt: to see whether a model can tell an axis'
 * classes apart before figures are made of what it tells. axes/passages.json has some for each built-in axis. */
#pragma once

#include "base/error.h"
#include "prompts/axis.h"

typedef struct tt_passage_pair {
    char *prompt;
    char *side[2]; /* by class */
} tt_passage_pair;

typedef struct tt_passages {
    tt_passage_pair *pairs;
    size_t count;
} tt_passages; /* freed by tt_passages_free */

/* Those for an axis of this name and these classes; none where there are none. */
bool tt_passages_load(tt_passages *passages, const tt_axis *axis, tt_error *err);
void tt_passages_free(tt_passages *passages); /* harmless on `{0}` */
