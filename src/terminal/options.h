/* options.h: a command's option table, from which parsing, --help, the man page and the shell completions are all made.
 *
 * To add a command `frob`:
 *
 *   1. Write src/cli/frob.c: a table, a function that runs it, and the command.
 *
 *          static const tt_option options[] = {
 *              {"-o, --output", .kind = TT_OPTION_FILE, .argument = "FILE", .required = true, .help = "file to write"},
 *              {"--strength", .kind = TT_OPTION_NUMBER, .argument = "X", .preset = "0.5", .least = 0, .most = 1,
 *               .help = "how hard to frob"},
 *              {"--axis", .kind = TT_OPTION_TEXT, .argument = "NAME", .repeatable = true, .help = "an axis to frob"},
 *              {"--dry-run", .help = "say what would be done, and stop"},
 *          };
 *          static const tt_option_group group = {"Options", options, sizeof options / sizeof *options};
 *
 *          static bool run(const tt_arguments *arguments, tt_error *err) {
 *              const char *output = tt_argument_text(arguments, "--output");
 *              const double strength = tt_argument_number(arguments, "--strength");
 *              ... call the library, print the result to stdout; on failure `return tt_fail(err, ...)`
 *          }
 *
 *          const tt_command tt_command_frob = {
 *              .name = "frob", .purpose = TT_PURPOSE_APPLY, .summary = "frob a control vector", .run = run,
 *              .groups = {&group, &tt_model_group}, ...
 *          };
 *
 *   2. Declare it in commands.h and list it in commands.c.
 *
 * That is all: main() prints the error, sets the exit status, and checks that all of standard output was written.
 *
 * The table has an option's spellings as a user types them, with their dashes: "-ngl, --gpu-layers". As in llama.cpp, a
 * name of several letters may follow a single dash. Everywhere else any one spelling identifies the option. Values are
 * checked during parsing, by kind and limits, so the functions that fetch them cannot fail; asking for an option that is
 * not in the command's table, or for a value of another kind, is a bug and ends the program. */
#pragma once

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

typedef enum tt_option_kind {
    TT_OPTION_FLAG,    /* takes no value */
    TT_OPTION_TEXT,    /* any text */
    TT_OPTION_FILE,    /* a path; the shell completes files */
    TT_OPTION_FOLDER,  /* a path; the shell completes folders */
    TT_OPTION_CHOICE,  /* one of `choices` */
    TT_OPTION_COUNT,   /* a whole number, or one of `choices`; choice i counts as -1 - i */
    TT_OPTION_NUMBER,  /* a decimal number */
    TT_OPTION_AMOUNT,  /* a whole number, or a share of the whole: 0 < x < 1 */
    TT_OPTION_NUMBERS, /* decimal numbers with commas between them, at most TT_NUMBERS_MOST */
} tt_option_kind;

/* A number defined elsewhere, as a preset: TT_PRESET(TT_TRAIN_SAMPLES) is "192". */
#define TT_PRESET(number) TT_PRESET_TEXT(number)
#define TT_PRESET_TEXT(number) #number

enum { TT_NUMBERS_MOST = 128, TT_GROUPS_MOST = 8, TT_EXAMPLES_MOST = 8 };

typedef struct tt_option {
    const char *names; /* "-o, --output" */
    tt_option_kind kind;
    const char *argument;       /* the value's name in help: "FILE"; NULL for a flag */
    const char *second;         /* a second value that follows the first as an argument of its own: "SCALE"; NULL: none */
    bool second_if_number;      /* the second value is present only if the next argument is a number */
    bool repeatable;            /* each occurrence counts; otherwise the last one wins */
    bool required;              /* leaving it out is wrong usage */
    bool hidden;                /* works, but is never shown */
    const char *preset;         /* the default value, as a user would type it; NULL: none */
    const char *preset_text;    /* how help describes the default if `preset` does not: "all built-in axes" */
    const char *environment;    /* the variable that replaces a missing option if set and not empty; NULL: none */
    double least, most;         /* limits of a number; both 0: no limits; INFINITY: no limit at that end */
    const char *const *choices; /* NULL-terminated */
    const char *(*suggestion)(size_t index); /* further values for the shell to complete; NULL at the end */
    const char *help;                        /* one or two sentences without a final full stop */
} tt_option;

/* Options under a heading, which commands can share. */
typedef struct tt_option_group {
    const char *title; /* "Options", "Model" */
    const tt_option *options;
    size_t count;
} tt_option_group;

typedef struct tt_example {
    const char *command; /* a command line, as typed */
    const char *says;    /* what it does */
} tt_example;

/* What a command is for: the heading under which `trimtab --help` lists it. */
typedef enum tt_purpose { TT_PURPOSE_MAKE, TT_PURPOSE_APPLY, TT_PURPOSE_EXAMINE, TT_PURPOSE_OTHER, TT_PURPOSES } tt_purpose;

typedef struct tt_arguments tt_arguments;

typedef struct tt_command {
    const char *name;
    tt_purpose purpose;
    bool hidden;
    const char *summary;                  /* one line, lower case, no full stop: "make control vectors from a model" */
    const char *description;              /* paragraphs of full sentences, an empty line between them; NULL: none */
    const char *operands;                 /* as usage shows them: "[FILE...]"; NULL: it takes none */
    size_t operands_least, operands_most; /* most: 0 with `operands` means any number */
    bool stops_at_operand;                /* nothing after the first operand is parsed */
    tt_option_kind operand_kind;          /* what the shell completes: TT_OPTION_FILE, _FOLDER or _TEXT */
    const char *const *operand_choices;   /* words for the shell to complete as first operand; NULL-terminated; or NULL */
    const char *(*operand_suggestion)(size_t index); /* further ones, like an option's `suggestion` */
    const tt_option_group *groups[TT_GROUPS_MOST];   /* up to the first NULL; `--help` is added to every command */
    tt_example examples[TT_EXAMPLES_MOST];
    bool (*run)(const tt_arguments *arguments, tt_error *err);
} tt_command;

/* A program: the source of help, man pages and completions. */
typedef struct tt_program {
    const tt_command *root;            /* the program itself, whose operand is a command's name */
    const tt_command *const *commands; /* in the order of help; NULL-terminated */
    const char *purposes[TT_PURPOSES]; /* the headings of the purposes in help: "Make control vectors" */
} tt_program;

/* The command of this name, or NULL. */
const tt_command *tt_program_find(const tt_program *program, const char *name);

/* ==== Parsed arguments ==== */

typedef struct tt_given {
    const tt_option *option;
    const char *text, *second; /* NULL where there is none */
} tt_given;

struct tt_arguments {
    const tt_command *command;
    const char *const *operands; /* operand_count of them, then NULL */
    size_t operand_count;
    bool help;       /* --help was given: nothing else has been checked */
    tt_given *given; /* in the order of the command line */
    size_t given_count;
};

/* Parses argv[1], ... of a command (argv[0] is its name). The texts belong to argv, which getopt reorders. Wrong usage is
 * TT_ERROR_USAGE. The caller frees the result with tt_arguments_free, also after a failure. */
bool tt_arguments_parse(tt_arguments *arguments, const tt_command *command, int argc, char **argv, tt_error *err);
void tt_arguments_free(tt_arguments *arguments);

/* True if the option is on the command line, or its environment variable is set. A preset does not count. */
bool tt_argument_given(const tt_arguments *arguments, const char *name);

/* A flag: the same question by its usual name. */
bool tt_argument_flag(const tt_arguments *arguments, const char *name);

/* The value: the last one given, or from the environment, or the preset. Text is NULL without any of these; numbers need
 * one of them (if the table has no preset, check tt_argument_given first). */
const char *tt_argument_text(const tt_arguments *arguments, const char *name);
int64_t tt_argument_count(const tt_arguments *arguments, const char *name);
double tt_argument_number(const tt_arguments *arguments, const char *name); /* also for TT_OPTION_AMOUNT */
size_t tt_argument_choice(const tt_arguments *arguments, const char *name); /* an index into `choices` */

/* The numbers of a TT_OPTION_NUMBERS. Returns how many there are; 0 if the option is not given. */
size_t tt_argument_numbers(const tt_arguments *arguments, const char *name, double numbers[static TT_NUMBERS_MOST]);

/* A repeatable option's values in order; NULL after the last. The second value of occurrence `index`, or NULL. */
const char *tt_argument_nth(const tt_arguments *arguments, const char *name, size_t index);
const char *tt_argument_second(const tt_arguments *arguments, const char *name, size_t index);

/* All of a repeatable option's values, `*count` of them. NULL when out of memory; the caller frees the list, not the
 * texts. */
const char **tt_argument_all(const tt_arguments *arguments, const char *name, size_t *count, tt_error *err);

/* ==== Walking a table, to print it ==== */

/* The `index`-th group of the command; the common one (--help) follows its first. NULL after the last. */
const tt_option_group *tt_command_group(const tt_command *command, size_t index);

/* Copies the next spelling of `*names` with its dashes into `name`, and moves `*names` past it; false at the end. */
enum { TT_OPTION_NAME = 64 };
bool tt_option_next_name(const char **names, char name[static TT_OPTION_NAME]);

/* The spelling to use in messages: the last one, which is the long one. */
const char *tt_option_name(const tt_option *option);
