/* memory.h: allocation that reports failure through tt_error. Everything is freed with free(). */
#pragma once

#include "base/error.h"

#include <stddef.h>

/* Allocates `count` zeroed elements of `size` bytes; NULL (TT_ERROR_MEMORY) when out of memory or when the product
 * overflows. A count of 0 yields a pointer that can be freed. */
void *tt_alloc(size_t count, size_t size, tt_error *err);

/* Resizes `*array` to `count` elements of `size` bytes. On failure `*array` is as it was. */
bool tt_resize(void *array_pointer, size_t count, size_t size, tt_error *err);

/* Makes room in a growable array for one more element after `count`, doubling `*capacity` if needed. */
bool tt_grow(void *array_pointer, size_t *capacity, size_t count, size_t size, tt_error *err);

/* A copy of `text` (of its first `length` bytes), with a terminating zero. */
char *tt_strdup(const char *text, tt_error *err);
char *tt_strndup(const char *text, size_t length, tt_error *err);

/* The printf text in new memory. */
char *tt_format(tt_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
