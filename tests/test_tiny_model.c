/* test_tiny_model.c: what the other tests rely on in their tiny models: the same options give the same bytes, and every
 * architecture loads and takes any text. */
#include "base/file.h"
#include "model/engine.h"
#include "model/model.h"
#include "support/scratch.h"
#include "support/tiny_model.h"

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *path;

static char *make(const struct tt_tiny_model_options *options, size_t *length) {
    assert_true(tt_tiny_model_write(path, options));
    char *bytes = tt_file_read(path, 64u << 20, length, NULL);
    assert_non_null(bytes);
    return bytes;
}

static void test_same_bytes(void **state) {
    (void)state;
    size_t names, length[3];
    const char *const *architectures = tt_tiny_architectures(&names);
    for (size_t i = 0; i < names; i++) {
        struct tt_tiny_model_options options = tt_tiny_model_defaults();
        options.architecture = architectures[i];
        char *one = make(&options, &length[0]), *same = make(&options, &length[1]);
        options.seed++;
        char *other = make(&options, &length[2]);
        assert_int_equal(length[0], length[1]);
        assert_int_equal(length[0], length[2]);
        assert_int_equal(memcmp(one, same, length[0]), 0);
        assert_int_not_equal(memcmp(one, other, length[0]), 0);
        free(one);
        free(same);
        free(other);
    }
}

static void test_loads(void **state) {
    (void)state;
    static const char text[] = "The other side, naïve: 日本 🎉\n\ttabs & <tags> \x7f";
    tt_error err;
    tt_engine *engine = tt_engine_start(&(tt_engine_options){0}, &err);
    if (!engine) fail_msg("%s", err.message);
    size_t names;
    const char *const *architectures = tt_tiny_architectures(&names);
    for (size_t i = 0; i < names; i++) {
        struct tt_tiny_model_options options = tt_tiny_model_defaults();
        options.architecture = architectures[i];
        const bool fixed = !strcmp(architectures[i], "command-r-plus"); /* it has norms from 64 blocks on */
        options.layers = fixed ? 0 : 3;
        options.width = 96;
        options.heads = 6;
        options.kv_heads = 3;
        assert_true(tt_tiny_model_write(path, &options));
        tt_model *model = tt_model_open(engine, &(tt_model_options){.path = path, .threads = 1}, &err);
        if (!model) fail_msg("%s: %s", architectures[i], err.message);
        const tt_model_facts *facts = tt_model_facts_of(model);
        assert_int_equal(facts->blocks, fixed ? 64 : 3);
        assert_int_equal(facts->width, 96);
        assert_true(facts->chat_template && *facts->chat_template);
        tt_tokens tokens = {0};
        if (!tt_tokenize(model, text, strlen(text), &tokens, &err)) fail_msg("%s: %s", architectures[i], err.message);
        assert_true(tokens.count > 10 && tokens.count <= strlen(text) + 2);
        tt_tokens_free(&tokens);
        tt_model_close(model);
    }
    tt_engine_stop(engine);
}

static void test_refusals(void **state) {
    (void)state;
    struct tt_tiny_model_options options = tt_tiny_model_defaults();
    options.architecture = "no such thing";
    assert_false(tt_tiny_model_write(path, &options));
    options = tt_tiny_model_defaults();
    options.heads = 4;
    options.kv_heads = 3;
    assert_false(tt_tiny_model_write(path, &options));
    assert_false(tt_tiny_model_write("/nonexistent/x.gguf", NULL));
}

static int name_path(void **state) {
    (void)state;
    path = scratch_path("tiny.gguf");
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_bytes),
        cmocka_unit_test(test_loads),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests_name("tiny model", tests, name_path, NULL);
}
