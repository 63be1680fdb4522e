/* scratch.h: files that a test writes for the code under test to read, in a folder that goes when the test ends. */
#pragma once

#include <stddef.h>

/* The path of a file `name` with these bytes, in this process' scratch folder; fails the test when it cannot be written. The
 * text stays valid until the test program ends. */
const char *scratch_file(const char *name, const char *bytes, size_t length);

/* The same for text. */
const char *scratch_text(const char *name, const char *text);
