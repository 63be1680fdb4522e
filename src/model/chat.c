/* chat.c: see chat.h
 *
 * libllama recognises a template and lays the conversation out by itself; it does not run the Jinja text. Where that is not
 * what the template says, it is put right here: the system message that some ChatML templates (Qwen's, SmolLM's) give to a
 * conversation without one, and the spaces that Mistral's newer tokenizer has no use for. */
#include "model/chat.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/internal.h"

#include <stdlib.h>
#include <string.h>

struct tt_chat {
    char *name;
    char *template_text; /* what libllama is handed: the model's Jinja text, or a known name. NULL: no template */
    char *system;        /* what a conversation without a system message begins with; NULL: nothing */
};

/* The templates that libllama knows by name. */
enum { KNOWN_MOST = 256 };
typedef struct known_templates {
    const char *names[KNOWN_MOST];
    int32_t count;
} known_templates;

static known_templates list_known(void) {
    known_templates known = {0};
    const int32_t count = llama_chat_builtin_templates(known.names, KNOWN_MOST); /* of all, also where there are more */
    known.count = count < KNOWN_MOST ? count : KNOWN_MOST;
    return known;
}

/* "chatml, llama2, ..." */
static char *known_names(tt_error *err) {
    const known_templates known = list_known();
    tt_text text = {0};
    for (int32_t i = 0; i < known.count; i++) tt_text_addf(&text, "%s%s", i ? ", " : "", known.names[i]);
    return tt_text_take(&text, err);
}

static bool is_known_name(const char *name) {
    const known_templates known = list_known();
    for (int32_t i = 0; i < known.count; i++)
        if (!strcmp(known.names[i], name)) return true;
    return false;
}

static bool renders(const char *template_text) {
    const struct llama_chat_message hello = {"user", "Hello"};
    return llama_chat_apply_template(template_text, &hello, 1, true, NULL, 0) > 0;
}

/* Mistral's seventh layout has spaces behind its marks, or none. libllama takes every template of that kind for the former;
 * the latter it knows by name alone. */
static const char *recognised(const char *template_text) {
    const bool spaceless = strstr(template_text, "[SYSTEM_PROMPT]") && !strstr(template_text, "[SYSTEM_PROMPT] ") &&
                           !strstr(template_text, "[INST] ");
    return spaceless && is_known_name("mistral-v7-tekken") ? "mistral-v7-tekken" : template_text;
}

/* Which template to hand to libllama; false with a sentence when there is none that it knows. */
static bool choose(const tt_model *model, const char *wanted, const char **name, const char **template_text, tt_error *err) {
    const char *own = model->facts.chat_template;
    *name = wanted ? wanted : "the model's own";
    *template_text = wanted ? wanted : own;
    if (wanted && !strcmp(wanted, "none")) {
        *template_text = NULL;
        return true;
    }
    if (wanted ? is_known_name(wanted) : own && renders(own)) {
        *template_text = recognised(*template_text);
        return true;
    }
    char *names = known_names(err);
    if (!names) return false;
    if (wanted)
        tt_fail(err, TT_ERROR_USAGE, "--chat-template '%s' is not one that libllama knows: none, %s", wanted, names);
    else if (own)
        tt_fail(
            err, TT_ERROR_MODEL,
            "libllama does not know the chat template of '%s'; name the one it is equal to with --chat-template: none, %s",
            model->path, names);
    else
        tt_fail(err, TT_ERROR_MODEL,
                "'%s' has no chat template (is it a base model?); name one with --chat-template: none, %s", model->path,
                names);
    free(names);
    return false;
}

/* ==== The system message of a template ==== */

static const char system_begin[] = "<|im_start|>system", system_end[] = "<|im_end|>";

/* Behind a newline, as it is or spelt as an escape; NULL where there is none. */
static const char *behind_newline(const char *text) {
    return *text == '\n' ? text + 1 : text[0] == '\\' && text[1] == 'n' ? text + 2 : NULL;
}

/* Finds a whole system message in a Jinja text: one without any quote, brace or escape, so without any code. */
static bool find_system(const char *template_text, const char **begin, size_t *length) {
    for (const char *at = template_text; (at = strstr(at, system_begin));) {
        at += sizeof system_begin - 1;
        *begin = behind_newline(at);
        const char *end = *begin ? strstr(*begin, system_end) : NULL;
        if (!end) continue;
        *length = (size_t)(end - *begin);
        if (*length && strcspn(*begin, "'\"{}\\") > *length) return true;
    }
    return false;
}

static bool take_system(tt_chat *chat, tt_error *err) {
    const char *begin;
    size_t length;
    if (!chat->template_text || !find_system(chat->template_text, &begin, &length)) return true;
    chat->system = tt_strndup(begin, length, err);
    return chat->system != NULL;
}

tt_chat *tt_chat_open(const tt_model *model, const char *template_name, tt_error *err) {
    const char *name, *template_text;
    if (!choose(model, template_name, &name, &template_text, err)) return NULL;
    tt_chat *chat = tt_alloc(1, sizeof *chat, err);
    if (!chat) return NULL;
    chat->name = tt_strdup(name, err);
    chat->template_text = template_text ? tt_strdup(template_text, err) : NULL;
    if (chat->name && (chat->template_text || !template_text) && take_system(chat, err)) return chat;
    tt_chat_close(chat);
    return NULL;
}

void tt_chat_close(tt_chat *chat) {
    if (!chat) return;
    free(chat->name);
    free(chat->template_text);
    free(chat->system);
    free(chat);
}

const char *tt_chat_name(const tt_chat *chat) { return chat->name; }

/* Without a template the messages stand as paragraphs, and the model goes on behind the last. */
static char *render_plain(const tt_message *messages, size_t count, tt_error *err) {
    tt_text text = {0};
    for (size_t i = 0; i < count; i++) tt_text_addf(&text, "%s\n\n", messages[i].content);
    return tt_text_take(&text, err);
}

char *tt_chat_render(const tt_chat *chat, const tt_message *messages, size_t count, tt_error *err) {
    if (!chat->template_text) return render_plain(messages, count, err);
    struct llama_chat_message *turns = tt_alloc(count + 1, sizeof *turns, err);
    if (!turns) return NULL;
    size_t used = 0;
    if (chat->system && (count == 0 || strcmp(messages[0].role, "system") != 0))
        turns[used++] = (struct llama_chat_message){"system", chat->system};
    for (size_t i = 0; i < count; i++) turns[used++] = (struct llama_chat_message){messages[i].role, messages[i].content};
    char *text = NULL;
    const int32_t length = llama_chat_apply_template(chat->template_text, turns, used, true, NULL, 0);
    if (length < 0)
        tt_fail(err, TT_ERROR_MODEL, "libllama cannot apply the chat template %s", chat->name);
    else if ((text = tt_alloc((size_t)length + 1, 1, err)))
        llama_chat_apply_template(chat->template_text, turns, used, true, text, length + 1);
    free(turns);
    return text;
}
