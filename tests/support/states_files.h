/* states_files.h: a small states file (states/states.h) in the scratch folder whose every value is known, and damage to it,
 * in the bytes of docs/states-format.md. What cannot be made fails the running test. */
#pragma once

#include "states/states.h"

#include <sys/types.h>

/* The shape, the identity and the place of the file. */
extern const tt_states_shape test_shape;
extern const char test_identity[];
const char *test_states_path(void);

/* Where the samples begin, and the bytes of a vector with its check value and of a sample, in that shape. */
enum { TEST_DATA = 20480, TEST_VECTOR = 7 * 4 + 8, TEST_SAMPLE = TEST_VECTOR * 3 * 5 };

/* Puts samples [first, first + count), of the known values, into the file; the next `count` ones. */
bool test_states_put(tt_states *states, uint64_t first, uint64_t count, tt_error *err);
bool test_states_append(tt_states *states, uint64_t count, tt_error *err);

/* Fails the running test unless every committed sample holds its known values. */
void test_states_check(const tt_states *states);

/* Makes the file, in place of one that is there, with this many samples. */
void test_states_make(uint64_t samples);

/* Fails the running test unless opening it fails, in one sentence that holds `words`. */
void test_states_refused(bool for_append, const char *words);

/* Overwrites bytes, and changes one bit of a byte. */
void test_states_poke(off_t offset, const void *bytes, size_t size);
void test_states_flip(off_t offset);
