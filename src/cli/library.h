/* library.h: libtrimtab's answers in the program's terms. */
#pragma once

#include "base/error.h"
#include "trimtab.h"

/* True where the library's call went well; else `err` has what it said. */
bool tt_went_well(const trimtab_error *error, tt_error *err);
