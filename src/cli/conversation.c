/* conversation.c: see conversation.h */
#include "cli/conversation.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

bool tt_conversation_add(tt_conversation *conversation, const char *role, const char *content, tt_error *err) {
    if (!tt_grow(&conversation->messages, &conversation->capacity, conversation->count, sizeof *conversation->messages, err))
        return false;
    char *copy = tt_strdup(content, err);
    if (!copy) return false;
    conversation->messages[conversation->count++] = (tt_message){role, copy};
    return true;
}

void tt_conversation_cut(tt_conversation *conversation, size_t count) {
    while (conversation->count > count) {
        union {
            const char *borrowed;
            char *owned;
        } content = {conversation->messages[--conversation->count].content};
        free(content.owned);
    }
}

void tt_conversation_free(tt_conversation *conversation) {
    tt_conversation_cut(conversation, 0);
    free(conversation->messages);
    *conversation = (tt_conversation){0};
}

static bool save_json(const tt_conversation *conversation, const char *mix, const char *path, tt_error *err) {
    yyjson_mut_val *root;
    yyjson_mut_doc *doc = tt_json_object(&root);
    if (!doc) return tt_fail(err, TT_ERROR_MEMORY, "out of memory");
    yyjson_mut_val *messages = yyjson_mut_arr(doc);
    bool ok =
        yyjson_mut_obj_add_str(doc, root, "mix", mix ? mix : "") && yyjson_mut_obj_add_val(doc, root, "messages", messages);
    for (size_t i = 0; ok && i < conversation->count; i++) {
        yyjson_mut_val *message = yyjson_mut_arr_add_obj(doc, messages);
        ok = message && yyjson_mut_obj_add_str(doc, message, "role", conversation->messages[i].role) &&
             yyjson_mut_obj_add_str(doc, message, "content", conversation->messages[i].content);
    }
    ok = ok ? tt_json_write(path, doc, err) : tt_fail(err, TT_ERROR_MEMORY, "out of memory");
    yyjson_mut_doc_free(doc);
    return ok;
}

static bool save_text(const tt_conversation *conversation, const char *mix, const char *path, tt_error *err) {
    tt_text text = {0};
    if (mix) tt_text_addf(&text, "mix: %s\n\n", mix);
    for (size_t i = 0; i < conversation->count; i++)
        tt_text_addf(&text, "## %s\n\n%s\n\n", conversation->messages[i].role, conversation->messages[i].content);
    const bool ok = tt_text_ok(&text, err) && tt_file_write(path, text.data ? text.data : "", text.length, err);
    tt_text_free(&text);
    return ok;
}

bool tt_conversation_save(const tt_conversation *conversation, const char *mix, const char *path, tt_error *err) {
    const size_t length = strlen(path);
    const bool json = length > 5 && !strcmp(path + length - 5, ".json");
    return json ? save_json(conversation, mix, path, err) : save_text(conversation, mix, path, err);
}
