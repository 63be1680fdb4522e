/* foreign.h: keys of a vector file that neither llama.cpp nor trimtab reads: kept as they are, so that they can be shown and
 * written again. And among them the ones that say how the vector is meant to be applied. */
#pragma once

#include "base/text.h"
#include "gguf/gguf_file.h"
#include "vectors/vector.h"

/* Takes the foreign keys of the file over, and finds `vector->operation` in them. */
bool tt_foreign_read(tt_vector *vector, const tt_gguf *file, tt_error *err);

/* How many there are. */
size_t tt_foreign_count(const tt_vector *vector);

/* The name of key `index` (the vector's), and its value as text in one line, cut short where it is long. */
const char *tt_foreign_name(const tt_vector *vector, size_t index);
void tt_foreign_value(const tt_vector *vector, size_t index, tt_text *value);
