/* target.h: the model that a mix is for: one that is loaded, or known from its file alone, without its weights. */
#pragma once

#include "apply/catalogue.h"
#include "gguf/facts.h"
#include "model/model.h"

typedef struct tt_target {
    tt_model_file file;
    tt_gguf_facts facts;
    tt_vector_target target; /* what vectors must fit; its strings are `facts`' */
} tt_target;

/* What vectors must fit to be for a model that is loaded. The strings are the model's. */
tt_vector_target tt_target_of_model(const tt_model *model);

/* Opens and checks the file, or all parts of a split one. */
bool tt_target_open(tt_target *target, const char *path, tt_error *err);
void tt_target_close(tt_target *target); /* harmless on `{0}` */
