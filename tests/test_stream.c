/* test_stream.c: block 0's input is found in graphs of every make, through the copies of a scheduler too, and not where it
 * cannot be. */
#include "model/stream.h"

#include <ggml.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { WIDTH = 8, VOCABULARY = 16 };

static struct ggml_context *ggml;
static tt_stream stream;

static int set_up(void **) {
    ggml = ggml_init((struct ggml_init_params){.mem_size = 1 << 20, .no_alloc = true});
    stream = (tt_stream){.width = WIDTH};
    return ggml ? 0 : -1;
}

static int tear_down(void **) {
    tt_stream_free(&stream);
    ggml_free(ggml);
    return 0;
}

static struct ggml_tensor *leaf(const char *name, int64_t columns, int64_t rows) {
    return ggml_set_name(ggml_new_tensor_2d(ggml, GGML_TYPE_F32, columns, rows), name);
}

static struct ggml_tensor *node(const char *name, struct ggml_tensor *tensor) {
    ggml_set_name(tensor, name);
    assert_true(tt_stream_note(&stream, tensor, NULL));
    return tensor;
}

/* What the scheduler has computed elsewhere, as it stands here. */
static struct ggml_tensor *copy(const char *device, const struct ggml_tensor *original) {
    struct ggml_tensor *tensor = ggml_dup_tensor(ggml, original);
    ggml_format_name(tensor, "%s#%s#0", device, original->name);
    return tensor;
}

static struct ggml_tensor *embedding(void) {
    struct ggml_tensor *token = ggml_new_tensor_1d(ggml, GGML_TYPE_I32, 1);
    return node("embd", ggml_get_rows(ggml, leaf("token_embd.weight", WIDTH, VOCABULARY), token));
}

/* A block as most are: h + f(norm(h)), where f is one matrix; the norm reads `input` and the sum `residual`, which are h. */
static void block(struct ggml_tensor *input, struct ggml_tensor *residual) {
    struct ggml_tensor *norm = node("norm-0", ggml_rms_norm(ggml, input, 1e-5F));
    struct ggml_tensor *weighted = node("attn_norm-0", ggml_mul(ggml, norm, leaf("blk.0.attn_norm.weight", WIDTH, 1)));
    struct ggml_tensor *added = node("ffn_out-0", ggml_mul_mat(ggml, leaf("blk.0.ffn_down.weight", WIDTH, WIDTH), weighted));
    node("l_out-0", ggml_add(ggml, added, residual));
}

static void is_found(const struct ggml_tensor *expected) {
    const struct ggml_tensor *found = tt_stream_begins(&stream);
    if (found != expected) fail_msg("found '%s' instead of '%s'", found ? found->name : "nothing", expected->name);
}

static void a_plain_embedding(void **) {
    struct ggml_tensor *input = embedding();
    block(input, input);
    is_found(input);
}

static void what_is_computed_before_the_first_block(void **) {
    struct ggml_tensor *scaled = node("inp_scaled", ggml_scale(ggml, embedding(), 3));
    struct ggml_tensor *sum = node("inpL", ggml_add(ggml, scaled, leaf("position_embd.weight", WIDTH, 1)));
    struct ggml_tensor *shaped = node("inpL (reshaped)", ggml_reshape_3d(ggml, sum, WIDTH, 1, 1));
    struct ggml_tensor *flat = node("inpL (flat)", ggml_reshape_2d(ggml, shaped, WIDTH, 1));
    block(flat, flat);
    is_found(sum);
}

static void copies_on_devices(void **) {
    struct ggml_tensor *input = embedding();
    block(copy("Vulkan0", input), copy("RPC[127.0.0.1:50052]", input));
    is_found(input);
}

static void parts_of_a_block_on_different_devices(void **) {
    struct ggml_tensor *input = embedding(), *here = copy("CUDA0", input);
    struct ggml_tensor *norm = node("norm-0", ggml_rms_norm(ggml, here, 1e-5F));
    struct ggml_tensor *weight = copy("CUDA0", leaf("blk.0.attn_norm.weight", WIDTH, 1));
    struct ggml_tensor *added = node("attn_out-0", ggml_mul(ggml, norm, weight));
    struct ggml_tensor *sum = node("ffn_inp-0", ggml_add(ggml, copy("CUDA1", added), input));
    node("l_out-0", ggml_mul(ggml, copy("CUDA0", sum), leaf("blk.0.layer_output_scale.weight", 1, 1)));
    is_found(input);
}

/* A stream that is normalised on its way is no sum. */
static void no_sum(void **) {
    struct ggml_tensor *norm = node("norm-0", ggml_rms_norm(ggml, embedding(), 1e-5F));
    node("l_out-0", ggml_mul(ggml, norm, leaf("blk.0.attn_norm.weight", WIDTH, 1)));
    assert_null(tt_stream_begins(&stream));
}

/* Nor is one that a norm without weights has begun. */
static void a_sum_with_a_norm(void **) {
    struct ggml_tensor *norm = node("norm-0", ggml_rms_norm(ggml, embedding(), 1e-5F));
    struct ggml_tensor *added = node("ffn_out-0", ggml_mul_mat(ggml, leaf("blk.0.ffn_down.weight", WIDTH, WIDTH), norm));
    node("l_out-0", ggml_add(ggml, added, norm));
    assert_null(tt_stream_begins(&stream));
}

static void two_beginnings(void **) {
    struct ggml_tensor *input = embedding(), *other = node("skipped", ggml_scale(ggml, input, 2));
    struct ggml_tensor *sum = node("sum-0", ggml_add(ggml, input, leaf("blk.0.attn_output.bias", WIDTH, 1)));
    node("l_out-0", ggml_add(ggml, sum, other));
    assert_null(tt_stream_begins(&stream));
}

static void a_name_that_two_have(void **) {
    struct ggml_tensor *input = embedding();
    node("embd", ggml_scale(ggml, input, 2));
    block(input, input);
    assert_null(tt_stream_begins(&stream));
}

/* A host's name may leave no room for the rest: nothing is guessed then. */
static void a_name_that_is_cut_off(void **) {
    struct ggml_tensor *input = embedding();
    struct ggml_tensor *cut = copy("RPC[a-machine-with-a-very-long-name.in-a-department.example.org:50052]", input);
    assert_int_equal(strlen(cut->name), GGML_MAX_NAME - 1);
    block(cut, cut);
    assert_null(tt_stream_begins(&stream));
}

static void nothing_noted(void **) { assert_null(tt_stream_begins(&stream)); }

int main(void) {
#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        EACH(a_plain_embedding),
        EACH(what_is_computed_before_the_first_block),
        EACH(copies_on_devices),
        EACH(parts_of_a_block_on_different_devices),
        EACH(no_sum),
        EACH(a_sum_with_a_norm),
        EACH(two_beginnings),
        EACH(a_name_that_two_have),
        EACH(a_name_that_is_cut_off),
        EACH(nothing_noted),
    };
    return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
