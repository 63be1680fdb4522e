/* write.c: the public API's writing and scoring, behind one prompt, under the mix in use. See include/trimtab.h. */
#include "api/options.h"
#include "api/prompt.h"
#include "api/sampling.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

trimtab_generate_options trimtab_generate_defaults(void) {
    return (trimtab_generate_options){.size = sizeof(trimtab_generate_options), .limit = -1};
}

/* ==== Text on its way to the caller ==== */

typedef struct writing_state {
    const trimtab_generate_options *options;
    const tt_thinking *thinking;
    tt_api_listener reading;
    tt_text text;         /* all that was written */
    size_t thought, said; /* bytes of each that were handed out */
} writing_state;

typedef int text_callback(const char *bytes, size_t length, void *user_data);

/* Hands out a part of the text from behind what was handed out before, zero-terminated for the time of the call. */
static bool hand_out(writing_state *writing, text_callback *callback, size_t begin, size_t end, size_t *done) {
    const size_t from = begin + *done;
    if (end <= from) return true;
    *done = end - begin;
    if (!callback) return true;
    char *bytes = writing->text.data;
    const char next = bytes[end];
    bytes[end] = '\0';
    const bool on = callback(bytes + from, end - from, writing->options->user_data) == 0;
    bytes[end] = next;
    return on;
}

/* What has come to be certain of the text. */
static bool hand_out_parts(writing_state *writing, bool ended) {
    if (!writing->text.data) return true;
    const tt_parts parts = tt_thinking_split(writing->thinking, writing->text.data, writing->text.length, ended);
    return hand_out(writing, writing->options->on_thought, parts.thought, parts.thought_end, &writing->thought) &&
           hand_out(writing, writing->options->on_text, parts.said, parts.said_end, &writing->said);
}

static bool take_text(const char *bytes, size_t length, void *user_data) {
    writing_state *writing = user_data;
    tt_text_add_bytes(&writing->text, bytes, length);
    return !writing->text.failed && hand_out_parts(writing, false);
}

static void take_progress(size_t done, size_t total, void *user_data) {
    writing_state *writing = user_data;
    writing->reading.total = total;
    tt_api_tell(&writing->reading, done);
}

/* ==== The answer ==== */

static trimtab_stop stop_of(tt_stop stop) {
    switch (stop) {
    case TT_STOP_END:
        return TRIMTAB_STOP_END;
    case TT_STOP_LIMIT:
        return TRIMTAB_STOP_LIMIT;
    case TT_STOP_CONTEXT:
        return TRIMTAB_STOP_CONTEXT;
    case TT_STOP_CALLER:
        break;
    }
    return TRIMTAB_STOP_CALLER;
}

static bool keep_text(trimtab_answer *answer, const writing_state *writing, tt_error *err) {
    const char *text = writing->text.data ? writing->text.data : "";
    const tt_parts parts = tt_thinking_split(writing->thinking, text, writing->text.length, true);
    answer->length = parts.said_end - parts.said;
    answer->text = tt_strndup(text + parts.said, answer->length, err);
    answer->thought = answer->text ? tt_strndup(text + parts.thought, parts.thought_end - parts.thought, err) : NULL;
    return answer->thought != NULL;
}

static trimtab_answer *answer_of(const trimtab *t, const tt_generated *generated, const writing_state *writing,
                                 const tt_sampler *sampler, tt_error *err) {
    trimtab_answer *answer = tt_alloc(1, sizeof *answer, err);
    if (!answer) return NULL;
    *answer = (trimtab_answer){
        .stop = stop_of(generated->stop),
        .prompt_tokens = generated->prompt_tokens,
        .reused_tokens = generated->reused_tokens,
        .written_tokens = generated->written_tokens,
        .prompt_seconds = generated->prompt_seconds,
        .written_seconds = generated->written_seconds,
        .context = tt_generator_context(t->generator),
        .seed = tt_sampler_seed(sampler),
    };
    if (keep_text(answer, writing, err)) return answer;
    trimtab_answer_free(answer);
    return NULL;
}

void trimtab_answer_free(trimtab_answer *answer) {
    if (!answer) return;
    free(answer->text);
    free(answer->thought);
    free(answer);
}

static bool write_answer(trimtab *t, const tt_api_prompt *prompt, tt_sampler *sampler,
                         const trimtab_generate_options *options, trimtab_answer **answer, tt_error *err) {
    writing_state writing = {.options = options,
                             .thinking = &prompt->thinking,
                             .reading = {options->progress, options->user_data, "reading", "tokens", 0, &t->cancel}};
    const tt_generation generation = {
        .reading = {.cancel = &t->cancel, .on_progress = take_progress, .user_data = &writing},
        .shown = &prompt->thinking.shown,
        .limit = options->limit,
        .on_text = take_text,
        .user_data = &writing,
    };
    tt_generated generated;
    bool ok = tt_generator_run(t->generator, &prompt->tokens, sampler, &generation, &generated, err) &&
              tt_text_ok(&writing.text, err);
    if (!writing.text.failed) hand_out_parts(&writing, true);
    if (ok && answer) {
        *answer = answer_of(t, &generated, &writing, sampler, err);
        ok = *answer != NULL;
    }
    tt_text_free(&writing.text);
    return ok;
}

static bool write_behind(trimtab *t, const trimtab_prompt *prompt, const trimtab_generate_options *given,
                         trimtab_answer **answer, tt_error *err) {
    trimtab_generate_options options = trimtab_generate_defaults();
    if (!tt_api_begin(t, "trimtab_write", err) ||
        !tt_api_options(&options, sizeof options, given, "trimtab_generate_options", err))
        return false;
    if (!prompt) return tt_fail(err, TT_ERROR_USAGE, "trimtab_write needs a prompt");
    const tt_sampling usual = tt_sampling_defaults();
    tt_sampler *sampler = tt_sampler_open(t->model, options.sampling ? &options.sampling->sampling : &usual, err);
    const bool ok = sampler && tt_api_need_generator(t, err) &&
                    write_answer(t, (const tt_api_prompt *)prompt, sampler, &options, answer, err);
    tt_sampler_close(sampler);
    return ok;
}

trimtab_status trimtab_write(trimtab *t, const trimtab_prompt *prompt, const trimtab_generate_options *options,
                             trimtab_answer **answer, trimtab_error *error) {
    tt_error err = {0};
    if (answer) *answer = NULL;
    return tt_api_status(write_behind(t, prompt, options, answer, &err), &err, error);
}

trimtab_status trimtab_generate(trimtab *t, const char *message, const trimtab_generate_options *options,
                                trimtab_answer **answer, trimtab_error *error) {
    trimtab_error own;
    if (!error) error = &own;
    if (answer) *answer = NULL;
    trimtab_prompt *prompt = trimtab_prompt_chat(t, &(trimtab_message){"user", message}, 1, error);
    if (!prompt) return error->status;
    const trimtab_status status = trimtab_write(t, prompt, options, answer, error);
    trimtab_prompt_free(prompt);
    return status;
}

/* ==== Scoring ==== */

static bool score(trimtab *t, const trimtab_prompt *prompt, const char *text, double *log_likelihood, size_t *count,
                  tt_error *err) {
    if (!tt_api_begin(t, "trimtab_score", err)) return false;
    if (!prompt || !text || !log_likelihood)
        return tt_fail(err, TT_ERROR_USAGE, "trimtab_score needs a prompt, a text, and where to put its likelihood");
    if (!t->score && !(t->score = tt_score_open(t->model, err))) return false;
    tt_score_text scored = {.prompt = ((const tt_api_prompt *)prompt)->tokens};
    if (!tt_tokenize_part(t->model, text, strlen(text), false, false, &scored.response, err)) return false;
    if (count) *count = scored.response.count;
    const bool ok = tt_score_run(t->score, &scored, NULL, 1, &t->steering, 1, &t->cancel, log_likelihood, err);
    tt_tokens_free(&scored.response);
    return ok;
}

trimtab_status trimtab_score(trimtab *t, const trimtab_prompt *prompt, const char *text, double *log_likelihood,
                             size_t *tokens, trimtab_error *error) {
    tt_error err = {0};
    return tt_api_status(score(t, prompt, text, log_likelihood, tokens, &err), &err, error);
}
