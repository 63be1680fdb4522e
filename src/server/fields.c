/* fields.c: see fields.h */
#include "server/fields.h"
#include "base/json.h"
#include "base/number.h"
#include "base/plain.h"
#include "base/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A body that is no JSON at all: what it is, and what to send instead. `err` says what JSON's reader found. */
static void refuse_body(const char *body, size_t length, const tt_error *err, tt_refusal *refusal) {
    size_t at;
    const tt_plain_fault fault = tt_plain_check(body, length, &at);
    const char *line = at ? memrchr(body, '\n', at) : NULL;
    if (!length)
        tt_refuse(refusal, 400, "", "the body is empty, but should be a JSON object");
    else if (length >= 2 && !memcmp(body, "\x1f\x8b", 2))
        tt_refuse(refusal, 415, "", "the body is compressed with gzip: send it as it is");
    else if (fault == TT_PLAIN || fault == TT_PLAIN_ZERO) /* the reader tells where a zero stands */
        tt_refuse_error(refusal, "", err);
    else
        tt_refuse(refusal, 400, "", "the body is %s (line %zu, byte %zu): send it as UTF-8", tt_plain_fault_words(fault),
                  tt_line_of(body, at), (size_t)(body + at - (line ? line : body - 1)));
}

yyjson_doc *tt_fields_parse(tt_fields *fields, const char *body, size_t length, tt_refusal *refusal) {
    tt_error err = {0};
    yyjson_doc *doc = tt_json_parse("the body", body, length, &err);
    if (!doc) {
        refuse_body(body, length, &err, refusal);
        return NULL;
    }
    yyjson_val *root = yyjson_doc_get_root(doc);
    if (!yyjson_is_obj(root)) {
        tt_refuse(refusal, 400, "", "the body should be a JSON object, but is %s", tt_json_kind(root));
        yyjson_doc_free(doc);
        return NULL;
    }
    *fields = (tt_fields){root, refusal, true};
    return doc;
}

void tt_fields_refuse(tt_fields *fields, const char *name, const char *format, ...) {
    if (!fields->ok) return;
    fields->ok = false;
    char message[512];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    tt_refuse(fields->refusal, 400, name, "%s", message);
}

void tt_fields_refuse_error(tt_fields *fields, const char *name, const tt_error *err) {
    const bool ours = err->kind == TT_ERROR_MEMORY || err->kind == TT_ERROR_IO;
    if (fields->ok) tt_refuse(fields->refusal, ours ? 500 : 400, name, "%s", err->message);
    fields->ok = false;
}

yyjson_val *tt_fields_get(const tt_fields *fields, const char *name) {
    yyjson_val *value = yyjson_obj_get(fields->object, name);
    return yyjson_is_null(value) ? NULL : value;
}

void tt_take_bool(tt_fields *fields, const char *name, bool *value) {
    yyjson_val *field = tt_fields_get(fields, name);
    if (!field) return;
    if (!yyjson_is_bool(field))
        tt_fields_refuse(fields, name, "'%s' should be true or false, but is %s", name, tt_json_kind(field));
    else
        *value = yyjson_get_bool(field);
}

/* The number, which must be within the limits; a comparison with NaN is false, so NaN is refused too. */
static bool number_within(tt_fields *fields, const char *name, double least, double most, double *number) {
    yyjson_val *field = tt_fields_get(fields, name);
    if (!field) return false;
    *number = yyjson_get_num(field);
    if (!yyjson_is_num(field) && !(yyjson_is_str(field) && tt_number_parse(yyjson_get_str(field), number)))
        tt_fields_refuse(fields, name, "'%s' should be a number, but is %s", name, tt_json_kind(field));
    else if (!(*number >= least && *number <= most))
        tt_fields_refuse(fields, name, "'%s' is %g, but should be between %g and %g", name, *number, least, most);
    return fields->ok;
}

void tt_take_number(tt_fields *fields, const char *name, double least, double most, double *value) {
    double number;
    if (number_within(fields, name, least, most, &number)) *value = number;
}

void tt_take_whole(tt_fields *fields, const char *name, int64_t least, int64_t most, int64_t *value) {
    double number;
    if (!number_within(fields, name, (double)least, (double)most, &number)) return;
    if (number != trunc(number))
        tt_fields_refuse(fields, name, "'%s' is %g, but should be a whole number", name, number);
    else
        *value = number >= 0x1p63 ? INT64_MAX : (int64_t)number;
}

void tt_take_count(tt_fields *fields, const char *name, int64_t least, int64_t *value) {
    double number;
    if (!number_within(fields, name, (double)least, INFINITY, &number)) return;
    if (number != trunc(number))
        tt_fields_refuse(fields, name, "'%s' is %g, but should be a whole number", name, number);
    else
        *value = number < 0 ? -1 : number > 1e15 ? (int64_t)1e15 : (int64_t)number;
}

void tt_take_int32(tt_fields *fields, const char *name, int64_t least, int64_t most, int32_t *value) {
    int64_t whole = *value;
    tt_take_whole(fields, name, least, most, &whole);
    *value = (int32_t)whole;
}

void tt_take_text(tt_fields *fields, const char *name, const char **value) {
    yyjson_val *field = tt_fields_get(fields, name);
    if (!field) return;
    if (!yyjson_is_str(field))
        tt_fields_refuse(fields, name, "'%s' should be text, but is %s", name, tt_json_kind(field));
    else if (strlen(yyjson_get_str(field)) != yyjson_get_len(field))
        tt_fields_refuse(fields, name, "'%s' has a zero byte in it", name);
    else
        *value = yyjson_get_str(field);
}
