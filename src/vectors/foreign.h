/* foreign.h: keys of a vector file that neither llama.cpp nor trimtab reads: kept as they are, so that they can be shown and
 * written again. And among them the ones that say how the vector is meant to be applied. */
#pragma once

#include "gguf/gguf_file.h"
#include "vectors/vector.h"

/* Takes the foreign keys of the file over, and finds `vector->operation` in them. */
bool tt_foreign_read(tt_vector *vector, const tt_gguf *file, tt_error *err);
