/* test_llama_options.c: a mix as llama.cpp's options: both syntaxes, names of every kind, and which version takes which. */
#include "apply/llama_options.h"
#include "cli/llama_version.h"
#include "support/scratch.h"
#include "support/vector_files.h"

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *before;

/* The tests stand in the folder of the vectors, so that paths are short. */
static int enter_folder(void **state) {
    (void)state;
    before = getcwd(NULL, 0);
    if (!before || chdir(scratch_folder())) return -1;
    const test_axis language = {.axis = "language", .classes = {"simple", "ornate"}};
    const test_axis story = {.axis = "story", .classes = {"short", "long"}, .seed = 2};
    test_axis_write(&language);
    test_axis_write(&story);
    return 0;
}

static int leave_folder(void **state) {
    (void)state;
    const int failed = chdir(before);
    free(before);
    return failed;
}

/* The options of `mix`, which is freed; NULL where they cannot be said. The caller frees. */
static char *options_of(tt_mix *mix, tt_llama_syntax syntax, tt_error *err) {
    tt_catalogue catalogue;
    tt_blend blend;
    tt_text line = {0};
    assert_true(tt_catalogue_open(&catalogue, ".", NULL, 0, err));
    if (!tt_mix_blend(&blend, mix, &(tt_mix_options){.catalogue = &catalogue, .force = true}, err))
        fail_msg("%s", err->message);
    const bool ok = tt_llama_options(&line, &blend, mix, syntax, err);
    if (ok) tt_text_add(&line, "");
    char *text = ok ? tt_text_take(&line, err) : NULL;
    tt_text_free(&line);
    tt_blend_free(&blend);
    tt_catalogue_free(&catalogue);
    tt_mix_free(mix);
    return text;
}

static void assert_options(tt_mix *mix, tt_llama_syntax syntax, const char *expected) {
    tt_error err = {0};
    char *text = options_of(mix, syntax, &err);
    if (!text) fail_msg("%s", err.message);
    assert_string_equal(text, expected);
    free(text);
}

static tt_mix mix_of(const char *text) {
    tt_mix mix = {0};
    assert_true(tt_mix_parse(&mix, text, NULL));
    return mix;
}

/* A mix of one file, which is the ornate side under another name. */
static tt_mix file_mix(const char *name, double scale) {
    tt_mix mix = {0};
    if (access(name, F_OK)) assert_int_equal(link("Tiny-language__ornate.gguf", name), 0);
    assert_true(tt_mix_add_file(&mix, name, scale, NULL));
    return mix;
}

static void test_axes(void **state) {
    (void)state;
    tt_mix mix = mix_of("story=0.25,language=-0.5");
    assert_options(&mix, TT_LLAMA_CURRENT,
                   "--control-vector ./Tiny-language__debias.gguf,./Tiny-story__debias.gguf "
                   "--control-vector-scaled ./Tiny-language__simple.gguf:0.5,./Tiny-story__long.gguf:0.25");
    mix = mix_of("story=0.25,language=-0.5");
    assert_options(&mix, TT_LLAMA_LEGACY,
                   "--control-vector ./Tiny-language__debias.gguf --control-vector-scaled ./Tiny-language__simple.gguf 0.5 "
                   "--control-vector ./Tiny-story__debias.gguf --control-vector-scaled ./Tiny-story__long.gguf 0.25");
    mix = mix_of("language=1");
    assert_options(&mix, TT_LLAMA_CURRENT, "--control-vector ./Tiny-language__debias.gguf,./Tiny-language__ornate.gguf");
    mix = mix_of("language=0");
    assert_options(&mix, TT_LLAMA_CURRENT, "--control-vector ./Tiny-language__debias.gguf");
}

static void test_layers(void **state) {
    (void)state;
    tt_mix mix = mix_of("language=0");
    assert_true(tt_mix_set_layers(&mix, 1, 2, NULL));
    assert_options(&mix, TT_LLAMA_CURRENT, "--control-vector ./Tiny-language__debias.gguf --control-vector-layer-range 1 2");
    mix = mix_of("language=0");
    assert_true(tt_mix_set_layers(&mix, 2, 0, NULL));
    assert_options(&mix, TT_LLAMA_LEGACY, "--control-vector ./Tiny-language__debias.gguf --control-vector-layer-range 2 0");
}

/* Nothing at scale 0 is said, and of nothing no layers. */
static void test_nothing(void **state) {
    (void)state;
    for (int syntax = 0; syntax < 2; syntax++) {
        tt_mix mix = file_mix("Tiny-language__ornate.gguf", 0);
        assert_true(tt_mix_set_layers(&mix, 1, 2, NULL));
        assert_options(&mix, syntax ? TT_LLAMA_LEGACY : TT_LLAMA_CURRENT, "");
    }
}

static void test_names(void **state) {
    (void)state;
    const struct {
        const char *name, *current, *legacy;
    } cases[] = {
        {"with space.gguf", "'with space.gguf:-0.5'", "'with space.gguf' -0.5"},
        {"it's.gguf", "'it'\\''s.gguf:-0.5'", "'it'\\''s.gguf' -0.5"},
        {"$(rm -r x);`y`.gguf", "'$(rm -r x);`y`.gguf:-0.5'", "'$(rm -r x);`y`.gguf' -0.5"},
        {"a,b.gguf", "'\"a,b.gguf:-0.5\"'", "a,b.gguf -0.5"},
        {"a\"b.gguf", "'a\"b.gguf:-0.5'", "'a\"b.gguf' -0.5"},
        {"\"a\",b.gguf", "'\"\"\"a\"\",b.gguf:-0.5\"'", "'\"a\",b.gguf' -0.5"},
        {"größe.gguf", "'größe.gguf:-0.5'", "'größe.gguf' -0.5"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char expected[200];
        tt_mix mix = file_mix(cases[i].name, -0.5);
        snprintf(expected, sizeof expected, "--control-vector-scaled %s", cases[i].current);
        assert_options(&mix, TT_LLAMA_CURRENT, expected);
        mix = file_mix(cases[i].name, -0.5);
        snprintf(expected, sizeof expected, "--control-vector-scaled %s", cases[i].legacy);
        assert_options(&mix, TT_LLAMA_LEGACY, expected);
    }
}

/* A colon is in the way of a scale, and of nothing else. */
static void test_colon(void **state) {
    (void)state;
    tt_error err = {0};
    tt_mix mix = file_mix("large:123b.gguf", 0.5);
    assert_null(options_of(&mix, TT_LLAMA_CURRENT, &err));
    assert_non_null(strstr(err.message, "'large:123b.gguf' has a colon"));
    assert_non_null(strstr(err.message, "trimtab merge"));
    mix = file_mix("large:123b.gguf", 1);
    assert_options(&mix, TT_LLAMA_CURRENT, "--control-vector large:123b.gguf");
    mix = file_mix("large:123b.gguf", 0.5);
    assert_options(&mix, TT_LLAMA_LEGACY, "--control-vector-scaled large:123b.gguf 0.5");
}

static void test_shell_words(void **state) {
    (void)state;
    const char *const cases[][2] = {{"plain-1.5_a/b:c,d=e", "plain-1.5_a/b:c,d=e"},
                                    {"", "''"},
                                    {"~", "'~'"},
                                    {"a*", "'a*'"},
                                    {"a\nb", "'a\nb'"},
                                    {"'", "''\\'''"},
                                    {"''a'", "''\\'''\\''a'\\'''"},
                                    {"a\\b", "'a\\b'"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tt_text text = {0};
        tt_text_add_shell_word(&text, cases[i][0]);
        assert_string_equal(text.data, cases[i][1]);
        tt_text_free(&text);
    }
}

static void test_versions(void **state) {
    (void)state;
    const struct {
        const char *text;
        int syntax; /* -1: not told */
    } cases[] = {
        {"version: 0.7.0 (build 11669, commit Debian)\nbuilt with GNU 16.2.0 for Linux x86_64\n", TRIMTAB_SYNTAX_CURRENT},
        {"version: 0.2.0-dev (build 1, commit 0123456)\n", TRIMTAB_SYNTAX_CURRENT},
        {"some backend was loaded\nversion: 9000 (abcdef0)\n", TRIMTAB_SYNTAX_CURRENT},
        {"version: 7370 (594696fb)\nbuilt with cc\n", TRIMTAB_SYNTAX_LEGACY},
        {"version: 3246 (ac146628)\n", TRIMTAB_SYNTAX_LEGACY},
        {"version: 7440 (0123456)\n", -1},
        {"version: 1 (0123456)\n", -1},
        {"version: 0 (unknown)\n", -1},
        {"version: unknown\n", -1},
        {"version: 99999999999999999999 (0123456)\n", -1},
        {"version: ", -1},
        {"usage: something else\n", -1},
        {"", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        trimtab_syntax syntax = TRIMTAB_SYNTAX_CURRENT;
        const bool told = tt_llama_version_read(cases[i].text, &syntax);
        if (told != (cases[i].syntax >= 0) || (told && (int)syntax != cases[i].syntax)) fail_msg("%s", cases[i].text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_axes),     cmocka_unit_test(test_layers), cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_names),    cmocka_unit_test(test_colon),  cmocka_unit_test(test_shell_words),
        cmocka_unit_test(test_versions),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
