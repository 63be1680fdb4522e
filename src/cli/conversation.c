/* conversation.c: see conversation.h */
#include "cli/conversation.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"

#include <string.h>

static bool save_json(const trimtab_chat *chat, const char *mix, const char *path, tt_error *err) {
    yyjson_mut_val *root;
    yyjson_mut_doc *doc = tt_json_object(&root);
    if (!doc) return tt_fail(err, TT_ERROR_MEMORY, "out of memory");
    yyjson_mut_val *messages = yyjson_mut_arr(doc);
    bool ok =
        yyjson_mut_obj_add_str(doc, root, "mix", mix ? mix : "") && yyjson_mut_obj_add_val(doc, root, "messages", messages);
    trimtab_message said;
    for (size_t i = 0; ok && (said = trimtab_chat_message(chat, i)).role; i++) {
        yyjson_mut_val *message = yyjson_mut_arr_add_obj(doc, messages);
        ok = message && yyjson_mut_obj_add_str(doc, message, "role", said.role) &&
             yyjson_mut_obj_add_str(doc, message, "content", said.content);
    }
    ok = ok ? tt_json_write(path, doc, err) : tt_fail(err, TT_ERROR_MEMORY, "out of memory");
    yyjson_mut_doc_free(doc);
    return ok;
}

static bool save_text(const trimtab_chat *chat, const char *mix, const char *path, tt_error *err) {
    tt_text text = {0};
    if (mix) tt_text_addf(&text, "mix: %s\n\n", mix);
    trimtab_message said;
    for (size_t i = 0; (said = trimtab_chat_message(chat, i)).role; i++)
        tt_text_addf(&text, "## %s\n\n%s\n\n", said.role, said.content);
    const bool ok = tt_text_ok(&text, err) && tt_file_write(path, text.data ? text.data : "", text.length, err);
    tt_text_free(&text);
    return ok;
}

bool tt_conversation_save(const trimtab_chat *chat, const char *mix, const char *path, tt_error *err) {
    const size_t length = strlen(path);
    const bool json = length > 5 && !strcmp(path + length - 5, ".json");
    return json ? save_json(chat, mix, path, err) : save_text(chat, mix, path, err);
}
