/* openai.c: see openai.h */
#include "server/openai.h"
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

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

/* ==== Log-probabilities ==== */

/* A token's text, which need not be whole characters: what is none becomes U+FFFD. */
static yyjson_mut_val *token_text(yyjson_mut_doc *doc, const char *bytes, size_t length) {
    tt_pieces pieces = {0};
    tt_text text = {0};
    size_t size;
    const char *piece = tt_pieces_add_bytes(&pieces, bytes, length, &size, NULL);
    if (piece) tt_text_add_bytes(&text, piece, size);
    const char *rest = tt_pieces_end(&pieces, &size, NULL);
    if (rest) tt_text_add_bytes(&text, rest, size);
    if (!piece || !rest || text.failed) tt_json_lacks(doc);
    yyjson_mut_val *value = yyjson_mut_strncpy(doc, text.data ? text.data : "", text.length);
    tt_pieces_free(&pieces);
    tt_text_free(&text);
    return value;
}

static double finite_or_low(float log_probability) { return log_probability < -1e4F ? -9999.0 : (double)log_probability; }

/* {"token", "logprob", "bytes"}, as the chat endpoint has it. */
static yyjson_mut_val *chat_token(yyjson_mut_doc *doc, const char *bytes, size_t length, float log_probability) {
    yyjson_mut_val *entry = yyjson_mut_obj(doc);
    yyjson_mut_obj_add_val(doc, entry, "token", token_text(doc, bytes, length));
    yyjson_mut_obj_add_real(doc, entry, "logprob", finite_or_low(log_probability));
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, entry, "bytes");
    for (size_t i = 0; i < length; i++) yyjson_mut_arr_add_uint(doc, list, (unsigned char)bytes[i]);
    return entry;
}

static void add_chat_reports(const tt_job *job, const tt_answer *answer, size_t first, size_t last, yyjson_mut_doc *doc,
                             yyjson_mut_val *choice) {
    yyjson_mut_val *logprobs = yyjson_mut_obj_add_obj(doc, choice, "logprobs"),
                   *content = yyjson_mut_obj_add_arr(doc, logprobs, "content");
    for (size_t i = first; i < last; i++) {
        const tt_token_report *report = &answer->reports[i];
        yyjson_mut_val *entry = chat_token(doc, report->bytes, report->length, report->log_probability);
        yyjson_mut_val *top = yyjson_mut_obj_add_arr(doc, entry, "top_logprobs");
        for (int k = 0; k < job->request.top_tokens; k++) {
            char bytes[TT_TOKEN_BYTES];
            const size_t length = tt_token_bytes(answer->model, report->top[k].token, true, bytes);
            yyjson_mut_arr_append(top, chat_token(doc, bytes, length, report->top[k].log_probability));
        }
        yyjson_mut_arr_append(content, entry);
    }
}

/* Four lists, as the older endpoint has it. */
static void add_completion_reports(const tt_job *job, const tt_answer *answer, size_t first, size_t last,
                                   yyjson_mut_doc *doc, yyjson_mut_val *choice) {
    yyjson_mut_val *logprobs = yyjson_mut_obj_add_obj(doc, choice, "logprobs");
    yyjson_mut_val *tokens = yyjson_mut_obj_add_arr(doc, logprobs, "tokens"),
                   *values = yyjson_mut_obj_add_arr(doc, logprobs, "token_logprobs"),
                   *tops = yyjson_mut_obj_add_arr(doc, logprobs, "top_logprobs"),
                   *offsets = yyjson_mut_obj_add_arr(doc, logprobs, "text_offset");
    for (size_t i = first; i < last; i++) {
        const tt_token_report *report = &answer->reports[i];
        yyjson_mut_arr_append(tokens, token_text(doc, report->bytes, report->length));
        yyjson_mut_arr_add_real(doc, values, finite_or_low(report->log_probability));
        yyjson_mut_arr_add_uint(doc, offsets, report->text_offset);
        yyjson_mut_val *top = yyjson_mut_arr_add_obj(doc, tops);
        for (int k = 0; k < job->request.top_tokens; k++) {
            char bytes[TT_TOKEN_BYTES];
            const size_t length = tt_token_bytes(answer->model, report->top[k].token, true, bytes);
            yyjson_mut_obj_add(top, token_text(doc, bytes, length),
                               yyjson_mut_real(doc, finite_or_low(report->top[k].log_probability)));
        }
    }
}

static void add_reports(const tt_job *job, const tt_answer *answer, size_t first, size_t last, yyjson_mut_doc *doc,
                        yyjson_mut_val *choice) {
    if (job->request.top_tokens < 0)
        yyjson_mut_obj_add_null(doc, choice, "logprobs");
    else if (job->request.chat)
        add_chat_reports(job, answer, first, last, doc, choice);
    else
        add_completion_reports(job, answer, first, last, doc, choice);
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

/* What was thought, and what is said, in the bytes [from, to) of an answer, of which the earlier ones are told; `ended`
 * where no more follow. Only what there is gets a field. */
static void add_parts(const tt_job *job, const tt_answer *answer, size_t from, size_t to, bool ended, yyjson_mut_doc *doc,
                      yyjson_mut_val *target) {
    const tt_thinking *thinking = &job->request.thinking;
    const char *text = answer->text.data ? answer->text.data : "";
    const tt_parts told = tt_thinking_split(thinking, text, from, false), now = tt_thinking_split(thinking, text, to, ended);
    const size_t thought = told.thought_end - told.thought, said = told.said_end - told.said;
    if (now.thought_end - now.thought > thought)
        yyjson_mut_obj_add_strn(doc, target, "reasoning_content", text + now.thought + thought,
                                now.thought_end - now.thought - thought);
    if (now.said_end - now.said > said)
        yyjson_mut_obj_add_strn(doc, target, "content", text + now.said + said, now.said_end - now.said - said);
}

void tt_openai_event(const tt_job *job, size_t index, size_t from, size_t to, size_t first, size_t last, tt_text *output) {
    const tt_answer *answer = &job->answers[index].answer;
    yyjson_mut_val *root;
    yyjson_mut_doc *doc = begin(job, true, &root);
    yyjson_mut_val *choice = add_choice(doc, root, index), *target = choice;
    const char *text = answer->text.data ? answer->text.data : "";
    if (job->request.chat) {
        target = yyjson_mut_obj_add_obj(doc, choice, "delta");
        if (from == 0 && first == 0) yyjson_mut_obj_add_str(doc, target, "role", "assistant");
    }
    if (job->request.thinking.known)
        add_parts(job, answer, from, to, false, doc, target);
    else
        yyjson_mut_obj_add_strn(doc, target, job->request.chat ? "content" : "text", text + from, to - from);
    add_reports(job, answer, first, last, doc, choice);
    add_finish(doc, choice, NULL);
    write_out(doc, true, output);
}

void tt_openai_finish_event(const tt_job *job, size_t index, tt_text *output) {
    yyjson_mut_val *root;
    yyjson_mut_doc *doc = begin(job, true, &root);
    yyjson_mut_val *choice = add_choice(doc, root, index);
    const tt_answer *answer = &job->answers[index].answer;
    if (job->request.chat) {
        yyjson_mut_val *delta = yyjson_mut_obj_add_obj(doc, choice, "delta");
        if (job->request.thinking.known) add_parts(job, answer, answer->text.length, answer->text.length, true, doc, delta);
    } else
        yyjson_mut_obj_add_str(doc, choice, "text", "");
    yyjson_mut_obj_add_null(doc, choice, "logprobs");
    add_finish(doc, choice, finish_name(job->answers[index].answer.finish));
    write_out(doc, true, output);
}

void tt_openai_end_events(const tt_job *job, tt_text *output) {
    if (job->request.include_usage) {
        yyjson_mut_val *root;
        yyjson_mut_doc *doc = begin(job, true, &root);
        yyjson_mut_obj_add_arr(doc, root, "choices");
        add_usage(job, doc, root);
        write_out(doc, true, output);
    }
    tt_text_add(output, "data: [DONE]\n\n");
}

void tt_openai_error_event(const tt_refusal *refusal, tt_text *output) {
    size_t length;
    char *json = tt_refusal_json(refusal, &length);
    if (!json) {
        output->failed = true;
        return;
    }
    tt_text_add(output, "data: ");
    tt_text_add_bytes(output, json, length);
    tt_text_add(output, "\n\n");
    free(json);
}

/* ==== Bodies ==== */

static void add_text(const tt_job *job, size_t index, yyjson_mut_doc *doc, yyjson_mut_val *choice) {
    const tt_job_answer *entry = &job->answers[index];
    const tt_text *text = &entry->answer.text;
    if (job->request.chat) {
        yyjson_mut_val *message = yyjson_mut_obj_add_obj(doc, choice, "message");
        yyjson_mut_obj_add_str(doc, message, "role", "assistant");
        const char *bytes = text->data ? text->data : "";
        const tt_parts parts = tt_thinking_split(&job->request.thinking, bytes, text->length, true);
        yyjson_mut_obj_add_strn(doc, message, "content", bytes + parts.said, parts.said_end - parts.said);
        if (parts.thought_end > parts.thought)
            yyjson_mut_obj_add_strn(doc, message, "reasoning_content", bytes + parts.thought,
                                    parts.thought_end - parts.thought);
        return;
    }
    const char *prompt = job->request.echo ? job->request.prompt_texts[entry->prompt_index] : NULL;
    tt_text whole = {0};
    if (prompt) tt_text_add(&whole, prompt);
    tt_text_add_bytes(&whole, text->data ? text->data : "", text->length);
    if (whole.failed) tt_json_lacks(doc);
    yyjson_mut_obj_add_strncpy(doc, choice, "text", whole.data ? whole.data : "", whole.length);
    tt_text_free(&whole);
}

void tt_openai_body(const tt_job *job, tt_text *output) {
    yyjson_mut_val *root;
    yyjson_mut_doc *doc = begin(job, false, &root);
    yyjson_mut_val *choices = yyjson_mut_obj_add_arr(doc, root, "choices");
    for (size_t i = 0; i < job->answer_count; i++) {
        const tt_answer *answer = &job->answers[i].answer;
        yyjson_mut_val *choice = yyjson_mut_arr_add_obj(doc, choices);
        yyjson_mut_obj_add_uint(doc, choice, "index", i);
        add_text(job, i, doc, choice);
        add_reports(job, answer, 0, answer->report_count, doc, choice);
        add_finish(doc, choice, finish_name(answer->finish));
    }
    add_usage(job, doc, root);
    yyjson_mut_obj_add_str(doc, root, "steering", job->request.mix);
    write_out(doc, false, output);
}
