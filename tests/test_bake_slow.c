/* test_bake_slow.c: the demo model with its weights in F32, so that nothing but the bias' own rounding separates the baked
 * model from the steered one: 200 positions of running text. */
#include "apply/blend.h"
#include "model/engine.h"
#include "support/logits.h"
#include "support/scratch.h"
#include "support/vector_files.h"
#include "vectors/bake.h"

#include <cmocka.h>
#include <llama.h>
#include <stdlib.h>
#include <unistd.h>

static void test_demo_model_in_f32(void **state) {
    (void)state;
    const char *model = getenv("TRIMTAB_MODEL");
    if (!model) {
        print_message("skipped: TRIMTAB_MODEL names no model\n");
        skip();
    }
    const char *exact = scratch_path("f32.gguf"), *output = scratch_path("baked.gguf");
    llama_model_quantize_params params = llama_model_quantize_default_params();
    params.ftype = LLAMA_FTYPE_ALL_F32;
    params.allow_requantize = true;
    params.nthread = 1; /* its threads synchronise unseen by the thread sanitizer */
    assert_int_equal(llama_model_quantize(model, exact, &params), 0);

    tt_model_file file;
    assert_true(tt_model_file_open(&file, exact, NULL));
    const test_axis axis = {
        .axis = "language", .classes = {"simple", "ornate"}, .layers = file.layer_count, .width = file.width, .size = 1};
    test_axis_write(&axis);
    tt_catalogue catalogue;
    tt_mix mix = {0};
    tt_blend blend;
    tt_baked baked;
    assert_true(tt_catalogue_open(&catalogue, scratch_folder(), NULL, 0, NULL) && tt_mix_parse(&mix, "language=0.5", NULL));
    assert_true(tt_mix_blend(&blend, &mix, &(tt_mix_options){.catalogue = &catalogue}, NULL));
    assert_true(tt_bake(&file, &blend.vector, output, &(tt_bake_options){0}, &baked, NULL));
    tt_baked_free(&baked);
    tt_model_file_close(&file);

    test_logits plain = test_logits_compute(exact, 200, true, NULL);
    test_logits steered = test_logits_compute(exact, 200, true, &blend.vector);
    test_logits other = test_logits_compute(output, 200, true, NULL);
    const double effect = test_logits_divergence(&plain, &steered), divergence = test_logits_divergence(&steered, &other);
    print_message("steering moves the next token by %.3g nats, baking by %.3g; logits differ by %.2g\n", effect, divergence,
                  test_logits_difference(&steered, &other));
    assert_true(effect > 0.05);
    assert_true(divergence < 1e-3);
    free(plain.values);
    free(steered.values);
    free(other.values);
    tt_blend_free(&blend);
    tt_mix_free(&mix);
    tt_catalogue_free(&catalogue);
}

static int begin(void **state) {
    *state = tt_engine_start(&(tt_engine_options){0}, NULL);
    return *state ? 0 : -1;
}

static int end(void **state) {
    tt_engine_stop(*state);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_demo_model_in_f32)};
    return cmocka_run_group_tests(tests, begin, end);
}
