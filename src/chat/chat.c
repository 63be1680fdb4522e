/* chat.c: see chat.h */
#include "chat/chat.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "chat/helper_process.h"
#include "chat/reply.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* The longest template in use has some 20 KB; the longest conversation that a model can read, some 10 MB. */
enum { TEMPLATE_MOST = 1 << 20, REQUEST_MOST = 1 << 26 };

struct tt_template {
    char *name;
    char *opening; /* the line that opens the template, sent to every new process */
    size_t opening_length;
    bool open; /* the running process has read it */
    tt_template_facts facts;
    tt_helper helper;
    pthread_mutex_t turn; /* one request at a time */
};

const char *tt_template_engine(void) {
#ifdef TRIMTAB_CHAT_ENGINE
    return TRIMTAB_CHAT_ENGINE;
#else
    return NULL;
#endif
}

/* A document as the line of a request; the document is freed. */
static char *line_of(yyjson_mut_doc *doc, size_t *length, tt_error *err) {
    char *line = tt_json_text(doc, YYJSON_WRITE_NEWLINE_AT_END, length, err);
    yyjson_mut_doc_free(doc);
    if (!line || *length <= REQUEST_MOST) return line;
    free(line);
    tt_fail(err, TT_ERROR_INPUT, "a conversation of %zu MB is too long for any model", *length >> 20);
    return NULL;
}

/* ==== Asking ==== */

/* The error for a request that the process did not answer. */
static void explain(const tt_template *chat, tt_helper_outcome outcome, tt_error *err) {
    static const char what_to_do[] = "name another with --chat-template or --chat-template-file";
    if (outcome == TT_HELPER_DIED)
        tt_fail(err, TT_ERROR_INPUT, "the chat template of '%s' brought down the program that runs it; %s", chat->name,
                what_to_do);
    if (outcome == TT_HELPER_LATE)
        tt_fail(err, TT_ERROR_INPUT,
                "the chat template of '%s' did not come to an end in time (2 s of a processor, %g s in all); %s", chat->name,
                chat->helper.deadline, what_to_do);
    if (outcome == TT_HELPER_WORDY)
        tt_fail(err, TT_ERROR_INPUT, "the chat template of '%s' makes a prompt that is too long for any model; %s",
                chat->name, what_to_do);
}

static bool is_open(const tt_template *chat) { return chat->open && tt_helper_running(&chat->helper); }

/* Has a new process read the template. TT_HELPER_FAILED also if it cannot: the error says why. */
static tt_helper_outcome open_in_process(tt_template *chat, tt_text *answer, tt_error *err) {
    const tt_helper_outcome outcome = tt_helper_ask(&chat->helper, chat->opening, chat->opening_length, answer, err);
    if (outcome != TT_HELPER_ANSWERED) return outcome;
    yyjson_doc *doc = tt_reply_read(answer->data ? answer->data : "", answer->length, err);
    chat->open = doc && tt_reply_facts(yyjson_doc_get_root(doc), &chat->facts, err);
    yyjson_doc_free(doc);
    if (chat->open) return TT_HELPER_ANSWERED;
    tt_fail_prefix(err, "the chat template of '%s' cannot be used", chat->name);
    return TT_HELPER_FAILED;
}

static tt_helper_outcome ask_once(tt_template *chat, const char *line, size_t length, tt_text *answer, tt_error *err) {
    tt_helper_outcome outcome = TT_HELPER_ANSWERED;
    if (!is_open(chat)) outcome = open_in_process(chat, answer, err);
    if (outcome == TT_HELPER_ANSWERED) outcome = tt_helper_ask(&chat->helper, line, length, answer, err);
    return outcome;
}

/* Sends one line and gets its answer. If the kept process has died in the meantime, the request is not to blame and goes
 * to a new process; if the request killed it, the second try costs hardly any time. */
static yyjson_doc *ask(tt_template *chat, const char *line, size_t length, tt_error *err) {
    static const double at_once = 0.25; /* seconds */
    tt_text answer = {0};
    pthread_mutex_lock(&chat->turn);
    const double begin = tt_seconds();
    const bool kept = is_open(chat);
    tt_helper_outcome outcome = ask_once(chat, line, length, &answer, err);
    if (outcome == TT_HELPER_DIED && kept && tt_seconds() - begin < at_once)
        outcome = ask_once(chat, line, length, &answer, err);
    explain(chat, outcome, err);
    pthread_mutex_unlock(&chat->turn);
    yyjson_doc *doc =
        outcome == TT_HELPER_ANSWERED ? tt_reply_read(answer.data ? answer.data : "", answer.length, err) : NULL;
    tt_text_free(&answer);
    return doc;
}

static yyjson_doc *ask_document(tt_template *chat, yyjson_mut_doc *request, tt_error *err) {
    size_t length = 0;
    char *line = line_of(request, &length, err);
    yyjson_doc *doc = line ? ask(chat, line, length, err) : NULL;
    free(line);
    return doc;
}

/* A request of the kind `what`; NULL when out of memory, which yyjson's functions accept. */
static yyjson_mut_doc *request_for(const char *what, yyjson_mut_val **root) {
    yyjson_mut_doc *doc = tt_json_object(root);
    yyjson_mut_obj_add_str(doc, *root, "do", what);
    return doc;
}

/* ==== Opening ==== */

static char *opening_line(const tt_template_source *source, size_t *length, tt_error *err) {
    yyjson_mut_val *root;
    yyjson_mut_doc *doc = request_for("open", &root);
    yyjson_mut_obj_add_str(doc, root, "template", source->text);
    if (source->tool_use) yyjson_mut_obj_add_str(doc, root, "tool_use", source->tool_use);
    yyjson_mut_obj_add_str(doc, root, "bos", source->bos);
    yyjson_mut_obj_add_str(doc, root, "eos", source->eos);
    yyjson_mut_obj_add_bool(doc, root, "add_bos", source->adds_bos);
    yyjson_mut_obj_add_bool(doc, root, "add_eos", source->adds_eos);
    return line_of(doc, length, err);
}

static bool check_source(const tt_template_source *source, tt_error *err) {
    const size_t length = strlen(source->text) + (source->tool_use ? strlen(source->tool_use) : 0);
    if (length > TEMPLATE_MOST)
        return tt_fail(err, TT_ERROR_INPUT,
                       "the chat template of '%s' has %zu KB, and none in use comes near %d; name another with "
                       "--chat-template or --chat-template-file",
                       source->name, length >> 10, TEMPLATE_MOST >> 10);
    if (!*source->text) return tt_fail(err, TT_ERROR_INPUT, "the chat template of '%s' is empty", source->name);
    return true;
}

tt_template *tt_template_open(const tt_template_source *source, tt_error *err) {
    if (!check_source(source, err)) return NULL;
    tt_template *chat = tt_alloc(1, sizeof *chat, err);
    if (!chat) return NULL;
    if (pthread_mutex_init(&chat->turn, NULL) != 0) {
        free(chat);
        tt_fail(err, TT_ERROR_MEMORY, "out of memory");
        return NULL;
    }
    tt_text answer = {0};
    bool ok = tt_helper_init(&chat->helper, err) && (chat->name = tt_strdup(source->name, err)) &&
              (chat->opening = opening_line(source, &chat->opening_length, err));
    if (ok) {
        const tt_helper_outcome outcome = open_in_process(chat, &answer, err);
        explain(chat, outcome, err);
        ok = outcome == TT_HELPER_ANSWERED;
    }
    tt_text_free(&answer);
    if (ok) return chat;
    tt_template_close(chat);
    return NULL;
}

void tt_template_close(tt_template *chat) {
    if (!chat) return;
    tt_helper_close(&chat->helper);
    pthread_mutex_destroy(&chat->turn);
    free(chat->name);
    free(chat->opening);
    free(chat);
}

tt_template_facts tt_template_facts_of(const tt_template *chat) { return chat->facts; }

/* ==== Requests ==== */

bool tt_template_render(tt_template *chat, yyjson_mut_val *requests, int64_t now, bool whole, tt_rendered *rendered,
                        tt_error *err) {
    yyjson_mut_val *root;
    yyjson_mut_doc *request = request_for("render", &root);
    if (now != TT_TEMPLATE_TODAY) yyjson_mut_obj_add_sint(request, root, "now", now);
    yyjson_mut_obj_add_bool(request, root, "whole", whole);
    yyjson_mut_val *copy = yyjson_mut_val_mut_copy(request, requests);
    if (!yyjson_mut_obj_add_val(request, root, "requests", copy)) tt_json_lacks(request);
    yyjson_doc *doc = ask_document(chat, request, err);
    const bool ok = doc && tt_reply_rendered(yyjson_doc_get_root(doc), whole, rendered, yyjson_mut_arr_size(requests), err);
    if (doc && !ok) tt_fail_prefix(err, "the chat template of '%s' does not take this conversation", chat->name);
    yyjson_doc_free(doc);
    return ok;
}

yyjson_doc *tt_template_parse(tt_template *chat, const tt_rendered *rendered, const char *answer, bool partial, bool tools,
                              tt_error *err) {
    yyjson_mut_val *root;
    yyjson_mut_doc *request = request_for("parse", &root);
    yyjson_mut_obj_add_str(request, root, "parser", rendered->parser);
    yyjson_mut_obj_add_int(request, root, "format", rendered->format_number);
    yyjson_mut_obj_add_str(request, root, "generation_prompt", rendered->generation_prompt);
    yyjson_mut_obj_add_str(request, root, "text", answer);
    yyjson_mut_obj_add_bool(request, root, "partial", partial);
    yyjson_mut_obj_add_bool(request, root, "tools", tools);
    yyjson_doc *doc = ask_document(chat, request, err);
    yyjson_val *message = doc ? yyjson_obj_get(yyjson_doc_get_root(doc), "message") : NULL;
    yyjson_mut_doc *alone = yyjson_is_obj(message) ? yyjson_mut_doc_new(NULL) : NULL;
    if (alone) yyjson_mut_doc_set_root(alone, yyjson_val_mut_copy(alone, message));
    yyjson_doc *result = alone ? yyjson_mut_doc_imut_copy(alone, NULL) : NULL;
    if (doc && !result) tt_fail(err, TT_ERROR_MODEL, "the answer cannot be read");
    yyjson_mut_doc_free(alone);
    yyjson_doc_free(doc);
    return result;
}

char *tt_template_grammar(tt_template *chat, yyjson_val *schema, tt_error *err) {
    yyjson_mut_val *root;
    yyjson_mut_doc *request = request_for("grammar", &root);
    if (!yyjson_mut_obj_add_val(request, root, "schema", yyjson_val_mut_copy(request, schema))) tt_json_lacks(request);
    yyjson_doc *doc = ask_document(chat, request, err);
    const char *text = doc ? yyjson_get_str(yyjson_obj_get(yyjson_doc_get_root(doc), "grammar")) : NULL;
    char *grammar = text ? tt_strdup(text, err) : NULL;
    if (doc && !text) tt_fail(err, TT_ERROR_MODEL, "the schema has no grammar");
    yyjson_doc_free(doc);
    return grammar;
}
