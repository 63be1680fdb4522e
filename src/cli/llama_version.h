/* llama_version.h: which llama.cpp is installed here. */
#pragma once

#include "base/error.h"
#include "trimtab.h"

/* What the first line of `llama-cli --version` means. False where it does not tell. */
bool tt_llama_version_read(const char *text, trimtab_syntax *syntax);

/* Asks the llama-cli in PATH. Where there is none, or it does not tell, the error says how to name the syntax. */
bool tt_llama_version_ask(trimtab_syntax *syntax, tt_error *err);
