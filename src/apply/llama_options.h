/* llama_options.h: a mix as the options of llama.cpp's programs, which have changed once. */
#pragma once

#include "apply/blend.h"
#include "base/text.h"

typedef enum tt_llama_syntax {
    TT_LLAMA_CURRENT, /* --control-vector-scaled FILE:SCALE,...: several in one list, since December 2025 */
    TT_LLAMA_LEGACY,  /* --control-vector-scaled FILE SCALE, once for each file: before, and in programs that split off */
} tt_llama_syntax;

/* Appends what applies the parts of `blend`, in the layers that `mix` says, as words for a POSIX shell with a space between
 * them; nothing where nothing would be applied. Refused where a file's name cannot be said in that syntax. */
bool tt_llama_options(tt_text *line, const tt_blend *blend, const tt_mix *mix, tt_llama_syntax syntax, tt_error *err);
