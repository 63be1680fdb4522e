/* test_writing_prompts.c: writing prompts from a grammar and from a user's file, large and small. */
#include "base/random.h"
#include "prompts/grammar.h"
#include "prompts/prompt_lines.h"
#include "prompts/writing_prompts.h"
#include "support/scratch.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* ==== The grammar ==== */

static tt_grammar *grammar_of(const char *json) {
    tt_error err = {0};
    tt_grammar *grammar = tt_grammar_parse("g.json", json, strlen(json), &err);
    if (!grammar) fail_msg("%s", err.message);
    return grammar;
}

static void assert_expands(const char *json, uint64_t count, const char *wanted) {
    tt_grammar *grammar = grammar_of(json);
    assert_true(tt_grammar_count(grammar) == count);
    char *text = tt_grammar_expand(grammar, 1, NULL);
    assert_string_equal(text, wanted);
    free(text);
    tt_grammar_free(grammar);
}

static void rules_are_spelled_out(void **state) {
    (void)state;
    assert_expands("{\"start\": \"a\", \"rules\": {\"a\": [\"x\"]}}", 1, "x");
    assert_expands("{\"start\": \"a\", \"rules\": {\"b b\": [\" y \"], \"a\": [\"{b b}and{b b}{c}\"], \"c\": [\"\"]}}", 1,
                   "y and y");
    tt_grammar *grammar =
        grammar_of("{\"start\": \"a\", \"rules\": {\"a\": [\"{b}{b}\", \"z\"], \"b\": [\"1\", \"2\", \"3\"]}}");
    assert_true(tt_grammar_count(grammar) == 10);
    tt_grammar_free(grammar);
}

static void alternatives_are_equally_likely(void **state) {
    (void)state;
    tt_grammar *grammar =
        grammar_of("{\"start\": \"s\", \"rules\": {\"s\": [\"{d}{d}\"], \"d\": [\"0\", \"1\", \"2\", \"3\"]}}");
    enum { DRAWS = 16000 };
    size_t counts[16] = {0};
    for (uint64_t i = 0; i < DRAWS; i++) {
        char *text = tt_grammar_expand(grammar, tt_random_bits(5, 6, i, 0), NULL);
        counts[(text[0] - '0') * 4 + text[1] - '0']++;
        free(text);
    }
    double chi_square = 0;
    for (size_t i = 0; i < 16; i++) chi_square += ((double)counts[i] - 1000) * ((double)counts[i] - 1000) / 1000;
    assert_true(chi_square < 15 + 6 * 5.5);
    tt_grammar_free(grammar);
}

static void assert_bad_grammar(const char *json, const char *wanted) {
    tt_error err = {0};
    assert_null(tt_grammar_parse("g.json", json, strlen(json), &err));
    if (strcmp(err.message, wanted) != 0) fail_msg("said: %s\nwanted: %s", err.message, wanted);
    assert_null(tt_grammar_parse("g.json", json, strlen(json), NULL));
}

static void bad_grammars_are_refused_with_their_line(void **state) {
    (void)state;
    assert_bad_grammar("{\"rules\": {\"a\": [\"x\"]}}",
                       "g.json:1: the key \"start\" is missing; name the rule to begin with");
    assert_bad_grammar(
        "{\"start\": \"a\"}",
        "g.json:1: the key \"rules\" is missing; write \"rules\": {\"NAME\": [\"TEXT with {OTHER_NAME}\", ...], ...}");
    assert_bad_grammar(
        "{\"start\": \"a\",\n\"rules\": []}",
        "g.json:2: \"rules\" holds no rules; write \"rules\": {\"NAME\": [\"TEXT with {OTHER_NAME}\", ...], ...}");
    assert_bad_grammar("{\"start\": \"pormpt\",\n\"rules\": {\"prompt\": [\"x\"]}}",
                       "g.json:1: there is no rule \"pormpt\"; did you mean \"prompt\"?");
    assert_bad_grammar("{\"start\": \"a\", \"rules\": {\"a\": [\"x\",\n\"see {weather}\"]}}",
                       "g.json:2: there is no rule \"weather\"; add it to \"rules\"");
    assert_bad_grammar("{\"start\": \"a\", \"rules\": {\"a\": [\"{b}\"],\n\"b\": []}}",
                       "g.json:2: the rule \"b\" has no alternatives; write \"b\": [\"TEXT\", ...], or remove it");
    assert_bad_grammar("{\"start\": \"a\", \"rules\": {\"a\": [\"x\"],\n\"a\": [\"y\"]}}",
                       "g.json:2: the rule \"a\" stands in line 1 already; reword or remove one of them");
    assert_bad_grammar("{\"start\": \"a\", \"rules\": {\"a\": [\n\"x {b\"]}}",
                       "g.json:2: a '{' has no '}' behind it; write {RULE}, or remove it");
    assert_bad_grammar("{\"start\": \"a\", \"rules\": {\"a\": [\n\"x {{b}}\"]}}",
                       "g.json:2: a '{' has no '}' behind it; write {RULE}, or remove it");
    assert_bad_grammar("{\"start\": \"a\", \"rules\": {\"a\": [\n\"x b}\"]}}",
                       "g.json:2: a '}' has no '{' before it; write {RULE}, or remove it");
    assert_bad_grammar("{\"start\": \"a\", \"rules\": {\"a\": [\n7]}}",
                       "g.json:2: the alternative is a number, not a text; write it in quotes");
    assert_bad_grammar("{\"start\": \"a\", \"rules\": {\"a\": [\"x\"], \"\": [\"y\"]}}",
                       "g.json:1: the rule's name is empty; write one, or remove the place for it");
    assert_bad_grammar("{\"start\": \"a\", \"rules\": {\"a\": [\"{}\"]}}",
                       "g.json:1: there is no rule \"\"; add it to \"rules\"");
    assert_bad_grammar(
        "{\"start\": \"a\", \"rules\": {\"a\": [\"{b}\"],\n\"b\": [\"{c}\"],\n\"c\": [\"x\", \"{b}\"]}}",
        "g.json:2: the rule \"b\" leads back to itself (b -> c -> b); let one of these not refer to the next");
    assert_bad_grammar("{\"start\": \"a\", \"rules\": {\"a\": [\"x\"],\n\"b\": [\"{b}\"]}}",
                       "g.json:2: the rule \"b\" leads back to itself (b -> b); let one of these not refer to the next");
}

/* A chain of rules r0 -> r1 -> ..., each referring to the next `times` times. */
static char *chain(size_t length, size_t times) {
    char *json = malloc(64 + length * (32 + 16 * times)), *end = stpcpy(json, "{\"start\": \"r0\", \"rules\": {");
    for (size_t i = 0; i < length; i++) {
        end += sprintf(end, "\"r%zu\": [\"", i);
        for (size_t j = 0; j < times; j++) end += sprintf(end, "{r%zu}", i + 1);
        end = stpcpy(end, "\"],\n");
    }
    sprintf(end, "\"r%zu\": [\"x\"]}}", length);
    return json;
}

static void grammars_cannot_explode(void **state) {
    (void)state;
    char *doubling = chain(40, 2), *deep = chain(100000, 1), *fine = chain(99, 1);
    tt_error err = {0};
    assert_null(tt_grammar_parse("g.json", doubling, strlen(doubling), &err));
    assert_non_null(strstr(err.message, "could grow to more than 64 KiB of text"));
    assert_null(tt_grammar_parse("g.json", deep, strlen(deep), &err));
    assert_non_null(strstr(err.message, "more than"));
    assert_expands(fine, 1, "x");
    free(doubling);
    free(deep);
    free(fine);
}

static void assert_well_formed(const char *prompt) {
    if (strpbrk(prompt, "{}\n\t") || strstr(prompt, "  ") || strstr(prompt, "..") || strstr(prompt, " ,") ||
        strstr(prompt, " ."))
        fail_msg("odd: %s", prompt);
    const char first = prompt[0], last = prompt[strlen(prompt) - 1];
    if (first < 'A' || first > 'Z' || !strchr(".?!\"", last)) fail_msg("odd begin or end: %s", prompt);
}

static int by_hash(const void *a, const void *b) {
    const uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static void one_seed_yields_20000_distinct_prompts(void **state) {
    (void)state;
    enum { DRAWS = 24000 };
    tt_error err = {0};
    tt_writing_prompts *prompts = tt_writing_prompts_load(NULL, 0.1, NULL, &err);
    if (!prompts) fail_msg("%s", err.message);
    uint64_t *hashes = malloc(DRAWS * sizeof *hashes);
    for (size_t i = 0; i < DRAWS; i++) {
        char *text = tt_writing_prompts_draw(prompts, TT_SPLIT_TRAINING, 1, i, &err);
        assert_non_null(text);
        assert_well_formed(text);
        hashes[i] = tt_random_stream(text);
        free(text);
    }
    qsort(hashes, DRAWS, sizeof *hashes, by_hash);
    size_t distinct = 1;
    for (size_t i = 1; i < DRAWS; i++) distinct += hashes[i] != hashes[i - 1];
    assert_true(distinct >= 20000);
    free(hashes);
    tt_writing_prompts_free(prompts);
}

/* ==== The user's file ==== */

/* By way of a pipe: what is no regular file is kept in memory. */
static tt_prompt_lines *lines_of(const char *bytes, size_t length) {
    int ends[2];
    tt_error err = {0};
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], bytes, length), (ssize_t)length);
    close(ends[1]);
    char path[32];
    snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    tt_prompt_lines *lines = tt_prompt_lines_open(path, NULL, &err);
    close(ends[0]);
    if (!lines) fail_msg("%s", err.message);
    return lines;
}

static void assert_line(const tt_prompt_lines *lines, uint64_t number, const char *wanted) {
    tt_error err = {0};
    char *text = tt_prompt_lines_read(lines, number, &err);
    if (!text) fail_msg("%s", err.message);
    assert_string_equal(text, wanted);
    free(text);
}

static const char odd_file[] = "\xef\xbb\xbf  First. \r\n\n \t \r\nSecond\tone.\n\r\nThird, without an end";

static void assert_odd_file(const tt_prompt_lines *lines) {
    assert_true(tt_prompt_lines_facts_of(lines)->count == 3);
    assert_line(lines, 2, "Third, without an end");
    assert_line(lines, 0, "First.");
    assert_line(lines, 1, "Second\tone.");
}

static void blank_lines_and_line_ends_are_understood(void **state) {
    (void)state;
    tt_prompt_lines *memory = lines_of(odd_file, sizeof odd_file - 1);
    assert_odd_file(memory);
    tt_error err = {0};
    tt_prompt_lines *file = tt_prompt_lines_open(scratch_text("odd.txt", odd_file), NULL, &err);
    if (!file) fail_msg("%s", err.message);
    assert_odd_file(file);
    static const char tidy[] = "First.\nSecond\tone.\nThird, without an end\n";
    tt_prompt_lines *plain = lines_of(tidy, sizeof tidy - 1);
    assert_string_equal(tt_prompt_lines_facts_of(file)->hash, tt_prompt_lines_facts_of(memory)->hash);
    assert_string_equal(tt_prompt_lines_facts_of(file)->hash, tt_prompt_lines_facts_of(plain)->hash);
    tt_prompt_lines_free(memory);
    tt_prompt_lines_free(file);
    tt_prompt_lines_free(plain);
}

static void assert_bad_lines(const char *bytes, size_t length, const char *wanted) {
    tt_error err = {0};
    const char *path = scratch_file("p.txt", bytes, length);
    assert_null(tt_prompt_lines_open(path, NULL, &err));
    const size_t folder = (size_t)(strrchr(path, '/') + 1 - path);
    if (strncmp(err.message, path, folder) != 0 || strcmp(err.message + folder, wanted) != 0)
        fail_msg("said: %s\nwanted: %s", err.message, wanted);
}

static void bad_files_are_refused_with_their_line(void **state) {
    (void)state;
    static const char control[] =
        "p.txt:2: the line holds a control character; the file must be plain text, one prompt a line";
    assert_bad_lines("", 0, "p.txt: the file holds no writing prompts; write one a line");
    assert_bad_lines(" \n\r\n\t", 5, "p.txt: the file holds no writing prompts; write one a line");
    assert_bad_lines("fine\n\nna\xefve\n", 11, "p.txt:3: not UTF-8 text; save the file as UTF-8");
    assert_bad_lines("a\nb\0c", 5, control);
    assert_bad_lines("a\nb\rc", 5, control);
    assert_bad_lines("\xff\xfe"
                     "a\0\n\0",
                     6, "p.txt:1: UTF-16 text; save the file as UTF-8");
    tt_error err = {0};
    assert_null(tt_prompt_lines_open("no-such.txt", NULL, &err));
    assert_string_equal(err.message, "cannot open 'no-such.txt': No such file or directory");
    assert_null(tt_prompt_lines_open("axes", NULL, &err));
    assert_non_null(strstr(err.message, "directory"));
}

static void an_endless_line_is_refused(void **state) {
    (void)state;
    const size_t length = 3 << 20;
    char *bytes = malloc(length);
    memset(bytes, 'x', length);
    assert_bad_lines(bytes, length, "p.txt:1: the line is longer than 1 MiB; write one prompt a line");
    free(bytes);
}

static void a_changed_file_is_noticed(void **state) {
    (void)state;
    const char *path = scratch_text("changing.txt", "one\ntwo\nthree\n");
    tt_error err = {0};
    tt_prompt_lines *lines = tt_prompt_lines_open(path, NULL, &err);
    assert_non_null(lines);
    assert_int_equal(truncate(path, 5), 0);
    assert_line(lines, 0, "one");
    assert_null(tt_prompt_lines_read(lines, 2, &err));
    assert_non_null(strstr(err.message, "was changed while it was in use"));
    tt_prompt_lines_free(lines);
}

static void a_pipe_is_read_once(void **state) {
    (void)state;
    int ends[2];
    char path[64];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "one\ntwo\n", 8), 8);
    close(ends[1]);
    snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    tt_error err = {0};
    tt_prompt_lines *lines = tt_prompt_lines_open(path, NULL, &err);
    if (!lines) fail_msg("%s", err.message);
    assert_line(lines, 1, "two");
    assert_line(lines, 0, "one");
    tt_prompt_lines_free(lines);
    close(ends[0]);
}

/* What takes long to read, or for ever, can be given up. */
static void reading_ends_when_it_is_asked_to(void **state) {
    (void)state;
    static atomic_bool no = false, yes = true;
    int ends[2];
    char path[64];
    tt_error err = {0};
    tt_prompt_lines *lines = tt_prompt_lines_open(scratch_text("short.txt", "one\ntwo\n"), &no, &err);
    if (!lines) fail_msg("%s", err.message);
    tt_prompt_lines_free(lines);
    assert_null(tt_prompt_lines_open(scratch_text("short.txt", "one\ntwo\n"), &yes, &err));
    assert_int_equal(err.kind, TT_ERROR_INTERRUPTED);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "one\n", 4), 4); /* and nothing after it */
    snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    err = (tt_error){0};
    assert_null(tt_prompt_lines_open(path, &yes, &err));
    assert_int_equal(err.kind, TT_ERROR_INTERRUPTED);
    close(ends[0]);
    close(ends[1]);
}

/* More lines than the table has entries: every line is still found. */
static void more_lines_than_table_entries(void **state) {
    (void)state;
    enum { COUNT = 2500000 };
    char *bytes = malloc((size_t)COUNT * 9), *end = bytes;
    for (size_t i = 0; i < COUNT; i++) end += sprintf(end, i % 3 ? "%zu\n" : "%zu\r\n", i);
    tt_error err = {0};
    tt_prompt_lines *lines = tt_prompt_lines_open(scratch_file("many.txt", bytes, (size_t)(end - bytes)), NULL, &err);
    free(bytes);
    if (!lines) fail_msg("%s", err.message);
    assert_true(tt_prompt_lines_facts_of(lines)->count == COUNT);
    for (uint64_t i = 0; i < COUNT; i += 49999) {
        char wanted[16];
        snprintf(wanted, sizeof wanted, "%llu", (unsigned long long)i);
        assert_line(lines, i, wanted);
    }
    assert_line(lines, COUNT - 1, "2499999");
    tt_prompt_lines_free(lines);
}

/* ==== Both ==== */

static void a_file_is_split_by_its_text(void **state) {
    (void)state;
    enum { COUNT = 1000 };
    char *bytes = malloc((size_t)COUNT * 8), *end = bytes;
    for (size_t i = 0; i < COUNT; i++) end += sprintf(end, "%zu\n", i);
    const char *path = scratch_text("thousand.txt", bytes);
    free(bytes);
    tt_error err = {0};
    tt_writing_prompts *prompts = tt_writing_prompts_load(path, 0.1, NULL, &err);
    if (!prompts) fail_msg("%s", err.message);
    size_t drawn[2][COUNT] = {0}, distinct[2] = {0};
    for (int split = 0; split < 2; split++)
        for (size_t i = 0; i < 20000; i++) {
            char *text = tt_writing_prompts_draw(prompts, split, (uint64_t)split + 7, i, &err);
            drawn[split][atoi(text)]++;
            free(text);
        }
    for (size_t i = 0; i < COUNT; i++) {
        assert_false(drawn[0][i] && drawn[1][i]);
        for (int split = 0; split < 2; split++) distinct[split] += drawn[split][i] > 0;
    }
    assert_int_equal(distinct[0] + distinct[1], COUNT);
    assert_true(distinct[TT_SPLIT_HELD_OUT] > 60 && distinct[TT_SPLIT_HELD_OUT] < 140);
    tt_writing_prompts_free(prompts);
}

/* However few there are and whatever the share: from four different prompts on, both splits have one. */
static void small_files_are_split_too(void **state) {
    (void)state;
    static const double shares[] = {1e-12, 0.1, 0.5, 0.999};
    const char *path = scratch_text("four.txt", "a\nb\nc\nd\n");
    for (size_t i = 0; i < 4; i++) {
        tt_error err = {0};
        tt_writing_prompts *prompts = tt_writing_prompts_load(path, shares[i], NULL, &err);
        assert_non_null(prompts);
        for (int split = 0; split < 2; split++) {
            char *text = tt_writing_prompts_draw(prompts, split, 1, 0, &err);
            if (!text) fail_msg("%s", err.message);
            free(text);
        }
        tt_writing_prompts_free(prompts);
    }
}

static void assert_none_held_out(const char *path, double share, const char *wanted) {
    tt_error err = {0};
    tt_writing_prompts *prompts = tt_writing_prompts_load(path, share, NULL, &err);
    if (!prompts) fail_msg("%s", err.message);
    assert_null(tt_writing_prompts_draw(prompts, TT_SPLIT_HELD_OUT, 1, 0, &err));
    if (!strstr(err.message, wanted)) fail_msg("said: %s", err.message);
    char *text = tt_writing_prompts_draw(prompts, TT_SPLIT_TRAINING, 1, 0, &err);
    if (!text) fail_msg("%s", err.message);
    free(text);
    tt_writing_prompts_free(prompts);
}

static void too_few_prompts_cannot_be_held_out(void **state) {
    (void)state;
    static const char few[] = "it needs at least 4 different ones";
    assert_none_held_out(NULL, 0, "choose a held-out share above 0");
    assert_none_held_out(scratch_text("three.txt", "a\nb\nc\n"), 0.1, few);
    assert_none_held_out(scratch_text("same.txt", "a\na\na\na\na\n"), 0.1, few);
    assert_none_held_out(scratch_text("g.json", "{\"start\": \"a\", \"rules\": {\"a\": [\"x\", \"y\"]}}"), 0.1, few);
}

static void a_grammar_that_cannot_serve_a_split_says_so(void **state) {
    (void)state;
    const char *path = scratch_text("same.json", "{\"start\": \"a\", \"rules\": {\"a\": [\"x\", \"x\", \"x\", \"x\"]}}");
    tt_error err = {0};
    tt_writing_prompts *prompts = tt_writing_prompts_load(path, 0.5, NULL, &err);
    assert_non_null(prompts);
    char *training = tt_writing_prompts_draw(prompts, TT_SPLIT_TRAINING, 1, 0, &err);
    char *held_out = tt_writing_prompts_draw(prompts, TT_SPLIT_HELD_OUT, 1, 0, &err);
    assert_true((training == NULL) != (held_out == NULL));
    assert_non_null(strstr(err.message, "prompt came up in 20000 draws; add alternatives"));
    free(training);
    free(held_out);
    tt_writing_prompts_free(prompts);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_are_spelled_out),
        cmocka_unit_test(alternatives_are_equally_likely),
        cmocka_unit_test(bad_grammars_are_refused_with_their_line),
        cmocka_unit_test(grammars_cannot_explode),
        cmocka_unit_test(one_seed_yields_20000_distinct_prompts),
        cmocka_unit_test(blank_lines_and_line_ends_are_understood),
        cmocka_unit_test(bad_files_are_refused_with_their_line),
        cmocka_unit_test(an_endless_line_is_refused),
        cmocka_unit_test(a_changed_file_is_noticed),
        cmocka_unit_test(a_pipe_is_read_once),
        cmocka_unit_test(reading_ends_when_it_is_asked_to),
        cmocka_unit_test(more_lines_than_table_entries),
        cmocka_unit_test(a_file_is_split_by_its_text),
        cmocka_unit_test(small_files_are_split_too),
        cmocka_unit_test(too_few_prompts_cannot_be_held_out),
        cmocka_unit_test(a_grammar_that_cannot_serve_a_split_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
