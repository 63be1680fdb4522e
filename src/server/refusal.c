/* refusal.c: see refusal.h */
#include "server/refusal.h"
#include "base/json.h"

#include <stdarg.h>
#include <stdio.h>

bool tt_refuse(tt_refusal *refusal, unsigned status, const char *field, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(refusal->error.message, sizeof refusal->error.message, format, args);
    va_end(args);
    refusal->error.kind = status < 500 ? TT_ERROR_INPUT : TT_ERROR_MODEL;
    refusal->status = status;
    snprintf(refusal->field, sizeof refusal->field, "%s", field);
    return false;
}

bool tt_refuse_error(tt_refusal *refusal, const char *field, const tt_error *err) {
    const bool clients = err->kind == TT_ERROR_INPUT || err->kind == TT_ERROR_USAGE;
    return tt_refuse(refusal, clients ? 400 : 500, field, "%s", err->message);
}

static const char *type_of(unsigned status) {
    if (status == 401 || status == 403) return "authentication_error";
    if (status == 404) return "not_found_error";
    if (status == 408) return "timeout_error";
    if (status == 503) return "unavailable_error";
    return status < 500 ? "invalid_request_error" : "server_error";
}

char *tt_refusal_json(const tt_refusal *refusal, size_t *length) {
    yyjson_mut_val *root;
    yyjson_mut_doc *doc = tt_json_object(&root);
    yyjson_mut_val *error = yyjson_mut_obj_add_obj(doc, root, "error");
    yyjson_mut_obj_add_uint(doc, error, "code", refusal->status);
    yyjson_mut_obj_add_str(doc, error, "message", refusal->error.message);
    yyjson_mut_obj_add_str(doc, error, "type", type_of(refusal->status));
    if (refusal->field[0])
        yyjson_mut_obj_add_str(doc, error, "param", refusal->field);
    else
        yyjson_mut_obj_add_null(doc, error, "param");
    char *text = tt_json_text(doc, YYJSON_WRITE_NOFLAG, length, NULL);
    yyjson_mut_doc_free(doc);
    return text;
}
