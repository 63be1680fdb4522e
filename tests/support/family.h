/* family.h: a tiny model of one family, prompts for it, and what capturing and steering give: for tests that go through all of
 * tt_tiny_architectures(). */
#pragma once

#include "model/model.h"
#include "model/steering.h"
#include "support/tiny_model.h"

enum { TEST_FAMILY_PROMPTS = 5 };

/* Its model, and prompts with common beginnings, longer than a sliding window and than a micro-batch. */
typedef struct test_family {
    const char *name;
    tt_model *model;
    const tt_model_facts *facts;
    tt_tokens prompts[TEST_FAMILY_PROMPTS];
} test_family;

/* Writes the model to `path` and loads it, exact (F32 cache, no flash attention), with so many blocks on a device, if any. */
void test_family_begin(test_family *family, tt_engine *engine, const char *path, const char *name, int gpu_layers);
void test_family_end(test_family *family);

/* True of families that cannot be steered. */
bool test_family_has_no_place(const char *name);

/* The contributions of all prompts; the caller frees. */
float *test_family_capture(const test_family *family, bool plain);

/* Steers block `block` by `scale` times what the middle block adds by itself; the caller releases it. */
tt_steering *test_family_steering(const test_family *family, size_t block, float scale);

/* The first prompt's logits at its last token, steered by libllama's adapter; the caller frees. */
float *test_family_generator_logits(const test_family *family, tt_steering *steering);

/* The same through the callback, for `count` conversations with a steering each (or NULL) that come together: count x
 * vocabulary; the caller frees. */
float *test_family_batch_logits(const test_family *family, tt_steering *const *steerings, size_t count);
