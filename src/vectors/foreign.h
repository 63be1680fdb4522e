/* foreign.h: keys of a vector file that neither llama.cpp nor trimtab reads, kept unchanged so that they can be shown and
 * written again; and among them the keys that say how the vector is meant to be applied. */
#pragma once

#include "gguf/gguf_file.h"
#include "vectors/vector.h"

/* Takes over the file's foreign keys, and sets `vector->operation` from them. */
bool tt_foreign_read(tt_vector *vector, const tt_gguf *file, tt_error *err);
