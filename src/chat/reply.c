/* reply.c: see reply.h */
#include "chat/reply.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { LIST_MOST = 1024 };

static bool nonsense(tt_error *err) {
    return tt_fail(err, TT_ERROR_IO,
                   "the program that runs chat templates does not answer as it should; is it of another "
                   "version?");
}

/* The engine's sentence as one line of text. */
static bool engine_says(const char *sentence, tt_error *err) {
    char line[sizeof err->message];
    size_t length = strlen(sentence);
    if (length >= sizeof line) length = sizeof line - 1;
    memcpy(line, sentence, length);
    line[length] = '\0';
    tt_one_line(line);
    /* raise_exception('') is allowed, too. */
    return tt_fail(err, TT_ERROR_MODEL, "%s",
                   *line ? line : "the chat template refuses this conversation, and does not say why");
}

yyjson_doc *tt_reply_read(const char *bytes, size_t length, tt_error *err) {
    size_t line;
    tt_error reason = {0};
    yyjson_doc *doc = tt_json_parse_at(bytes, length, &line, &reason);
    if (!doc) {
        if (reason.kind == TT_ERROR_MEMORY)
            tt_fail(err, reason.kind, "%s", reason.message);
        else
            nonsense(err);
        return NULL;
    }
    yyjson_val *root = yyjson_doc_get_root(doc), *error = yyjson_obj_get(root, "error");
    if (yyjson_is_obj(root) && !error) return doc;
    if (yyjson_is_str(error))
        engine_says(yyjson_get_str(error), err);
    else
        nonsense(err);
    yyjson_doc_free(doc);
    return NULL;
}

bool tt_reply_facts(yyjson_val *root, tt_template_facts *facts, tt_error *err) {
    yyjson_val *thinking = yyjson_obj_get(root, "thinking"), *folds = yyjson_obj_get(root, "folds_system");
    if (!yyjson_is_bool(thinking) || !yyjson_is_bool(folds)) return nonsense(err);
    *facts = (tt_template_facts){.thinking = yyjson_get_bool(thinking), .folds_system = yyjson_get_bool(folds)};
    return true;
}

/* ==== Results ==== */

/* A text without a zero byte, which would hide the rest. */
static bool take_text(yyjson_val *object, const char *key, char **to, tt_error *err) {
    yyjson_val *value = yyjson_obj_get(object, key);
    if (!yyjson_is_str(value) || strlen(yyjson_get_str(value)) != yyjson_get_len(value)) return nonsense(err);
    return (*to = tt_strdup(yyjson_get_str(value), err)) != NULL;
}

static bool take_flag(yyjson_val *object, const char *key, bool *to, tt_error *err) {
    yyjson_val *value = yyjson_obj_get(object, key);
    *to = yyjson_get_bool(value);
    return yyjson_is_bool(value) || nonsense(err);
}

static bool take_list(yyjson_val *object, const char *key, char ***to, size_t *count, tt_error *err) {
    yyjson_val *list = yyjson_obj_get(object, key), *value;
    if (!yyjson_is_arr(list) || yyjson_arr_size(list) > LIST_MOST) return nonsense(err);
    *to = tt_alloc(yyjson_arr_size(list), sizeof **to, err);
    if (!*to) return false;
    yyjson_arr_iter at = yyjson_arr_iter_with(list);
    while ((value = yyjson_arr_iter_next(&at))) {
        if (!yyjson_is_str(value)) return nonsense(err);
        (*to)[*count] = tt_strndup(yyjson_get_str(value), yyjson_get_len(value), err);
        if (!(*to)[(*count)]) return false;
        ++*count;
    }
    return true;
}

static bool take_thinking(yyjson_val *result, tt_rendered *to, tt_error *err) {
    yyjson_val *thinking = yyjson_obj_get(result, "thinking");
    return take_flag(thinking, "known", &to->thinks, err) && take_flag(thinking, "opened", &to->thinking_opened, err) &&
           take_text(thinking, "start", &to->thinking_start, err) &&
           take_list(thinking, "ends", &to->thinking_ends, &to->thinking_end_count, err);
}

static bool take_reading(yyjson_val *result, tt_rendered *to, tt_error *err) {
    yyjson_val *number = yyjson_obj_get(result, "format"), *triggers = yyjson_obj_get(result, "grammar_triggers");
    if (!yyjson_is_int(number) || !yyjson_is_arr(triggers)) return nonsense(err);
    to->format_number = yyjson_get_int(number);
    to->triggers = yyjson_val_write(triggers, YYJSON_WRITE_NOFLAG, NULL);
    if (!to->triggers) return tt_fail(err, TT_ERROR_MEMORY, "out of memory");
    return take_text(result, "generation_prompt", &to->generation_prompt, err) && take_thinking(result, to, err) &&
           take_text(result, "format_name", &to->format, err) && take_text(result, "parser", &to->parser, err) &&
           take_text(result, "grammar", &to->grammar, err) && take_flag(result, "grammar_lazy", &to->grammar_lazy, err) &&
           take_list(result, "stops", &to->stops, &to->stop_count, err) &&
           take_list(result, "preserved_tokens", &to->preserved, &to->preserved_count, err);
}

static bool take_result(yyjson_val *result, bool whole, tt_rendered *to, tt_error *err) {
    yyjson_val *error = yyjson_obj_get(result, "error");
    if (yyjson_is_str(error)) return engine_says(yyjson_get_str(error), err);
    return take_text(result, "prompt", &to->prompt, err) && (!whole || take_reading(result, to, err));
}

bool tt_reply_rendered(yyjson_val *root, bool whole, tt_rendered *rendered, size_t count, tt_error *err) {
    yyjson_val *results = yyjson_obj_get(root, "results");
    memset(rendered, 0, count * sizeof *rendered);
    if (!yyjson_is_arr(results) || yyjson_arr_size(results) != count) return nonsense(err);
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++) ok = take_result(yyjson_arr_get(results, i), whole, &rendered[i], err);
    for (size_t i = 0; !ok && i < count; i++) tt_rendered_free(&rendered[i]);
    return ok;
}

static void free_list(char **list, size_t count) {
    for (size_t i = 0; i < count; i++) free(list[i]);
    free(list);
}

void tt_rendered_free(tt_rendered *rendered) {
    free(rendered->prompt);
    free(rendered->generation_prompt);
    free(rendered->thinking_start);
    free_list(rendered->thinking_ends, rendered->thinking_end_count);
    free_list(rendered->stops, rendered->stop_count);
    free_list(rendered->preserved, rendered->preserved_count);
    free(rendered->format);
    free(rendered->parser);
    free(rendered->grammar);
    free(rendered->triggers);
    *rendered = (tt_rendered){0};
}
