/* options.c: parses a command line by a command's table, and fetches the values; see options.h.
 *
 * getopt_long_only does the parsing. It identifies an option by a number, here TT_FIRST + its place in the table. */
#include "terminal/options.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/text.h"

#include <ctype.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const tt_option common_options[] = {{"-h, --help", .help = "show this help and exit"}};
static const tt_option_group common_group = {"Options", common_options, 1};

const tt_command *tt_program_find(const tt_program *program, const char *name) {
    for (const tt_command *const *command = program->commands; *command; command++)
        if (strcmp((*command)->name, name) == 0) return *command;
    return NULL;
}

/* ==== Walking a table ==== */

const tt_option_group *tt_command_group(const tt_command *command, size_t index) {
    const size_t common = command->groups[0] ? 1 : 0;
    if (index == common) return &common_group;
    const size_t place = index > common ? index - 1 : index;
    return place < TT_GROUPS_MOST ? command->groups[place] : NULL;
}

/* The `index`-th option of all groups; NULL after the last. */
static const tt_option *option_at(const tt_command *command, size_t index) {
    for (size_t g = 0;; g++) {
        const tt_option_group *group = tt_command_group(command, g);
        if (!group) return NULL;
        if (index < group->count) return &group->options[index];
        index -= group->count;
    }
}

bool tt_option_next_name(const char **names, char name[static TT_OPTION_NAME]) {
    const char *begin = *names + strspn(*names, ", ");
    const size_t length = strcspn(begin, ", ");
    if (!length || length >= TT_OPTION_NAME) return false;
    memcpy(name, begin, length);
    name[length] = '\0';
    *names = begin + length;
    return true;
}

const char *tt_option_name(const tt_option *option) {
    const char *space = strrchr(option->names, ' ');
    return space ? space + 1 : option->names;
}

static bool has_name(const tt_option *option, const char *wanted) {
    char name[TT_OPTION_NAME];
    for (const char *names = option->names; tt_option_next_name(&names, name);) {
        if (strcmp(name, wanted) == 0) return true;
    }
    return false;
}

static bool is_letter(const char *name) { return name[1] != '-' && name[2] == '\0'; }

static const char *without_dashes(const char *name) { return name + strspn(name, "-"); }

/* ==== Checking values ==== */

/* " from 1 to 8", " of at least 1", or nothing. */
static void describe_limits(const tt_option *option, char text[static 96]) {
    const bool below = isfinite(option->least), above = isfinite(option->most);
    text[0] = '\0';
    if (option->least == 0 && option->most == 0) return;
    if (below && above)
        snprintf(text, 96, " from %.15g to %.15g", option->least, option->most);
    else if (below)
        snprintf(text, 96, " of at least %.15g", option->least);
    else if (above)
        snprintf(text, 96, " of at most %.15g", option->most);
}

static bool within_limits(const tt_option *option, double value) {
    return (option->least == 0 && option->most == 0) || (value >= option->least && value <= option->most);
}

static size_t choice_index(const tt_option *option, const char *text) {
    for (size_t i = 0; option->choices && option->choices[i]; i++) {
        if (strcmp(option->choices[i], text) == 0) return i;
    }
    return SIZE_MAX;
}

/* "a, b or c" */
static void list_choices(const tt_option *option, tt_text *text) {
    for (size_t i = 0; option->choices && option->choices[i]; i++) {
        if (i) tt_text_add(text, option->choices[i + 1] ? ", " : " or ");
        tt_text_add(text, option->choices[i]);
    }
}

static bool fail_choice(const tt_option *option, const char *name, const char *text, tt_error *err) {
    tt_text choices = {0};
    list_choices(option, &choices);
    tt_fail(err, TT_ERROR_USAGE, "%s takes %s, not '%s'", name, choices.data ? choices.data : "", text);
    tt_text_free(&choices);
    return false;
}

static bool parse_count(const tt_option *option, const char *text, int64_t *value) {
    const size_t choice = choice_index(option, text);
    if (choice != SIZE_MAX) {
        *value = -1 - (int64_t)choice;
        return true;
    }
    return tt_integer_parse(text, value) && within_limits(option, (double)*value);
}

static bool parse_amount(const tt_option *option, const char *text, double *value) {
    return tt_number_parse(text, value) && *value >= 0 && (*value < 1 || *value == floor(*value)) &&
           within_limits(option, *value);
}

/* The number of numbers in `text`; 0 if it is not a list of numbers. */
static size_t parse_numbers(const tt_option *option, const char *text, double numbers[static TT_NUMBERS_MOST]) {
    for (size_t count = 0; count < TT_NUMBERS_MOST;) {
        char number[64];
        const char *comma = strchrnul(text, ',');
        if (snprintf(number, sizeof number, "%.*s", (int)(comma - text), text) >= (int)sizeof number) return 0;
        if (!tt_number_parse(number, &numbers[count]) || !within_limits(option, numbers[count])) return 0;
        count++;
        if (!*comma) return count;
        text = comma + 1;
    }
    return 0;
}

/* Checks that `text` is a valid value of the option; `name` is its name in the message. */
static bool check_value(const tt_option *option, const char *name, const char *text, tt_error *err) {
    char limits[96];
    int64_t count;
    double number, numbers[TT_NUMBERS_MOST];
    tt_text words = {0};
    describe_limits(option, limits);
    switch (option->kind) {
    case TT_OPTION_FLAG:
    case TT_OPTION_TEXT:
        return true;
    case TT_OPTION_FILE:
    case TT_OPTION_FOLDER:
        return *text || tt_fail(err, TT_ERROR_USAGE, "%s takes a path, not an empty text", name);
    case TT_OPTION_CHOICE:
        return choice_index(option, text) != SIZE_MAX || fail_choice(option, name, text, err);
    case TT_OPTION_COUNT:
        if (parse_count(option, text, &count)) return true;
        list_choices(option, &words);
        tt_fail(err, TT_ERROR_USAGE, "%s takes a whole number%s%s%s, not '%s'", name, limits, words.length ? ", or " : "",
                words.length ? words.data : "", text);
        tt_text_free(&words);
        return false;
    case TT_OPTION_NUMBER:
        if (tt_number_parse(text, &number) && within_limits(option, number)) return true;
        return tt_fail(err, TT_ERROR_USAGE, "%s takes a number%s, not '%s'", name, limits, text);
    case TT_OPTION_AMOUNT:
        if (parse_amount(option, text, &number)) return true;
        return tt_fail(err, TT_ERROR_USAGE, "%s takes a whole number, or a share between 0 and 1, not '%s'", name, text);
    case TT_OPTION_NUMBERS:
        if (parse_numbers(option, text, numbers)) return true;
        return tt_fail(err, TT_ERROR_USAGE, "%s takes numbers%s with commas between them, such as 3,1; not '%s'", name,
                       limits, text);
    }
    return true;
}

/* ==== Parsing ==== */

enum { TT_FIRST = 256 };

/* The table in getopt_long_only's form. */
typedef struct tt_getopt {
    char *letters;                 /* ":hm:" */
    size_t by_letter[TT_FIRST];    /* the option of each letter */
    char (*names)[TT_OPTION_NAME]; /* the other names, with their dashes */
    struct option *longs;          /* the same in getopt's form; an empty one last */
    size_t long_count;
} tt_getopt;

static void getopt_free(tt_getopt *table) {
    free(table->names);
    free(table->longs);
    free(table->letters);
}

static size_t count_names(const tt_command *command) {
    char name[TT_OPTION_NAME];
    const tt_option *option;
    size_t count = 0;
    for (size_t i = 0; (option = option_at(command, i)); i++) {
        for (const char *names = option->names; tt_option_next_name(&names, name);) count++;
    }
    return count;
}

static bool getopt_build(tt_getopt *table, const tt_command *command, tt_error *err) {
    const size_t most = count_names(command);
    table->names = tt_alloc(most, sizeof *table->names, err);
    table->longs = tt_alloc(most + 1, sizeof *table->longs, err);
    if (!table->names || !table->longs) return false;
    tt_text letters = {0};
    const tt_option *option;
    tt_text_add(&letters, command->stops_at_operand ? "+:" : ":");
    for (size_t i = 0; (option = option_at(command, i)); i++) {
        const bool flag = option->kind == TT_OPTION_FLAG;
        char name[TT_OPTION_NAME];
        for (const char *names = option->names; tt_option_next_name(&names, name);) {
            if (is_letter(name)) {
                tt_text_addf(&letters, "%c%s", name[1], flag ? "" : ":");
                table->by_letter[(unsigned char)name[1]] = i;
                continue;
            }
            char *copy = memcpy(table->names[table->long_count], name, sizeof name);
            table->longs[table->long_count++] =
                (struct option){without_dashes(copy), flag ? no_argument : required_argument, NULL, TT_FIRST + (int)i};
        }
    }
    table->letters = tt_text_take(&letters, err);
    return table->letters != NULL;
}

/* The long name nearest to `name`, with its dashes; NULL if none is near. */
static const char *nearest_name(const tt_getopt *table, const char *name) {
    const char **all = tt_alloc(table->long_count, sizeof *all, NULL);
    if (!all) return NULL;
    for (size_t i = 0; i < table->long_count; i++) all[i] = table->longs[i].name;
    const char *nearest = tt_nearest(name, all, table->long_count);
    const char *spelled = NULL;
    for (size_t i = 0; i < table->long_count; i++) {
        if (all[i] == nearest) spelled = table->names[i];
    }
    free(all);
    return spelled;
}

/* Explains why getopt rejects `word`: the possible meanings, or the likely one. */
static bool fail_unknown(const tt_getopt *table, const tt_command *command, const char *word, tt_error *err) {
    const int length = (int)strcspn(word, "=");
    char name[TT_OPTION_NAME];
    snprintf(name, sizeof name, "%.*s", length - (int)strspn(word, "-"), without_dashes(word));
    tt_text candidates = {0};
    size_t count = 0;
    for (size_t i = 0; i < table->long_count && *name; i++) {
        if (strncmp(table->longs[i].name, name, strlen(name)) != 0) continue;
        tt_text_addf(&candidates, "%s%s", count++ ? ", " : "", table->names[i]);
    }
    const char *nearest = nearest_name(table, name);
    if (count > 1 && candidates.data)
        tt_fail(err, TT_ERROR_USAGE, "'%.*s' can mean %s", length, word, candidates.data);
    else if (nearest)
        tt_fail(err, TT_ERROR_USAGE, "unknown option '%.*s'; did you mean '%s'?", length, word, nearest);
    else
        tt_fail(err, TT_ERROR_USAGE, "unknown option '%.*s'; see '%s%s --help'", length, word,
                command->stops_at_operand ? "" : "trimtab ", command->name);
    tt_text_free(&candidates);
    return false;
}

/* getopt returned `code`, ':' or '?'. */
static bool fail_getopt(const tt_getopt *table, const tt_command *command, int code, char **argv, tt_error *err) {
    const char *word = argv[optind - 1];
    const tt_option *option = optopt >= TT_FIRST ? option_at(command, (size_t)(optopt - TT_FIRST))
                              : code == ':'      ? option_at(command, table->by_letter[(unsigned char)optopt])
                                                 : NULL;
    if (code == ':' && option) return tt_fail(err, TT_ERROR_USAGE, "%s needs a value: %s", word, option->argument);
    if (option) {
        return tt_fail(err, TT_ERROR_USAGE, "%s takes no value, but was given '%s'", tt_option_name(option),
                       strchr(word, '=') ? strchr(word, '=') + 1 : word);
    }
    if (optopt > 0 && isprint(optopt)) { /* within a cluster of letters such as -qx */
        const char letter[] = {'-', (char)optopt, '\0'};
        return fail_unknown(table, command, letter, err);
    }
    return fail_unknown(table, command, word, err);
}

/* Records an option that getopt has found, with its second value if it takes one. */
static bool accept(tt_arguments *arguments, size_t *capacity, const tt_option *option, int argc, char **argv,
                   tt_error *err) {
    const char *name = tt_option_name(option), *text = option->kind == TT_OPTION_FLAG ? NULL : optarg, *second = NULL;
    double number;
    if (text && !check_value(option, name, text, err)) return false;
    if (option->second) {
        const char *next = optind < argc ? argv[optind] : NULL;
        if (next && (!option->second_if_number || tt_number_parse(next, &number)))
            second = argv[optind++];
        else if (!option->second_if_number)
            return tt_fail(err, TT_ERROR_USAGE, "%s needs two values: %s %s", name, option->argument, option->second);
    }
    if (!tt_grow(&arguments->given, capacity, arguments->given_count, sizeof *arguments->given, err)) return false;
    arguments->given[arguments->given_count++] = (tt_given){option, text, second};
    return true;
}

static bool parse_options(tt_arguments *arguments, const tt_getopt *table, int argc, char **argv, tt_error *err) {
    size_t capacity = 0;
    int code;
    optind = 0; /* glibc: restart */
    opterr = 0;
    while ((code = getopt_long_only(argc, argv, table->letters, table->longs, NULL)) != -1) {
        if (code == '?' || code == ':') return fail_getopt(table, arguments->command, code, argv, err);
        const size_t index = code >= TT_FIRST ? (size_t)(code - TT_FIRST) : table->by_letter[code];
        const tt_option *option = option_at(arguments->command, index);
        if (option == &common_options[0]) {
            arguments->help = true;
            return true;
        }
        if (!accept(arguments, &capacity, option, argc, argv, err)) return false;
    }
    arguments->operands = (const char *const *)argv + optind;
    arguments->operand_count = (size_t)(argc - optind);
    return true;
}

static const char *from_environment(const tt_option *option) {
    const char *value = option->environment ? getenv(option->environment) : NULL;
    return value && *value ? value : NULL;
}

/* Checks the whole: required options, values from the environment, the number of operands. */
static bool check_all(const tt_arguments *arguments, tt_error *err) {
    const tt_command *command = arguments->command;
    const tt_option *option;
    for (size_t i = 0; (option = option_at(command, i)); i++) {
        const char *name = tt_option_name(option), *environment = from_environment(option);
        const bool given = tt_argument_nth(arguments, name, 0);
        if (!given && environment && !check_value(option, option->environment, environment, err)) return false;
        if (!option->required || given || environment) continue;
        if (option->environment) {
            return tt_fail(err, TT_ERROR_USAGE, "%s %s is missing: give it, or set %s", name, option->argument,
                           option->environment);
        }
        return tt_fail(err, TT_ERROR_USAGE, "%s %s is missing: %s", name, option->argument, option->help);
    }
    const size_t most = command->operands && !command->operands_most ? SIZE_MAX : command->operands_most;
    if (arguments->operand_count > most)
        return tt_fail(err, TT_ERROR_USAGE, "unexpected argument '%s'; 'trimtab %s --help' tells what can stand there",
                       arguments->operands[most], command->name);
    if (arguments->operand_count < command->operands_least)
        return tt_fail(err, TT_ERROR_USAGE, "%s needs %s; 'trimtab %s --help' tells what that is", command->name,
                       command->operands, command->name);
    return true;
}

bool tt_arguments_parse(tt_arguments *arguments, const tt_command *command, int argc, char **argv, tt_error *err) {
    *arguments = (tt_arguments){.command = command};
    tt_getopt table = {0};
    const bool ok = getopt_build(&table, command, err) && parse_options(arguments, &table, argc, argv, err) &&
                    (arguments->help || check_all(arguments, err));
    getopt_free(&table);
    return ok;
}

void tt_arguments_free(tt_arguments *arguments) {
    free(arguments->given);
    *arguments = (tt_arguments){0};
}

/* ==== Fetching ==== */

/* Asking for an option that the command does not have, or for a value of another kind, is a bug. */
[[noreturn]] static void mistake(const tt_command *command, const char *name, const char *what) {
    fprintf(stderr, "trimtab: command '%s', option '%s': %s\n", command->name, name, what);
    abort();
}

static const tt_option *find(const tt_arguments *arguments, const char *name) {
    const tt_option *option;
    for (size_t i = 0; (option = option_at(arguments->command, i)); i++) {
        if (has_name(option, name)) return option;
    }
    mistake(arguments->command, name, "not in its table");
}

static const tt_given *nth(const tt_arguments *arguments, const tt_option *option, size_t index) {
    for (size_t i = 0; i < arguments->given_count; i++) {
        if (arguments->given[i].option == option && index-- == 0) return &arguments->given[i];
    }
    return NULL;
}

static const char *value_of(const tt_arguments *arguments, const tt_option *option) {
    for (size_t i = arguments->given_count; i-- > 0;) {
        if (arguments->given[i].option == option) return arguments->given[i].text;
    }
    const char *environment = from_environment(option);
    return environment ? environment : option->preset;
}

/* The text of a value that must exist and have this kind. */
static const char *value_needed(const tt_arguments *arguments, const tt_option *option, tt_option_kind kind) {
    const char *text = value_of(arguments, option);
    if (option->kind != kind) mistake(arguments->command, option->names, "asked for as another kind");
    if (!text) mistake(arguments->command, option->names, "has no preset, and it was not asked whether it is given");
    return text;
}

bool tt_argument_given(const tt_arguments *arguments, const char *name) {
    const tt_option *option = find(arguments, name);
    return nth(arguments, option, 0) || from_environment(option);
}

bool tt_argument_flag(const tt_arguments *arguments, const char *name) { return tt_argument_given(arguments, name); }

const char *tt_argument_text(const tt_arguments *arguments, const char *name) {
    return value_of(arguments, find(arguments, name));
}

int64_t tt_argument_count(const tt_arguments *arguments, const char *name) {
    const tt_option *option = find(arguments, name);
    int64_t value = 0;
    parse_count(option, value_needed(arguments, option, TT_OPTION_COUNT), &value);
    return value;
}

double tt_argument_number(const tt_arguments *arguments, const char *name) {
    const tt_option *option = find(arguments, name);
    double value = 0;
    tt_number_parse(value_needed(arguments, option, option->kind == TT_OPTION_AMOUNT ? TT_OPTION_AMOUNT : TT_OPTION_NUMBER),
                    &value);
    return value;
}

size_t tt_argument_choice(const tt_arguments *arguments, const char *name) {
    const tt_option *option = find(arguments, name);
    return choice_index(option, value_needed(arguments, option, TT_OPTION_CHOICE));
}

size_t tt_argument_numbers(const tt_arguments *arguments, const char *name, double numbers[static TT_NUMBERS_MOST]) {
    const tt_option *option = find(arguments, name);
    const char *text = value_of(arguments, option);
    return text ? parse_numbers(option, text, numbers) : 0;
}

const char *tt_argument_nth(const tt_arguments *arguments, const char *name, size_t index) {
    const tt_given *given = nth(arguments, find(arguments, name), index);
    return given ? given->text : NULL;
}

const char *tt_argument_second(const tt_arguments *arguments, const char *name, size_t index) {
    const tt_given *given = nth(arguments, find(arguments, name), index);
    return given ? given->second : NULL;
}

const char **tt_argument_all(const tt_arguments *arguments, const char *name, size_t *count, tt_error *err) {
    for (*count = 0; tt_argument_nth(arguments, name, *count);) ++*count;
    const char **values = tt_alloc(*count, sizeof *values, err);
    for (size_t i = 0; values && i < *count; i++) values[i] = tt_argument_nth(arguments, name, i);
    return values;
}
