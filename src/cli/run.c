/* run.c: `trimtab run`, text from a steered model: one answer, two for comparison, or a chat (chat_loop.c). */
#include "base/memory.h"
#include "base/plain.h"
#include "cli/chat_loop.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "cli/shared_options.h"
#include "terminal/console.h"
#include "terminal/interrupt.h"
#include "terminal/side_by_side.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PROMPT_MOST = 1 << 26 };

static const char *const reasoning_words[] = {"auto", "on", "off", "hide", NULL};

static const tt_option main_options[] = {
    {"-p, --prompt", .kind = TT_OPTION_TEXT, .argument = "TEXT", .preset_text = "a chat at a terminal, else standard input",
     .help = "what the model is told"},
    {"-f, --file", .kind = TT_OPTION_FILE, .argument = "FILE", .help = "the same, from a file; '-' is standard input"},
    {"-sys, --system-prompt", .kind = TT_OPTION_TEXT, .argument = "TEXT", .help = "a system message before it"},
    {"-sysf, --system-prompt-file", .kind = TT_OPTION_FILE, .argument = "FILE", .help = "the same, from a file"},
    {"-no-cnv, --no-conversation",
     .help = "use the prompt as it is, without the model's chat template, and write on behind it"},
    {"--no-escape", .help = "leave \\n, \\t, \\\", \\' and \\\\ in -p and -sys as they are"},
    {"-n, --predict, --n-predict", .kind = TT_OPTION_COUNT, .argument = "N", .preset = "-1", .least = -2, .most = INT32_MAX,
     .preset_text = "until the text or the context ends", .help = "most tokens to write"},
    {"--compare", .help = "write it unsteered and steered, from the same seed, next to each other"},
    {"--reasoning", .kind = TT_OPTION_CHOICE, .argument = "HOW", .preset = "auto", .choices = reasoning_words,
     .help = "let the model think, or not, where its template knows of that; 'hide': leave what it thinks out, which is "
             "otherwise shown on standard error"},
    {"--perf", .help = "also say how fast it went, on standard error"},
};
static const tt_option_group group = {"Options", main_options, sizeof main_options / sizeof *main_options};

/* ==== What the model is told ==== */

/* llama.cpp takes these in -p and -sys by default, since a shell makes a newline awkward to type. In place. */
static void unescape(char *text) {
    char *to = text;
    for (const char *from = text; *from; from++) {
        static const char letters[] = "nrt\"'\\", meant[] = "\n\r\t\"'\\";
        const char *found = *from == '\\' && from[1] ? strchr(letters, from[1]) : NULL;
        *to++ = found ? meant[found - letters] : *from;
        if (found) from++;
    }
    *to = '\0';
}

/* The content of `file`, "-" being standard input, without the newline that an editor leaves at its end: that is not part of
 * the prompt; llama.cpp drops it too. The caller frees. */
static char *read_text_file(const char *file, tt_error *err) {
    size_t length;
    char *text = tt_plain_read(file, PROMPT_MOST, tt_interrupt_flag(), &length, err);
    if (text) tt_plain_drop_last_end(text);
    return text;
}

/* A text of the command line. The caller frees. */
static char *read_argument(const char *given, const char *option, bool escaped, tt_error *err) {
    char *text = tt_strdup(given, err);
    size_t length = strlen(given);
    if (text && tt_plain_clean(text, &length, option, err)) {
        if (escaped) unescape(text);
        return text;
    }
    free(text);
    return NULL;
}

/* One text from `option` or `file_option`; `*text` is NULL where neither is given, else the caller's. */
static bool read_text(const tt_arguments *arguments, const char *option, const char *file_option, char **text,
                      tt_error *err) {
    const char *given = tt_argument_text(arguments, option), *file = tt_argument_text(arguments, file_option);
    *text = NULL;
    if (given && file) return tt_fail(err, TT_ERROR_USAGE, "%s and %s are both given; keep one", option, file_option);
    if (!given && !file) return true;
    *text =
        given ? read_argument(given, option, !tt_argument_flag(arguments, "--no-escape"), err) : read_text_file(file, err);
    return *text != NULL;
}

/* `*prompt` stays NULL where a chat is wanted. */
static bool read_prompt(const tt_arguments *arguments, char **prompt, tt_error *err) {
    if (!read_text(arguments, "--prompt", "--file", prompt, err)) return false;
    if (*prompt || isatty(STDIN_FILENO)) return true;
    *prompt = read_text_file("-", err);
    if (!*prompt || **prompt) return *prompt != NULL;
    return tt_fail(err, TT_ERROR_USAGE, "no prompt: standard input is empty; give one with -p TEXT, or -f FILE");
}

/* ==== One answer, or two ==== */

/* What the model is to write behind: in its chat template with the system message, or as it is. The caller frees. */
static trimtab_prompt *full_prompt(const tt_session *session, const char *system, const char *prompt, tt_error *err) {
    trimtab_error error;
    const trimtab_message messages[] = {{"system", system}, {"user", prompt}};
    const bool raw = tt_argument_flag(session->arguments, "-no-cnv");
    trimtab_prompt *full = raw      ? trimtab_prompt_raw(session->t, prompt, &error)
                           : system ? trimtab_prompt_chat(session->t, messages, 2, &error)
                                    : trimtab_prompt_chat(session->t, messages + 1, 1, &error);
    tt_went_well(&error, err);
    return full;
}

static bool write_once(tt_session *session, const trimtab_prompt *prompt, tt_error *err) {
    trimtab_answer *answer;
    if (!tt_session_write(session, prompt, stdout, &answer, err)) return false;
    tt_session_remark(session, answer);
    const bool interrupted = tt_session_interrupted(answer);
    trimtab_answer_free(answer);
    return !interrupted || tt_fail(err, TT_ERROR_INTERRUPTED, "interrupted");
}

/* Below each other: as it comes. Side by side: when both are known. */
static bool write_both(tt_session *session, const trimtab_prompt *prompt, tt_error *err) {
    const int width = tt_console_width(stdout, 0);
    const bool colour = tt_console_colour(stdout), columns = width >= TT_NARROW;
    const char *headings[2] = {"unsteered", tt_mix_name(session->mix)};
    trimtab_answer *answers[2] = {0};
    bool ok = true;
    for (size_t i = 0; i < 2 && ok; i++) {
        if (!columns)
            printf("%s%s== %s ==%s\n", i ? "\n" : "", colour ? "\033[1m" : "", headings[i], colour ? "\033[0m" : "");
        ok = tt_session_steer(session, i == 1, err) &&
             tt_session_write(session, prompt, columns ? NULL : stdout, &answers[i], err);
        if (ok && tt_session_interrupted(answers[i])) ok = tt_fail(err, TT_ERROR_INTERRUPTED, "interrupted");
    }
    if (ok && columns) {
        const char *texts[2] = {answers[0]->text, answers[1]->text};
        ok = tt_side_by_side(stdout, headings, texts, width, colour, tt_console_unicode(), err);
    }
    for (size_t i = 0; i < 2; i++) {
        if (ok) tt_session_remark(session, answers[i]);
        trimtab_answer_free(answers[i]);
    }
    return ok;
}

static bool one_shot(tt_session *session, const char *system, const char *prompt, tt_error *err) {
    const bool compare = tt_argument_flag(session->arguments, "--compare");
    if (compare && !*tt_mix_name(session->mix))
        return tt_fail(err, TT_ERROR_USAGE,
                       "--compare needs something to compare with: name an axis, such as --axis language=0.5");
    trimtab_prompt *full = full_prompt(session, system, prompt, err);
    const bool ok = full && (compare ? write_both(session, full, err) : write_once(session, full, err));
    trimtab_prompt_free(full);
    return ok;
}

/* ==== The command ==== */

static bool check_usage(const tt_arguments *arguments, const char *system, const char *prompt, tt_error *err) {
    const bool raw = tt_argument_flag(arguments, "-no-cnv");
    if (raw && system)
        return tt_fail(err, TT_ERROR_USAGE,
                       "a system message needs a chat template, which -no-cnv switches off; leave one of the two out");
    if (raw && !prompt) return tt_fail(err, TT_ERROR_USAGE, "-no-cnv needs a prompt to go on from: -p TEXT, or -f FILE");
    if (!prompt && tt_argument_flag(arguments, "--compare"))
        return tt_fail(err, TT_ERROR_USAGE, "--compare needs a prompt: -p TEXT, or -f FILE");
    return true;
}

static bool run_texts(const tt_arguments *arguments, const char *system, const char *prompt, tt_error *err) {
    if (!check_usage(arguments, system, prompt, err)) return false;
    tt_session session;
    bool ok = tt_session_open(&session, arguments, err);
    if (ok) {
        tt_mix_warn(session.mix);
        ok = prompt ? one_shot(&session, system, prompt, err) : tt_chat_loop(&session, system, err);
    }
    tt_session_close(&session);
    return ok;
}

static bool run(const tt_arguments *arguments, tt_error *err) {
    char *system = NULL, *prompt = NULL;
    const bool ok = tt_model_path(arguments, err) &&
                    read_text(arguments, "--system-prompt", "--system-prompt-file", &system, err) &&
                    read_prompt(arguments, &prompt, err) && run_texts(arguments, system, prompt, err);
    free(system);
    free(prompt);
    return ok;
}

const tt_command tt_command_run = {
    .name = "run",
    .purpose = TT_PURPOSE_APPLY,
    .summary = "write text with a steered model",
    .description =
        "Writes one answer, or opens a chat where no prompt is given and the program stands at a terminal. In the chat "
        "/help lists what can be typed there; Ctrl-C ends an answer, not the chat.\n\n"
        "An axis' value says how strongly it steers and where to: above 0 towards its second class, below 0 towards "
        "its first, 0 only takes the model to the middle. The text goes to standard output, everything else to "
        "standard error.",
    .run = run,
    .groups = {&group, &tt_mix_group, &tt_sampling_group, &tt_model_group, &tt_context_group},
    .examples =
        {
            {"trimtab run -m model.gguf --vectors vectors --axis language=0.5 -p \"Tell me a story.\"",
             "one steered answer"},
            {"trimtab run -m model.gguf --vectors vectors --axis language=-0.5 --compare -p \"Tell me a story.\"",
             "the same prompt unsteered and steered"},
            {"trimtab run -m model.gguf --vectors vectors", "a chat; /axis language=0.5 steers from there on"},
        },
};
