/* test_axis.c: axis files: what is loaded, and what is said about those that are wrong. */
#include "prompts/axis.h"
#include "prompts/builtin.h"
#include "support/scratch.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define HEAD "{\"classes\": [\"left\", \"right\"],\n\"data\": [\n"
#define GOOD "[\"one\", \"two\"],\n[\"red\", \"blue\"],\n[\"up\", \"down\"],\n[\"in\", \"out\"]"

static void assert_refused_bytes(const char *name, const char *json, size_t length, const char *wanted) {
    tt_axis axis;
    tt_error err = {0};
    assert_false(tt_axis_parse(&axis, name, "x.json", json, length, &err));
    if (strcmp(err.message, wanted) != 0) fail_msg("said: %s\nwanted: %s", err.message, wanted);
    assert_int_equal(err.kind, TT_ERROR_INPUT);
    assert_null(axis.name);
    assert_false(tt_axis_parse(&axis, name, "x.json", json, length, NULL));
    tt_axis_free(&axis); /* harmless */
}

static void assert_refused(const char *json, const char *wanted) { assert_refused_bytes("x", json, strlen(json), wanted); }

static void an_axis_is_read(void **state) {
    (void)state;
    static const char json[] = "{\"description\": \"What for.\", \"classes\": [\"left\", \"right\"], \"group\": \"Sides\","
                               "\"data\": [[\"who turns \\u00e9\", \"who turns \xc3\xa8\"], [\"a\", \"b\"]]}";
    tt_axis axis;
    tt_error err = {0};
    if (!tt_axis_parse(&axis, "my-axis_1.0", "x.json", json, sizeof json - 1, &err)) fail_msg("%s", err.message);
    assert_string_equal(axis.name, "my-axis_1.0");
    assert_string_equal(axis.classes[TT_NEGATIVE], "left");
    assert_string_equal(axis.classes[TT_POSITIVE], "right");
    assert_string_equal(axis.group, "Sides");
    assert_string_equal(axis.description, "What for.");
    assert_int_equal(axis.pair_count, 2);
    assert_string_equal(axis.pairs[0].side[TT_NEGATIVE], "who turns \xc3\xa9");
    assert_string_equal(axis.pairs[0].side[TT_POSITIVE], "who turns \xc3\xa8");
    assert_string_equal(axis.pairs[1].side[TT_POSITIVE], "b");
    tt_axis_free(&axis);
}

static void group_and_description_may_be_left_out(void **state) {
    (void)state;
    tt_axis axis;
    assert_true(tt_axis_parse(&axis, "x", "x.json", HEAD GOOD "]}", strlen(HEAD GOOD "]}"), NULL));
    assert_string_equal(axis.group, "");
    assert_string_equal(axis.description, "");
    tt_axis_free(&axis);
}

static void hash_of(const char *name, const char *json, char hash[static TT_HASH_TEXT]) {
    tt_axis axis;
    tt_error err = {0};
    if (!tt_axis_parse(&axis, name, "x.json", json, strlen(json), &err)) fail_msg("%s", err.message);
    memcpy(hash, axis.hash, TT_HASH_TEXT);
    tt_axis_free(&axis);
}

static void the_hash_covers_what_training_depends_on(void **state) {
    (void)state;
    char hashes[5][TT_HASH_TEXT];
    hash_of("x", HEAD GOOD "]}", hashes[0]);
    hash_of("y", HEAD GOOD "]}", hashes[1]);
    hash_of("x", HEAD GOOD ", [\"more\", \"less\"]]}", hashes[2]);
    hash_of("x", "{\"classes\": [\"left\", \"wrong\"], \"data\": [" GOOD "]}", hashes[3]);
    hash_of("x", "{\"group\": \"G\", \"description\": \"D\", \"classes\": [\"left\", \"right\"], \"data\": [" GOOD "]}",
            hashes[4]);
    for (size_t i = 1; i < 4; i++)
        for (size_t j = 0; j < i; j++) assert_string_not_equal(hashes[i], hashes[j]);
    assert_string_equal(hashes[0], hashes[4]);
}

static void what_is_no_json_object_is_refused(void **state) {
    (void)state;
    tt_error err = {0};
    tt_axis axis;
    static const char no_colon[] = "{\"classes\": [\"a\", \"b\"],\n \"data\" [\n";
    assert_false(tt_axis_parse(&axis, "x", "x.json", no_colon, sizeof no_colon - 1, &err));
    assert_ptr_equal(strstr(err.message, "x.json:2: not valid JSON: "), err.message);
    assert_false(tt_axis_parse(&axis, "x", "x.json", "", 0, &err));
    assert_non_null(strstr(err.message, "x.json:1: not valid JSON"));
    assert_refused("[1, 2]", "x.json:1: the file holds no JSON object; it must begin with '{' and end with '}'");
    assert_refused("\n\n{\"classes\": [\"a\", \"\xff\"]}", "x.json:3: not UTF-8 text; save the file as UTF-8");
    assert_refused_bytes("x", "{}\0", 3, "x.json:1: not valid JSON: unexpected content after document");
}

static void missing_and_mistyped_keys_are_refused(void **state) {
    (void)state;
    assert_refused("{\"data\": [" GOOD "]}",
                   "x.json:1: the key \"classes\" is missing; write \"classes\": [\"NEGATIVE\", \"POSITIVE\"]");
    assert_refused("{\"classes\": [\"a\", \"b\"]}",
                   "x.json:1: the key \"data\" is missing; write \"data\": [[\"NEGATIVE PHRASE\", "
                   "\"POSITIVE PHRASE\"], ...]");
    assert_refused("{\"classes\": [\"a\", \"b\"],\n\"data\": {}}",
                   "x.json:2: \"data\" is an object, not an array; write \"data\": "
                   "[[\"NEGATIVE PHRASE\", \"POSITIVE PHRASE\"], ...]");
    assert_refused("{\"classes\": [\"a\", \"b\"],\n\n\"data\": []}",
                   "x.json:3: \"data\" is empty; write \"data\": [[\"NEGATIVE PHRASE\", \"POSITIVE PHRASE\"], ...]");
    assert_refused("{\"group\": 3,\n\"classes\": [\"a\", \"b\"], \"data\": [" GOOD "]}",
                   "x.json:1: group is a number, not a text; write it in quotes");
    assert_refused(
        "{\"classes\": [\"a\", \"b\"],\n\"description\": \"\\u001b\", \"data\": [" GOOD "]}",
        "x.json:2: description holds a line break or another control character; write it as one line of plain text");
    assert_refused(HEAD GOOD "],\n\"data\": [" GOOD "]}", "x.json:7: the key \"data\" stands here a second time; keep one");
    assert_refused("{\"pre\": [\"a\"], \"post\": [\"b\"]}",
                   "x.json:1: this is a stems file, not an axis; an axis has the keys \"classes\" and \"data\"");
}

static void classes_must_be_two_fit_names(void **state) {
    (void)state;
#define CLASSES(text) "{\n\"classes\": " text ",\n\"data\": [" GOOD "]}"
    static const char rule[] = "letters, digits, '_', '-' and '.', at most 64, with a letter or digit first";
    static const char remedy[] = "write \"classes\": [\"NEGATIVE\", \"POSITIVE\"]";
    char wanted[512];
    snprintf(wanted, sizeof wanted, "x.json:2: \"classes\" has 1 entry, not two; %s", remedy);
    assert_refused(CLASSES("[\"a\"]"), wanted);
    snprintf(wanted, sizeof wanted, "x.json:2: \"classes\" has 3 entries, not two; %s", remedy);
    assert_refused(CLASSES("[\"a\", \"b\", \"c\"]"), wanted);
    snprintf(wanted, sizeof wanted, "x.json:2: \"classes\" is a text, not an array; %s", remedy);
    assert_refused(CLASSES("\"a b\""), wanted);
    assert_refused(CLASSES("[\"a\",\n 7]"), "x.json:3: the class is a number, not a text; write it in quotes");
    assert_refused(CLASSES("[\"a\",\n \" \"]"), "x.json:3: the class is empty; write one, or remove the place for it");
    assert_refused(CLASSES("[\"a\", \"A\"]"),
                   "x.json:2: both classes have one name; name what tells the negative from the positive");
    static const char *const unfit[] = {"a b", "a/b", "..", "-a", "a:b", "a=b", "\xc3\xa4"};
    for (size_t i = 0; i < sizeof unfit / sizeof *unfit; i++) {
        char json[512];
        snprintf(json, sizeof json, CLASSES("[\"a\",\n \"%s\"]"), unfit[i]);
        snprintf(wanted, sizeof wanted, "x.json:3: the class \"%s\" is unfit for a file name; use %s", unfit[i], rule);
        assert_refused(json, wanted);
    }
    assert_refused(CLASSES("[\"a\", \"b__c\"]"),
                   "x.json:2: the class \"b__c\" holds \"__\", which parts axis and class in file names; use \"_\"");
    assert_refused(CLASSES("[\"a\", \"Debias\"]"),
                   "x.json:2: the class \"Debias\" has the name of the de-bias file; use another word");
}

static void the_file_name_must_fit_an_axis(void **state) {
    (void)state;
    static const char json[] = HEAD GOOD "]}";
    static const char rule[] =
        "rename the file so that it has letters, digits, '_', '-' and '.', at most 64, with a letter or "
        "digit first";
    static const char *const unfit[] = {"", "my axis", ".hidden", "a=b", "a\nb"};
    static const char *const shown[] = {"", "my axis", ".hidden", "a=b", "a?b"};
    for (size_t i = 0; i < sizeof unfit / sizeof *unfit; i++) {
        char wanted[512];
        snprintf(wanted, sizeof wanted, "x.json: the file names its axis, and \"%s\" is no name for one; %s", shown[i],
                 rule);
        assert_refused_bytes(unfit[i], json, sizeof json - 1, wanted);
    }
}

static void bad_pairs_are_refused_with_their_line(void **state) {
    (void)state;
    assert_refused(HEAD GOOD ",\n[\"a\"]]}", "x.json:7: a pair must be two phrases, not an array of another length; write "
                                             "[\"NEGATIVE PHRASE\", \"POSITIVE PHRASE\"]");
    assert_refused(HEAD GOOD ",\n\"a\"]}",
                   "x.json:7: a pair must be two phrases, not a text; write [\"NEGATIVE PHRASE\", \"POSITIVE PHRASE\"]");
    assert_refused(HEAD GOOD ",\n[\"a\",\nnull]]}", "x.json:8: the positive phrase is null, not a text; write it in quotes");
    assert_refused(HEAD GOOD ",\n[\"\", \"a\"]]}",
                   "x.json:7: the negative phrase is empty; write one, or remove the place for it");
    assert_refused(HEAD GOOD ",\n[\"a\", \" \\t \"]]}",
                   "x.json:7: the positive phrase holds a line break or another control "
                   "character; write it as one line of plain text");
    assert_refused(HEAD GOOD ",\n[\"a\", \"  \"]]}",
                   "x.json:7: the positive phrase is empty; write one, or remove the place for it");
    assert_refused(HEAD GOOD ",\n[\"a\\u0000b\", \"c\"]]}",
                   "x.json:7: the negative phrase holds a line break or another control "
                   "character; write it as one line of plain text");
    assert_refused(HEAD GOOD ",\n[\"a\", \"b\\nc\"]]}",
                   "x.json:7: the positive phrase holds a line break or another control "
                   "character; write it as one line of plain text");
    assert_refused(HEAD GOOD ",\n[\"same\", \"same\"]]}",
                   "x.json:7: both sides of the pair are \"same\"; make them differ in the class");
    assert_refused(HEAD GOOD ",\n[\"new\", \"\\u006fne\"]]}",
                   "x.json:7: the phrase \"one\" stands in line 3 already; reword or remove one of them");
    assert_refused(HEAD GOOD ",\n[\"nnn\",\n\"blue\"]]}",
                   "x.json:8: the phrase \"blue\" stands in line 4 already; reword or remove one of them");
}

/* Quotes, brackets, commas and line breaks within the strings and around them must not lead the line count astray. */
static void lines_are_counted_by_value(void **state) {
    (void)state;
    assert_refused("{\"classes\":[\"left\",\"right\"],\"data\":[[\"a \\\"],[ \\\\\",\"b, {x}\"]\r\n,\n\n[ \"c\"\n,\n\"d\" ],"
                   "[1.5e3,\ntrue]]}",
                   "x.json:6: the negative phrase is a number, not a text; write it in quotes");
    assert_refused("\n{\"a\":{\"b\":[1,-2,false,\n{\"c\":null}]},\n\"classes\":[\"left\",\"right\"],\"data\":[\n\"x\"]}",
                   "x.json:5: a pair must be two phrases, not a text; write [\"NEGATIVE PHRASE\", \"POSITIVE PHRASE\"]");
}

static void long_phrases_are_cut_between_characters(void **state) {
    (void)state;
    char phrase[201] = {0}, json[1024], wanted[512];
    for (size_t i = 0; i < 200; i++) phrase[i] = i % 2 ? (char)0xa9 : (char)0xc3;
    snprintf(json, sizeof json, HEAD "[\"%s\", \"%s\"]]}", phrase, phrase);
    snprintf(wanted, sizeof wanted, "x.json:3: both sides of the pair are \"%.60s...\"; make them differ in the class",
             phrase);
    assert_refused(json, wanted);
}

static void a_check_tells_everything(void **state) {
    (void)state;
    static const char json[] = "{\"clases\": [\"left\", \"right\"],\n"
                               "\"classes\": [\"left\", \"left\"],\n"
                               "\"data\": [\n"
                               "[\"one\", \"one\"],\n"
                               "[\"short\", \"not short at all, is it\"],\n"
                               "[\"ends.\", \" begin\"],\n"
                               "[\"\", \"\"]]}";
    static const struct {
        size_t line;
        bool is_warning;
        const char *part;
    } wanted[] = {
        {1, true, "the key \"clases\" is not known and is ignored; did you mean \"classes\"?"},
        {2, false, "both classes have one name"},
        {4, false, "both sides of the pair are \"one\""},
        {5, true, "one side has 5 characters, the other 23"},
        {6, true, "begins or ends with a space"},
        {6, true, "ends in a full stop"},
        {7, false, "the negative phrase is empty"},
        {7, false, "the positive phrase is empty"},
    };
    tt_findings findings = {0};
    size_t pair_count = 99;
    assert_false(tt_axis_check("x", json, sizeof json - 1, &pair_count, &findings));
    assert_int_equal(pair_count, 2);
    assert_int_equal(findings.error_count, 4);
    assert_int_equal(findings.count, sizeof wanted / sizeof *wanted);
    for (size_t i = 0; i < findings.count; i++) {
        assert_int_equal(findings.list[i].line, wanted[i].line);
        assert_int_equal(findings.list[i].is_warning, wanted[i].is_warning);
        if (!strstr(findings.list[i].message, wanted[i].part)) fail_msg("said: %s", findings.list[i].message);
    }
    tt_findings_free(&findings);
}

static void warnings_alone_do_not_refuse(void **state) {
    (void)state;
    tt_findings findings = {0};
    size_t pair_count;
    static const char json[] = HEAD "[\"one\", \"two\"]]}";
    assert_true(tt_axis_check("x", json, sizeof json - 1, &pair_count, &findings));
    assert_int_equal(pair_count, 1);
    assert_int_equal(findings.count, 1);
    assert_non_null(strstr(findings.list[0].message, "with so few pairs (1) none can be held out"));
    tt_findings_free(&findings);
}

/* A hostile file must not fill the memory with messages about it, nor take long. */
static void findings_are_bounded(void **state) {
    (void)state;
    enum { PAIRS = 200000, EACH = 5 };
    char *json = malloc(strlen(HEAD) + PAIRS * EACH + 3);
    char *end = stpcpy(json, HEAD);
    for (size_t i = 0; i < PAIRS; i++) end = stpcpy(end, i + 1 < PAIRS ? "[\n],\n" : "[\n]\n");
    stpcpy(end, "]}");
    tt_findings findings = {0};
    assert_false(tt_axis_check("x", json, strlen(json), NULL, &findings));
    assert_int_equal(findings.error_count, PAIRS);
    assert_int_equal(findings.count, TT_FINDINGS_LIMIT);
    assert_int_equal(findings.omitted, PAIRS - TT_FINDINGS_LIMIT);
    tt_findings_free(&findings);
    free(json);
}

static void builtin_axes_are_in_order(void **state) {
    (void)state;
    static const char *const wanted[][3] = {
        {"language", "simple", "ornate"},
        {"storytelling", "explicit", "descriptive"},
        {"character_focus", "narration", "dialogue"},
        {"empathy_vs_sociopathy", "empathy", "sociopathy"},
        {"honesty_vs_machiavellianism", "honesty", "machiavellianism"},
        {"humility_vs_narcissism", "humility", "narcissism"},
        {"compassion_vs_sadism", "compassion", "sadism"},
        {"optimism_vs_nihilism", "optimism", "nihilism"},
    };
    assert_int_equal(tt_axis_builtin_count(), sizeof wanted / sizeof *wanted);
    for (size_t i = 0; i < tt_axis_builtin_count(); i++) {
        assert_string_equal(tt_axis_builtin_name(i), wanted[i][0]);
        tt_axis axis;
        tt_error err = {0};
        if (!tt_axis_load(&axis, wanted[i][0], &err)) fail_msg("%s", err.message);
        assert_string_equal(axis.classes[TT_NEGATIVE], wanted[i][1]);
        assert_string_equal(axis.classes[TT_POSITIVE], wanted[i][2]);
        assert_true(axis.pair_count >= 20);
        assert_true(strlen(axis.group) > 0 && strlen(axis.description) > 0);
        tt_axis_free(&axis);
        const tt_builtin *builtin = tt_builtin_axis(i);
        tt_findings findings = {0};
        assert_true(tt_axis_check(builtin->name, builtin->bytes, builtin->length, NULL, &findings));
        for (size_t j = 0; j < findings.count; j++)
            fail_msg("%s:%zu: %s", builtin->file, findings.list[j].line, findings.list[j].message);
        tt_findings_free(&findings);
    }
}

static void assert_not_loaded(const char *name, const char *wanted) {
    tt_axis axis;
    tt_error err = {0};
    assert_false(tt_axis_load(&axis, name, &err));
    if (!strstr(err.message, wanted)) fail_msg("said: %s", err.message);
}

static void an_unknown_name_is_answered_with_the_nearest(void **state) {
    (void)state;
    assert_not_loaded("langauge", "there is no axis \"langauge\"; did you mean \"language\"? `trimtab axes` lists them");
    assert_not_loaded("optimism", "there is no axis \"optimism\"; did you mean \"optimism_vs_nihilism\"?");
    assert_not_loaded("qqqq",
                      "there is no axis \"qqqq\"; `trimtab axes` lists them, and an axis file is given with its .json");
    assert_not_loaded("", "there is no axis \"\"");
    assert_not_loaded(".json", "there is no axis \".json\"");
}

static void files_are_loaded_by_path(void **state) {
    (void)state;
    tt_axis axis;
    tt_error err = {0};
    if (!tt_axis_load(&axis, scratch_text("sides.json", HEAD GOOD "]}"), &err)) fail_msg("%s", err.message);
    assert_string_equal(axis.name, "sides");
    assert_int_equal(axis.pair_count, 4);
    tt_axis_free(&axis);
    const char *path = scratch_text("broken.json", "{\n\n");
    char wanted[256];
    snprintf(wanted, sizeof wanted, "%s:3: not valid JSON", path);
    assert_not_loaded(path, wanted);
    assert_not_loaded("no-such-file.json", "cannot open 'no-such-file.json'");
    assert_not_loaded("axes/", "'axes/'");
}

/* The published axis files: TRIMTAB_SEED names their folder; else ../shared/seed of the sources or of a folder above. */
static bool find_seed(char *folder, size_t size) {
    const char *given = getenv("TRIMTAB_SEED");
    const char *source = getenv("TRIMTAB_SOURCE");
    if (given) return snprintf(folder, size, "%s", given) > 0 && access(folder, R_OK) == 0;
    static const char up[] = "../../../../../";
    for (size_t i = 1; i <= 5; i++) {
        snprintf(folder, size, "%s/%.*sshared/seed", source ? source : ".", (int)(3 * i), up);
        if (access(folder, R_OK) == 0) return true;
    }
    return false;
}

static void published_axis_files_load_unchanged(void **state) {
    (void)state;
    char folder[4096], path[8192];
    if (!find_seed(folder, sizeof folder)) {
        print_message("skipped: the published axis files are not here; TRIMTAB_SEED names their folder\n");
        skip();
    }
    for (size_t i = 0; i < tt_axis_builtin_count(); i++) {
        snprintf(path, sizeof path, "%s/%s.json", folder, tt_axis_builtin_name(i));
        tt_axis axis;
        tt_error err = {0};
        if (!tt_axis_load(&axis, path, &err)) fail_msg("%s", err.message);
        assert_string_equal(axis.name, tt_axis_builtin_name(i));
        assert_int_equal(axis.pair_count, 10);
        tt_axis_free(&axis);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_axis_is_read),
        cmocka_unit_test(group_and_description_may_be_left_out),
        cmocka_unit_test(the_hash_covers_what_training_depends_on),
        cmocka_unit_test(what_is_no_json_object_is_refused),
        cmocka_unit_test(missing_and_mistyped_keys_are_refused),
        cmocka_unit_test(classes_must_be_two_fit_names),
        cmocka_unit_test(the_file_name_must_fit_an_axis),
        cmocka_unit_test(bad_pairs_are_refused_with_their_line),
        cmocka_unit_test(lines_are_counted_by_value),
        cmocka_unit_test(long_phrases_are_cut_between_characters),
        cmocka_unit_test(a_check_tells_everything),
        cmocka_unit_test(warnings_alone_do_not_refuse),
        cmocka_unit_test(findings_are_bounded),
        cmocka_unit_test(builtin_axes_are_in_order),
        cmocka_unit_test(an_unknown_name_is_answered_with_the_nearest),
        cmocka_unit_test(files_are_loaded_by_path),
        cmocka_unit_test(published_axis_files_load_unchanged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
