/* test_model_files.c: what is not a model is refused in one sentence, before libllama sees it; what is one has its facts
 * read. */
#include "gguf/facts.h"

#include "base/file.h"
#include "support/scratch.h"

#include <ggml.h>
#include <gguf.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char *path; /* the file that is written and read */

static int name_file(void **) {
    path = scratch_path("model.gguf");
    return 0;
}

/* A GGUF of `architecture` with one matrix of `type` and one norm filled with `value`. */
static void write_gguf(const char *architecture, enum ggml_type type, float value, bool tensors) {
    struct gguf_context *gguf = gguf_init_empty();
    if (architecture) gguf_set_val_str(gguf, "general.architecture", architecture);
    gguf_set_val_str(gguf, "general.name", "A Test");
    struct ggml_context *context = ggml_init((struct ggml_init_params){.mem_size = 1 << 20});
    if (tensors) {
        struct ggml_tensor *matrix = ggml_new_tensor_2d(context, type, 64, 64);
        ggml_set_name(matrix, "blk.0.ffn_down.weight");
        memset(matrix->data, 0, ggml_nbytes(matrix));
        gguf_add_tensor(gguf, matrix);
        struct ggml_tensor *norm = ggml_new_tensor_1d(context, GGML_TYPE_F32, 64);
        ggml_set_name(norm, "output_norm.weight");
        for (int i = 0; i < 64; i++) ((float *)norm->data)[i] = value;
        gguf_add_tensor(gguf, norm);
    }
    assert_true(gguf_write_to_file(gguf, path, false));
    ggml_free(context);
    gguf_free(gguf);
}

static void refuses(const char *file, const char *part_of_message) {
    tt_gguf_facts facts;
    tt_error err = {0};
    assert_false(tt_gguf_facts_read(&facts, file, &err));
    if (!strstr(err.message, part_of_message)) fail_msg("'%s' does not say '%s'", err.message, part_of_message);
    assert_null(strchr(err.message, '\n'));
}

static void reads_facts(void **) {
    write_gguf("llama", GGML_TYPE_F32, 1, true);
    tt_gguf_facts facts;
    tt_error err = {0};
    assert_true(tt_gguf_facts_read(&facts, path, &err));
    assert_string_equal(facts.architecture, "llama");
    assert_string_equal(facts.name, "A Test");
    assert_true(facts.bytes > 64 * 64 * 4);
    tt_gguf_facts_free(&facts);
}

static void fingerprint_survives_quantisation_alone(void **) {
    tt_gguf_facts f32, f16, other;
    write_gguf("llama", GGML_TYPE_F32, 1, true);
    assert_true(tt_gguf_facts_read(&f32, path, NULL));
    write_gguf("llama", GGML_TYPE_F16, 1, true);
    assert_true(tt_gguf_facts_read(&f16, path, NULL));
    write_gguf("llama", GGML_TYPE_F32, 1.5F, true);
    assert_true(tt_gguf_facts_read(&other, path, NULL));
    assert_string_equal(f32.fingerprint, f16.fingerprint);
    assert_string_not_equal(f32.content_hash, f16.content_hash);
    assert_string_not_equal(f32.fingerprint, other.fingerprint);
    tt_gguf_facts_free(&f32);
    tt_gguf_facts_free(&f16);
    tt_gguf_facts_free(&other);
}

/* States files and vectors of before hold these values: they must stay what they are. */
static void hashes_are_for_good(void **) {
    tt_gguf_facts facts;
    write_gguf("llama", GGML_TYPE_F16, 1, true);
    assert_true(tt_gguf_facts_read(&facts, path, NULL));
    assert_string_equal(facts.fingerprint, "194e0e2a2d2e5cb00a3efa444157b9d10e6c0e46677e7656c21b20a7ad774027");
    assert_string_equal(facts.content_hash, "9f28f7f46be82df47dc9ddb796f2863affd7e0dc046cb8f331269be6fc832825");
    tt_gguf_facts_free(&facts);
}

/* A GGUF with a vocabulary of three tokens, whose scores and types are of `scores` and `types`. */
static void write_vocabulary(size_t scores, size_t types, enum gguf_type type) {
    static const char *const tokens[] = {"a", "b", "c"};
    static const float values[4];
    write_gguf("llama", GGML_TYPE_F32, 1, true);
    struct ggml_context *context = NULL;
    struct gguf_context *read = gguf_init_from_file(path, (struct gguf_init_params){.ctx = &context});
    assert_non_null(read);
    struct gguf_context *gguf = gguf_init_empty(); /* libggml cannot write again what it has read */
    gguf_set_kv(gguf, read);
    for (int64_t i = 0; i < gguf_get_n_tensors(read); i++)
        gguf_add_tensor(gguf, ggml_get_tensor(context, gguf_get_tensor_name(read, i)));
    gguf_free(read);
    gguf_set_arr_str(gguf, "tokenizer.ggml.tokens", (const char **)(uintptr_t)tokens, 3);
    gguf_set_arr_data(gguf, "tokenizer.ggml.scores", type, values, scores);
    gguf_set_arr_data(gguf, "tokenizer.ggml.token_type", GGUF_TYPE_INT32, values, types);
    assert_true(gguf_write_to_file(gguf, path, false));
    gguf_free(gguf);
    ggml_free(context);
}

/* libllama reads a score and a type for each token, whether they are there or not. */
static void refuses_vocabularies_that_are_read_beyond(void **) {
    write_vocabulary(2, 3, GGUF_TYPE_FLOAT32);
    refuses(path, "3 tokens, and scores or types of fewer");
    write_vocabulary(3, 1, GGUF_TYPE_FLOAT32);
    refuses(path, "3 tokens, and scores or types of fewer");
    write_vocabulary(3, 3, GGUF_TYPE_UINT8);
    refuses(path, "tokenizer.ggml.scores' has a wrong type");
    write_vocabulary(3, 3, GGUF_TYPE_FLOAT32);
    tt_gguf_facts facts;
    assert_true(tt_gguf_facts_read(&facts, path, NULL));
    tt_gguf_facts_free(&facts);
}

static void refuses_what_is_no_model(void **) {
    refuses("/nowhere/model.gguf", "there is no model");
    refuses(scratch_folder(), "is a folder");
    write_gguf("controlvector", GGML_TYPE_F32, 1, true);
    refuses(path, "is a control vector");
    write_gguf("bert", GGML_TYPE_F32, 1, true);
    refuses(path, "is an encoder");
    write_gguf("clip", GGML_TYPE_F32, 1, true);
    refuses(path, "image part");
    write_gguf("llama", GGML_TYPE_F32, 1, false);
    refuses(path, "vocabulary alone");
    write_gguf(NULL, GGML_TYPE_F32, 1, true);
    refuses(path, "names no architecture");
}

static void refuses_broken_files(void **) {
    assert_true(tt_file_write(path, "", 0, NULL));
    refuses(path, "not a GGUF file");
    assert_true(tt_file_write(path, "this is a text, not a model at all", 34, NULL));
    refuses(path, "not a GGUF file");
    static const char pointer[] = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n";
    assert_true(tt_file_write(path, pointer, strlen(pointer), NULL));
    refuses(path, "git lfs pull");
    assert_true(tt_file_write(path, "<!doctype html>\n<html><head>", 28, NULL));
    refuses(path, "is a web page");
    assert_true(tt_file_write(path, "GGUF\0\0\0\3\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\1", 24, NULL));
    refuses(path, "other byte order");
    assert_true(tt_file_write(path, "GGUF\3\0\0\0\377\377\377\377\377\377\377\177\1\0\0\0\0\0\0\0", 24, NULL));
    refuses(path, "counts more than the file can hold");
}

/* Cut at any length, the file is refused: never taken, never a crash. */
static void refuses_every_truncation(void **) {
    write_gguf("llama", GGML_TYPE_F32, 1, true);
    size_t length;
    char *bytes = tt_file_read(path, 1 << 20, &length, NULL);
    assert_non_null(bytes);
    for (size_t cut = 0; cut < length; cut += cut < 400 ? 1 : 997) {
        assert_true(tt_file_write(path, bytes, cut, NULL));
        tt_gguf_facts facts;
        tt_error err = {0};
        assert_false(tt_gguf_facts_read(&facts, path, &err));
        assert_true(err.message[0]);
    }
    free(bytes);
}

static void quiet(enum ggml_log_level, const char *, void *) {}

int main(void) {
    ggml_log_set(quiet, NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_facts),
        cmocka_unit_test(fingerprint_survives_quantisation_alone),
        cmocka_unit_test(hashes_are_for_good),
        cmocka_unit_test(refuses_vocabularies_that_are_read_beyond),
        cmocka_unit_test(refuses_what_is_no_model),
        cmocka_unit_test(refuses_broken_files),
        cmocka_unit_test(refuses_every_truncation),
    };
    return cmocka_run_group_tests(tests, name_file, NULL);
}
