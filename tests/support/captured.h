/* captured.h: contributions captured from a model (model/capture.h), and how far two results are apart, for the tests of
 * what capturing and steering give. */
#pragma once

#include "model/capture.h"

/* The contributions of all prompts, count x blocks x width; `plain`: each prompt by itself. `counts` (may be NULL) is told
 * what that took. The caller frees. Fails the running test where it cannot, in words that begin with `name`. */
float *test_capture_all(tt_model *model, const tt_tokens *prompts, size_t count, bool plain, tt_capture_counts *counts,
                        const char *name);

/* The length of a - b, as a share of b's. */
double test_relative_error(const float *a, const float *b, size_t count);
