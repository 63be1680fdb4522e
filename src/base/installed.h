/* installed.h: where to find the parts of trimtab that are separate files. */
#pragma once

#include "base/error.h"

/* Finds the part `name`: in the folder of the program or library that contains this code, in the folder above (in a
 * build), or where both are installed. `*path` is NULL if it is in none of them; otherwise the caller frees it. False
 * when out of memory. */
bool tt_installed_part(const char *name, char **path, tt_error *err);
