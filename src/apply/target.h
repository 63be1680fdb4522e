/* target.h: the model that a mix is for, known from its file alone: no weights are loaded. */
#pragma once

#include "model/gguf_file.h"
#include "vectors/catalogue.h"
#include "vectors/model_file.h"

typedef struct tt_target {
    tt_model_file file;
    tt_gguf_facts facts;
    tt_vector_target target; /* what vectors must fit; its strings are `facts`' */
} tt_target;

/* Opens and checks the file, or all parts of a split one. */
bool tt_target_open(tt_target *target, const char *path, tt_error *err);
void tt_target_close(tt_target *target); /* harmless on `{0}` */
