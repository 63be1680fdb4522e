/* session.c: see session.h */
#include "cli/session.h"
#include "apply/steering.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/text.h"
#include "cli/shared_options.h"
#include "terminal/console.h"
#include "terminal/interrupt.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { QUICK_TOKENS = 512 };

/* ==== Opening ==== */

static tt_sampler *open_sampler(const tt_session *session, tt_error *err) {
    tt_sampling_given given;
    if (!tt_sampling_read(&given, session->arguments, err)) return NULL;
    tt_sampler *sampler = tt_sampler_open(session->model, &given.sampling, err);
    tt_sampling_given_free(&given);
    return sampler;
}

bool tt_session_open(tt_session *session, const tt_arguments *arguments, bool raw, tt_error *err) {
    *session = (tt_session){.arguments = arguments, .limit = tt_argument_count(arguments, "--n-predict")};
    session->model = tt_model_open_given(arguments, false, &session->engine, err);
    if (!session->model) return false;
    session->sampler = open_sampler(session, err);
    if (!session->sampler) return false;
    if (!raw) {
        tt_chat_options layout = tt_chat_given(arguments);
        const int64_t reasoning = tt_argument_choice(arguments, "--reasoning");
        if (reasoning == TT_REASONING_ON) layout.think = TT_THINK_ON;
        if (reasoning == TT_REASONING_OFF) layout.think = TT_THINK_OFF;
        session->chat = tt_chat_open(session->model, &layout, err);
        if (!session->chat) return false;
    }
    session->target = tt_target_of_model(session->model);
    session->mix = tt_mix_open_given(arguments, &session->target, session->model, session->chat, err);
    if (!session->mix) return false;
    session->generator = tt_generator_open(session->model, (uint32_t)tt_argument_count(arguments, "--ctx-size"), err);
    return session->generator && tt_session_steer(session, true, err);
}

void tt_session_close(tt_session *session) {
    tt_generator_close(session->generator);
    tt_mixer_close(session->mix);
    tt_chat_close(session->chat);
    tt_sampler_close(session->sampler);
    tt_model_close(session->model);
    tt_engine_stop(session->engine);
    *session = (tt_session){0};
}

bool tt_session_steer(tt_session *session, bool steered, tt_error *err) {
    session->steered = steered;
    if (!steered) return tt_generator_steer(session->generator, NULL, err);
    tt_steering *steering = tt_steering_of_vector(session->model, &tt_mixer_blend(session->mix)->vector, err);
    const bool ok = steering && tt_generator_steer(session->generator, steering, err);
    tt_steering_release(steering);
    return ok;
}

/* ==== Writing ==== */

typedef struct output_state {
    FILE *stream;
    const tt_thinking *thinking;
    bool hides;           /* what is thought */
    size_t thought, said; /* bytes of each that are shown */
    tt_text text;
    tt_progress progress;
} output_state;

/* A prompt of one micro-batch is read before anybody could read a progress line. */
static void show_reading(size_t done, size_t total, void *user_data) {
    output_state *writing = user_data;
    if (!writing->progress.stream) {
        if (done == total || total - done <= QUICK_TOKENS || !isatty(STDERR_FILENO)) return;
        tt_progress_begin(&writing->progress, stderr, true, "reading the prompt", "tokens", total, done);
    }
    tt_progress_set(&writing->progress, done);
    if (done == total) tt_progress_end(&writing->progress);
}

/* On a terminal what is thought is dim. */
static void show_thought(output_state *writing, const char *text, size_t length) {
    if (!length || writing->hides) return;
    const bool colour = tt_console_colour(stderr);
    fprintf(stderr, "%s%.*s%s", colour ? "\033[2m" : "", (int)length, text, colour ? "\033[0m" : "");
}

/* Shows what has come to be certain of the text. */
static void show_parts(output_state *writing, bool ended) {
    const char *text = writing->text.data;
    const tt_parts parts = tt_thinking_split(writing->thinking, text, writing->text.length, ended);
    const size_t thought = parts.thought_end - parts.thought, said = parts.said_end - parts.said;
    if (thought > writing->thought) {
        show_thought(writing, text + parts.thought + writing->thought, thought - writing->thought);
        writing->thought = thought;
    }
    if (said <= writing->said) return;
    if (!writing->said && writing->thought && !writing->hides) fputs("\n\n", stderr);
    fwrite(text + parts.said + writing->said, 1, said - writing->said, writing->stream);
    writing->said = said;
}

static bool show_text(const char *bytes, size_t length, void *user_data) {
    output_state *writing = user_data;
    tt_text_add_bytes(&writing->text, bytes, length);
    if (!writing->stream || writing->text.failed) return !writing->text.failed;
    show_parts(writing, false);
    return fflush(writing->stream) == 0; /* nobody reads any more: no need to go on; main() looks into it */
}

/* What was said, in memory of the caller's. */
static char *said_text(const output_state *writing, tt_error *err) {
    const char *text = writing->text.data ? writing->text.data : "";
    const tt_parts parts = tt_thinking_split(writing->thinking, text, writing->text.length, true);
    return tt_strndup(text + parts.said, parts.said_end - parts.said, err);
}

static bool read_prompt(const tt_session *session, const tt_session_prompt *prompt, tt_tokens *tokens, tt_error *err) {
    if (session->chat) return tt_chat_tokenize(session->chat, prompt->text, tokens, err);
    return tt_tokenize(session->model, prompt->text, strlen(prompt->text), tokens, err);
}

bool tt_session_write(tt_session *session, const tt_session_prompt *prompt, FILE *stream, tt_answer *answer, tt_error *err) {
    *answer = (tt_answer){0};
    tt_tokens tokens;
    if (!read_prompt(session, prompt, &tokens, err)) return false;
    output_state writing = {.stream = stream,
                            .thinking = &prompt->thinking,
                            .hides = tt_argument_choice(session->arguments, "--reasoning") == TT_REASONING_HIDE};
    const tt_generation generation = {
        .reading = {.cancel = tt_interrupt_flag(), .on_progress = show_reading, .user_data = &writing},
        .shown = &prompt->thinking.shown,
        .limit = session->limit,
        .on_text = show_text,
        .user_data = &writing,
    };
    tt_sampler_reset(session->sampler);
    bool ok = tt_generator_run(session->generator, &tokens, session->sampler, &generation, &answer->generated, err);
    tt_tokens_free(&tokens);
    tt_progress_end(&writing.progress);
    if (stream && writing.text.length && !writing.text.failed) show_parts(&writing, true);
    const bool ends_in_newline = writing.text.length && writing.text.data[writing.text.length - 1] == '\n';
    if (stream && !ends_in_newline && (ok || writing.text.length)) fputc('\n', stream);
    answer->interrupted = ok && atomic_load(tt_interrupt_flag());
    ok = ok && tt_text_ok(&writing.text, err);
    answer->text = ok ? said_text(&writing, err) : NULL;
    tt_text_free(&writing.text);
    return answer->text != NULL;
}

bool tt_session_prompt_of(const tt_session *session, const tt_conversation *conversation, tt_session_prompt *prompt,
                          tt_error *err) {
    *prompt = (tt_session_prompt){0};
    tt_rendered rendered;
    if (!tt_chat_render_whole(session->chat, conversation->messages, conversation->count, &rendered, err)) return false;
    const bool ok = tt_thinking_of(session->chat, &rendered, &prompt->thinking, err);
    if (ok) {
        prompt->text = rendered.prompt;
        rendered.prompt = NULL;
    }
    tt_rendered_free(&rendered);
    return ok;
}

void tt_session_prompt_free(tt_session_prompt *prompt) {
    free(prompt->text);
    tt_thinking_free(&prompt->thinking);
    *prompt = (tt_session_prompt){0};
}

bool tt_session_answer(tt_session *session, const tt_conversation *conversation, FILE *stream, tt_answer *answer,
                       tt_error *err) {
    *answer = (tt_answer){0};
    tt_session_prompt prompt;
    if (!tt_session_prompt_of(session, conversation, &prompt, err)) return false;
    const bool ok = tt_session_write(session, &prompt, stream, answer, err);
    tt_session_prompt_free(&prompt);
    return ok;
}

static double per_second(size_t count, double seconds) { return seconds > 0 ? (double)count / seconds : 0; }

void tt_session_remark(const tt_session *session, const tt_answer *answer) {
    const tt_generated *g = &answer->generated;
    if (g->stop == TT_STOP_CONTEXT)
        tt_console_error("the context of %u tokens is full, so the text ends here; -c gives it more room",
                         tt_generator_context(session->generator));
    if (!tt_argument_flag(session->arguments, "--perf")) return;
    const size_t read = g->prompt_tokens - g->reused_tokens;
    fprintf(stderr, "read %zu tokens (%zu known) in %.3f s, %.1f/s; wrote %zu in %.3f s, %.2f/s; seed %u\n", read,
            g->reused_tokens, g->prompt_seconds, per_second(read, g->prompt_seconds), g->written_tokens, g->written_seconds,
            per_second(g->written_tokens, g->written_seconds), tt_sampler_seed(session->sampler));
}
