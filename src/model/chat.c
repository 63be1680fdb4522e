/* chat.c: see chat.h */
#include "model/chat.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "chat/schema.h"
#include "model/chat_request.h"
#include "model/control_text.h"
#include "model/internal.h"
#include "model/named_template.h"

#include <stdlib.h>
#include <string.h>

enum { TEMPLATE_FILE_MOST = 1 << 20, NOON = 1735732800 }; /* of TT_CHAT_DATE, UTC: that day in every time zone */

struct tt_chat {
    const tt_model *model;
    char *name;
    tt_named_template *named; /* or */
    tt_template *own;         /* or neither: text without a template */
    bool is_models;           /* the template is the model's, without extra values */
    yyjson_doc *kwargs;       /* NULL: none */
    tt_control_text *control; /* NULL: text in contents can be control tokens */
    bool fixed_date;
    tt_think think;
};

/* ==== Opening ==== */

static bool take_kwargs(tt_chat *chat, const char *text, tt_error *err) {
    if (!text) return true;
    chat->kwargs = tt_json_parse("--chat-template-kwargs", text, strlen(text), err);
    if (chat->kwargs && yyjson_is_obj(yyjson_doc_get_root(chat->kwargs))) return true;
    return tt_fail(err, TT_ERROR_USAGE,
                   "--chat-template-kwargs takes a JSON object, such as {\"enable_thinking\": false}, not '%s'", text);
}

/* The token's text as templates write it; "" if there is none. The caller frees it. */
static char *token_text(const tt_model *model, int32_t token, tt_error *err) {
    const char *text = token >= 0 ? llama_vocab_get_text(model->vocabulary, token) : NULL;
    return tt_strdup(text ? text : "", err);
}

static bool open_template(tt_chat *chat, const char *name, const char *text, const char *tool_use, tt_error *err) {
    const struct llama_vocab *vocabulary = chat->model->vocabulary;
    char *bos = token_text(chat->model, llama_vocab_bos(vocabulary), err),
         *eos = token_text(chat->model, llama_vocab_eos(vocabulary), err);
    const tt_template_source source = {.name = name,
                                       .text = text,
                                       .tool_use = tool_use,
                                       .bos = bos,
                                       .eos = eos,
                                       .adds_bos = llama_vocab_get_add_bos(vocabulary),
                                       .adds_eos = llama_vocab_get_add_eos(vocabulary)};
    if (bos && eos) chat->own = tt_template_open(&source, err);
    free(bos);
    free(eos);
    return chat->own != NULL;
}

static bool open_file(tt_chat *chat, const char *path, tt_error *err) {
    size_t length, bad;
    char *text = tt_file_read(path, TEMPLATE_FILE_MOST, &length, err);
    bool ok = text != NULL;
    if (ok && (!tt_utf8_valid(text, length, &bad) || strlen(text) != length))
        ok = tt_fail(err, TT_ERROR_INPUT, "'%s' is not a chat template: it is not UTF-8 text", path);
    ok =
        ok && (chat->name = tt_format(err, "the file %s", tt_path_name(path))) && open_template(chat, path, text, NULL, err);
    free(text);
    return ok;
}

static bool open_models(tt_chat *chat, tt_error *err) {
    const tt_model *model = chat->model;
    const char *tool_use = llama_model_chat_template(model->handle, "tool_use");
    const char *text = model->facts.chat_template ? model->facts.chat_template : tool_use;
    if (text)
        return (chat->name = tt_strdup("the model's own", err)) && open_template(chat, model->path, text, tool_use, err);
    char *names = tt_named_template_names(err);
    if (names)
        tt_fail(err, TT_ERROR_MODEL,
                "'%s' has no chat template (is it a base model?); name one with --chat-template: none, %s", model->path,
                names);
    free(names);
    return false;
}

static bool open_layout(tt_chat *chat, const tt_chat_options *options, tt_error *err) {
    if (options->name && options->file)
        return tt_fail(err, TT_ERROR_USAGE, "--chat-template and --chat-template-file are both given; keep one");
    if (options->file) return open_file(chat, options->file, err);
    if (!options->name) return open_models(chat, err);
    chat->name = tt_strdup(options->name, err);
    if (!chat->name || !strcmp(options->name, "none")) return chat->name != NULL;
    return (chat->named = tt_named_template_open(options->name, err)) != NULL;
}

tt_chat *tt_chat_open(const tt_model *model, const tt_chat_options *options, tt_error *err) {
    static const tt_chat_options none = {0};
    if (!options) options = &none;
    tt_chat *chat = tt_alloc(1, sizeof *chat, err);
    if (!chat) return NULL;
    chat->model = model;
    chat->fixed_date = options->fixed_date;
    chat->think = options->think;
    chat->is_models = !options->name && !options->file && !options->kwargs;
    const char *text = options->name || options->file ? NULL : model->facts.chat_template;
    bool ok = take_kwargs(chat, options->kwargs, err) && open_layout(chat, options, err);
    if (ok && !options->control_tokens) ok = (chat->control = tt_control_text_open(model, text, err)) != NULL;
    if (ok) return chat;
    tt_chat_close(chat);
    return NULL;
}

void tt_chat_close(tt_chat *chat) {
    if (!chat) return;
    tt_control_text_close(chat->control);
    tt_named_template_close(chat->named);
    tt_template_close(chat->own);
    yyjson_doc_free(chat->kwargs);
    free(chat->name);
    free(chat);
}

const tt_model *tt_chat_model(const tt_chat *chat) { return chat->model; }

bool tt_chat_runs(const tt_chat *chat) { return chat->own != NULL; }

const char *tt_chat_name(const tt_chat *chat) { return chat->name; }

tt_template_facts tt_chat_facts(const tt_chat *chat) {
    return chat->own ? tt_template_facts_of(chat->own) : (tt_template_facts){0};
}

/* ==== Without running a template ==== */

/* Without a template, the messages are paragraphs, and the model continues after the last. */
static char *render_plain(const tt_message *messages, size_t count, tt_error *err) {
    tt_text text = {0};
    for (size_t i = 0; i < count; i++) tt_text_addf(&text, "%s\n\n", messages[i].content);
    tt_text_add(&text, "");
    return tt_text_take(&text, err);
}

static char *render_marked(const tt_chat *chat, const tt_message *messages, size_t count, tt_error *err) {
    return chat->named ? tt_named_template_render(chat->named, messages, count, err) : render_plain(messages, count, err);
}

/* The messages with texts that look like control tokens marked; the caller frees the contents. */
static char *render_named(const tt_chat *chat, const tt_message *messages, size_t count, tt_error *err) {
    if (!chat->control) return render_marked(chat, messages, count, err);
    tt_message *marked = tt_alloc(count, sizeof *marked, err);
    char **contents = marked ? tt_alloc(count, sizeof *contents, err) : NULL;
    bool ok = contents != NULL;
    for (size_t i = 0; ok && i < count; i++) {
        contents[i] = tt_control_text_mark(chat->control, messages[i].content, err);
        marked[i] = (tt_message){messages[i].role, contents[i]};
        ok = contents[i] != NULL;
    }
    char *text = ok ? render_marked(chat, marked, count, err) : NULL;
    for (size_t i = 0; contents && i < count; i++) free(contents[i]);
    free(contents);
    free(marked);
    return text;
}

/* ==== Running a template ==== */

static int64_t date_of(const tt_chat *chat) { return chat->fixed_date ? NOON : TT_TEMPLATE_TODAY; }

/* The rules for requests: contents are marked, and the extra values for the template are added. */
static tt_chat_request_rules rules_of(const tt_chat *chat) {
    return (tt_chat_request_rules){
        .control = chat->control, .kwargs = chat->kwargs ? yyjson_doc_get_root(chat->kwargs) : NULL, .think = chat->think};
}

static bool render_dialogues(const tt_chat *chat, const tt_dialogue *dialogues, size_t count, int64_t date, bool whole,
                             tt_rendered *rendered, tt_error *err) {
    const tt_chat_request_rules rules = rules_of(chat);
    yyjson_mut_doc *doc = tt_json_new();
    yyjson_mut_val *requests = yyjson_mut_arr(doc);
    yyjson_mut_doc_set_root(doc, requests);
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++)
        ok = tt_chat_request_add(doc, requests, dialogues[i].messages, dialogues[i].count, &rules, err);
    if (ok && !tt_json_complete(doc)) ok = tt_fail(err, TT_ERROR_MEMORY, "out of memory");
    ok = ok && tt_template_render(chat->own, requests, date, whole, rendered, err);
    yyjson_mut_doc_free(doc);
    return ok;
}

bool tt_chat_render_whole(const tt_chat *chat, const tt_message *messages, size_t count, tt_rendered *rendered,
                          tt_error *err) {
    const tt_dialogue dialogue = {messages, count};
    *rendered = (tt_rendered){0};
    if (chat->own) return render_dialogues(chat, &dialogue, 1, date_of(chat), true, rendered, err);
    rendered->prompt = render_named(chat, messages, count, err);
    return rendered->prompt != NULL;
}

bool tt_chat_render_all(const tt_chat *chat, const tt_dialogue *dialogues, size_t count, char **prompts, tt_error *err) {
    tt_rendered *rendered = tt_alloc(count, sizeof *rendered, err);
    bool ok = rendered != NULL;
    if (ok && chat->own) ok = render_dialogues(chat, dialogues, count, date_of(chat), false, rendered, err);
    for (size_t i = 0; ok && !chat->own && i < count; i++) {
        rendered[i].prompt = render_named(chat, dialogues[i].messages, dialogues[i].count, err);
        ok = rendered[i].prompt != NULL;
    }
    for (size_t i = 0; rendered && i < count; i++) {
        if (ok)
            prompts[i] = rendered[i].prompt;
        else if (!chat->own)
            free(rendered[i].prompt);
    }
    free(rendered);
    return ok;
}

char *tt_chat_render(const tt_chat *chat, const tt_message *messages, size_t count, tt_error *err) {
    const tt_dialogue dialogue = {messages, count};
    char *prompt = NULL;
    return tt_chat_render_all(chat, &dialogue, 1, &prompt, err) ? prompt : NULL;
}

bool tt_chat_render_request(const tt_chat *chat, yyjson_val *request, tt_rendered *rendered, tt_error *err) {
    *rendered = (tt_rendered){0};
    if (!chat->own)
        return tt_fail(err, TT_ERROR_USAGE,
                       "a request is for the model's own template, or one from a file; the layout '%s' "
                       "is libllama's, which takes no tools and no parts",
                       chat->name);
    const tt_chat_request_rules rules = rules_of(chat);
    yyjson_mut_doc *doc = tt_json_new();
    yyjson_mut_val *requests = yyjson_mut_arr(doc);
    yyjson_mut_doc_set_root(doc, requests);
    bool ok = tt_chat_request_copy(doc, requests, request, &rules, err);
    if (ok && !tt_json_complete(doc)) ok = tt_fail(err, TT_ERROR_MEMORY, "out of memory");
    ok = ok && tt_template_render(chat->own, requests, date_of(chat), true, rendered, err);
    yyjson_mut_doc_free(doc);
    return ok;
}

char *tt_chat_grammar(const tt_chat *chat, yyjson_val *schema, tt_error *err) {
    if (!tt_schema_check(schema, err)) return NULL;
    if (!chat->own) {
        tt_fail(err, TT_ERROR_USAGE,
                "schemas need a chat template that is run, and '%s' is a named layout: send a 'grammar'", chat->name);
        return NULL;
    }
    return tt_template_grammar(chat->own, schema, err);
}

/* ==== Reading ==== */

bool tt_chat_tokenize(const tt_chat *chat, const char *prompt, tt_tokens *tokens, tt_error *err) {
    if (chat->control) return tt_control_text_tokenize(chat->control, prompt, tokens, err);
    return tt_tokenize(chat->model, prompt, strlen(prompt), tokens, err);
}

char *tt_chat_plain(const tt_chat *chat, const char *prompt, tt_error *err) {
    return chat->control ? tt_control_text_plain(chat->control, prompt, err) : tt_strdup(prompt, err);
}

/* ==== The digest ==== */

static const tt_message probe[] = {{"system", "1"}, {"user", "2"}, {"assistant", "3"}, {"user", "4"}};
static const tt_dialogue probes[] = {{probe + 1, 1}, {probe, 2}, {probe + 1, 3}};
enum { PROBES = sizeof probes / sizeof *probes };

/* Hashes each probe in the layout, or that it is refused; false when out of memory. */
static bool digest_named(const tt_named_template *named, char hex[static TT_HASH_TEXT], tt_error *err) {
    tt_hash hash;
    tt_hash_begin(&hash);
    for (size_t i = 0; i < PROBES; i++) {
        char *text = named ? tt_named_template_render(named, probes[i].messages, probes[i].count, err)
                           : render_plain(probes[i].messages, probes[i].count, err);
        if (!text) return false;
        tt_hash_text(&hash, text);
        free(text);
    }
    tt_hash_end(&hash, hex);
    return true;
}

static bool digest_own(const tt_chat *given, char hex[static TT_HASH_TEXT], tt_error *err) {
    tt_chat as_usual = *given; /* thinking is not part of the layout */
    as_usual.think = TT_THINK_AS_USUAL;
    const tt_chat *chat = &as_usual;
    tt_hash hash;
    tt_hash_begin(&hash);
    for (size_t i = 0; i < PROBES; i++) {
        tt_rendered rendered = {0};
        tt_error refused = {0};
        const bool ok = render_dialogues(chat, &probes[i], 1, NOON, false, &rendered, &refused);
        if (!ok && refused.kind != TT_ERROR_MODEL) return tt_fail(err, refused.kind, "%s", refused.message);
        tt_hash_text(&hash, ok ? rendered.prompt : "refused");
        tt_rendered_free(&rendered);
    }
    tt_hash_end(&hash, hex);
    return true;
}

bool tt_chat_digest_of(const tt_chat *chat, tt_chat_digest *digest, tt_error *err) {
    *digest = (tt_chat_digest){0};
    if (!chat->own) {
        if (!digest_named(chat->named, digest->now, err)) return false;
        memcpy(digest->before, digest->now, sizeof digest->before);
        return true;
    }
    if (!digest_own(chat, digest->now, err)) return false;
    tt_named_template *known = NULL;
    const char *own = chat->model->facts.chat_template;
    if (!chat->is_models || !own) return true;
    bool ok = tt_named_template_recognise(own, &known, err);
    if (ok && known) ok = digest_named(known, digest->before, err);
    tt_named_template_close(known);
    return ok;
}
