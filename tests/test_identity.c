/* test_identity.c: a run goes on with a states file only where all that its contributions depend on is the same, and is
 * told by its argument's name what is not. */
#include "train/identity.h"

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char model[] = "Tiny", architecture[] = "llama", fingerprint[] = "f00d", content[] = "beef", chat[] = "chatml",
            plan[] = "cafe", none[] = "", other[] = "other", first[] = "a:1,b:2", second[] = "b:2,a:1", halves[] = "1,1",
            thirds[] = "2,1", language[] = "language", simple[] = "simple", ornate[] = "ornate", phrases[] = "1234";

static tt_identity run(struct tt_identity_axis *axis) {
    *axis = (struct tt_identity_axis){.name = language, .classes = {simple, ornate}, .hash = phrases};
    return (tt_identity){.model_name = model,
                         .architecture = architecture,
                         .fingerprint = fingerprint,
                         .content_hash = content,
                         .chat_template = chat,
                         .chat_digest = chat,
                         .plan = plan,
                         .rpc_servers = none,
                         .tensor_split = none,
                         .samples = 24,
                         .seed = UINT64_MAX,
                         .prompts_per_system = 1,
                         .held_out = 0.1,
                         .blocks = 4,
                         .width = 64,
                         .ubatch = 512,
                         .rounding = 3,
                         .axis_count = 1,
                         .axes = axis};
}

/* Does `present` match what a states file has of `stored`? */
static bool matches(const tt_identity *stored, const tt_identity *present, tt_error *err) {
    char *json = tt_identity_write(stored, err);
    if (!json) fail_msg("%s", err->message);
    tt_identity read;
    if (!tt_identity_read(&read, json, "x.states", err)) fail_msg("%s", err->message);
    free(json);
    const bool same = tt_identity_match(&read, present, "x.states", err);
    tt_identity_free(&read);
    return same;
}

/* Each goes on with its own states, and neither with the other's. */
static void differ(const tt_identity *stored, const tt_identity *present, const char *words) {
    tt_error err = {0};
    if (!matches(stored, stored, &err) || !matches(present, present, &err)) fail_msg("%s", err.message);
    if (matches(stored, present, &err)) fail_msg("'%s' was not noticed", words);
    char expected[256];
    snprintf(expected, sizeof expected, "'x.states' holds an unfinished run with %s; give the same arguments", words);
    if (!strstr(err.message, expected)) fail_msg("'%s' does not say '%s'", err.message, expected);
    assert_non_null(strstr(err.message, "--restart"));
    assert_int_equal(err.kind, TT_ERROR_INPUT);
    assert_false(matches(present, stored, &err));
}

static void every_argument_is_told(void **) {
    struct tt_identity_axis axis, changed, two[2];
    const tt_identity a = run(&axis);
    tt_identity b;
    b = a, b.content_hash = other, differ(&a, &b, "another model file");
    b = a, b.model_name = other, differ(&a, &b, "another --name");
    b = a, b.chat_template = other, differ(&a, &b, "another chat template");
    b = a, b.separate_system_message = true, differ(&a, &b, "another --separate-system-message");
    b = a, b.plain = true, differ(&a, &b, "no --plain");
    b = a, b.samples = 12, differ(&a, &b, "--samples 24 instead of 12");
    b = a, b.seed = 1, differ(&a, &b, "--seed 18446744073709551615 instead of 1");
    b = a, b.prompts_per_system = 4, differ(&a, &b, "--prompts-per-system 1 instead of 4");
    b = a, b.held_out = 0, differ(&a, &b, "--hold-out 0.1 instead of 0");
    b = a, b.ubatch = 64, differ(&a, &b, "-ub 512 instead of 64");
    b = a, b.flash_attention_off = true, differ(&a, &b, "no -fa off");
    b = a, b.plan = other, differ(&a, &b, "other stems or writing prompts");
    b = run(&changed), changed.name = other, differ(&a, &b, "other axes");
    b = run(&changed), changed.hash = other, differ(&a, &b, "other phrases in the axis 'language'");
    two[0] = axis, two[1] = axis, two[1].name = other;
    b = a, b.axes = two, b.axis_count = 2, differ(&a, &b, "other axes");
}

static void the_blocks_place_is_told(void **) {
    struct tt_identity_axis axis;
    const tt_identity here = run(&axis);
    tt_identity gpu = here, remote, b;
    gpu.gpu_layers = -1;
    differ(&here, &gpu, "no blocks on a GPU or over --rpc");
    differ(&gpu, &here, "blocks on a GPU");
    b = gpu, b.gpu_layers = 2, differ(&gpu, &b, "-ngl all instead of 2");
    remote = gpu, remote.rpc_servers = first, remote.tensor_split = halves;
    differ(&remote, &here, "blocks on --rpc a:1,b:2");
    differ(&remote, &gpu, "--rpc a:1,b:2");
    differ(&gpu, &remote, "no --rpc");
    b = remote, b.rpc_servers = second, differ(&remote, &b, "--rpc a:1,b:2 instead of b:2,a:1");
    b = remote, b.gpu_layers = 3, differ(&b, &remote, "-ngl 3 instead of all");
    b = remote, b.tensor_split = thirds, differ(&remote, &b, "-ts 1,1 instead of 2,1");
    b = remote, b.tensor_split = none, differ(&remote, &b, "-ts 1,1");
    differ(&b, &remote, "no -ts");
}

/* States that an earlier version captured are not mixed with those of this one. */
static void other_rounding_is_told(void **) {
    struct tt_identity_axis axis;
    const tt_identity a = run(&axis);
    tt_identity older = a;
    older.rounding = 0;
    tt_error err = {0};
    assert_true(matches(&older, &older, &err));
    assert_false(matches(&older, &a, &err));
    assert_non_null(strstr(err.message, "rounds differently"));
    assert_non_null(strstr(err.message, "--restart"));
    assert_false(matches(&a, &older, &err));
}

static void what_is_no_identity_is_refused(void **) {
    static const struct {
        const char *json, *words;
    } cases[] = {{"{", "not valid JSON"},
                 {"{\"version\": 2}", "another version of trimtab"},
                 {"[]", "another version of trimtab"},
                 {"{\"version\": 1, \"axes\": [{\"name\": \"language\", \"hash\": \"1\"}]}", "an axis is not complete"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tt_identity read;
        tt_error err = {0};
        assert_false(tt_identity_read(&read, cases[i].json, "x.states", &err));
        if (!strstr(err.message, cases[i].words)) fail_msg("'%s' does not say '%s'", err.message, cases[i].words);
        assert_non_null(strstr(err.message, "x.states"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_argument_is_told),
        cmocka_unit_test(the_blocks_place_is_told),
        cmocka_unit_test(other_rounding_is_told),
        cmocka_unit_test(what_is_no_identity_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
