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
 * Nothing else: main() prints the error and sets the exit status, and checks that all of standard output was written.
 *
 * An option's spellings stand in the table as a user types them, with their dashes: "-ngl, --gpu-layers". As in llama.cpp a
 * name of several letters may follow one dash. Everywhere else an option is called by any one of its spellings. Values are
 * checked while parsing, by kind and limits, so that the functions that fetch them cannot fail; to ask for an option that is
 * not in the command's table, or for a value of another kind, is a mistake in the program and ends it. */
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
    TT_OPTION_COUNT,   /* a whole number; or one of `choices`, of which choice i counts as -1 - i */
    TT_OPTION_NUMBER,  /* a decimal number */
    TT_OPTION_AMOUNT,  /* a whole number, or a share of the whole: 0 < x < 1 */
    TT_OPTION_NUMBERS, /* decimal numbers with commas between them, at most TT_NUMBERS_MOST */
} tt_option_kind;

/* A number that is defined elsewhere, as a preset: TT_PRESET(TT_TRAIN_SAMPLES) is "192". */
#define TT_PRESET(number) TT_PRESET_TEXT(number)
#define TT_PRESET_TEXT(number) #number

enum { TT_NUMBERS_MOST = 128, TT_GROUPS_MOST = 8, TT_EXAMPLES_MOST = 8 };

typedef struct tt_option {
    const char *names; /* "-o, --output" */
    tt_option_kind kind;
    const char *argument;       /* what help calls the value: "FILE"; NULL for a flag */
    const char *second;         /* a second value that follows the first as an argument of its own: "SCALE"; NULL: none */
    bool second_if_number;      /* the second value is there only where the next argument is a number */
    bool repeatable;            /* each occurrence counts; else the last one wins */
    bool required;              /* wrong usage without it */
    bool hidden;                /* works, but is not shown anywhere */
    const char *preset;         /* the value, as one would type it, where the option is not given; NULL: none */
    const char *preset_text;    /* how help describes the default, where `preset` does not tell it: "all built-in axes" */
    const char *environment;    /* the variable that stands in for the option where it is set and not empty; NULL: none */
    double least, most;         /* limits of a number; both 0: no limits. INFINITY where one end is open */
    const char *const *choices; /* NULL-terminated */
    const char *(*suggestion)(size_t index); /* further values that the shell completes; NULL at the end */
    const char *help;                        /* one or two sentences without a full stop at the end */
} tt_option;

/* Options under a heading, to be shared between commands. */
typedef struct tt_option_group {
    const char *title; /* "Options", "Model" */
    const tt_option *options;
    size_t count;
} tt_option_group;

typedef struct tt_example {
    const char *command; /* a line as it is typed */
    const char *says;    /* what it does */
} tt_example;

/* What a command is for: where `trimtab --help` lists it. */
typedef enum tt_purpose { TT_PURPOSE_MAKE, TT_PURPOSE_APPLY, TT_PURPOSE_EXAMINE, TT_PURPOSE_OTHER, TT_PURPOSES } tt_purpose;

typedef struct tt_arguments tt_arguments;

typedef struct tt_command {
    const char *name;
    tt_purpose purpose;
    bool hidden;
    const char *summary;                  /* one line, lower case, no full stop: "make control vectors from a model" */
    const char *description;              /* paragraphs of full sentences, an empty line between them; NULL: none */
    const char *operands;                 /* as usage shows them: "[FILE...]"; NULL: none are taken */
    size_t operands_least, operands_most; /* most: 0 with `operands` means any number */
    bool stops_at_operand;                /* what follows the first operand is not looked at */
    tt_option_kind operand_kind;          /* what the shell completes: TT_OPTION_FILE, _FOLDER or _TEXT */
    const char *const *operand_choices;   /* words that the shell completes as first operand; NULL-terminated; or NULL */
    const char *(*operand_suggestion)(size_t index); /* further ones, as an option's `suggestion` */
    const tt_option_group *groups[TT_GROUPS_MOST];   /* up to the first NULL; `--help` is added to every command */
    tt_example examples[TT_EXAMPLES_MOST];
    bool (*run)(const tt_arguments *arguments, tt_error *err);
} tt_command;

/* A program: what help, man pages and completions are made of. */
typedef struct tt_program {
    const tt_command *root;            /* the program itself, whose operand is a command's name */
    const tt_command *const *commands; /* in the order in which help shows them; NULL-terminated */
    const char *purposes[TT_PURPOSES]; /* how help heads the commands of a purpose: "Make control vectors" */
} tt_program;

/* The command of this name, or NULL. */
const tt_command *tt_program_find(const tt_program *program, const char *name);

/* ==== What was given ==== */

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

/* Parses argv[1], ... of a command (argv[0] is its name). The texts belong to argv, which getopt reorders. A wrong usage is
 * TT_ERROR_USAGE. Freed with tt_arguments_free, also after a failure. */
bool tt_arguments_parse(tt_arguments *arguments, const tt_command *command, int argc, char **argv, tt_error *err);
void tt_arguments_free(tt_arguments *arguments);

/* True where the option stands on the command line, or its environment variable is set. A preset does not count. */
bool tt_argument_given(const tt_arguments *arguments, const char *name);

/* A flag: the same question by its usual name. */
bool tt_argument_flag(const tt_arguments *arguments, const char *name);

/* The value: as given last, else from the environment, else the preset. Text is NULL where there is none of these; numbers
 * need one of them (ask tt_argument_given first where the table has no preset). */
const char *tt_argument_text(const tt_arguments *arguments, const char *name);
int64_t tt_argument_count(const tt_arguments *arguments, const char *name);
double tt_argument_number(const tt_arguments *arguments, const char *name); /* also for TT_OPTION_AMOUNT */
size_t tt_argument_choice(const tt_arguments *arguments, const char *name); /* an index into `choices` */

/* The numbers of a TT_OPTION_NUMBERS; returns how many there are, 0 where the option is not given. */
size_t tt_argument_numbers(const tt_arguments *arguments, const char *name, double numbers[static TT_NUMBERS_MOST]);

/* A repeatable option's values in their order; NULL behind the last. The second value of occurrence `index`, or NULL. */
const char *tt_argument_nth(const tt_arguments *arguments, const char *name, size_t index);
const char *tt_argument_second(const tt_arguments *arguments, const char *name, size_t index);

/* All of a repeatable option's values, `*count` of them. NULL where memory is short; the caller frees the list alone. */
const char **tt_argument_all(const tt_arguments *arguments, const char *name, size_t *count, tt_error *err);

/* ==== Walking a table, for those who print it ==== */

/* The `index`-th group of the command; the common one (--help) comes behind its first. NULL behind the last. */
const tt_option_group *tt_command_group(const tt_command *command, size_t index);

/* Copies the next spelling of `*names` with its dashes into `name`, and moves `*names` behind it; false at the end. */
enum { TT_OPTION_NAME = 64 };
bool tt_option_next_name(const char **names, char name[static TT_OPTION_NAME]);

/* The spelling to use in messages: the last one, which is the long one. */
const char *tt_option_name(const tt_option *option);
