/* test_stems.c: the stems file, and the built-in stems. */
#include "prompts/stems.h"
#include "support/scratch.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void assert_refused(const char *json, const char *wanted) {
    tt_stems stems;
    tt_error err = {0};
    assert_false(tt_stems_parse(&stems, "s.json", json, strlen(json), &err));
    if (strcmp(err.message, wanted) != 0) fail_msg("said: %s\nwanted: %s", err.message, wanted);
    assert_null(stems.pre.list);
    assert_null(stems.post.list);
}

static void builtin_stems_are_at_least_50_by_50(void **state) {
    (void)state;
    tt_stems stems;
    tt_error err = {0};
    if (!tt_stems_load(&stems, NULL, &err)) fail_msg("%s", err.message);
    assert_true(stems.pre.count >= 50);
    assert_true(stems.post.count >= 50);
    tt_stems_free(&stems);
    tt_stems_free(&stems); /* harmless */
}

static void stems_are_read(void **state) {
    (void)state;
    tt_stems stems;
    tt_error err = {0};
    const char *path = scratch_text("stems.json", "{\"post\": [\"an author\"], \"pre\": [\"You are\", \"Act as\"]}");
    if (!tt_stems_load(&stems, path, &err)) fail_msg("%s", err.message);
    assert_int_equal(stems.pre.count, 2);
    assert_int_equal(stems.post.count, 1);
    assert_string_equal(stems.pre.list[1], "Act as");
    assert_string_equal(stems.post.list[0], "an author");
    tt_stems_free(&stems);
}

static void bad_stems_are_refused_with_their_line(void **state) {
    (void)state;
    static const char remedy[] = "write {\"pre\": [\"You are\", ...], \"post\": [\"an author\", ...]}";
    char wanted[256];
    assert_refused("[]", "s.json:1: the file holds no JSON object; it must begin with '{' and end with '}'");
    snprintf(wanted, sizeof wanted, "s.json:1: the key \"post\" is missing; %s", remedy);
    assert_refused("{\"pre\": [\"a\"]}", wanted);
    snprintf(wanted, sizeof wanted, "s.json:2: \"pre\" is empty; %s", remedy);
    assert_refused("{\n\"pre\": [], \"post\": [\"b\"]}", wanted);
    snprintf(wanted, sizeof wanted, "s.json:2: \"post\" is a text, not an array; %s", remedy);
    assert_refused("{\"pre\": [\"a\"],\n\"post\": \"b\"}", wanted);
    assert_refused("{\"pre\": [\"a\",\n\"a\"], \"post\": [\"b\"]}",
                   "s.json:2: the phrase \"a\" stands in line 1 already; reword or remove one of them");
    assert_refused("{\"pre\": [\"a\",\n\"\"], \"post\": [\"b\"]}",
                   "s.json:2: the phrase is empty; write one, or remove the place for it");
    assert_refused("{\"pre\": [\"a\"], \"post\": [\"b\",\n{}]}",
                   "s.json:2: the phrase is an object, not a text; write it in quotes");
    assert_refused("{\"pre\": [\"a\"], \"post\": [\"b\\n\"]}", "s.json:1: the phrase holds a line break or another control "
                                                               "character; write it as one line of plain text");
    tt_stems stems;
    assert_false(tt_stems_load(&stems, "no-such.json", NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(builtin_stems_are_at_least_50_by_50),
        cmocka_unit_test(stems_are_read),
        cmocka_unit_test(bad_stems_are_refused_with_their_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
