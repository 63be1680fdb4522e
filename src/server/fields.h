/* fields.h: the fields of a JSON object from a client, each checked for type and range; a wrong one is refused by its name.
 *
 * A field that is absent or null leaves the value as it is. A number may be sent as text ("0.5"), as some clients do. The
 * first refusal sticks: a series of takes needs one check at its end. */
#pragma once

#include "server/refusal.h"

#include <stdint.h>
#include <yyjson.h>

typedef struct tt_fields {
    yyjson_val *object;
    tt_refusal *refusal;
    bool ok; /* starts as true */
} tt_fields;

/* Parses a body, which must be one JSON object in UTF-8. NULL when refused; freed with yyjson_doc_free. */
yyjson_doc *tt_fields_parse(tt_fields *fields, const char *body, size_t length, tt_refusal *refusal);

/* The field, or NULL where it is absent or null. */
yyjson_val *tt_fields_get(const tt_fields *fields, const char *name);

void tt_take_bool(tt_fields *fields, const char *name, bool *value);
void tt_take_number(tt_fields *fields, const char *name, double least, double most, double *value);
void tt_take_whole(tt_fields *fields, const char *name, int64_t least, int64_t most, int64_t *value);

/* A count where clients send -1 and the like for "no limit": below 0 is -1, and huge numbers are the largest. */
void tt_take_count(tt_fields *fields, const char *name, int64_t least, int64_t *value);
void tt_take_int32(tt_fields *fields, const char *name, int64_t least, int64_t most, int32_t *value);

/* The text stays the document's. Text with a zero byte in it is refused. */
void tt_take_text(tt_fields *fields, const char *name, const char **value);

/* Refuses unless an earlier field was refused already. */
void tt_fields_refuse(tt_fields *fields, const char *name, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same with what another function has found: the client's fault (400), unless memory was short or the system failed
 * to read or write (500). */
void tt_fields_refuse_error(tt_fields *fields, const char *name, const tt_error *err);
