/* scratch.h: a folder for the files of a test program, which goes when the program ends. Paths are kept until then: nobody
 * frees them. What cannot be made fails the running test. */
#pragma once

#include <stddef.h>

/* The folder, made when it is first asked for. */
const char *scratch_folder(void);

/* The path of `name` in it. No file is made, and one that is there stays as it is. */
const char *scratch_path(const char *name);

/* A folder of its own in it, made where it is missing. */
const char *scratch_subfolder(const char *name);

/* A file `name` with these bytes: its path. */
const char *scratch_file(const char *name, const char *bytes, size_t length);

/* The same for text. */
const char *scratch_text(const char *name, const char *text);
