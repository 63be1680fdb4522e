/* test_device.c: on a GPU, or on machines that run ggml-rpc-server, models compute what they compute on the processor.
 *
 * Every family's tiny model lies there whole, by half, and not at all: then the scheduler cuts its graph into pieces and
 * puts copies between them, which capturing and steering must see through. `./dev test --vulkan` runs this on Mesa's
 * lavapipe, tests/test_rpc.py over RPC (TRIMTAB_RPC names the servers). */
#include "base/memory.h"
#include "support/captured.h"
#include "support/family.h"
#include "support/scratch.h"

#include <ggml-backend.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static tt_engine *engine;

/* One family twice: here on the processor, there on the device. */
struct pair {
    test_family here, there;
    double bound; /* of the relative error between the two */
    char label[96];
};

enum layout { ALL, HALF, NONE, LAYOUTS };
static const char *const layout_names[LAYOUTS] = {"all on the device", "half on the device", "none on the device"};

static void begin(struct pair *pair, const char *name, enum layout layout) {
    snprintf(pair->label, sizeof pair->label, "%s, %s", name, layout_names[layout]);
    test_family_begin(&pair->here, engine, scratch_path("here.gguf"), name, 0);
    const int half = (int)pair->here.facts->blocks / 2;
    test_family_begin(&pair->there, engine, scratch_path("there.gguf"), name,
                      layout == ALL    ? -1
                      : layout == HALF ? half
                                       : 0);
    assert_int_equal(tt_model_uses_gpu(pair->there.model), layout != NONE);
}

static void end(struct pair *pair) {
    test_family_end(&pair->here);
    test_family_end(&pair->there);
}

typedef void check_function(struct pair *pair);

static const char *only; /* a family's name, or NULL */
static bool is_gpu;

/* The largest relative error of a block's contributions. */
static double largest_error(const test_family *family, const float *found, const float *expected, char worst[static 64]) {
    const size_t width = family->facts->width, blocks = family->facts->blocks;
    double largest = 0;
    for (size_t row = 0; row < TEST_FAMILY_PROMPTS * blocks; row++) {
        const double error = test_relative_error(found + row * width, expected + row * width, width);
        if (error <= largest || isnan(largest)) continue;
        largest = error;
        snprintf(worst, 64, "prompt %zu, block %zu", row / blocks, row % blocks);
    }
    return largest;
}

/* How far the processor's own contributions move where it keeps keys and values in F16 instead of F32. Within attention
 * ggml's kernels for GPUs round them so, whatever the cache. */
static double half_precision(const test_family *family) {
    const tt_model_options options = {.path = family->facts->path, .threads = 1, .ubatch = 32, .flash_attention_off = true};
    tt_error err = {0};
    char worst[64];
    tt_model *model = tt_model_open(engine, &options, &err);
    if (!model) fail_msg("%s: %s", family->name, err.message);
    float *rounded = test_capture_all(model, family->prompts, TEST_FAMILY_PROMPTS, true, NULL, family->name);
    float *exact = test_family_capture(family, true);
    const double error = largest_error(family, rounded, exact, worst);
    free(rounded);
    free(exact);
    tt_model_close(model);
    return error;
}

/* A model in F32 gives what it gives on the processor to a thousandth; on a GPU, in a deep model, or one that amplifies
 * rounding, to what half precision alone would make of it here. Where a row is mistaken, or a kernel wrong, it is 10% and
 * more. */
static double bound_of(const test_family *family) {
    const double half = is_gpu ? half_precision(family) : 0;
    return half > 1e-3 ? half : 1e-3;
}

static void for_each(check_function *check) {
    size_t count;
    const char *const *names = tt_tiny_architectures(&count);
    for (size_t i = 0; i < count; i++) {
        if (test_family_has_no_place(names[i]) || (only && strcmp(only, names[i]) != 0)) continue;
        for (int layout = 0; layout < LAYOUTS; layout++) {
            struct pair pair;
            begin(&pair, names[i], layout);
            pair.bound = bound_of(&pair.here);
            check(&pair);
            end(&pair);
        }
    }
}

/* What the processor captures prompt by prompt is what the device captures in a tree, in every block. */
static void check_contributions(struct pair *pair) {
    char worst[64] = "";
    float *here = test_family_capture(&pair->here, true), *there = test_family_capture(&pair->there, false);
    const double error = largest_error(&pair->here, there, here, worst);
    print_message("%s: %.2g (bound %.2g)\n", pair->label, error, pair->bound);
    if (!(error < pair->bound)) fail_msg("%s, %s: relative error %g, bound %g", pair->label, worst, error, pair->bound);
    free(here);
    free(there);
}

static void contributions_are_the_processors(void **) { for_each(check_contributions); }

/* Steered through the callback each conversation is, by itself, what libllama's own control vector makes of it on the
 * device; and three in one batch, with a vector, another one and none, are what they are on the processor. */
static void check_steering(struct pair *pair) {
    /* Models with a state get the batch token by token and the adapter's prompt as a whole, which kernels round differently.
     */
    const double alike = pair->there.facts->recurrent ? pair->bound : 1e-4;
    const size_t vocabulary = pair->here.facts->vocabulary;
    tt_steering *one = test_family_steering(&pair->here, pair->here.facts->blocks / 2, 1);
    tt_steering *other = test_family_steering(&pair->here, 1, -1);
    tt_steering *const steerings[] = {one, other, NULL};
    float *here = test_family_batch_logits(&pair->here, steerings, 3);
    float *there = test_family_batch_logits(&pair->there, steerings, 3);
    for (size_t i = 0; i < 3; i++) {
        float *adapter = test_family_generator_logits(&pair->there, steerings[i]);
        float *callback = test_family_batch_logits(&pair->there, &steerings[i], 1);
        const double apart = test_relative_error(callback, adapter, vocabulary);
        const double away = test_relative_error(there + i * vocabulary, here + i * vocabulary, vocabulary);
        if (!(apart < alike)) fail_msg("%s: adapter and callback differ by %g in conversation %zu", pair->label, apart, i);
        if (!(away < pair->bound)) fail_msg("%s: the processor differs by %g in conversation %zu", pair->label, away, i);
        free(adapter);
        free(callback);
    }
    free(here);
    free(there);
    tt_steering_release(one);
    tt_steering_release(other);
}

static void steering_is_libllamas_and_the_processors(void **) { for_each(check_steering); }

static bool has_device(void) {
    for (size_t i = 0; i < ggml_backend_dev_count(); i++) {
        const enum ggml_backend_dev_type type = ggml_backend_dev_type(ggml_backend_dev_get(i));
        if (type != GGML_BACKEND_DEVICE_TYPE_CPU && type != GGML_BACKEND_DEVICE_TYPE_ACCEL) return true;
    }
    return false;
}

int main(int argc, char **argv) {
    only = argc > 1 ? argv[1] : NULL;
    tt_error err = {0};
    engine = tt_engine_start(&(tt_engine_options){.rpc_servers = getenv("TRIMTAB_RPC")}, &err);
    if (!engine) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    is_gpu = !getenv("TRIMTAB_RPC");
    int status = 77;
    if (has_device()) {
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(contributions_are_the_processors),
            cmocka_unit_test(steering_is_libllamas_and_the_processors),
        };
        status = cmocka_run_group_tests_name("device", tests, NULL, NULL);
    } else {
        printf("skipped: ggml sees no device but the processor; ./dev test --vulkan shows it one\n");
    }
    tt_engine_stop(engine);
    return status;
}
