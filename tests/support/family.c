/* family.c: see family.h */
#include "support/family.h"
#include "base/memory.h"
#include "model/generate.h"
#include "model/steered_batch.h"
#include "support/captured.h"

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

void test_family_begin(test_family *family, tt_engine *engine, const char *path, const char *name, int gpu_layers) {
    static const char *const texts[TEST_FAMILY_PROMPTS] = {
        "You are a writer. Tell of the sea.",
        "You are a writer who is plain. Tell of the sea, of the land, and of everything that lies between them, at some "
        "length.",
        "You are a writer who is ornate. Tell of the sea, of the land, and of everything that lies between them, at some "
        "length.",
        "Be a bard",
        "You are a writer. Tell of the sea.",
    };
    *family = (test_family){.name = name};
    struct tt_tiny_model_options options = tt_tiny_model_defaults();
    options.architecture = name;
    assert_true(tt_tiny_model_write(path, &options));
    const tt_model_options model_options = {
        .path = path, .gpu_layers = gpu_layers, .threads = 1, .ubatch = 32, .f32_cache = true, .flash_attention_off = true};
    tt_error err = {0};
    family->model = tt_model_open(engine, &model_options, &err);
    if (!family->model) fail_msg("%s: %s", name, err.message);
    family->facts = tt_model_facts_of(family->model);
    for (int i = 0; i < TEST_FAMILY_PROMPTS; i++)
        if (!tt_tokenize(family->model, texts[i], strlen(texts[i]), &family->prompts[i], &err))
            fail_msg("%s: %s", name, err.message);
}

void test_family_end(test_family *family) {
    for (int i = 0; i < TEST_FAMILY_PROMPTS; i++) tt_tokens_free(&family->prompts[i]);
    tt_model_close(family->model);
}

float *test_family_capture(const test_family *family, bool plain) {
    return test_capture_all(family->model, family->prompts, TEST_FAMILY_PROMPTS, plain, NULL, family->name);
}

bool test_family_has_no_place(const char *name) { return !strcmp(name, "plamo2"); }

tt_steering *test_family_steering(const test_family *family, size_t block, float scale) {
    const size_t width = family->facts->width, blocks = family->facts->blocks;
    float *contributions = test_family_capture(family, true), *row = contributions + blocks / 2 * width;
    for (size_t k = 0; k < width; k++) row[k] *= scale;
    float **rows = tt_alloc(blocks, sizeof *rows, NULL);
    rows[block] = row;
    const tt_steering_term term = {.rows = rows, .row_count = (uint32_t)blocks, .width = (uint32_t)width};
    tt_steering *steering = tt_steering_make(family->model, &term, 1, NULL);
    assert_non_null(steering);
    free(rows);
    free(contributions);
    return steering;
}

float *test_family_generator_logits(const test_family *family, tt_steering *steering) {
    tt_error err = {0};
    const size_t count = family->facts->vocabulary;
    float *logits = tt_alloc(count, sizeof *logits, NULL);
    tt_generator *generator = tt_generator_open(family->model, 512, &err);
    if (!generator || !tt_generator_steer(generator, steering, &err) ||
        !tt_generator_read(generator, &family->prompts[0], NULL, &err))
        fail_msg("%s: %s", family->name, err.message);
    memcpy(logits, tt_generator_logits(generator), count * sizeof *logits);
    tt_generator_close(generator);
    return logits;
}

/* Decodes what is in the batch; the last tokens' logits go to their sequences' places. */
static bool decode(tt_steered_batch *batch, const size_t *sequences, float *logits, size_t vocabulary, tt_error *err) {
    if (!tt_steered_batch_decode(batch, NULL, err)) return false;
    for (size_t i = 0; i < batch->output_count; i++) {
        const size_t token = batch->outputs[i];
        memcpy(logits + sequences[token] * vocabulary, tt_steered_batch_logits(batch, token), vocabulary * sizeof *logits);
    }
    tt_steered_batch_clear(batch);
    return true;
}

float *test_family_batch_logits(const test_family *family, tt_steering *const *steerings, size_t count) {
    tt_error err = {0};
    const size_t vocabulary = family->facts->vocabulary, length = family->prompts[0].count;
    float *logits = tt_alloc(count * vocabulary, sizeof *logits, NULL);
    tt_steered_batch batch = {0};
    bool ok = tt_steered_batch_open(&batch, family->model, &err) &&
              tt_steered_batch_reserve(&batch, count * length, count, &err);
    size_t *sequences = tt_alloc(batch.capacity, sizeof *sequences, NULL);
    /* libllama puts the tokens of recurrent models in another order, unless there is one a conversation. */
    const size_t most = family->facts->recurrent ? count : batch.capacity;
    for (size_t i = 0; ok && i < length; i++)
        for (size_t sequence = 0; ok && sequence < count; sequence++) {
            sequences[batch.length] = sequence;
            tt_steered_batch_add(&batch, family->prompts[0].ids[i], i, i + 1 == length, steerings[sequence]);
            tt_steered_batch_join(&batch, sequence);
            if (batch.length == most) ok = decode(&batch, sequences, logits, vocabulary, &err);
        }
    ok = ok && (batch.length == 0 || decode(&batch, sequences, logits, vocabulary, &err));
    if (!ok) fail_msg("%s: %s", family->name, err.message);
    free(sequences);
    tt_steered_batch_close(&batch);
    return logits;
}
