/* schema.c: see schema.h. The keywords are those of JSON Schema 2020-12 and draft 7. */
#include "chat/schema.h"

#include <stdio.h>
#include <string.h>

enum { DEEPEST = 48, PLACE_MOST = 256 };

/* A schema within the whole one, and the way to it. */
typedef struct node {
    yyjson_val *schema, *root;
    const struct node *parent;
    const char *step; /* of the way, from the parent */
    int depth;
} node;

typedef const char *const *keywords; /* ends with NULL */

/* Those that constrain; all others are annotations. "then" and "else" are nothing without "if". */
static const char *const constraints[] = {"type",
                                          "enum",
                                          "const",
                                          "multipleOf",
                                          "maximum",
                                          "exclusiveMaximum",
                                          "minimum",
                                          "minItems",
                                          "exclusiveMinimum",
                                          "maxLength",
                                          "minLength",
                                          "pattern",
                                          "items",
                                          "contains",
                                          "prefixItems",
                                          "additionalItems",
                                          "unevaluatedItems",
                                          "minContains",
                                          "maxContains",
                                          "maxItems",
                                          "uniqueItems",
                                          "patternProperties",
                                          "properties",
                                          "required",
                                          "minProperties",
                                          "maxProperties",
                                          "additionalProperties",
                                          "propertyNames",
                                          "unevaluatedProperties",
                                          "dependentRequired",
                                          "dependentSchemas",
                                          "dependencies",
                                          "allOf",
                                          "anyOf",
                                          "oneOf",
                                          "not",
                                          "if",
                                          "$ref",
                                          "$dynamicRef",
                                          NULL};

static bool is_among(const char *name, keywords names) {
    for (; *names; names++)
        if (!strcmp(name, *names)) return true;
    return false;
}

/* ==== Where it stands ==== */

static void add_place(const node *at, char *place) {
    if (at->parent) add_place(at->parent, place);
    const size_t length = strlen(place);
    if (at->step) snprintf(place + length, PLACE_MOST - length, "/%s", at->step);
}

static bool refuse(const node *at, tt_error *err, const char *keyword, const char *why) {
    char place[PLACE_MOST] = "";
    add_place(at, place);
    return tt_fail(err, TT_ERROR_INPUT, "the schema%s%s: '%.64s' %s", *place ? " at " : "", place, keyword, why);
}

/* ==== One schema ==== */

static bool check(const node *at, tt_error *err);

static bool check_child(const node *at, const char *step, yyjson_val *schema, tt_error *err) {
    const node child = {schema, at->root, at, step, at->depth + 1};
    return check(&child, err);
}

/* Everything in the schema that constrains is among `known`; what is there besides would be passed over. */
static bool only(const node *at, keywords known, tt_error *err) {
    yyjson_val *key;
    yyjson_obj_iter iterator = yyjson_obj_iter_with(at->schema);
    while ((key = yyjson_obj_iter_next(&iterator))) {
        const char *name = yyjson_get_str(key);
        yyjson_val *value = yyjson_obj_iter_get_val(key);
        const bool nothing = yyjson_is_false(value) && !strcmp(name, "uniqueItems");
        if (is_among(name, constraints) && !is_among(name, known) && !nothing)
            return refuse(at, err, name, "cannot be enforced here");
    }
    return true;
}

static bool check_each(const node *at, const char *keyword, tt_error *err) {
    yyjson_val *list = yyjson_obj_get(at->schema, keyword), *item;
    size_t index, count;
    if (!yyjson_is_arr(list) || !yyjson_arr_size(list)) return refuse(at, err, keyword, "should be a list of schemas");
    yyjson_arr_foreach(list, index, count, item) {
        if (!check_child(at, keyword, item, err)) return false;
    }
    return true;
}

/* What "$ref" names: the whole schema, or one of its definitions, which are checked where they stand. NULL for others. */
static yyjson_val *definition(const node *at) {
    const char *target = yyjson_get_str(yyjson_obj_get(at->schema, "$ref"));
    if (!target || *target != '#') return NULL;
    if (!target[1]) return at->root;
    const char *name = strrchr(target, '/');
    if (!name) return NULL;
    const size_t length = (size_t)(name - target);
    const bool known = (!strncmp(target, "#/$defs", length) || !strncmp(target, "#/definitions", length)) &&
                       (length == strlen("#/$defs") || length == strlen("#/definitions"));
    return known ? yyjson_ptr_get(at->root, target + 1) : NULL;
}

/* Of allOf the conversion reads objects' properties, and enumerations. */
static bool check_all_of(const node *at, tt_error *err) {
    yyjson_val *list = yyjson_obj_get(at->schema, "allOf"), *item;
    size_t index, count;
    if (!check_each(at, "allOf", err)) return false;
    yyjson_arr_foreach(list, index, count, item) {
        const node child = {item, at->root, at, "allOf", at->depth + 1};
        yyjson_val *seen = yyjson_obj_get(item, "$ref") ? definition(&child) : item;
        const bool closed = yyjson_obj_get(seen, "additionalProperties") != NULL;
        if (closed || (!yyjson_obj_get(seen, "properties") && !yyjson_obj_get(seen, "enum")))
            return refuse(at, err, "allOf", "can only join objects with properties, or enumerations");
    }
    return true;
}

/* ==== Types ==== */

static bool check_required(const node *at, tt_error *err) {
    yyjson_val *list = yyjson_obj_get(at->schema, "required"), *name;
    yyjson_val *properties = yyjson_obj_get(at->schema, "properties");
    size_t index, count;
    yyjson_arr_foreach(list, index, count, name) {
        if (!yyjson_obj_getn(properties, yyjson_get_str(name), yyjson_get_len(name)))
            return refuse(at, err, "required", "names a property that 'properties' does not have");
    }
    return true;
}

static bool check_object(const node *at, tt_error *err) {
    static const char *const known[] = {"type", "properties", "required", "additionalProperties", NULL};
    static const char *const joined[] = {"type", "allOf", NULL};
    if (yyjson_obj_get(at->schema, "allOf")) return only(at, joined, err) && check_all_of(at, err);
    yyjson_val *additional = yyjson_obj_get(at->schema, "additionalProperties"), *key;
    if (!only(at, known, err) || !check_required(at, err)) return false;
    yyjson_obj_iter iterator = yyjson_obj_iter_with(yyjson_obj_get(at->schema, "properties"));
    while ((key = yyjson_obj_iter_next(&iterator))) {
        if (!check_child(at, yyjson_get_str(key), yyjson_obj_iter_get_val(key), err)) return false;
    }
    return !additional || yyjson_is_bool(additional) || check_child(at, "additionalProperties", additional, err);
}

static bool check_array(const node *at, tt_error *err) {
    static const char *const known[] = {"type", "items", "minItems", "maxItems", NULL};
    static const char *const tuple[] = {"type", "prefixItems", NULL}, *const old_tuple[] = {"type", "items", NULL};
    yyjson_val *items = yyjson_obj_get(at->schema, "items");
    if (yyjson_obj_get(at->schema, "prefixItems")) return only(at, tuple, err) && check_each(at, "prefixItems", err);
    if (yyjson_is_arr(items)) return only(at, old_tuple, err) && check_each(at, "items", err);
    return only(at, known, err) && (!items || check_child(at, "items", items, err));
}

static bool is_grammar_format(const char *format) {
    static const char *const formats[] = {"date", "time", "date-time", "uuid", NULL};
    return format && is_among(format, formats);
}

static bool check_string(const node *at, tt_error *err) {
    static const char *const pattern[] = {"type", "pattern", NULL}, *const format[] = {"type", NULL};
    static const char *const lengths[] = {"type", "minLength", "maxLength", NULL};
    if (yyjson_obj_get(at->schema, "pattern")) return only(at, pattern, err);
    const bool formatted = is_grammar_format(yyjson_get_str(yyjson_obj_get(at->schema, "format")));
    return only(at, formatted ? format : lengths, err);
}

static bool check_integer(const node *at, tt_error *err) {
    static const char *const known[] = {"type", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", NULL};
    if (yyjson_obj_get(at->schema, "minimum") && yyjson_obj_get(at->schema, "exclusiveMinimum"))
        return refuse(at, err, "exclusiveMinimum", "and 'minimum' cannot both be enforced");
    if (yyjson_obj_get(at->schema, "maximum") && yyjson_obj_get(at->schema, "exclusiveMaximum"))
        return refuse(at, err, "exclusiveMaximum", "and 'maximum' cannot both be enforced");
    return only(at, known, err);
}

static bool check_plain(const node *at, tt_error *err) {
    static const char *const known[] = {"type", NULL};
    return only(at, known, err);
}

static const struct {
    const char *name;
    bool (*check)(const node *at, tt_error *err);
} types[] = {
    {"object", check_object}, {"array", check_array},   {"string", check_string}, {"integer", check_integer},
    {"number", check_plain},  {"boolean", check_plain}, {"null", check_plain},
};
enum { TYPES = sizeof types / sizeof *types };

static bool check_type(const node *at, const char *name, tt_error *err) {
    for (size_t i = 0; i < TYPES; i++)
        if (!strcmp(types[i].name, name)) return types[i].check(at, err);
    return refuse(at, err, name, "is no type that JSON has");
}

/* Without a type the keywords decide, in the order that the conversion has them. */
static bool check_untyped(const node *at, tt_error *err) {
    static const char *const shows[][2] = {
        {"properties", "object"}, {"additionalProperties", "object"}, {"required", "object"}, {"allOf", "object"},
        {"items", "array"},       {"prefixItems", "array"},           {"pattern", "string"},  {"minLength", "string"},
        {"maxLength", "string"},
    };
    for (size_t i = 0; i < sizeof shows / sizeof *shows; i++)
        if (yyjson_obj_get(at->schema, shows[i][0])) return check_type(at, shows[i][1], err);
    return check_plain(at, err);
}

/* Several types are alternatives, each with the whole schema: what is a constraint of one alone is none of the others. */
static bool check_types(const node *at, yyjson_val *list, tt_error *err) {
    yyjson_val *item;
    size_t index, count;
    if (!yyjson_arr_size(list)) return refuse(at, err, "type", "is an empty list");
    const char *wide = NULL; /* the one that has keywords of its own */
    yyjson_arr_foreach(list, index, count, item) {
        const char *name = yyjson_get_str(item);
        if (!name) return refuse(at, err, "type", "should be a name, or a list of names");
        const bool plain = !strcmp(name, "null") || !strcmp(name, "boolean") || !strcmp(name, "number");
        if (plain || (wide && only(at, (const char *const[]){"type", NULL}, NULL))) continue;
        if (wide) return refuse(at, err, "type", "has several types, and the schema constrains them");
        wide = name;
    }
    return wide ? check_type(at, wide, err) : check_plain(at, err);
}

static bool check_reference(const node *at, tt_error *err) {
    static const char *const known[] = {"$ref", NULL};
    if (!definition(at)) return refuse(at, err, "$ref", "should name a definition in the same schema, such as #/$defs/NAME");
    return only(at, known, err);
}

static bool check(const node *at, tt_error *err) {
    static const char *const any[] = {"anyOf", NULL}, *const one[] = {"oneOf", NULL},
                             *const enumeration[] = {"type", "enum", NULL}, *const constant[] = {"type", "const", NULL};
    if (at->depth > DEEPEST) return refuse(at, err, at->step ? at->step : "", "is nested too deeply");
    if (!yyjson_is_obj(at->schema)) return refuse(at, err, at->step ? at->step : "", "should be a schema: an object");
    yyjson_val *type = yyjson_obj_get(at->schema, "type");
    if (yyjson_obj_get(at->schema, "$ref")) return check_reference(at, err);
    if (yyjson_obj_get(at->schema, "oneOf")) return only(at, one, err) && check_each(at, "oneOf", err);
    if (yyjson_obj_get(at->schema, "anyOf")) return only(at, any, err) && check_each(at, "anyOf", err);
    if (yyjson_obj_get(at->schema, "const")) return only(at, constant, err);
    if (yyjson_obj_get(at->schema, "enum")) return only(at, enumeration, err);
    if (yyjson_is_arr(type)) return check_types(at, type, err);
    if (type && !yyjson_is_str(type)) return refuse(at, err, "type", "should be a name, or a list of names");
    return type ? check_type(at, yyjson_get_str(type), err) : check_untyped(at, err);
}

static bool check_definitions(const node *at, const char *name, tt_error *err) {
    yyjson_val *all = yyjson_obj_get(at->schema, name), *key;
    yyjson_obj_iter iterator = yyjson_obj_iter_with(all);
    while ((key = yyjson_obj_iter_next(&iterator))) {
        if (!check_child(at, yyjson_get_str(key), yyjson_obj_iter_get_val(key), err)) return false;
    }
    return true;
}

bool tt_schema_check(yyjson_val *schema, tt_error *err) {
    const node root = {.schema = schema, .root = schema};
    return check(&root, err) && check_definitions(&root, "$defs", err) && check_definitions(&root, "definitions", err);
}
