/* facts.h: what a model file says of itself, read before libllama gets to see it.
 *
 * libllama aborts the process over some broken files, and says little about others. So a model's file, or every part of a
 * split one, is first read by ggml's parser of headers alone: is it a GGUF, is it whole, is it a model that can write text?
 */
#pragma once

#include "base/error.h"
#include "base/hash.h"

#include <stdint.h>

typedef struct tt_gguf_facts {
    char *architecture;              /* general.architecture */
    char *name;                      /* general.name, or "" */
    uint64_t bytes;                  /* of all parts */
    char fingerprint[TT_HASH_TEXT];  /* of the weights: the same for every quantisation of a model (see facts.c) */
    char content_hash[TT_HASH_TEXT]; /* of this very file: names, shapes, types, keys, and samples of the data */
} tt_gguf_facts;

/* Reads and checks `path` (and the other parts, where it is the first of a split model). */
bool tt_gguf_facts_read(tt_gguf_facts *facts, const char *path, tt_error *err);
void tt_gguf_facts_free(tt_gguf_facts *facts); /* harmless on `{0}` */
