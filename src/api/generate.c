/* generate.c: the public API's writing: one prompt, one answer, under the mix in use. See include/trimtab.h. */
#include "api/handle.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

trimtab_generate_options trimtab_generate_defaults(void) {
    const tt_sampling usual = tt_sampling_defaults();
    return (trimtab_generate_options){
        .limit = -1,
        .seed = TT_SEED_RANDOM,
        .temperature = usual.temperature,
        .top_k = usual.top_k,
        .top_p = usual.top_p,
        .min_p = usual.min_p,
        .repeat_penalty = usual.repeat_penalty,
    };
}

/* ==== The prompt ==== */

static bool check_text(const char *text, const char *name, tt_error *err) {
    size_t bad;
    if (!text || tt_utf8_valid(text, strlen(text), &bad)) return true;
    return tt_fail(err, TT_ERROR_INPUT, "the %s is not UTF-8 text (byte %zu)", name, bad);
}

static bool check_options(const char *prompt, const trimtab_generate_options *options, tt_error *err) {
    if (!prompt) return tt_fail(err, TT_ERROR_USAGE, "trimtab_generate needs a prompt");
    if (options->raw && options->system)
        return tt_fail(err, TT_ERROR_USAGE,
                       "a system message needs a chat template, which raw switches off; leave one of the two out");
    return check_text(prompt, "prompt", err) && check_text(options->system, "system message", err);
}

/* The prompt as the model gets it; the caller frees. */
static char *render(trimtab *t, const char *prompt, const trimtab_generate_options *options, tt_error *err) {
    if (options->raw) return tt_strdup(prompt, err);
    const tt_chat_options layout = tt_api_chat(t);
    if (!t->chat) t->chat = tt_chat_open(t->model, &layout, err);
    if (!t->chat) return NULL;
    const tt_message messages[] = {{"system", options->system}, {"user", prompt}};
    return options->system ? tt_chat_render(t->chat, messages, 2, err) : tt_chat_render(t->chat, messages + 1, 1, err);
}

static bool read_prompt(trimtab *t, const char *prompt, const trimtab_generate_options *options, tt_tokens *tokens,
                        tt_error *err) {
    char *text = render(t, prompt, options, err);
    const bool ok = text && (options->raw ? tt_tokenize(t->model, text, strlen(text), tokens, err)
                                          : tt_chat_tokenize(t->chat, text, tokens, err));
    free(text);
    return ok;
}

static tt_sampler *open_sampler(const trimtab *t, const trimtab_generate_options *options, tt_error *err) {
    tt_sampling sampling = tt_sampling_defaults();
    sampling.seed = options->seed;
    sampling.temperature = options->temperature;
    sampling.top_k = options->top_k;
    sampling.top_p = options->top_p;
    sampling.min_p = options->min_p;
    sampling.repeat_penalty = options->repeat_penalty;
    sampling.grammar = options->grammar;
    return tt_sampler_open(t->model, &sampling, err);
}

/* ==== The answer ==== */

typedef struct writing_state {
    const trimtab_generate_options *options;
    tt_text text;
    bool keep; /* the caller wants the answer whole */
} writing_state;

static bool take_text(const char *bytes, size_t length, void *user_data) {
    writing_state *writing = user_data;
    const trimtab_generate_options *options = writing->options;
    if (writing->keep) tt_text_add_bytes(&writing->text, bytes, length);
    if (writing->text.failed) return false;
    return !options->on_text || options->on_text(options->user_data, bytes, length) == 0;
}

static trimtab_stop stop_of(tt_stop stop) {
    switch (stop) {
    case TT_STOP_END:
        return TRIMTAB_STOP_END;
    case TT_STOP_LIMIT:
        return TRIMTAB_STOP_LIMIT;
    case TT_STOP_CONTEXT:
        return TRIMTAB_STOP_CONTEXT;
    case TT_STOP_CALLER:
        return TRIMTAB_STOP_CALLER;
    }
    return TRIMTAB_STOP_CALLER;
}

static bool write_answer(trimtab *t, const tt_tokens *tokens, tt_sampler *sampler, const trimtab_generate_options *options,
                         trimtab_answer *answer, tt_error *err) {
    writing_state writing = {.options = options, .keep = answer != NULL};
    const tt_generation generation = {
        .reading = {.cancel = &t->cancel},
        .limit = options->limit,
        .on_text = take_text,
        .user_data = &writing,
    };
    tt_generated generated;
    bool ok = tt_generator_run(t->generator, tokens, sampler, &generation, &generated, err);
    if (ok && answer) {
        *answer = (trimtab_answer){
            .stop = stop_of(generated.stop),
            .prompt_tokens = generated.prompt_tokens,
            .reused_tokens = generated.reused_tokens,
            .written_tokens = generated.written_tokens,
        };
        tt_text_add(&writing.text, ""); /* an empty answer is a text too */
        answer->length = writing.text.length;
        answer->text = tt_text_take(&writing.text, err);
        ok = answer->text != NULL;
        if (!ok) *answer = (trimtab_answer){0};
    }
    tt_text_free(&writing.text);
    return ok;
}

static bool generate(trimtab *t, const char *prompt, const trimtab_generate_options *options, trimtab_answer *answer,
                     tt_error *err) {
    if (!tt_api_begin(t, "trimtab_generate", err) || !check_options(prompt, options, err)) return false;
    if (!tt_api_need_generator(t, err)) return false;
    tt_tokens tokens;
    if (!read_prompt(t, prompt, options, &tokens, err)) return false;
    tt_sampler *sampler = open_sampler(t, options, err);
    const bool ok = sampler && write_answer(t, &tokens, sampler, options, answer, err);
    tt_sampler_close(sampler);
    tt_tokens_free(&tokens);
    return ok;
}

trimtab_status trimtab_generate(trimtab *t, const char *prompt, const trimtab_generate_options *options,
                                trimtab_answer *answer, trimtab_error *error) {
    const trimtab_generate_options defaults = trimtab_generate_defaults();
    tt_error err = {0};
    if (answer) *answer = (trimtab_answer){0};
    return tt_api_status(generate(t, prompt, options ? options : &defaults, answer, &err), &err, error);
}

void trimtab_answer_free(trimtab_answer *answer) {
    if (!answer) return;
    free(answer->text);
    *answer = (trimtab_answer){0};
}
