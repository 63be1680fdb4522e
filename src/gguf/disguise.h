/* disguise.h: recognises files that should be GGUF and are not: the common results of a failed download or a mistaken
 * format. */
#pragma once

#include "base/error.h"

#include <stdint.h>

/* Fills `err` with what the file `path`, open as `fd` and `size` bytes long, looks like and what to do about it; for an
 * unknown kind, with "is not a GGUF file" and `otherwise` ("" or "; do that"). Returns false. */
bool tt_fail_not_gguf(int fd, uint64_t size, const char *path, const char *otherwise, tt_error *err);
