/* prompt.c: the public API's tokens and prompts: text and conversations as the model reads them. See include/trimtab.h. */
#include "api/prompt.h"
#include "base/json.h"
#include "base/memory.h"
#include "model/continue.h"

#include <stdlib.h>
#include <string.h>

static bool check_text(const char *text, const char *name, tt_error *err) {
    size_t bad;
    if (!text) return tt_fail(err, TT_ERROR_USAGE, "the %s is NULL", name);
    return tt_utf8_valid(text, strlen(text), &bad) ||
           tt_fail(err, TT_ERROR_INPUT, "the %s is not UTF-8 text (byte %zu)", name, bad);
}

/* ==== Tokens ==== */

static bool tokenize(trimtab *t, const char *text, bool whole, tt_tokens *tokens, tt_error *err) {
    return tt_api_begin(t, "trimtab_tokenize", err) && check_text(text, "text", err) &&
           tt_tokenize_part(t->model, text, strlen(text), whole, whole, tokens, err);
}

trimtab_tokens *trimtab_tokenize(trimtab *t, const char *text, int32_t whole, trimtab_error *error) {
    tt_error err = {0};
    tt_tokens tokens = {0};
    trimtab_tokens *result = tt_alloc(1, sizeof *result, &err);
    const bool ok = result && tokenize(t, text, whole != 0, &tokens, &err);
    tt_api_status(ok, &err, error);
    if (!ok) {
        free(result);
        return NULL;
    }
    *result = (trimtab_tokens){tokens.ids, tokens.count};
    return result;
}

void trimtab_tokens_free(trimtab_tokens *tokens) {
    if (tokens) free(tokens->ids);
    free(tokens);
}

static bool check_ids(const trimtab *t, const int32_t *ids, size_t count, tt_error *err) {
    if (count && !ids) return tt_fail(err, TT_ERROR_USAGE, "trimtab_detokenize was given NULL");
    for (size_t i = 0; i < count; i++)
        if (ids[i] < 0 || (uint32_t)ids[i] >= t->facts.vocabulary)
            return tt_fail(err, TT_ERROR_USAGE, "%d is no token of this model, which has %u", ids[i], t->facts.vocabulary);
    return true;
}

char *trimtab_detokenize(trimtab *t, const int32_t *ids, size_t count, trimtab_error *error) {
    tt_error err = {0};
    tt_tokens tokens = {0};
    char *text = NULL;
    if (tt_api_begin(t, "trimtab_detokenize", &err) && check_ids(t, ids, count, &err) &&
        (tokens.ids = tt_alloc(count, sizeof *tokens.ids, &err))) {
        if (count) memcpy(tokens.ids, ids, count * sizeof *ids);
        tokens.count = count;
        text = tt_detokenize(t->model, &tokens, &err);
    }
    tt_tokens_free(&tokens);
    tt_api_status(text != NULL, &err, error);
    return text;
}

const char *trimtab_control_token(trimtab *t, const char *text, size_t *length, trimtab_error *error) {
    tt_error err = {0};
    bool ok = tt_api_begin(t, "trimtab_control_token", &err) && check_text(text, "text", &err);
    if (ok && !t->control) t->control = tt_control_text_open(t->model, NULL, &err);
    ok = ok && t->control;
    tt_api_status(ok, &err, error);
    return ok ? tt_control_text_find(t->control, text, length) : NULL;
}

/* ==== Prompts ==== */

static bool read_raw(trimtab *t, tt_api_prompt *prompt, const char *text, tt_error *err) {
    return check_text(text, "prompt", err) && (prompt->text = tt_strdup(text, err)) &&
           tt_tokenize(t->model, text, strlen(text), &prompt->tokens, err);
}

/* From what the template made of it. */
static bool read_rendered(trimtab *t, tt_api_prompt *prompt, tt_error *err) {
    return tt_chat_tokenize(t->chat, prompt->rendered.prompt, &prompt->tokens, err) &&
           tt_thinking_of(t->chat, &prompt->rendered, &prompt->thinking, err) &&
           (prompt->text = tt_chat_plain(t->chat, prompt->rendered.prompt, err));
}

static void show(trimtab *t, tt_api_prompt *prompt, bool raw) {
    const tt_rendered *r = &prompt->rendered;
    prompt->shown = (trimtab_prompt){.text = prompt->text, .ids = prompt->tokens.ids, .count = prompt->tokens.count};
    if (raw) return;
    trimtab_prompt *shown = &prompt->shown;
    shown->template_name = tt_chat_name(t->chat);
    shown->generation_prompt = r->generation_prompt;
    shown->folds_system = tt_chat_facts(t->chat).folds_system;
    shown->thinks = r->thinks;
    shown->thinking_opened = r->thinking_opened;
    shown->thinking_start = r->thinking_start;
    shown->thinking_ends = (const char *const *)r->thinking_ends;
    shown->thinking_end_count = r->thinking_end_count;
    shown->tool_calls = r->format;
    shown->grammar = r->grammar;
    shown->stops = (const char *const *)r->stops;
    shown->stop_count = r->stop_count;
    shown->preserved = (const char *const *)r->preserved;
    shown->preserved_count = r->preserved_count;
}

/* Ends a function that made `prompt` where `ok`; else frees it. */
static trimtab_prompt *finish(trimtab *t, tt_api_prompt *prompt, bool raw, bool ok, const tt_error *err,
                              trimtab_error *error) {
    tt_api_status(ok, err, error);
    if (ok) {
        show(t, prompt, raw);
        return &prompt->shown;
    }
    trimtab_prompt_free(prompt ? &prompt->shown : NULL);
    return NULL;
}

trimtab_prompt *trimtab_prompt_raw(trimtab *t, const char *text, trimtab_error *error) {
    tt_error err = {0};
    tt_api_prompt *prompt = tt_alloc(1, sizeof *prompt, &err);
    const bool ok = prompt && tt_api_begin(t, "trimtab_prompt_raw", &err) && read_raw(t, prompt, text, &err);
    return finish(t, prompt, true, ok, &err, error);
}

static bool check_messages(const trimtab_message *messages, size_t count, tt_error *err) {
    if (!messages || !count) return tt_fail(err, TT_ERROR_USAGE, "a conversation needs a message");
    for (size_t i = 0; i < count; i++) {
        if (!messages[i].role) return tt_fail(err, TT_ERROR_USAGE, "message %zu has no role", i);
        const bool system = !strcmp(messages[i].role, "system");
        if (!check_text(messages[i].content, system ? "system message" : "prompt", err)) return false;
    }
    return true;
}

trimtab_prompt *trimtab_prompt_chat(trimtab *t, const trimtab_message *messages, size_t count, trimtab_error *error) {
    static_assert(sizeof(trimtab_message) == sizeof(tt_message));
    tt_error err = {0};
    tt_api_prompt *prompt = tt_alloc(1, sizeof *prompt, &err);
    const bool ok = prompt && tt_api_begin(t, "trimtab_prompt_chat", &err) && check_messages(messages, count, &err) &&
                    tt_api_need_chat(t, &err) &&
                    tt_chat_render_whole(t->chat, (const tt_message *)messages, count, &prompt->rendered, &err) &&
                    read_rendered(t, prompt, &err);
    return finish(t, prompt, false, ok, &err, error);
}

/* ==== Requests ==== */

/* A conversation's messages alone count as a request too. */
static yyjson_doc *in_a_request(yyjson_doc *messages, tt_error *err) {
    yyjson_mut_val *root;
    yyjson_mut_doc *doc = tt_json_object(&root);
    yyjson_mut_obj_add_val(doc, root, "messages", yyjson_val_mut_copy(doc, yyjson_doc_get_root(messages)));
    char *text = tt_json_text(doc, YYJSON_WRITE_NOFLAG, NULL, err);
    yyjson_mut_doc_free(doc);
    yyjson_doc_free(messages);
    yyjson_doc *request = text ? tt_json_parse("the conversation", text, strlen(text), err) : NULL;
    free(text);
    return request;
}

/* A named layout takes messages whose contents are texts. */
static bool render_named(const tt_chat *chat, yyjson_val *request, tt_rendered *rendered, tt_error *err) {
    yyjson_val *list = yyjson_obj_get(request, "messages"), *message;
    const size_t count = yyjson_arr_size(list);
    tt_message *messages = tt_alloc(count, sizeof *messages, err);
    bool ok = messages && (count || tt_fail(err, TT_ERROR_INPUT, "the request has no \"messages\""));
    yyjson_arr_iter at = yyjson_arr_iter_with(list);
    for (size_t i = 0; ok && (message = yyjson_arr_iter_next(&at)); i++) {
        messages[i] = (tt_message){yyjson_get_str(yyjson_obj_get(message, "role")),
                                   yyjson_get_str(yyjson_obj_get(message, "content"))};
        if (!messages[i].role || !messages[i].content)
            ok = tt_fail(err, TT_ERROR_INPUT,
                         "message %zu has no \"role\" or no \"content\" that is text, and libllama's "
                         "layouts take nothing else",
                         i + 1);
    }
    ok = ok && tt_chat_render_whole(chat, messages, count, rendered, err);
    free(messages);
    return ok;
}

static bool render_request(trimtab *t, const char *json, const char *name, tt_rendered *rendered, tt_error *err) {
    if (!json) return tt_fail(err, TT_ERROR_USAGE, "trimtab_prompt_request needs a request");
    yyjson_doc *request = tt_json_parse(name ? name : "the request", json, strlen(json), err);
    if (request && yyjson_is_arr(yyjson_doc_get_root(request))) request = in_a_request(request, err);
    bool ok = request && tt_api_need_chat(t, err);
    if (ok)
        ok = tt_chat_runs(t->chat) ? tt_chat_render_request(t->chat, yyjson_doc_get_root(request), rendered, err)
                                   : render_named(t->chat, yyjson_doc_get_root(request), rendered, err);
    yyjson_doc_free(request);
    return ok;
}

trimtab_prompt *trimtab_prompt_request(trimtab *t, const char *json, const char *name, trimtab_error *error) {
    tt_error err = {0};
    tt_api_prompt *prompt = tt_alloc(1, sizeof *prompt, &err);
    const bool ok = prompt && tt_api_begin(t, "trimtab_prompt_request", &err) &&
                    render_request(t, json, name, &prompt->rendered, &err) && read_rendered(t, prompt, &err);
    return finish(t, prompt, false, ok, &err, error);
}

void trimtab_prompt_free(trimtab_prompt *prompt) {
    if (!prompt) return;
    tt_api_prompt *kept = (tt_api_prompt *)prompt;
    tt_tokens_free(&kept->tokens);
    tt_rendered_free(&kept->rendered);
    tt_thinking_free(&kept->thinking);
    free(kept->text);
    free(kept);
}
