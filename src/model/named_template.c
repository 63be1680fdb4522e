/* named_template.c: see named_template.h
 *
 * libllama recognises a template and lays out the conversation itself; it does not run the Jinja text. Where the result
 * differs from the template's, this file corrects it: the system message that some ChatML templates (Qwen's, SmolLM's)
 * add to a conversation without one, and spaces that Mistral's newer tokenizer does not use. */
#include "model/named_template.h"
#include "base/memory.h"
#include "base/text.h"

#include <llama.h>
#include <stdlib.h>
#include <string.h>

struct tt_named_template {
    char *text;   /* passed to libllama: a Jinja text that it recognises, or a known name */
    char *system; /* the beginning of a conversation without a system message; NULL: nothing */
};

/* The templates that libllama knows by name. */
enum { KNOWN_MOST = 256 };
typedef struct known_templates {
    const char *names[KNOWN_MOST];
    int32_t count;
} known_templates;

static known_templates list_known(void) {
    known_templates known = {0};
    const int32_t count = llama_chat_builtin_templates(known.names, KNOWN_MOST); /* of all, even if there are more */
    known.count = count < KNOWN_MOST ? count : KNOWN_MOST;
    return known;
}

char *tt_named_template_names(tt_error *err) {
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

/* Mistral's seventh layout comes with or without spaces after its marks. libllama takes every template of that kind for
 * the one with spaces; it knows the other only by name. */
static const char *recognised(const char *template_text) {
    const bool spaceless = strstr(template_text, "[SYSTEM_PROMPT]") && !strstr(template_text, "[SYSTEM_PROMPT] ") &&
                           !strstr(template_text, "[INST] ");
    return spaceless && is_known_name("mistral-v7-tekken") ? "mistral-v7-tekken" : template_text;
}

/* ==== The system message of a template ==== */

static const char system_begin[] = "<|im_start|>system", system_end[] = "<|im_end|>";

/* The place after a newline, literal or written as an escape; NULL if there is none. */
static const char *behind_newline(const char *text) {
    return *text == '\n' ? text + 1 : text[0] == '\\' && text[1] == 'n' ? text + 2 : NULL;
}

/* Finds a complete system message in a Jinja text: one without quotes, braces or escapes, and so without code. */
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

/* ==== Opening ==== */

static tt_named_template *open_text(const char *text, tt_error *err) {
    tt_named_template *layout = tt_alloc(1, sizeof *layout, err);
    if (!layout) return NULL;
    const char *begin;
    size_t length;
    layout->text = tt_strdup(text, err);
    bool ok = layout->text != NULL;
    if (ok && find_system(text, &begin, &length)) ok = (layout->system = tt_strndup(begin, length, err)) != NULL;
    if (ok) return layout;
    tt_named_template_close(layout);
    return NULL;
}

tt_named_template *tt_named_template_open(const char *name, tt_error *err) {
    if (is_known_name(name)) return open_text(name, err);
    char *names = tt_named_template_names(err);
    if (names) tt_fail(err, TT_ERROR_USAGE, "--chat-template '%s' is not one that libllama knows: none, %s", name, names);
    free(names);
    return NULL;
}

bool tt_named_template_recognise(const char *template_text, tt_named_template **layout, tt_error *err) {
    *layout = NULL;
    if (!renders(template_text)) return true;
    *layout = open_text(recognised(template_text), err);
    return *layout != NULL;
}

void tt_named_template_close(tt_named_template *layout) {
    if (!layout) return;
    free(layout->text);
    free(layout->system);
    free(layout);
}

static char *apply(const tt_named_template *layout, const struct llama_chat_message *turns, size_t count, tt_error *err) {
    char *text = NULL;
    const int32_t length = llama_chat_apply_template(layout->text, turns, count, true, NULL, 0);
    if (length < 0)
        tt_fail(err, TT_ERROR_MODEL, "libllama cannot apply the chat template");
    else if ((text = tt_alloc((size_t)length + 1, 1, err)))
        llama_chat_apply_template(layout->text, turns, count, true, text, length + 1);
    return text;
}

/* Some layouts put a system message in front of the next user message, and drop it if there is none. Such a message
 * becomes a user's; true if there is one. (Layouts may leave out white space around a text.) */
static bool save_systems(const char *text, struct llama_chat_message *turns, size_t count) {
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        const char *begin = turns[i].content + strspn(turns[i].content, " \t\r\n");
        size_t length = strlen(begin);
        while (length && strchr(" \t\r\n", begin[length - 1])) length--;
        if (strcmp(turns[i].role, "system") != 0 || memmem(text, strlen(text), begin, length)) continue;
        turns[i].role = "user";
        any = true;
    }
    return any;
}

char *tt_named_template_render(const tt_named_template *layout, const tt_message *messages, size_t count, tt_error *err) {
    struct llama_chat_message *turns = tt_alloc(count + 1, sizeof *turns, err);
    if (!turns) return NULL;
    size_t used = 0;
    if (layout->system && (count == 0 || strcmp(messages[0].role, "system") != 0))
        turns[used++] = (struct llama_chat_message){"system", layout->system};
    for (size_t i = 0; i < count; i++) turns[used++] = (struct llama_chat_message){messages[i].role, messages[i].content};
    char *text = apply(layout, turns, used, err);
    if (text && save_systems(text, turns, used)) {
        free(text);
        text = apply(layout, turns, used, err);
    }
    free(turns);
    return text;
}
