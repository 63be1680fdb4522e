/* facts.h: what identifies a model: its weights, and the exact file. */
#pragma once

#include "base/hash.h"
#include "gguf/model_file.h"

typedef struct tt_gguf_facts {
    char *architecture;              /* general.architecture */
    char *name;                      /* general.name, or "" */
    uint64_t bytes;                  /* of all parts */
    char fingerprint[TT_HASH_TEXT];  /* of the weights: the same for every quantisation of a model (see facts.c) */
    char content_hash[TT_HASH_TEXT]; /* of this exact file: names, shapes, types, keys, and samples of the data */
} tt_gguf_facts;

/* Takes the facts of an open model. */
bool tt_gguf_facts_of(tt_gguf_facts *facts, const tt_model_file *file, tt_error *err);

/* Opens and checks `path` (and the other parts, if it is the first of a split model) for them. */
bool tt_gguf_facts_read(tt_gguf_facts *facts, const char *path, tt_error *err);
void tt_gguf_facts_free(tt_gguf_facts *facts); /* harmless on `{0}` */
