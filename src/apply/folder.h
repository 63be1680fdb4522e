/* folder.h: a folder of control vectors, read with what the built-in axes know: which of an axis' classes is the negative
 * one. Names of files do not tell that, nor do the keys of vectors made elsewhere. */
#pragma once

#include "apply/catalogue.h"

/* tt_catalogue_open with the order of the built-in axes' classes. */
bool tt_folder_open(tt_catalogue *catalogue, const char *folder, tt_error *err);
