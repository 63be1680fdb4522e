/* blends.h: mixes blended for a small model that is never there, for the tests of apply/mix.h. What cannot be made fails
 * the running test. */
#pragma once

#include "apply/blend.h"

/* The model that the vectors of vector_files.h are for. */
extern const tt_vector_target test_target;

/* Set-up of a group: the vectors of two axes for that model in the scratch folder, "language" (simple, ornate) and
 * "storytelling" (explicit, descriptive). */
int test_two_axes(void **state);

/* The caller frees it. */
tt_catalogue test_catalogue_open(const char *folder);

/* Blends `text` ("NAME=VALUE,...") from `catalogue` for `for_model`. */
bool test_blend(tt_blend *blend, const char *text, const tt_catalogue *catalogue, const tt_vector_target *for_model,
                bool force, tt_error *err);

/* The same for test_target, where it must do. The caller frees it. */
tt_blend test_must_blend(const char *text, const tt_catalogue *catalogue);

bool test_has_note(const tt_notes *notes, const char *part);
