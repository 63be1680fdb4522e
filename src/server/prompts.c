/* prompts.c: what to go on from: prompts, and conversations, from a request's fields. */
#include "base/memory.h"
#include "base/text.h"
#include "model/token.h"
#include "server/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool room_for_prompts(tt_fields *fields, tt_request *request, size_t count) {
    tt_error err = {0};
    request->prompts = tt_alloc(count, sizeof *request->prompts, &err);
    request->prompt_texts = tt_alloc(count, sizeof *request->prompt_texts, &err);
    request->unspoken = tt_alloc(count, sizeof *request->unspoken, &err);
    if (!request->prompts || !request->prompt_texts || !request->unspoken) tt_fields_refuse_error(fields, "", &err);
    return fields->ok;
}

/* The context has to hold the prompt and one token more, unless none is wanted. */
static void check_length(tt_fields *fields, const tt_request *request, const tt_request_world *world, const char *name,
                         size_t count) {
    if (!fields->ok || count + (request->limit != 0) <= world->context) return;
    fields->refusal->kind = TT_REFUSAL_CONTEXT;
    fields->refusal->prompt_tokens = count;
    fields->refusal->context = world->context;
    tt_fields_refuse(fields, name,
                     "'%s' has %zu tokens, which exceeds the available context size: this model's maximum context length is "
                     "%u tokens here, for prompt and answer together; shorten it, or start the server with a larger -c",
                     name, count, world->context);
}

/* ==== Prompts ==== */

/* Appends the tokens of a text; what the model begins texts with stands before the first. */
static void add_text(tt_fields *fields, const tt_request_world *world, const char *name, yyjson_val *text,
                     tt_tokens *tokens) {
    tt_tokens part = {0};
    tt_error err = {0};
    if (!fields->ok) return;
    const bool first = tokens->count == 0;
    const char *bytes = yyjson_get_str(text);
    const size_t length = yyjson_get_len(text);
    if (first) {
        tt_tokens_free(tokens);
        if (!tt_tokenize(world->model, bytes, length, tokens, &err)) tt_fields_refuse_error(fields, name, &err);
        return;
    }
    int32_t *ids = NULL;
    if (tt_tokenize_part(world->model, bytes, length, false, true, &part, &err) &&
        (ids = tt_alloc(tokens->count + part.count, sizeof *ids, &err))) {
        memcpy(ids, tokens->ids, tokens->count * sizeof *ids);
        memcpy(ids + tokens->count, part.ids, part.count * sizeof *ids);
        free(tokens->ids);
        *tokens = (tt_tokens){ids, tokens->count + part.count};
    } else {
        tt_fields_refuse_error(fields, name, &err);
    }
    tt_tokens_free(&part);
}

/* Appends tokens that stand side by side in a list, from `*item` on; `*item` is then the first that is none. */
static void add_tokens(tt_fields *fields, const tt_request_world *world, size_t count, yyjson_val **item, size_t *index,
                       tt_tokens *tokens) {
    tt_error err = {0};
    int32_t *ids = tt_alloc(tokens->count + count - *index, sizeof *ids, &err);
    if (!ids) {
        tt_fields_refuse_error(fields, "prompt", &err);
        return;
    }
    if (tokens->count) memcpy(ids, tokens->ids, tokens->count * sizeof *ids);
    free(tokens->ids);
    tokens->ids = ids;
    for (; *index < count && yyjson_is_num(*item); ++*index, *item = unsafe_yyjson_get_next(*item)) {
        const uint64_t id = yyjson_get_uint(*item);
        if (!yyjson_is_uint(*item) || id >= tt_vocabulary_size(world->model)) {
            tt_fields_refuse(fields, "prompt",
                             "'prompt' should be text, or tokens of this model: whole numbers from 0 to %zu",
                             tt_vocabulary_size(world->model) - 1);
            return;
        }
        ids[tokens->count++] = (int32_t)id;
    }
}

/* Text, a list of tokens, or llama.cpp's list of both. */
static void read_prompt(tt_fields *fields, const tt_request_world *world, yyjson_val *prompt, tt_tokens *tokens) {
    if (yyjson_is_str(prompt)) {
        add_text(fields, world, "prompt", prompt, tokens);
        return;
    }
    const size_t count = yyjson_arr_size(prompt);
    yyjson_val *item = yyjson_arr_get_first(prompt);
    size_t index = 0;
    while (index < count && fields->ok) {
        if (yyjson_is_num(item)) {
            add_tokens(fields, world, count, &item, &index, tokens);
        } else {
            if (yyjson_is_str(item))
                add_text(fields, world, "prompt", item, tokens);
            else
                tt_fields_refuse(fields, "prompt", "'prompt' should be text, tokens, or a list of these, but has %s in it",
                                 tt_json_kind(item));
            item = unsafe_yyjson_get_next(item);
            index++;
        }
    }
}

/* Nothing to go on from is where the model's texts begin. */
static void begin_empty(tt_fields *fields, const tt_request_world *world, tt_tokens *tokens) {
    const int32_t token = tt_token_beginning(world->model);
    tt_error err = {0};
    if (!fields->ok || tokens->count) return;
    free(tokens->ids);
    tokens->ids = tt_alloc(1, sizeof *tokens->ids, &err);
    if (!tokens->ids)
        tt_fields_refuse_error(fields, "prompt", &err);
    else if (token < 0)
        tt_fields_refuse(fields, "prompt", "'prompt' is empty, and this model has no token that begins a text");
    else
        tokens->ids[tokens->count++] = token;
}

/* What a prompt of tokens reads as. */
static char *text_of_tokens(const tt_request_world *world, const tt_tokens *tokens, tt_error *err) {
    tt_text text = {0};
    char bytes[TT_TOKEN_BYTES];
    tt_text_add(&text, "");
    for (size_t i = 0; i < tokens->count; i++)
        tt_text_add_bytes(&text, bytes, tt_token_bytes(world->model, tokens->ids[i], true, bytes));
    tt_text valid = {0};
    tt_text_add(&valid, "");
    tt_text_add_utf8(&valid, text.data ? text.data : "", text.length);
    if (text.failed) valid.failed = true;
    tt_text_free(&text);
    return tt_text_take(&valid, err);
}

/* The model begins texts with this token, and the client's text does not. */
static bool begins_unspoken(const tt_request_world *world, const tt_tokens *tokens, yyjson_val *prompt) {
    char bytes[TT_TOKEN_BYTES];
    if (!tokens->count || tokens->ids[0] != tt_token_beginning(world->model) || !yyjson_is_str(prompt)) return false;
    const size_t length = tt_token_bytes(world->model, tokens->ids[0], true, bytes);
    return length == 0 || yyjson_get_len(prompt) < length || memcmp(yyjson_get_str(prompt), bytes, length) != 0;
}

static void add_prompt(tt_fields *fields, tt_request *request, const tt_request_world *world, yyjson_val *prompt) {
    const size_t i = request->prompt_count++;
    tt_tokens *tokens = &request->prompts[i];
    tt_error err = {0};
    if (yyjson_is_obj(prompt)) prompt = yyjson_obj_get(prompt, "prompt_string"); /* llama.cpp's */
    if (!yyjson_is_str(prompt) && !yyjson_is_arr(prompt))
        tt_fields_refuse(fields, "prompt", "'prompt' should be text, tokens, or a list of these");
    if (fields->ok) read_prompt(fields, world, prompt, tokens);
    begin_empty(fields, world, tokens);
    check_length(fields, request, world, "prompt", tokens->count);
    if (!fields->ok || (!request->echo && request->top_tokens < 0)) return;
    request->unspoken[i] = begins_unspoken(world, tokens, prompt);
    request->prompt_texts[i] = yyjson_is_str(prompt) ? tt_strndup(yyjson_get_str(prompt), yyjson_get_len(prompt), &err)
                                                     : text_of_tokens(world, tokens, &err);
    if (!request->prompt_texts[i]) tt_fields_refuse_error(fields, "prompt", &err);
}

/* True where the list's entries are prompts, and not the tokens of one. */
static bool is_list_of_prompts(yyjson_val *prompt) {
    yyjson_val *item;
    size_t index, count;
    if (!yyjson_is_arr(prompt)) return false;
    yyjson_arr_foreach(prompt, index, count, item) {
        if (yyjson_is_num(item)) return false;
    }
    return true;
}

void tt_request_take_prompts(tt_fields *fields, tt_request *request, const tt_request_world *world) {
    if (!fields->ok) return;
    tt_take_bool(fields, "echo", &request->echo);
    yyjson_val *prompt = tt_fields_get(fields, "prompt"), *entry;
    const bool many = is_list_of_prompts(prompt);
    const size_t entries = many ? yyjson_arr_size(prompt) : 1;
    if (!prompt) tt_fields_refuse(fields, "prompt", "'prompt' should be text, tokens, or a list of these, but is missing");
    if (entries == 0 || entries * request->choices > TT_CHOICES_MOST)
        tt_fields_refuse(fields, entries == 0 || entries > TT_CHOICES_MOST ? "prompt" : "n",
                         "%zu prompts with %u answers each: a request should have 1 to %d answers", entries,
                         request->choices, TT_CHOICES_MOST);
    if (!fields->ok || !room_for_prompts(fields, request, entries)) return;
    if (!many) {
        add_prompt(fields, request, world, prompt);
        return;
    }
    size_t index, count;
    yyjson_arr_foreach(prompt, index, count, entry) {
        if (fields->ok) add_prompt(fields, request, world, entry);
    }
}

/* ==== Conversations ==== */

static bool is_text_part(yyjson_val *part) {
    static const char *const types[] = {"text", "input_text", "output_text", "refusal"};
    const char *type = yyjson_get_str(yyjson_obj_get(part, "type"));
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (type && !strcmp(type, types[i])) return true;
    return false;
}

/* {"type": "text", "text": "..."}; several are lines of their own, as llama.cpp has them. */
static void add_part(tt_fields *fields, const char *name, yyjson_val *part, bool first, tt_text *text) {
    yyjson_val *words = yyjson_is_str(part) ? part : yyjson_obj_get(part, "text");
    if (!words) words = yyjson_obj_get(part, "refusal");
    if (!yyjson_is_str(words) || !(yyjson_is_str(part) || is_text_part(part))) {
        tt_fields_refuse(fields, name, "'%s' can only have parts of text: this model reads nothing else", name);
        return;
    }
    if (!first) tt_text_add(text, "\n");
    tt_text_add_bytes(text, yyjson_get_str(words), yyjson_get_len(words));
}

/* What an assistant has called, a line each: the template knows no calls. */
static void add_calls(yyjson_val *message, tt_text *text) {
    yyjson_val *calls = yyjson_obj_get(message, "tool_calls"), *call;
    size_t index, count;
    yyjson_arr_foreach(calls, index, count, call) {
        yyjson_val *function = yyjson_obj_get(call, "function");
        const char *name = yyjson_get_str(yyjson_obj_get(function, "name")),
                   *arguments = yyjson_get_str(yyjson_obj_get(function, "arguments"));
        if (name) tt_text_addf(text, "%s%s(%s)", text->length ? "\n" : "", name, arguments ? arguments : "");
    }
}

/* A message's text: a string, a list of parts, or nothing in an assistant's. NULL when refused; the caller frees. */
static char *message_text(tt_fields *fields, const char *name, yyjson_val *message, bool may_lack) {
    tt_text text = {0};
    yyjson_val *content = yyjson_obj_get(message, "content"), *part;
    size_t index, count;
    tt_text_add(&text, "");
    if (yyjson_is_str(content)) {
        tt_text_add_bytes(&text, yyjson_get_str(content), yyjson_get_len(content));
    } else if (yyjson_is_arr(content)) {
        yyjson_arr_foreach(content, index, count, part) add_part(fields, name, part, index == 0, &text);
    } else if (content && (!yyjson_is_null(content) || !may_lack)) {
        tt_fields_refuse(fields, name, "'%s' should be text, but is %s", name, tt_json_kind(content));
    } else if (!may_lack) {
        tt_fields_refuse(fields, name, "'%s' should be text, but is missing", name);
    }
    if (may_lack) add_calls(message, &text);
    if (text.data && strlen(text.data) != text.length) tt_fields_refuse(fields, name, "'%s' has a zero byte in it", name);
    tt_error err = {0};
    char *taken = fields->ok ? tt_text_take(&text, &err) : NULL;
    if (fields->ok && !taken) tt_fields_refuse_error(fields, name, &err);
    tt_text_free(&text);
    return taken;
}

/* The role as templates know it: what a tool answered is read as what the user says. */
static const char *message_role(tt_fields *fields, size_t index, yyjson_val *message) {
    static const char *const known[][2] = {{"system", "system"},       {"developer", "system"}, {"user", "user"},
                                           {"assistant", "assistant"}, {"tool", "user"},        {"function", "user"}};
    char name[64];
    snprintf(name, sizeof name, "messages[%zu].role", index);
    const char *role = yyjson_get_str(yyjson_obj_get(message, "role"));
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (role && !strcmp(role, known[i][0])) return known[i][1];
    tt_fields_refuse(fields, name, "'%s' should be \"system\", \"user\", \"assistant\" or \"tool\"", name);
    return NULL;
}

/* Reads message number `index`; its text is the caller's. */
static void read_message(tt_fields *fields, size_t index, yyjson_val *message, tt_message *read, char **text) {
    char name[64];
    snprintf(name, sizeof name, "messages[%zu].content", index);
    read->role = message_role(fields, index, message);
    if (!fields->ok) return;
    *text = message_text(fields, name, message, !strcmp(read->role, "assistant"));
    read->content = *text;
}

/* A last message of the assistant is gone on from, unless the client says otherwise. */
static bool goes_on(tt_fields *fields, const tt_message *last) {
    const bool assistants = last->role && !strcmp(last->role, "assistant");
    bool wanted = assistants, begins = true;
    tt_take_bool(fields, "continue_final_message", &wanted);
    tt_take_bool(fields, "add_generation_prompt", &begins);
    if (wanted && !assistants)
        tt_fields_refuse(fields, "continue_final_message", "'continue_final_message' needs a last message of the assistant");
    if (!begins && !wanted)
        tt_fields_refuse(fields, "add_generation_prompt",
                         "'add_generation_prompt' can only be false where a last message of the assistant is gone on from");
    return wanted && fields->ok;
}

static void check_template_fields(tt_fields *fields) {
    yyjson_val *kwargs = tt_fields_get(fields, "chat_template_kwargs"), *documents = tt_fields_get(fields, "documents"),
               *effort = tt_fields_get(fields, "reasoning_effort");
    if (kwargs && !yyjson_is_obj(kwargs))
        tt_fields_refuse(fields, "chat_template_kwargs", "'chat_template_kwargs' should be an object, but is %s",
                         tt_json_kind(kwargs));
    bool objects = !documents || yyjson_is_arr(documents);
    yyjson_val *document;
    size_t index, count;
    yyjson_arr_foreach(documents, index, count, document) objects = objects && yyjson_is_obj(document);
    if (!objects) tt_fields_refuse(fields, "documents", "'documents' should be a list of objects");
    if (effort && !yyjson_is_str(effort))
        tt_fields_refuse(fields, "reasoning_effort", "'reasoning_effort' should be text, but is %s", tt_json_kind(effort));
}

/* What only a template that runs can be told. */
static void refuse_template_fields(tt_fields *fields) {
    static const char *const names[] = {"chat_template_kwargs", "documents"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (yyjson_get_len(tt_fields_get(fields, names[i])))
            tt_fields_refuse(fields, names[i], "'%s' is for a model's own chat template; this server uses a named layout",
                             names[i]);
}

/* By one of libllama's layouts: what the assistant is to go on from (`on`) stands behind the rest as it is. */
static bool render_by_name(const tt_chat *chat, const tt_message *messages, size_t count, bool on, tt_rendered *rendered,
                           tt_error *err) {
    if (!tt_chat_render_whole(chat, messages, on ? count - 1 : count, rendered, err)) return false;
    if (!on) return true;
    char *whole = tt_format(err, "%s%s", rendered->prompt, messages[count - 1].content);
    if (!whole) {
        tt_rendered_free(rendered);
        return false;
    }
    free(rendered->prompt);
    rendered->prompt = whole;
    return true;
}

/* The conversation as a request to the model's own template: the messages as they were read, and what else it can be told.
 * The caller frees; NULL when memory is short. */
static yyjson_doc *template_request(const tt_fields *fields, const tt_message *messages, size_t count, bool on) {
    static const char *const told[] = {"chat_template_kwargs", "documents", "reasoning_effort"};
    yyjson_mut_val *root;
    yyjson_mut_doc *doc = tt_json_object(&root);
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, root, "messages");
    for (size_t i = 0; i < count; i++) {
        yyjson_mut_val *message = yyjson_mut_arr_add_obj(doc, list);
        yyjson_mut_obj_add_str(doc, message, "role", messages[i].role);
        yyjson_mut_obj_add_str(doc, message, "content", messages[i].content);
    }
    yyjson_mut_obj_add_bool(doc, root, "continue_final_message", on);
    yyjson_mut_obj_add_bool(doc, root, "add_generation_prompt", !on);
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        yyjson_val *value = tt_fields_get(fields, told[i]);
        if (value && !yyjson_mut_obj_add_val(doc, root, told[i], yyjson_val_mut_copy(doc, value))) tt_json_lacks(doc);
    }
    yyjson_doc *request = tt_json_complete(doc) ? yyjson_mut_doc_imut_copy(doc, NULL) : NULL;
    yyjson_mut_doc_free(doc);
    return request;
}

/* By the model's own template, which knows how to go on from a last message of the assistant. */
static bool render_by_template(const tt_fields *fields, const tt_chat *chat, const tt_message *messages, size_t count,
                               bool on, tt_rendered *rendered, tt_error *err) {
    yyjson_doc *request = template_request(fields, messages, count, on);
    const bool ok = request ? tt_chat_render_request(chat, yyjson_doc_get_root(request), rendered, err)
                            : tt_fail(err, TT_ERROR_MEMORY, "out of memory");
    yyjson_doc_free(request);
    return ok;
}

static bool render(tt_fields *fields, const tt_request_world *world, const tt_message *messages, size_t count,
                   tt_rendered *rendered) {
    tt_error err = {0};
    const bool on = goes_on(fields, &messages[count - 1]), runs = tt_chat_runs(world->chat);
    check_template_fields(fields);
    if (!runs) refuse_template_fields(fields);
    if (!fields->ok) return false;
    const bool ok = runs ? render_by_template(fields, world->chat, messages, count, on, rendered, &err)
                         : render_by_name(world->chat, messages, count, on, rendered, &err);
    if (!ok) tt_fields_refuse_error(fields, "messages", &err);
    return ok;
}

static yyjson_val *find_messages(tt_fields *fields, const tt_request_world *world) {
    yyjson_val *list = tt_fields_get(fields, "messages");
    const char *is = !list ? "missing" : !yyjson_is_arr(list) ? tt_json_kind(list) : yyjson_arr_size(list) ? NULL : "empty";
    if (is) tt_fields_refuse(fields, "messages", "'messages' should be a list of at least one message, but is %s", is);
    if (!world->chat)
        tt_fields_refuse(fields, "messages",
                         "this model has no chat template: use /v1/completions, or start the server with --chat-template");
    return list;
}

bool tt_request_render(tt_fields *fields, const tt_request_world *world, tt_rendered *rendered) {
    *rendered = (tt_rendered){0};
    if (!fields->ok) return false;
    yyjson_val *list = find_messages(fields, world), *message;
    if (!fields->ok) return false;
    const size_t total = yyjson_arr_size(list);
    tt_error err = {0};
    tt_message *messages = tt_alloc(total, sizeof *messages, &err);
    char **texts = tt_alloc(total, sizeof *texts, &err);
    if (!messages || !texts) tt_fields_refuse_error(fields, "messages", &err);
    size_t index, count;
    yyjson_arr_foreach(list, index, count, message) {
        if (fields->ok) read_message(fields, index, message, &messages[index], &texts[index]);
    }
    const bool ok = fields->ok && render(fields, world, messages, total, rendered);
    for (size_t i = 0; texts && i < total; i++) free(texts[i]);
    free(texts);
    free(messages);
    return ok;
}

void tt_request_take_messages(tt_fields *fields, tt_request *request, const tt_request_world *world) {
    tt_rendered rendered;
    tt_error err = {0};
    if (!tt_request_render(fields, world, &rendered)) return;
    if (room_for_prompts(fields, request, 1)) {
        request->prompt_count = 1;
        if (!tt_thinking_of(world->chat, &rendered, &request->thinking, &err) ||
            !tt_chat_tokenize(world->chat, rendered.prompt, &request->prompts[0], &err))
            tt_fields_refuse_error(fields, "messages", &err);
        if (fields->ok && request->prompts[0].count == 0)
            tt_fields_refuse(fields, "messages", "'messages' are empty: there is nothing to go on from");
        check_length(fields, request, world, "messages", request->prompts[0].count);
    }
    tt_rendered_free(&rendered);
}
