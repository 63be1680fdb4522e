/* memory.c: see memory.h */
#include "base/memory.h"

#include <stdarg.h>
#include <stdckdint.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool fail_memory(size_t bytes, tt_error *err) {
    return tt_fail(err, TT_ERROR_MEMORY, "out of memory (%zu bytes more were needed)", bytes);
}

void *tt_alloc(size_t count, size_t size, tt_error *err) {
    size_t bytes;
    if (ckd_mul(&bytes, count, size)) {
        fail_memory(SIZE_MAX, err);
        return NULL;
    }
    void *memory = calloc(1, bytes ? bytes : 1);
    if (!memory) fail_memory(bytes, err);
    return memory;
}

bool tt_resize(void *array_pointer, size_t count, size_t size, tt_error *err) {
    void **array = array_pointer;
    size_t bytes;
    if (ckd_mul(&bytes, count, size)) return fail_memory(SIZE_MAX, err);
    void *memory = realloc(*array, bytes ? bytes : 1);
    if (!memory) return fail_memory(bytes, err);
    *array = memory;
    return true;
}

bool tt_grow(void *array_pointer, size_t *capacity, size_t count, size_t size, tt_error *err) {
    if (count < *capacity) return true;
    const size_t wanted = *capacity ? *capacity * 2 : 16;
    if (!tt_resize(array_pointer, wanted, size, err)) return false;
    *capacity = wanted;
    return true;
}

char *tt_strndup(const char *text, size_t length, tt_error *err) {
    char *copy = tt_alloc(length + 1, 1, err);
    if (copy) memcpy(copy, text, length);
    return copy;
}

char *tt_strdup(const char *text, tt_error *err) { return tt_strndup(text, strlen(text), err); }

char *tt_format(tt_error *err, const char *format, ...) {
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    const int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = length < 0 ? NULL : tt_alloc((size_t)length + 1, 1, err);
    if (text) vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}
