/* disguise.h: what a file is that was meant to be GGUF and is not: what is found most often when a download went wrong, or
 * when another format was taken for this one. */
#pragma once

#include "base/error.h"

#include <stdint.h>

/* Fills `err` with what the file `path`, open as `fd` and `size` bytes long, looks like and what to do about it. Where it
 * looks like nothing known, with "is not a GGUF file" and `otherwise` ("" or "; do that"). Returns false. */
bool tt_fail_not_gguf(int fd, uint64_t size, const char *path, const char *otherwise, tt_error *err);
