/* openai.c: OpenAI's API: chat completions, completions, models. Answers are one JSON body, or server-sent events. */
#include "server/protocols/openai.h"
#include "base/json.h"
#include "server/protocols/all.h"

#include <stdlib.h>
#include <string.h>

/* ==== What is asked ==== */

/* The two endpoints ask for log-probabilities in different ways, and llama.cpp's n_probs in a third. */
static void take_top_tokens(tt_fields *fields, tt_request *request) {
    yyjson_val *given = tt_fields_get(fields, "logprobs");
    int64_t count = -1, top = 0;
    if (yyjson_is_bool(given))
        count = yyjson_is_true(given) ? 0 : -1;
    else
        tt_take_whole(fields, "logprobs", 0, TT_TOP_TOKENS_MOST, &count);
    if (request->chat) {
        tt_take_whole(fields, "top_logprobs", 0, TT_TOP_TOKENS_MOST, &top);
        if (count < 0 && top) tt_fields_refuse(fields, "top_logprobs", "'top_logprobs' needs 'logprobs' to be true");
        if (count >= 0 && top) count = top;
    }
    int64_t probabilities = 0;
    tt_take_whole(fields, "n_probs", 0, TT_TOP_TOKENS_MOST, &probabilities);
    request->top_tokens = (int)(count < 0 && probabilities ? probabilities : count);
}

bool tt_openai_parse(tt_request *request, const tt_request_world *world, bool chat, const char *body, size_t length,
                     tt_refusal *refusal) {
    *request = (tt_request){.chat = chat};
    tt_fields fields;
    yyjson_doc *doc = tt_fields_parse(&fields, body, length, refusal);
    if (!doc) return false;
    tt_request_take_frame(&fields, request, world);
    take_top_tokens(&fields, request);
    tt_request_refuse_unsupported(&fields);
    if (fields.ok) tt_request_take_sampling(&fields, request, world);
    if (fields.ok) tt_request_take_mix(&fields, request, world);
    if (chat && tt_fields_get(&fields, "echo"))
        tt_fields_refuse(&fields, "echo", "'echo' is not supported in conversations: use /v1/completions");
    if (chat)
        tt_request_take_messages(&fields, request, world);
    else
        tt_request_take_prompts(&fields, request, world);
    tt_request_take_constraints(&fields, request, world);
    if (fields.ok && tt_request_answers(request) > TT_CHOICES_MOST)
        tt_fields_refuse(&fields, "n", "%zu answers at once are too many: at most %d", tt_request_answers(request),
                         TT_CHOICES_MOST);
    yyjson_doc_free(doc);
    if (!fields.ok) tt_request_free(request);
    return fields.ok;
}

/* ==== What is answered ==== */

static const char *finish_name(tt_finish finish) {
    return finish == TT_FINISH_STOP ? "stop" : finish == TT_FINISH_LENGTH ? "length" : NULL;
}

/* Appends the document, as an event of a stream where `event` is true, and frees it. */
static void write_out(yyjson_mut_doc *doc, bool event, tt_text *output) {
    size_t length;
    char *json = tt_json_text(doc, YYJSON_WRITE_NOFLAG, &length, NULL);
    yyjson_mut_doc_free(doc);
    if (!json) {
        output->failed = true;
        return;
    }
    if (event) tt_text_add(output, "data: ");
    tt_text_add_bytes(output, json, length);
    if (event) tt_text_add(output, "\n\n");
    free(json);
}

/* {"id": ..., "object": ..., "created": ..., "model": ...} */
static yyjson_mut_doc *begin(const tt_job *job, bool chunk, yyjson_mut_val **root) {
    yyjson_mut_doc *doc = tt_json_object(root);
    yyjson_mut_obj_add_str(doc, *root, "id", job->id);
    yyjson_mut_obj_add_str(doc, *root, "object",
                           !job->request.chat ? "text_completion"
                           : chunk            ? "chat.completion.chunk"
                                              : "chat.completion");
    yyjson_mut_obj_add_int(doc, *root, "created", job->created);
    yyjson_mut_obj_add_str(doc, *root, "model", job->request.model);
    return doc;
}

static void add_usage(const tt_job *job, yyjson_mut_doc *doc, yyjson_mut_val *root) {
    yyjson_mut_val *usage = yyjson_mut_obj_add_obj(doc, root, "usage");
    yyjson_mut_obj_add_uint(doc, usage, "prompt_tokens", job->prompt_tokens);
    yyjson_mut_obj_add_uint(doc, usage, "completion_tokens", job->written_tokens);
    yyjson_mut_obj_add_uint(doc, usage, "total_tokens", job->prompt_tokens + job->written_tokens);
    yyjson_mut_val *details = yyjson_mut_obj_add_obj(doc, usage, "prompt_tokens_details");
    yyjson_mut_obj_add_uint(doc, details, "cached_tokens", job->reused_tokens);
}

static void add_finish(yyjson_mut_doc *doc, yyjson_mut_val *choice, const char *name) {
    if (name)
        yyjson_mut_obj_add_str(doc, choice, "finish_reason", name);
    else
        yyjson_mut_obj_add_null(doc, choice, "finish_reason");
}

/* ==== Streams ==== */

/* The "choices" list of an event, with its one entry. */
static yyjson_mut_val *add_choice(yyjson_mut_doc *doc, yyjson_mut_val *root, size_t index) {
    yyjson_mut_val *choice = yyjson_mut_arr_add_obj(doc, yyjson_mut_obj_add_arr(doc, root, "choices"));
    yyjson_mut_obj_add_uint(doc, choice, "index", index);
    return choice;
}

/* The text of an answer from `from` to `to`, behind its prompt where that is a part of it. */
static void add_text(const tt_job *job, size_t index, size_t from, size_t to, const char *key, yyjson_mut_doc *doc,
                     yyjson_mut_val *target) {
    const tt_job_answer *entry = &job->answers[index];
    const char *text = entry->answer.text.data ? entry->answer.text.data : "";
    tt_text whole = {0};
    if (job->request.echo && !entry->prompt_told) tt_text_add(&whole, job->request.prompt_texts[entry->prompt_index]);
    tt_text_add_bytes(&whole, text + from, to - from);
    if (whole.failed) tt_json_lacks(doc);
    yyjson_mut_obj_add_strncpy(doc, target, key, whole.data ? whole.data : "", whole.length);
    tt_text_free(&whole);
}

/* What was thought, and what is said, in the bytes [from, to) of an answer, of which the earlier ones are told; `ended`
 * where no more follow. Only what there is gets a field. */
static void add_parts(const tt_job *job, size_t index, size_t from, size_t to, bool ended, yyjson_mut_doc *doc,
                      yyjson_mut_val *target) {
    const tt_thinking *thinking = &job->request.thinking;
    const char *bytes = job->answers[index].answer.text.data, *text = bytes ? bytes : "";
    const tt_parts told = tt_thinking_split(thinking, text, from, false), now = tt_thinking_split(thinking, text, to, ended);
    const size_t thought = told.thought_end - told.thought, said = told.said_end - told.said;
    if (now.thought_end - now.thought > thought)
        yyjson_mut_obj_add_strncpy(doc, target, "reasoning_content", text + now.thought + thought,
                                   now.thought_end - now.thought - thought);
    if (now.said_end - now.said > said)
        yyjson_mut_obj_add_strncpy(doc, target, "content", text + now.said + said, now.said_end - now.said - said);
}

static void write_piece(const tt_job *job, size_t index, size_t from, size_t to, size_t first, size_t last,
                        tt_text *output) {
    yyjson_mut_val *root;
    yyjson_mut_doc *doc = begin(job, true, &root);
    yyjson_mut_val *choice = add_choice(doc, root, index), *target = choice;
    if (job->request.chat) {
        target = yyjson_mut_obj_add_obj(doc, choice, "delta");
        if (from == 0 && first == 0) yyjson_mut_obj_add_str(doc, target, "role", "assistant");
    }
    if (job->request.thinking.known)
        add_parts(job, index, from, to, false, doc, target);
    else
        add_text(job, index, from, to, job->request.chat ? "content" : "text", doc, target);
    tt_openai_add_reports(job, index, first, last, doc, choice);
    add_finish(doc, choice, NULL);
    write_out(doc, true, output);
}

static void write_finish(const tt_job *job, size_t index, tt_text *output) {
    yyjson_mut_val *root;
    yyjson_mut_doc *doc = begin(job, true, &root);
    yyjson_mut_val *choice = add_choice(doc, root, index);
    const size_t length = job->answers[index].answer.text.length;
    if (job->request.chat) {
        yyjson_mut_val *delta = yyjson_mut_obj_add_obj(doc, choice, "delta");
        if (job->request.thinking.known) add_parts(job, index, length, length, true, doc, delta);
    } else {
        yyjson_mut_obj_add_str(doc, choice, "text", "");
    }
    yyjson_mut_obj_add_null(doc, choice, "logprobs");
    add_finish(doc, choice, finish_name(job->answers[index].answer.finish));
    yyjson_mut_obj_add_str(doc, root, "steering", job->request.recipe->text);
    write_out(doc, true, output);
}

static void write_end(const tt_job *job, tt_text *output) {
    if (job->request.include_usage) {
        yyjson_mut_val *root;
        yyjson_mut_doc *doc = begin(job, true, &root);
        yyjson_mut_obj_add_arr(doc, root, "choices");
        add_usage(job, doc, root);
        yyjson_mut_obj_add_str(doc, root, "steering", job->request.recipe->text);
        write_out(doc, true, output);
    }
    tt_text_add(output, "data: [DONE]\n\n");
}

/* ==== Bodies ==== */

static void add_answer(const tt_job *job, size_t index, yyjson_mut_doc *doc, yyjson_mut_val *choice) {
    const size_t length = job->answers[index].answer.text.length;
    if (job->request.chat) {
        yyjson_mut_val *message = yyjson_mut_obj_add_obj(doc, choice, "message");
        yyjson_mut_obj_add_str(doc, message, "role", "assistant");
        const char *bytes = job->answers[index].answer.text.data, *text = bytes ? bytes : "";
        const tt_parts parts = tt_thinking_split(&job->request.thinking, text, length, true);
        yyjson_mut_obj_add_strncpy(doc, message, "content", text + parts.said, parts.said_end - parts.said);
        if (parts.thought_end > parts.thought)
            yyjson_mut_obj_add_strncpy(doc, message, "reasoning_content", text + parts.thought,
                                       parts.thought_end - parts.thought);
    } else {
        add_text(job, index, 0, length, "text", doc, choice);
    }
}

static void write_body(const tt_job *job, tt_text *output) {
    yyjson_mut_val *root;
    yyjson_mut_doc *doc = begin(job, false, &root);
    yyjson_mut_val *choices = yyjson_mut_obj_add_arr(doc, root, "choices");
    for (size_t i = 0; i < job->answer_count; i++) {
        const tt_answer *answer = &job->answers[i].answer;
        yyjson_mut_val *choice = yyjson_mut_arr_add_obj(doc, choices);
        yyjson_mut_obj_add_uint(doc, choice, "index", i);
        add_answer(job, i, doc, choice);
        tt_openai_add_reports(job, i, 0, answer->report_count, doc, choice);
        add_finish(doc, choice, finish_name(answer->finish));
    }
    add_usage(job, doc, root);
    yyjson_mut_obj_add_str(doc, root, "steering", job->request.recipe->text);
    write_out(doc, false, output);
}

/* ==== Errors ==== */

static const char *type_of(unsigned status) {
    if (status == 401 || status == 403) return "authentication_error";
    if (status == 404) return "not_found_error";
    if (status == 408) return "timeout_error";
    if (status == 503) return "unavailable_error";
    return status < 500 ? "invalid_request_error" : "server_error";
}

/* A prompt that is too long has the code that OpenAI's clients shorten a conversation at, and llama.cpp's two counts. */
static yyjson_mut_doc *error_doc(const tt_refusal *refusal) {
    yyjson_mut_val *root;
    yyjson_mut_doc *doc = tt_json_object(&root);
    yyjson_mut_val *error = yyjson_mut_obj_add_obj(doc, root, "error");
    if (refusal->kind == TT_REFUSAL_CONTEXT)
        yyjson_mut_obj_add_str(doc, error, "code", "context_length_exceeded");
    else
        yyjson_mut_obj_add_uint(doc, error, "code", refusal->status);
    yyjson_mut_obj_add_str(doc, error, "message", refusal->error.message);
    yyjson_mut_obj_add_str(doc, error, "type", type_of(refusal->status));
    if (refusal->field[0])
        yyjson_mut_obj_add_str(doc, error, "param", refusal->field);
    else
        yyjson_mut_obj_add_null(doc, error, "param");
    if (refusal->kind == TT_REFUSAL_CONTEXT) {
        yyjson_mut_obj_add_uint(doc, error, "n_prompt_tokens", refusal->prompt_tokens);
        yyjson_mut_obj_add_uint(doc, error, "n_ctx", refusal->context);
    }
    return doc;
}

static void write_refusal(const tt_refusal *refusal, tt_text *output) { write_out(error_doc(refusal), false, output); }
static void write_failure(const tt_refusal *refusal, tt_text *output) { write_out(error_doc(refusal), true, output); }

/* ==== Paths ==== */

static bool answer(tt_exchange *exchange, const tt_form *form, bool chat) {
    tt_service *service = exchange->service;
    tt_refusal refusal = {0};
    tt_request request;
    tt_error err = {0};
    if (!tt_openai_parse(&request, &service->world, chat, tt_exchange_body(exchange), exchange->body.length, &refusal))
        return tt_reply_refusal(exchange, &refusal);
    tt_text_free(&exchange->body);
    tt_job *job = tt_job_make(&request, form, service->model, &err);
    if (!job) {
        tt_request_free(&request);
        tt_refuse_error(&refusal, "", &err);
        return tt_reply_refusal(exchange, &refusal);
    }
    tt_exchange_name_client(exchange, job->client);
    if (tt_dispatch(service, job, &refusal)) return tt_reply_later(exchange, &job->delivery);
    tt_delivery_release(&job->delivery);
    return tt_reply_refusal(exchange, &refusal);
}

/* {"id": ..., "object": "model", ...}: number 0 is the model, presets follow. False beyond the last. */
static bool describe_model(const tt_service *service, size_t number, yyjson_mut_doc *doc, yyjson_mut_val *model) {
    const tt_model_facts *facts = tt_model_facts_of(service->model);
    const char *mix, *name = tt_mixes_model(service->mixes, number, &mix);
    if (!name) return false;
    yyjson_mut_obj_add_str(doc, model, "id", name);
    yyjson_mut_obj_add_str(doc, model, "object", "model");
    yyjson_mut_obj_add_int(doc, model, "created", service->created);
    yyjson_mut_obj_add_str(doc, model, "owned_by", "trimtab");
    yyjson_mut_obj_add_uint(doc, model, "max_model_len", service->world.context);
    yyjson_mut_val *meta = yyjson_mut_obj_add_obj(doc, model, "meta");
    yyjson_mut_obj_add_uint(doc, meta, "n_ctx", service->world.context);
    yyjson_mut_obj_add_uint(doc, meta, "n_ctx_train", facts->context);
    yyjson_mut_obj_add_uint(doc, meta, "n_vocab", facts->vocabulary);
    yyjson_mut_obj_add_uint(doc, meta, "n_embd", facts->width);
    yyjson_mut_obj_add_uint(doc, meta, "n_params", facts->parameters);
    yyjson_mut_obj_add_uint(doc, meta, "size", facts->bytes);
    if (!mix) return true;
    yyjson_mut_obj_add_str(doc, model, "parent", service->model_name);
    yyjson_mut_obj_add_str(doc, model, "steering", mix);
    return true;
}

static bool get_models(tt_exchange *exchange) {
    yyjson_mut_val *root;
    yyjson_mut_doc *doc = tt_json_object(&root);
    yyjson_mut_obj_add_str(doc, root, "object", "list");
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, root, "data");
    const char *mix;
    for (size_t i = 0; tt_mixes_model(exchange->service->mixes, i, &mix); i++)
        describe_model(exchange->service, i, doc, yyjson_mut_arr_add_obj(doc, list));
    return tt_reply_json(exchange, 200, doc);
}

static bool get_model(tt_exchange *exchange) {
    const char *mix, *name;
    for (size_t i = 0; (name = tt_mixes_model(exchange->service->mixes, i, &mix)); i++) {
        if (strcmp(name, exchange->rest) != 0) continue;
        yyjson_mut_val *root;
        yyjson_mut_doc *doc = tt_json_object(&root);
        describe_model(exchange->service, i, doc, root);
        return tt_reply_json(exchange, 200, doc);
    }
    tt_refusal refusal = {0};
    tt_refuse(&refusal, 404, "model", "there is no model '%.100s' here: GET /v1/models lists them", exchange->rest);
    return tt_reply_refusal(exchange, &refusal);
}

static const tt_form chat_form, completion_form;

static bool answer_chat(tt_exchange *exchange) { return answer(exchange, &chat_form, true); }
static bool post_chat(tt_exchange *exchange) { return tt_reply_elsewhere(exchange, answer_chat); }
static bool answer_completion(tt_exchange *exchange) { return answer(exchange, &completion_form, false); }

/* A schema becomes a grammar in the chat template's process; what may name one is not handled by the talking thread. (A
 * field's name may be spelt with escapes.) */
static bool post_completion(tt_exchange *exchange) {
    static const char *const hints[] = {"schema", "response_format", "guided_", "structured_outputs", "\\u"};
    const char *body = tt_exchange_body(exchange);
    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
        if (strstr(body, hints[i])) return tt_reply_elsewhere(exchange, answer_completion);
    return answer_completion(exchange);
}

#define FORM(prefix)                                                                                                        \
    {                                                                                                                       \
        .body_type = "application/json",                                                                                    \
        .stream_type = "text/event-stream",                                                                                 \
        .sign_of_life = ": still here\n\n",                                                                                 \
        .id_prefix = (prefix),                                                                                              \
        .piece = write_piece,                                                                                               \
        .finish = write_finish,                                                                                             \
        .end = write_end,                                                                                                   \
        .failure = write_failure,                                                                                           \
        .body = write_body,                                                                                                 \
        .refusal = write_refusal,                                                                                           \
    }
static const tt_form chat_form = FORM("chatcmpl-"), completion_form = FORM("cmpl-");

static const tt_route routes[] = {
    {"POST", "/v1/chat/completions", .handle = post_chat},
    {"POST", "/v1/completions", .handle = post_completion},
    {"GET", "/v1/models", .handle = get_models},
    {"GET", "/v1/models/", .prefix = true, .handle = get_model},
};

const tt_protocol tt_protocol_openai = {&chat_form, routes, sizeof routes / sizeof *routes};
