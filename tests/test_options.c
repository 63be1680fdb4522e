/* test_options.c: the option framework, on tables of its own and on those of every command. */
#include "base/number.h"
#include "cli/commands.h"
#include "terminal/help.h"

#include <cmocka.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char *const colours[] = {"red", "green", NULL};
static const char *const all_words[] = {"all", "auto", NULL};
static const tt_option options[] = {
    {"-m, --model", .kind = TT_OPTION_FILE, .argument = "FILE", .environment = "TRIMTAB_TEST_MODEL", .help = "model"},
    {"-ngl, --gpu-layers", .kind = TT_OPTION_COUNT, .argument = "N", .preset = "all", .choices = all_words, .least = -1,
     .most = INFINITY, .help = "layers"},
    {"-ts", .kind = TT_OPTION_NUMBERS, .argument = "N,...", .least = 0, .most = INFINITY, .help = "split"},
    {"-t, --threads", .kind = TT_OPTION_COUNT, .argument = "N", .preset = "4", .least = 1, .most = 8, .help = "threads"},
    {"-n, --predict", .kind = TT_OPTION_COUNT, .argument = "N", .preset = "-1", .help = "tokens"},
    {"--temp", .kind = TT_OPTION_NUMBER, .argument = "X", .preset = "0.8", .least = 0, .most = INFINITY, .help = "heat"},
    {"--skip", .kind = TT_OPTION_AMOUNT, .argument = "N", .preset = "1", .help = "skip"},
    {"--colour", .kind = TT_OPTION_CHOICE, .argument = "NAME", .preset = "red", .choices = colours, .help = "colour"},
    {"--axis", .kind = TT_OPTION_TEXT, .argument = "NAME", .repeatable = true, .help = "axes"},
    {"--range", .kind = TT_OPTION_TEXT, .argument = "A", .second = "B", .help = "two values"},
    {"--scaled", .kind = TT_OPTION_FILE, .argument = "FILE", .second = "SCALE", .second_if_number = true, .repeatable = true,
     .help = "one or two values"},
    {"-fa, --flash", .help = "flag of two letters"},
    {"-q, --quiet", .help = "quiet"},
    {"-v, --verbose", .help = "verbose"},
};
static const tt_option_group group = {"Options", options, sizeof options / sizeof *options};
static const tt_option needed_options[] = {
    {"-o, --output", .kind = TT_OPTION_FILE, .argument = "FILE", .required = true, .help = "what to write"}};
static const tt_option_group needed_group = {"Options", needed_options, 1};

static const tt_command command = {.name = "frob", .operands = "[FILE...]", .groups = {&group}};
static const tt_command closed_command = {.name = "shut", .groups = {&group}};
static const tt_command needing_command = {
    .name = "need", .operands = "A B", .operands_least = 2, .operands_most = 2, .groups = {&needed_group}};

/* Parses a command line that ends with NULL; the strings are literals. */
static bool parse(const tt_command *what, tt_arguments *arguments, tt_error *err, const char **words) {
    static char *argv[64];
    int argc = 0;
    argv[argc++] = (char *)(uintptr_t)what->name;
    for (size_t i = 0; words[i]; i++) argv[argc++] = (char *)(uintptr_t)words[i];
    argv[argc] = NULL;
    return tt_arguments_parse(arguments, what, argc, argv, err);
}
#define PARSE(command, ...) parse(command, &arguments, &err, (const char *[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

/* The command line must be refused as wrong usage, with `part` in the message. */
#define REFUSED(command, part, ...)                                                                                         \
    do {                                                                                                                    \
        tt_error err = {0};                                                                                                 \
        tt_arguments arguments;                                                                                             \
        assert_false(PARSE(command, __VA_ARGS__));                                                                          \
        assert_int_equal(err.kind, TT_ERROR_USAGE);                                                                         \
        if (!strstr(err.message, part)) fail_msg("'%s' does not say '%s'", err.message, part);                              \
        tt_arguments_free(&arguments);                                                                                      \
    } while (0)

static void presets(void **state) {
    (void)state;
    tt_error err = {0};
    tt_arguments arguments;
    unsetenv("TRIMTAB_TEST_MODEL");
    assert_true(PARSE(&command));
    assert_null(tt_argument_text(&arguments, "--model"));
    assert_int_equal(tt_argument_count(&arguments, "-ngl"), -1);
    assert_int_equal(tt_argument_count(&arguments, "-t"), 4);
    assert_int_equal(tt_argument_count(&arguments, "--predict"), -1);
    assert_true(tt_argument_number(&arguments, "--temp") == 0.8);
    assert_true(tt_argument_number(&arguments, "--skip") == 1);
    assert_int_equal(tt_argument_choice(&arguments, "--colour"), 0);
    assert_null(tt_argument_nth(&arguments, "--axis", 0));
    double numbers[TT_NUMBERS_MOST];
    assert_int_equal(tt_argument_numbers(&arguments, "-ts", numbers), 0);
    assert_false(tt_argument_flag(&arguments, "-fa"));
    assert_false(tt_argument_given(&arguments, "--threads"));
    assert_int_equal(arguments.operand_count, 0);
    tt_arguments_free(&arguments);
}

static void llama_cpp_spellings(void **state) {
    (void)state;
    tt_error err = {0};
    tt_arguments arguments;
    assert_true(PARSE(&command, "-ngl", "10", "one.gguf", "-ts", "3,1.5", "-t", "8", "-n", "-2", "-fa", "-m", "a b.gguf",
                      "--temp=1e-2", "two.gguf"));
    assert_int_equal(tt_argument_count(&arguments, "--gpu-layers"), 10);
    double numbers[TT_NUMBERS_MOST];
    assert_int_equal(tt_argument_numbers(&arguments, "-ts", numbers), 2);
    assert_true(numbers[0] == 3 && numbers[1] == 1.5);
    assert_int_equal(tt_argument_count(&arguments, "--threads"), 8);
    assert_int_equal(tt_argument_count(&arguments, "-n"), -2);
    assert_true(tt_argument_flag(&arguments, "--flash"));
    assert_string_equal(tt_argument_text(&arguments, "-m"), "a b.gguf");
    assert_true(tt_argument_number(&arguments, "--temp") == 0.01);
    assert_int_equal(arguments.operand_count, 2);
    assert_string_equal(arguments.operands[0], "one.gguf");
    assert_string_equal(arguments.operands[1], "two.gguf");
    assert_null(arguments.operands[2]);
    tt_arguments_free(&arguments);

    /* A letter's value may follow at once; letters may be bundled; a long name may be cut short. */
    assert_true(PARSE(&command, "-t7", "-qv", "--thr", "6", "-mx.gguf", "-ngl=auto", "--", "-q"));
    assert_int_equal(tt_argument_count(&arguments, "--threads"), 6);
    assert_true(tt_argument_flag(&arguments, "-q") && tt_argument_flag(&arguments, "-v"));
    assert_string_equal(tt_argument_text(&arguments, "-m"), "x.gguf");
    assert_int_equal(tt_argument_count(&arguments, "-ngl"), -2);
    assert_int_equal(arguments.operand_count, 1);
    tt_arguments_free(&arguments);
}

static void repeated_and_double(void **state) {
    (void)state;
    tt_error err = {0};
    tt_arguments arguments;
    assert_true(PARSE(&command, "--axis", "a=-0.5", "--axis=b=1", "x", "--range", "3", "-10", "--scaled", "f.gguf", "0.5",
                      "y", "--scaled", "g.gguf:2", "--colour", "red", "--colour", "green"));
    assert_string_equal(tt_argument_nth(&arguments, "--axis", 0), "a=-0.5");
    assert_string_equal(tt_argument_nth(&arguments, "--axis", 1), "b=1");
    assert_null(tt_argument_nth(&arguments, "--axis", 2));
    assert_string_equal(tt_argument_text(&arguments, "--range"), "3");
    assert_string_equal(tt_argument_second(&arguments, "--range", 0), "-10");
    assert_string_equal(tt_argument_second(&arguments, "--scaled", 0), "0.5");
    assert_string_equal(tt_argument_nth(&arguments, "--scaled", 1), "g.gguf:2");
    assert_null(tt_argument_second(&arguments, "--scaled", 1));
    assert_int_equal(tt_argument_choice(&arguments, "--colour"), 1);
    assert_int_equal(arguments.operand_count, 2);
    assert_string_equal(arguments.operands[0], "x");
    assert_string_equal(arguments.operands[1], "y");
    tt_arguments_free(&arguments);
}

static void wrong_values(void **state) {
    (void)state;
    REFUSED(&command, "--threads takes a whole number from 1 to 8, not '9'", "-t", "9");
    REFUSED(&command, "not '0'", "-t", "0");
    REFUSED(&command, "not '2.0'", "-t", "2.0");
    REFUSED(&command, "not ''", "-t", "");
    REFUSED(&command, "not ' 2'", "-t", " 2");
    REFUSED(&command, "not '99999999999999999999'", "-n", "99999999999999999999");
    REFUSED(&command, "--gpu-layers takes a whole number of at least -1, or all or auto, not 'most'", "-ngl", "most");
    REFUSED(&command, "--temp takes a number of at least 0, not '-1'", "--temp", "-1");
    REFUSED(&command, "not '0,5'", "--temp", "0,5");
    REFUSED(&command, "not 'nan'", "--temp", "nan");
    REFUSED(&command, "not '0x10'", "--temp", "0x10");
    REFUSED(&command, "not '1e999'", "--temp", "1e999");
    REFUSED(&command, "share between 0 and 1, not '1.5'", "--skip", "1.5");
    REFUSED(&command, "--colour takes red or green, not 'blue'", "--colour", "blue");
    REFUSED(&command, "-ts takes numbers of at least 0", "-ts", "1,,2");
    REFUSED(&command, "-ts takes numbers", "-ts", "1,-2");
    REFUSED(&command, "-ts takes numbers", "-ts", "");
    REFUSED(&command, "--model takes a path", "-m", "");
    REFUSED(&command, "-t needs a value: N", "-t");
    REFUSED(&command, "-ngl needs a value: N", "-ngl");
    REFUSED(&command, "--quiet takes no value, but was given 'yes'", "--quiet=yes");
}

static void wrong_usage(void **state) {
    (void)state;
    REFUSED(&command, "unknown option '--thread-count'", "--thread-count", "3");
    REFUSED(&command, "unknown option '--treads'; did you mean '--threads'?", "--treads=3");
    REFUSED(&command, "'--t' can mean -ts, --threads, --temp", "--t", "3");
    REFUSED(&command, "unknown option '-x'", "-qx");
    REFUSED(&command, "see 'trimtab frob --help'", "--zzzzzzzz");
    REFUSED(&command, "--range needs two values: A B", "--range", "3");
    REFUSED(&command, "did you mean '--threads'?", "--thraeds");
    REFUSED(&closed_command, "unexpected argument 'b'", "-q", "b");
    REFUSED(&needing_command, "--output FILE is missing: what to write", "a", "b");
    REFUSED(&needing_command, "need needs A B", "-o", "x", "a");
    REFUSED(&needing_command, "unexpected argument 'c'", "-o", "x", "a", "b", "c");
}

static void environment(void **state) {
    (void)state;
    tt_error err = {0};
    tt_arguments arguments;
    setenv("TRIMTAB_TEST_MODEL", "from-environment.gguf", 1);
    assert_true(PARSE(&command));
    assert_string_equal(tt_argument_text(&arguments, "--model"), "from-environment.gguf");
    assert_true(tt_argument_given(&arguments, "--model"));
    tt_arguments_free(&arguments);
    assert_true(PARSE(&command, "-m", "given.gguf"));
    assert_string_equal(tt_argument_text(&arguments, "--model"), "given.gguf");
    tt_arguments_free(&arguments);
    setenv("TRIMTAB_TEST_MODEL", "", 1);
    assert_true(PARSE(&command));
    assert_null(tt_argument_text(&arguments, "--model"));
    tt_arguments_free(&arguments);
    unsetenv("TRIMTAB_TEST_MODEL");
}

static void help_comes_first(void **state) {
    (void)state;
    tt_error err = {0};
    tt_arguments arguments;
    assert_true(PARSE(&needing_command, "-h", "a", "b", "c"));
    assert_true(arguments.help);
    tt_arguments_free(&arguments);
    assert_true(PARSE(&needing_command, "a", "--help"));
    assert_true(arguments.help);
    tt_arguments_free(&arguments);
}

static void numbers_need_no_locale(void **state) {
    (void)state;
    double number = 7;
    int64_t whole = 7;
    assert_true(tt_number_parse("-0.25", &number) && number == -0.25);
    assert_true(tt_number_parse("1e3", &number) && number == 1000);
    for (size_t i = 0; i < 9; i++) {
        static const char *const bad[] = {"", " 1", "1 ", "1,5", "inf", "NAN", "0x1p3", "e", "1-2"};
        assert_false(tt_number_parse(bad[i], &number));
        assert_false(tt_integer_parse(bad[i], &whole));
    }
    assert_true(number == 1000 && whole == 7);
    assert_true(tt_integer_parse("-9223372036854775808", &whole) && whole == INT64_MIN);
    assert_false(tt_integer_parse("9223372036854775808", &whole));
}

/* ==== Every command's table ==== */

static void check_option(const tt_command *owner, const tt_option *option) {
    char name[TT_OPTION_NAME];
    assert_non_null(option->help);
    assert_true(*option->help && option->help[strlen(option->help) - 1] != '.');
    assert_true((option->kind == TT_OPTION_FLAG) == (option->argument == NULL));
    for (const char *names = option->names; tt_option_next_name(&names, name);) {
        assert_true(name[0] == '-' && name[1]);
        /* No other option of the command has the same name. */
        size_t seen = 0;
        const tt_option_group *other;
        for (size_t g = 0; (other = tt_command_group(owner, g)); g++) {
            for (size_t i = 0; i < other->count; i++) {
                char again[TT_OPTION_NAME];
                for (const char *all = other->options[i].names; tt_option_next_name(&all, again);)
                    seen += !strcmp(name, again);
            }
        }
        if (seen != 1) fail_msg("%s: %s is there %zu times", owner->name, name, seen);
    }
    for (const char *c = option->help; *c; c++) assert_true((unsigned char)*c >= ' ' && (unsigned char)*c < 127);
    if (!option->preset) return;
    /* The preset is a value that the option takes. */
    tt_error err = {0};
    tt_arguments arguments;
    tt_command alone = {.name = owner->name, .operands = "...", .groups = {&(tt_option_group){"One", option, 1}}};
    if (!PARSE(&alone, tt_option_name(option), option->preset)) fail_msg("%s: %s", owner->name, err.message);
    tt_arguments_free(&arguments);
}

static void check_command(const tt_command *owner) {
    const tt_option_group *one;
    for (size_t g = 0; (one = tt_command_group(owner, g)); g++) {
        for (size_t i = 0; i < one->count; i++) check_option(owner, &one->options[i]);
    }
    assert_non_null(owner->summary);
    assert_true(owner->summary[strlen(owner->summary) - 1] != '.');
}

static void every_table_is_sound(void **state) {
    (void)state;
    check_command(tt_trimtab.root);
    check_command(&tt_command_train);
    for (size_t i = 0; tt_trimtab.commands[i]; i++) {
        const tt_command *one = tt_trimtab.commands[i];
        check_command(one);
        assert_non_null(one->run);
        assert_ptr_equal(tt_program_find(&tt_trimtab, one->name), one);
    }
    assert_null(tt_program_find(&tt_trimtab, "no-such-command"));
}

/* Help at any width ends, and holds every word; nothing but a word longer than the line is wider than the line. */
static void help_fits(void **state) {
    (void)state;
    for (int width = 1; width < 120; width++) {
        tt_text text = {0};
        tt_help_text(&tt_trimtab, &tt_command_train, width, &text);
        assert_true(tt_text_ok(&text, NULL));
        assert_non_null(strstr(text.data, "--skip-begin-layers"));
        assert_non_null(strstr(text.data, "TRIMTAB_MODEL"));
        for (const char *line = text.data; width >= 60 && *line;) {
            const size_t length = strcspn(line, "\n");
            const bool example = strncmp(line, "  trimtab ", 10) == 0;
            if (!example && (int)length > width) fail_msg("at width %d: %.*s", width, (int)length, line);
            line += length + 1;
        }
        tt_text_free(&text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(presets),
        cmocka_unit_test(llama_cpp_spellings),
        cmocka_unit_test(repeated_and_double),
        cmocka_unit_test(wrong_values),
        cmocka_unit_test(wrong_usage),
        cmocka_unit_test(environment),
        cmocka_unit_test(help_comes_first),
        cmocka_unit_test(numbers_need_no_locale),
        cmocka_unit_test(every_table_is_sound),
        cmocka_unit_test(help_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
