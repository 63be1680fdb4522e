/* test_base.c: the ground floor, but for files (test_file.c): errors, memory, text, hashes, JSON, random numbers. */
#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/random.h"
#include "base/text.h"

#include <cmocka.h>
#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ==== Errors ==== */

static void test_error(void **state) {
    (void)state;
    tt_error err = {0};
    assert_false(tt_fail(&err, TT_ERROR_INPUT, "bad %s %d", "number", 7));
    assert_int_equal(err.kind, TT_ERROR_INPUT);
    assert_string_equal(err.message, "bad number 7");
    assert_false(tt_fail_prefix(&err, "file %d", 2));
    assert_string_equal(err.message, "file 2: bad number 7");
    assert_int_equal(err.kind, TT_ERROR_INPUT);
    errno = EACCES;
    assert_false(tt_fail_errno(&err, "cannot open '%s'", "x"));
    assert_int_equal(err.kind, TT_ERROR_IO);
    assert_string_equal(err.message, "cannot open 'x': Permission denied");
    errno = ENOMEM;
    assert_false(tt_fail_errno(&err, "cannot read"));
    assert_int_equal(err.kind, TT_ERROR_MEMORY);
    assert_false(tt_fail(&err, TT_ERROR_INPUT, "a key '%s'", "of\ntwo \033[31mlines\177é"));
    assert_string_equal(err.message, "a key 'of?two ?[31mlines?é'");
    assert_false(tt_fail(NULL, TT_ERROR_INPUT, "nobody asks"));
    assert_false(tt_fail_errno(NULL, "nobody asks"));
    assert_false(tt_fail_prefix(NULL, "nobody asks"));
}

/* A message that does not fit is cut short, never written beyond its end. */
static void test_error_too_long(void **state) {
    (void)state;
    char long_text[3000];
    memset(long_text, 'a', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    struct {
        tt_error err;
        char guard[16];
    } place;
    memset(&place, 0x55, sizeof place);
    tt_fail(&place.err, TT_ERROR_INPUT, "%s", long_text);
    assert_int_equal(strlen(place.err.message), sizeof place.err.message - 1);
    tt_fail_prefix(&place.err, "%s", "prefix");
    assert_int_equal(strncmp(place.err.message, "prefix: aaa", 11), 0);
    tt_fail_prefix(&place.err, "%s", long_text);
    errno = EIO;
    tt_fail_errno(&place.err, "%s", long_text);
    assert_int_equal(strlen(place.err.message), sizeof place.err.message - 1);
    for (size_t i = 0; i < sizeof place.guard; i++) assert_int_equal(place.guard[i], 0x55);
}

/* ==== Memory ==== */

static void test_memory(void **state) {
    (void)state;
    tt_error err = {0};
    unsigned char *bytes = tt_alloc(100, 3, &err);
    assert_non_null(bytes);
    for (int i = 0; i < 300; i++) assert_int_equal(bytes[i], 0);
    for (int i = 0; i < 300; i++) bytes[i] = (unsigned char)i;
    assert_true(tt_resize(&bytes, 1000, 1, &err));
    for (int i = 0; i < 300; i++) assert_int_equal(bytes[i], (unsigned char)i);
    unsigned char *before = bytes;
    assert_false(tt_resize(&bytes, SIZE_MAX / 2, 3, &err)); /* the product overflows */
    assert_int_equal(err.kind, TT_ERROR_MEMORY);
    assert_ptr_equal(bytes, before);
    free(bytes);
    assert_null(tt_alloc(SIZE_MAX / 2, 3, &err));
    assert_int_equal(err.kind, TT_ERROR_MEMORY);
    void *nothing = tt_alloc(0, 8, &err);
    assert_non_null(nothing);
    free(nothing);
}

static void test_grow(void **state) {
    (void)state;
    int *numbers = NULL;
    size_t capacity = 0, steps = 0;
    for (size_t count = 0; count < 10000; count++) {
        const size_t had = capacity;
        assert_true(tt_grow(&numbers, &capacity, count, sizeof *numbers, NULL));
        assert_true(capacity > count);
        steps += capacity != had;
        numbers[count] = (int)count;
    }
    assert_true(steps < 16); /* doubling, not one by one */
    for (int i = 0; i < 10000; i++) assert_int_equal(numbers[i], i);
    free(numbers);
}

static void test_copies(void **state) {
    (void)state;
    char *copy = tt_strdup("a text", NULL);
    assert_string_equal(copy, "a text");
    free(copy);
    copy = tt_strndup("a text", 3, NULL);
    assert_string_equal(copy, "a t");
    free(copy);
    copy = tt_format(NULL, "%s-%03d", "x", 5);
    assert_string_equal(copy, "x-005");
    free(copy);
    copy = tt_format(NULL, "%5000d", 1);
    assert_int_equal(strlen(copy), 5000);
    free(copy);
}

/* ==== Text ==== */

static void test_text(void **state) {
    (void)state;
    tt_text text = {0};
    tt_error err;
    assert_true(tt_text_ok(&text, &err));
    for (int i = 0; i < 1000; i++) tt_text_addf(&text, "%d,", i);
    tt_text_add(&text, "end");
    tt_text_add_bytes(&text, "\0x", 2);
    assert_true(tt_text_ok(&text, &err));
    assert_int_equal(text.length, 10 * 2 + 90 * 3 + 900 * 4 + 5);
    assert_int_equal(strncmp(text.data, "0,1,2,", 6), 0);
    assert_memory_equal(text.data + text.length - 5, "end\0x", 6);
    tt_text_clear(&text);
    assert_string_equal(text.data, "");
    tt_text_add(&text, "kept");
    char *taken = tt_text_take(&text, &err);
    assert_string_equal(taken, "kept");
    free(taken);
    assert_null(text.data);
    taken = tt_text_take(&text, &err); /* one that was never appended to is empty, not NULL */
    assert_string_equal(taken, "");
    free(taken);
    tt_text_free(&text);
}

static void test_text_failed(void **state) {
    (void)state;
    tt_error err = {0};
    tt_text text = {0};
    tt_text_add(&text, "before");
    text.failed = true; /* as after an append that found no memory */
    tt_text_add(&text, " after");
    assert_string_equal(text.data, "before");
    assert_false(tt_text_ok(&text, &err));
    assert_int_equal(err.kind, TT_ERROR_MEMORY);
    assert_null(tt_text_take(&text, &err));
    assert_null(text.data);
}

static void test_utf8(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t length;
        int bad; /* -1: valid */
    } cases[] = {
        {"", 0, -1},
        {"plain", 5, -1},
        {"h\xc3\xabllo \xe6\x97\xa5 \xf0\x9f\x8e\x89", 15, -1},
        {"zero \0 inside", 13, -1},
        {"ab\xff", 3, 2},
        {"ab\xc3", 3, 2},           /* cut short */
        {"\xc0\xaf", 2, 0},         /* overlong */
        {"a\xed\xa0\x80", 4, 1},    /* half of a surrogate pair */
        {"\xf4\x90\x80\x80", 4, 0}, /* beyond U+10FFFF */
        {"\x80", 1, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t bad = 999;
        const bool valid = tt_utf8_valid(cases[i].bytes, cases[i].length, &bad);
        assert_int_equal(valid, cases[i].bad < 0);
        if (cases[i].bad >= 0) assert_int_equal(bad, cases[i].bad);
        assert_int_equal(tt_utf8_valid(cases[i].bytes, cases[i].length, NULL), valid);
    }
}

static void test_one_line(void **state) {
    (void)state;
    static const struct {
        const char *text, *line;
    } cases[] = {
        {"", ""},
        {"h\xc3\xabllo \xe6\x97\xa5 \xf0\x9f\x8e\x89", "h\xc3\xabllo \xe6\x97\xa5 \xf0\x9f\x8e\x89"},
        {"a\nb\tc\x1b[31m\x7f", "a?b?c?[31m?"},
        {"a\xc2\x9b"
         "1m \xc2\xa0",
         "a?1m \xc2\xa0"}, /* an order to a terminal in one character; a space that is none */
        {"\xff", "?"},
        {"a\xe6\x97", "a??"}, /* cut in a character */
        {"\xed\xa0\x80.", "???."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[64];
        snprintf(text, sizeof text, "%s", cases[i].text);
        tt_one_line(text);
        assert_string_equal(text, cases[i].line);
    }
}

static void test_replaced(void **state) {
    (void)state;
    tt_text text = {0};
    tt_text_add_utf8(&text, "h\xc3\xab", 3);
    tt_text_add_utf8(&text,
                     "\xff"
                     "a\xc3(",
                     4);
    tt_text_add_utf8(&text, "\xe6\x97", 2);
    tt_text_add_utf8(&text, "", 0);
    assert_string_equal(text.data, "h\xc3\xab\uFFFDa\uFFFD(\uFFFD\uFFFD");
    tt_text_free(&text);
}

static void test_line_of(void **state) {
    (void)state;
    assert_int_equal(tt_line_of("a\nb\nc", 0), 1);
    assert_int_equal(tt_line_of("a\nb\nc", 1), 1);
    assert_int_equal(tt_line_of("a\nb\nc", 2), 2);
    assert_int_equal(tt_line_of("a\nb\nc", 5), 3);
}

static void test_nearest(void **state) {
    (void)state;
    static const char *const names[] = {"language", "storytelling", "optimism_vs_nihilism", "honesty_vs_machiavellianism"};
    assert_string_equal(tt_nearest("langauge", names, 4), "language");
    assert_string_equal(tt_nearest("storyteling", names, 4), "storytelling");
    assert_string_equal(tt_nearest("optimism_vs_nihlism", names, 4), "optimism_vs_nihilism");
    assert_string_equal(tt_nearest("language", names, 4), "language");
    assert_null(tt_nearest("pizza", names, 4));
    assert_null(tt_nearest("", names, 4));
    assert_null(tt_nearest("language", names, 0));
    char long_word[1000];
    memset(long_word, 'x', sizeof long_word - 1);
    long_word[sizeof long_word - 1] = '\0';
    assert_null(tt_nearest(long_word, names, 4));
    const char *const long_name = long_word;
    assert_null(tt_nearest("xxxx", &long_name, 1));
}

static void test_amounts(void **state) {
    (void)state;
    char buffer[32];
    assert_string_equal(tt_bytes_text(0, buffer), "0 bytes");
    assert_string_equal(tt_bytes_text(1023, buffer), "1023 bytes");
    assert_string_equal(tt_bytes_text(1536, buffer), "1.5 KiB");
    assert_string_equal(tt_bytes_text(12.0 * 1024, buffer), "12 KiB");
    assert_string_equal(tt_bytes_text(1.5 * 1024 * 1024 * 1024, buffer), "1.5 GiB");
    assert_true(strlen(tt_bytes_text(1e30, buffer)) < 32);
    assert_string_equal(tt_parameters_text(134515008, buffer), "135M");
    assert_string_equal(tt_parameters_text(1.54e9, buffer), "1.5B");
    assert_string_equal(tt_parameters_text(20000, buffer), "20K");
    assert_string_equal(tt_duration_text(-3, buffer), "0 s");
    assert_string_equal(tt_duration_text(8.4, buffer), "8 s");
    assert_string_equal(tt_duration_text(59.7, buffer), "1 min 00 s"); /* rounded first */
    assert_string_equal(tt_duration_text(192, buffer), "3 min 12 s");
    assert_string_equal(tt_duration_text(3599.9, buffer), "1 h 00 min");
    assert_string_equal(tt_duration_text(3900, buffer), "1 h 05 min");
    assert_string_equal(tt_duration_text(47.5 * 3600, buffer), "47 h 30 min");
    assert_string_equal(tt_duration_text(3.0 * 86400, buffer), "3.0 days");
    assert_true(strlen(tt_duration_text(1e30, buffer)) < 32);
}

/* ==== Hashes ==== */

static void test_hash(void **state) {
    (void)state;
    char hex[TT_HASH_TEXT], other[TT_HASH_TEXT];
    tt_hash hash;
    tt_hash_begin(&hash);
    tt_hash_bytes(&hash, "a", 1);
    tt_hash_bytes(&hash, NULL, 0);
    tt_hash_bytes(&hash, "bc", 2);
    tt_hash_end(&hash, hex); /* the standard's own example */
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    tt_hash_begin(&hash);
    tt_hash_text(&hash, "ab");
    tt_hash_text(&hash, "c");
    tt_hash_end(&hash, hex);
    tt_hash_begin(&hash);
    tt_hash_text(&hash, "a");
    tt_hash_text(&hash, "bc");
    tt_hash_end(&hash, other);
    assert_string_not_equal(hex, other);
    tt_hash_begin(&hash);
    tt_hash_u64(&hash, 0x0102030405060708u);
    tt_hash_end(&hash, hex);
    tt_hash_begin(&hash);
    tt_hash_bytes(&hash, "\x08\x07\x06\x05\x04\x03\x02\x01", 8);
    tt_hash_end(&hash, other);
    assert_string_equal(hex, other);
}

/* ==== JSON ==== */

static void expect_json_error(const char *json, size_t length, const char *words) {
    tt_error err = {0};
    assert_null(tt_json_parse("x.json", json, length, &err));
    assert_int_equal(err.kind, TT_ERROR_INPUT);
    if (strncmp(err.message, words, strlen(words)) != 0) fail_msg("expected '%s', got '%s'", words, err.message);
}

static void test_json(void **state) {
    (void)state;
    tt_error err;
    const char good[] = "{\"a\": [1, 2, \"\\u00e9\"]}";
    yyjson_doc *doc = tt_json_parse("x.json", good, strlen(good), &err);
    assert_non_null(doc);
    assert_int_equal(yyjson_arr_size(yyjson_obj_get(yyjson_doc_get_root(doc), "a")), 3);
    yyjson_doc_free(doc);
    expect_json_error("", 0, "x.json:1: ");
    expect_json_error("{\n\"a\": 1,\n}", 11, "x.json:2: not valid JSON: "); /* the comma */
    expect_json_error("[1,\n2,\n\n3", 9, "x.json:4: not valid JSON: ");
    expect_json_error("{\n\"a\": \"b\xff\"}", 12, "x.json:2: not UTF-8 text");
    expect_json_error("[1] 2", 5, "x.json:1: not valid JSON: ");
}

/* What is no UTF-8 comes out as valid JSON, and everything else as it is. */
static void test_json_text(void **state) {
    (void)state;
    yyjson_mut_val *root;
    yyjson_mut_doc *doc = tt_json_object(&root);
    yyjson_mut_obj_add_str(doc, root, "file", "b\xff\n\xc3\"\xc3\xab");
    tt_error err = {0};
    size_t length;
    char *text = tt_json_text(doc, YYJSON_WRITE_NOFLAG, &length, &err);
    assert_string_equal(text, "{\"file\":\"b\uFFFD\\n\uFFFD\\\"\xc3\xab\"}");
    assert_int_equal(length, strlen(text));
    free(text);
    yyjson_mut_obj_add_real(doc, root, "figure", NAN);
    assert_null(tt_json_text(doc, YYJSON_WRITE_NOFLAG, &length, &err));
    assert_int_equal(err.kind, TT_ERROR_INPUT);
    assert_false(tt_json_write("/nowhere/x.json", doc, &err));
    assert_non_null(strstr(err.message, "cannot write '/nowhere/x.json': there is no JSON of this: "));
    yyjson_mut_doc_free(doc);
    assert_null(tt_json_text(NULL, YYJSON_WRITE_NOFLAG, &length, &err));
    assert_int_equal(err.kind, TT_ERROR_MEMORY);
}

static void test_json_lines(void **state) {
    (void)state;
    const char json[] = "{\n \"a\": \"[\",\n \"b\": [\n1,\n\n2]}";
    yyjson_doc *doc = tt_json_parse("x", json, strlen(json), NULL);
    uint32_t *lines = tt_json_lines(doc, json, strlen(json), NULL);
    assert_non_null(lines);
    yyjson_val *root = yyjson_doc_get_root(doc), *b = yyjson_obj_get(root, "b");
    assert_int_equal(tt_json_line(doc, lines, root), 1);
    assert_int_equal(tt_json_line(doc, lines, yyjson_obj_get(root, "a")), 2);
    assert_int_equal(tt_json_line(doc, lines, b), 3);
    assert_int_equal(tt_json_line(doc, lines, yyjson_arr_get(b, 0)), 4);
    assert_int_equal(tt_json_line(doc, lines, yyjson_arr_get(b, 1)), 6);
    free(lines);
    yyjson_doc_free(doc);
}

/* ==== Numbers ==== */

static void test_numbers(void **state) {
    (void)state;
    static const char *const bad[] = {"", " 1", "1 ", "1,5", "0x10", "inf", "nan", "1e999", "1.2.3", "--1", "one"};
    double value = 0;
    int64_t whole = 0;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (tt_number_parse(bad[i], &value)) fail_msg("'%s' was taken for a number", bad[i]);
        if (tt_integer_parse(bad[i], &whole)) fail_msg("'%s' was taken for a whole number", bad[i]);
    }
    /* A locale with a decimal comma changes nothing (where the system has one). */
    const char *const locales[] = {"C", "de_DE.UTF-8", "de_DE"};
    for (size_t i = 0; i < sizeof locales / sizeof *locales; i++) {
        if (!setlocale(LC_NUMERIC, locales[i])) continue;
        assert_true(tt_number_parse("-0.5", &value) && value == -0.5);
        assert_true(tt_number_parse("1e-5", &value) && value == 1e-5);
        assert_false(tt_number_parse("0,5", &value));
    }
    setlocale(LC_NUMERIC, "C");
    assert_true(tt_integer_parse("-9223372036854775808", &whole) && whole == INT64_MIN);
    assert_false(tt_integer_parse("9223372036854775808", &whole));
    assert_false(tt_integer_parse("2.0", &whole));
}

/* ==== Random numbers ==== */

/* Training runs are told apart by their seed alone, so these may never change. */
static void test_random_is_fixed(void **state) {
    (void)state;
    assert_true(tt_random_stream("") ==
                0xcbf29ce484222325u); /* FNV-1a's own offset basis, and its published value for "a" */
    assert_true(tt_random_stream("a") == 0xaf63dc4c8601ec8cu);
    const uint64_t first = tt_random_bits(0, 0, 0, 0);
    assert_true(first == tt_random_bits(0, 0, 0, 0));
    assert_true(first != tt_random_bits(1, 0, 0, 0));
    assert_true(first != tt_random_bits(0, 1, 0, 0));
    assert_true(first != tt_random_bits(0, 0, 1, 0));
    assert_true(first != tt_random_bits(0, 0, 0, 1));
    assert_true(tt_random_bits(0, 0, 1, 2) != tt_random_bits(0, 0, 2, 1));
}

/* Each of 10 outcomes comes up as often as the others: chi-squared with 9 degrees of freedom is below 27.9 in 999 of 1000
 * cases (and the draws are always the same ones). */
static void test_random_is_even(void **state) {
    (void)state;
    for (int coordinate = 0; coordinate < 4; coordinate++) {
        enum { DRAWS = 100000 };
        double counts[10] = {0}, chi_squared = 0;
        for (uint64_t i = 0; i < DRAWS; i++) {
            uint64_t at[4] = {42, 7, 7, 7};
            at[coordinate] = i;
            const uint64_t drawn = tt_random_below(at[0], at[1], at[2], at[3], 10);
            if (drawn >= 10) fail_msg("drawn: %" PRIu64, drawn);
            counts[drawn % 10]++;
        }
        for (int i = 0; i < 10; i++) chi_squared += (counts[i] - DRAWS / 10.0) * (counts[i] - DRAWS / 10.0) / (DRAWS / 10.0);
        assert_true(chi_squared < 27.9);
    }
    assert_int_equal(tt_random_below(1, 2, 3, 4, 1), 0);
    assert_true(tt_random_below(1, 2, 3, 4, UINT64_MAX) < UINT64_MAX);
}

static void test_number_text(void **state) {
    (void)state;
    const struct {
        double value;
        const char *text;
    } cases[] = {{0.5, "0.5"}, {-2, "-2"}, {1, "1"}, {0, "0"}, {0.1, "0.1"}, {1.0 / 3, "0.3333333333333333"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[TT_NUMBER_TEXT];
        assert_string_equal(tt_number_text(cases[i].value, text), cases[i].text);
        double back;
        assert_true(tt_number_parse(text, &back) && back == cases[i].value);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_error),          cmocka_unit_test(test_error_too_long),
        cmocka_unit_test(test_memory),         cmocka_unit_test(test_grow),
        cmocka_unit_test(test_copies),         cmocka_unit_test(test_text),
        cmocka_unit_test(test_text_failed),    cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_one_line),       cmocka_unit_test(test_replaced),
        cmocka_unit_test(test_json_text),      cmocka_unit_test(test_line_of),
        cmocka_unit_test(test_nearest),        cmocka_unit_test(test_amounts),
        cmocka_unit_test(test_hash),           cmocka_unit_test(test_json),
        cmocka_unit_test(test_json_lines),     cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_number_text),    cmocka_unit_test(test_random_is_fixed),
        cmocka_unit_test(test_random_is_even),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
