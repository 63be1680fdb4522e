/* test_thinking_split.c: answers taken apart into what was thought and what is said, whole and as they come. */
#include "base/memory.h"
#include "model/thinking.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char think[] = "<think>", unthink[] = "</think>", with_newline[] = "\n</think>", call[] = "<tool_call>";
static char channel[] = "<|channel|>analysis<|message|>", end[] = "<|end|>";

/* The text as a whole; then byte by byte, where nothing that was certain may be taken back. */
static void parts_are(const tt_thinking *thinking, const char *text, const char *thought, const char *said) {
    const size_t length = strlen(text);
    const tt_parts whole = tt_thinking_split(thinking, text, length, true);
    char *found = tt_strndup(text + whole.thought, whole.thought_end - whole.thought, NULL);
    assert_string_equal(found, thought);
    free(found);
    assert_int_equal(whole.said_end, length);
    assert_string_equal(text + whole.said, said);
    size_t thought_before = 0, said_before = 0;
    for (size_t at = 0; at <= length; at++) {
        const tt_parts parts = tt_thinking_split(thinking, text, at, false);
        const size_t thinks = parts.thought_end - parts.thought, says = parts.said_end - parts.said;
        assert_true(thinks >= thought_before && says >= said_before);
        assert_true(thinks <= strlen(thought) && says <= strlen(said));
        assert_memory_equal(text + parts.thought, thought, thinks);
        assert_memory_equal(text + parts.said, said, says);
        thought_before = thinks;
        said_before = says;
    }
}

static void tags_tell_them_apart(void **) {
    char *ends[] = {with_newline, unthink, call};
    const tt_thinking t = {.known = true, .start = think, .ends = ends, .end_count = 3};
    parts_are(&t, "<think>\nIt is deep.\n</think>\n\nVery deep.", "It is deep.", "Very deep.");
    parts_are(&t, "Very deep.", "", "Very deep.");
    parts_are(&t, " <thin ice", "", " <thin ice");
    parts_are(&t, "<think>never ended </thin", "never ended </thin", "");
    parts_are(&t, "<think></think>", "", "");
    parts_are(&t, "", "", "");
    parts_are(&t, "<think>a</think>b<think>c</think>", "a", "b<think>c</think>");
    parts_are(&t, "<think>a <tool_call>b</tool_call>", "a", "<tool_call>b</tool_call>");
}

static void the_prompt_may_have_opened_it(void **) {
    char *ends[] = {unthink};
    const tt_thinking t = {.known = true, .opened = true, .start = think, .ends = ends, .end_count = 1};
    parts_are(&t, "It is deep.\n</think>\n\nVery deep.", "It is deep.", "Very deep.");
    parts_are(&t, "<think>again</think>said", "again", "said");
    parts_are(&t, "no end", "no end", "");
}

static void messages_have_headers(void **) {
    char *ends[] = {end};
    const tt_thinking t = {.known = true, .start = channel, .ends = ends, .end_count = 1};
    parts_are(&t, "<|channel|>analysis<|message|>Deep?<|end|><|start|>assistant<|channel|>final<|message|>Deep.", "Deep?",
              "Deep.");
    parts_are(&t, "<|channel|>final<|message|>Deep.", "", "Deep.");
    parts_are(&t, "Deep.", "", "Deep.");
}

static void without_marks_all_is_said(void **) {
    parts_are(&(tt_thinking){0}, "<think>x</think> y", "", "<think>x</think> y");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tags_tell_them_apart),
        cmocka_unit_test(the_prompt_may_have_opened_it),
        cmocka_unit_test(messages_have_headers),
        cmocka_unit_test(without_marks_all_is_said),
    };
    return cmocka_run_group_tests_name("thinking", tests, NULL, NULL);
}
