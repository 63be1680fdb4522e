/* session.c: see session.h */
#include "cli/session.h"
#include "base/progress.h"
#include "cli/shared_options.h"
#include "terminal/console.h"
#include "terminal/interrupt.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <unistd.h>

enum { QUICK_TOKENS = 512 };

/* ==== Opening ==== */

static trimtab *open_model(const tt_arguments *arguments, tt_error *err) {
    trimtab_options options = tt_options_given(arguments);
    const size_t reasoning = tt_argument_choice(arguments, "--reasoning");
    options.context = (uint32_t)tt_argument_count(arguments, "--ctx-size");
    if (reasoning == TT_REASONING_ON) options.thinking = TRIMTAB_THINK_ON;
    if (reasoning == TT_REASONING_OFF) options.thinking = TRIMTAB_THINK_OFF;
    return tt_open_given(arguments, options, false, err);
}

/* What is wrong with a grammar is told before a chat begins. */
static bool check_sampling(const tt_session *session, tt_error *err) {
    trimtab_error error;
    trimtab_sampling_check(session->t, session->sampling, &error);
    return tt_went_well(&error, err);
}

bool tt_session_open(tt_session *session, const tt_arguments *arguments, tt_error *err) {
    *session = (tt_session){.arguments = arguments};
    return (session->t = open_model(arguments, err)) && (session->sampling = tt_sampling_given(arguments, err)) &&
           check_sampling(session, err) &&
           (session->mix = tt_mix_open_given(arguments, session->t, !tt_argument_flag(arguments, "-no-cnv"), err)) &&
           tt_session_steer(session, true, err);
}

void tt_session_close(tt_session *session) {
    trimtab_mix_free(session->mix);
    trimtab_sampling_free(session->sampling);
    tt_close_given(session->t);
    *session = (tt_session){0};
}

bool tt_session_steer(tt_session *session, bool steered, tt_error *err) {
    trimtab_error error;
    trimtab_apply(session->t, steered ? session->mix : NULL, &error);
    return tt_went_well(&error, err);
}

/* ==== Writing ==== */

typedef struct output_state {
    FILE *stream;
    bool hides;             /* what is thought */
    bool has_thought, said; /* whether anything of it was shown */
    char last;              /* byte that was said */
    tt_progress progress;
} output_state;

/* A prompt of one micro-batch is read before anybody could read a progress line. A signal that came before the call is one
 * that the library does not know of. */
static int show_reading(const trimtab_progress *reading, void *user_data) {
    output_state *output = user_data;
    const bool interrupted = atomic_load(tt_interrupt_flag());
    if (!output->progress.stream) {
        if (reading->total - reading->done <= QUICK_TOKENS || !isatty(STDERR_FILENO)) return interrupted;
        tt_progress_begin(&output->progress, stderr, true, "reading the prompt", reading->unit, reading->total,
                          reading->done);
    }
    tt_progress_set(&output->progress, reading->done);
    if (reading->done == reading->total) tt_progress_end(&output->progress);
    return interrupted;
}

/* On a terminal what is thought is dim. */
static int show_thought(const char *text, size_t length, void *user_data) {
    output_state *output = user_data;
    if (!output->stream || output->hides) return 0;
    const bool colour = tt_console_colour(stderr);
    fprintf(stderr, "%s%.*s%s", colour ? "\033[2m" : "", (int)length, text, colour ? "\033[0m" : "");
    output->has_thought = true;
    return 0;
}

static int show_text(const char *text, size_t length, void *user_data) {
    output_state *output = user_data;
    if (!output->stream) return 0;
    if (!output->said && output->has_thought) fputs("\n\n", stderr);
    fwrite(text, 1, length, output->stream);
    output->said = true;
    output->last = text[length - 1];
    return fflush(output->stream); /* nobody reads any more: no need to go on; main() looks into it */
}

static trimtab_generate_options options_for(const tt_session *session, output_state *output) {
    trimtab_generate_options options = trimtab_generate_defaults();
    options.sampling = session->sampling;
    options.limit = tt_argument_count(session->arguments, "--n-predict");
    options.progress = show_reading;
    options.on_text = show_text;
    options.on_thought = show_thought;
    options.user_data = output;
    return options;
}

/* One that was chosen at random is kept. */
static bool keep_seed(tt_session *session, const trimtab_answer *answer, tt_error *err) {
    char seed[16];
    trimtab_error error;
    snprintf(seed, sizeof seed, "%" PRIu32, answer->seed);
    trimtab_sampling_set(session->sampling, "seed", seed, &error);
    return tt_went_well(&error, err);
}

/* Ends what was shown, and looks at how the call went. */
static bool finish(tt_session *session, output_state *output, trimtab_answer **answer, const trimtab_error *error,
                   tt_error *err) {
    tt_progress_end(&output->progress);
    const bool ok = tt_went_well(error, err);
    if (output->stream && output->last != '\n' && (ok || output->said || output->has_thought)) fputc('\n', output->stream);
    if (ok && keep_seed(session, *answer, err)) return true;
    trimtab_answer_free(*answer);
    *answer = NULL;
    return false;
}

static output_state output_to(const tt_session *session, FILE *stream) {
    return (output_state){.stream = stream,
                          .hides = tt_argument_choice(session->arguments, "--reasoning") == TT_REASONING_HIDE};
}

bool tt_session_write(tt_session *session, const trimtab_prompt *prompt, FILE *stream, trimtab_answer **answer,
                      tt_error *err) {
    output_state output = output_to(session, stream);
    const trimtab_generate_options options = options_for(session, &output);
    trimtab_error error;
    trimtab_write(session->t, prompt, &options, answer, &error);
    return finish(session, &output, answer, &error, err);
}

bool tt_session_say(tt_session *session, trimtab_chat *chat, const char *content, FILE *stream, trimtab_answer **answer,
                    tt_error *err) {
    output_state output = output_to(session, stream);
    const trimtab_generate_options options = options_for(session, &output);
    trimtab_error error;
    trimtab_chat_say(chat, content, &options, answer, &error);
    return finish(session, &output, answer, &error, err);
}

bool tt_session_interrupted(const trimtab_answer *answer) {
    return answer->stop == TRIMTAB_STOP_CALLER && atomic_load(tt_interrupt_flag());
}

static double per_second(size_t count, double seconds) { return seconds > 0 ? (double)count / seconds : 0; }

void tt_session_remark(const tt_session *session, const trimtab_answer *answer) {
    if (answer->stop == TRIMTAB_STOP_CONTEXT)
        tt_console_error("the context of %" PRIu32 " tokens is full, so the text ends here; -c gives it more room",
                         answer->context);
    if (!tt_argument_flag(session->arguments, "--perf")) return;
    const size_t read = answer->prompt_tokens - answer->reused_tokens;
    fprintf(stderr, "read %zu tokens (%zu known) in %.3f s, %.1f/s; wrote %zu in %.3f s, %.2f/s; seed %" PRIu32 "\n", read,
            answer->reused_tokens, answer->prompt_seconds, per_second(read, answer->prompt_seconds), answer->written_tokens,
            answer->written_seconds, per_second(answer->written_tokens, answer->written_seconds), answer->seed);
}
