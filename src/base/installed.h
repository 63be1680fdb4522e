/* installed.h: where the parts of trimtab are that are files of their own. */
#pragma once

#include "base/error.h"

/* The path of the part `name`: in the folder of the program or library that this code is in, above it (where it is built),
 * or where both are installed. `*path` is NULL where there is none; else the caller frees it. False when out of memory. */
bool tt_installed_part(const char *name, char **path, tt_error *err);
