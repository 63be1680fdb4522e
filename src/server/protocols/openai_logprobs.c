/* openai_logprobs.c: log-probabilities as OpenAI's two endpoints send them: a list of tokens, and four lists. */
#include "base/json.h"
#include "server/protocols/openai.h"

#include <string.h>

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

/* ==== Completions ==== */

/* The older endpoint's four lists. */
typedef struct lists {
    yyjson_mut_doc *doc;
    yyjson_mut_val *tokens, *values, *tops, *offsets;
} lists;

/* How many characters there are in text that may end in the middle of one. */
static size_t characters(const char *text, size_t length) {
    size_t count = 0;
    for (size_t i = 0; i < length; i++) count += ((unsigned char)text[i] & 0xC0) != 0x80;
    return count;
}

/* One token, with its likeliest rivals; `known` false: nothing is known of how likely it was. `offset` is in characters,
 * from the beginning of the prompt. */
static void add_token(const lists *l, const tt_model *model, const char *bytes, size_t length, bool known,
                      float log_probability, const tt_likely_token *top, int top_count, size_t offset) {
    yyjson_mut_arr_append(l->tokens, token_text(l->doc, bytes, length));
    yyjson_mut_arr_add_uint(l->doc, l->offsets, offset);
    if (!known) {
        yyjson_mut_arr_add_null(l->doc, l->values);
        yyjson_mut_arr_add_null(l->doc, l->tops);
        return;
    }
    yyjson_mut_arr_add_real(l->doc, l->values, finite_or_low(log_probability));
    yyjson_mut_val *rivals = yyjson_mut_arr_add_obj(l->doc, l->tops);
    for (int k = 0; k < top_count; k++) {
        char rival[TT_TOKEN_BYTES];
        const size_t size = tt_token_bytes(model, top[k].token, true, rival);
        yyjson_mut_obj_add(rivals, token_text(l->doc, rival, size),
                           yyjson_mut_real(l->doc, finite_or_low(top[k].log_probability)));
    }
}

/* Some vocabularies put a blank before a text and behind control tokens: true where the token begins with one that the text
 * has not at `position`. */
static bool has_blank_of_its_own(const char *text, size_t size, size_t position, const char *bytes, size_t length) {
    const size_t rest = position < size ? size - position : 0;
    const char *here = text + size - rest;
    const bool as_it_is = length <= rest && !memcmp(here, bytes, length);
    return !as_it_is && length > 0 && bytes[0] == ' ' && length - 1 <= rest && !memcmp(here, bytes + 1, length - 1);
}

/* The prompt's own tokens, where the prompt is a part of the text. */
static void add_prompt_reports(const tt_job *job, size_t index, const lists *l) {
    const tt_job_answer *first = &job->answers[index - index % job->request.choices];
    const tt_tokens *prompt = &job->request.prompts[first->prompt_index];
    const size_t top = (size_t)first->scores.top_count;
    if (!job->request.echo || !first->scores.log_probabilities) return;
    const char *text = job->request.prompt_texts[first->prompt_index];
    const size_t size = strlen(text);
    size_t offset = 0, position = 0; /* in characters, and in bytes */
    for (size_t i = job->request.unspoken[first->prompt_index]; i < prompt->count; i++) {
        char bytes[TT_TOKEN_BYTES];
        size_t length = tt_token_bytes(first->answer.model, prompt->ids[i], true, bytes);
        const size_t blank = has_blank_of_its_own(text, size, position, bytes, length);
        length -= blank;
        add_token(l, first->answer.model, bytes + blank, length, i > 0, first->scores.log_probabilities[i],
                  first->scores.likeliest + i * top, (int)top, offset);
        offset += characters(bytes + blank, length);
        position += length;
    }
}

static void add_completion_reports(const tt_job *job, size_t index, size_t first, size_t last, yyjson_mut_doc *doc,
                                   yyjson_mut_val *choice) {
    const tt_job_answer *entry = &job->answers[index];
    const tt_answer *answer = &entry->answer;
    const char *prompt = job->request.prompt_texts[entry->prompt_index];
    yyjson_mut_val *logprobs = yyjson_mut_obj_add_obj(doc, choice, "logprobs");
    const lists l = {
        doc, yyjson_mut_obj_add_arr(doc, logprobs, "tokens"), yyjson_mut_obj_add_arr(doc, logprobs, "token_logprobs"),
        yyjson_mut_obj_add_arr(doc, logprobs, "top_logprobs"), yyjson_mut_obj_add_arr(doc, logprobs, "text_offset")};
    if (!entry->prompt_told) add_prompt_reports(job, index, &l);
    size_t counted = 0, offset = prompt ? characters(prompt, strlen(prompt)) : 0;
    for (size_t i = first; i < last; i++) {
        const tt_token_report *report = &answer->reports[i];
        const size_t at = report->text_offset < answer->text.length ? report->text_offset : answer->text.length;
        offset += at > counted ? characters(answer->text.data + counted, at - counted) : 0;
        counted = at > counted ? at : counted;
        add_token(&l, answer->model, report->bytes, report->length, true, report->log_probability, report->top,
                  job->request.top_tokens, offset);
    }
}

void tt_openai_add_reports(const tt_job *job, size_t index, size_t first, size_t last, yyjson_mut_doc *doc,
                           yyjson_mut_val *choice) {
    if (job->request.top_tokens < 0)
        yyjson_mut_obj_add_null(doc, choice, "logprobs");
    else if (job->request.chat)
        add_chat_reports(job, &job->answers[index].answer, first, last, doc, choice);
    else
        add_completion_reports(job, index, first, last, doc, choice);
}
