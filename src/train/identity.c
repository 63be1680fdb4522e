/* identity.c: see identity.h */
#include "train/identity.h"
#include "base/json.h"
#include "base/memory.h"
#include "model/capture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IDENTITY_VERSION = 1 };

/* ==== The fields, each once ==== */

typedef enum field_kind { TEXT, COUNT64, COUNT32, REAL, WHOLE, FLAG } field_kind;

/* In the order of comparison: the first difference explains most. `differs` names a difference: for a text, what it is
 * ("another model file"); for a flag, the option's name, with "no " in front if it was not given; for a number, the
 * option's name. NULL if the field is not compared, or is compared separately below. */
static const struct field {
    const char *key;
    field_kind kind;
    size_t offset;
    const char *differs;
} fields[] = {
#define FIELD(kind, name, differs) {#name, kind, offsetof(tt_identity, name), differs}
    FIELD(TEXT, content_hash, "another model file"),
    FIELD(TEXT, model_name, "another --name"),
    FIELD(TEXT, chat_template, "another chat template"),
    FIELD(TEXT, chat_digest, NULL), /* see match_chat */
    FIELD(FLAG, separate_system_message, "another --separate-system-message"),
    FIELD(FLAG, plain, "--plain"),
    FIELD(COUNT64, samples, "--samples"),
    FIELD(COUNT64, seed, "--seed"),
    FIELD(COUNT64, prompts_per_system, "--prompts-per-system"),
    FIELD(REAL, held_out, "--hold-out"),
    FIELD(COUNT32, ubatch, "-ub"),
    FIELD(COUNT32, rounding, NULL), /* see match_rounding; older versions wrote none */
    FIELD(FLAG, flash_attention_off, "-fa off"),
    FIELD(WHOLE, gpu_layers, NULL),
    FIELD(TEXT, rpc_servers, NULL),
    FIELD(TEXT, tensor_split, NULL),
    FIELD(TEXT, architecture, NULL),
    FIELD(TEXT, fingerprint, NULL),
    FIELD(COUNT64, parameters, NULL),
    FIELD(COUNT32, blocks, NULL),
    FIELD(COUNT32, width, NULL),
    FIELD(TEXT, plan, NULL),
#undef FIELD
};
enum { FIELDS = sizeof fields / sizeof *fields };

/* A field's place in an identity. */
typedef union place {
    void *any;
    char **text;
    uint64_t *count64;
    uint32_t *count32;
    double *real;
    int *whole;
    bool *flag;
} place;

static place place_of(const tt_identity *identity, const struct field *field) {
    return (place){(void *)((uintptr_t)identity + field->offset)};
}

static bool copy(char **field, const char *text, tt_error *err) { return (*field = tt_strdup(text, err)) != NULL; }

static bool copy_axis(struct tt_identity_axis *to, const char *name, const char *negative, const char *positive,
                      const char *hash, tt_error *err) {
    return copy(&to->name, name, err) && copy(&to->classes[0], negative, err) && copy(&to->classes[1], positive, err) &&
           copy(&to->hash, hash, err);
}

static bool copy_chat(tt_identity *identity, const tt_chat *chat, tt_error *err) {
    tt_chat_digest digest;
    return tt_chat_digest_of(chat, &digest, err) && copy(&identity->chat_template, tt_chat_name(chat), err) &&
           copy(&identity->chat_digest, digest.now, err) && copy(&identity->chat_digest_before, digest.before, err);
}

bool tt_identity_of_run(tt_identity *identity, const tt_model *model, const char *name, const tt_chat *chat,
                        const tt_axis *axes, size_t axis_count, const tt_plan *plan, const tt_train_options *options,
                        tt_error *err) {
    const tt_model_facts *facts = tt_model_facts_of(model);
    *identity = (tt_identity){
        .samples = options->samples,
        .seed = options->plan.seed,
        .prompts_per_system = options->plan.prompts_per_system,
        .held_out = options->plan.held_out,
        .parameters = facts->parameters,
        .blocks = facts->blocks,
        .width = facts->width,
        .ubatch = tt_model_ubatch(model),
        .rounding = TT_CAPTURE_ROUNDING,
        .gpu_layers = tt_model_gpu_layers(model),
        .flash_attention_off = tt_model_flash_attention_off(model),
        .separate_system_message = options->separate_system_message,
        .plain = options->plain,
    };
    bool ok = copy(&identity->model_name, name, err) && copy(&identity->architecture, facts->architecture, err) &&
              copy(&identity->fingerprint, facts->fingerprint, err) &&
              copy(&identity->content_hash, facts->content_hash, err) && copy_chat(identity, chat, err) &&
              copy(&identity->plan, tt_plan_hash(plan), err) &&
              copy(&identity->rpc_servers, tt_model_rpc_servers(model), err) &&
              copy(&identity->tensor_split, tt_model_tensor_split(model), err) &&
              (identity->axes = tt_alloc(axis_count, sizeof *identity->axes, err));
    for (size_t i = 0; ok && i < axis_count; i++) {
        identity->axis_count++; /* a half-copied axis is freed as well */
        ok = copy_axis(&identity->axes[i], axes[i].name, axes[i].classes[0], axes[i].classes[1], axes[i].hash, err);
    }
    if (!ok) tt_identity_free(identity);
    return ok;
}

static void write_field(yyjson_mut_doc *doc, yyjson_mut_val *root, const tt_identity *identity, const struct field *field) {
    const place at = place_of(identity, field);
    switch (field->kind) {
    case TEXT:
        yyjson_mut_obj_add_str(doc, root, field->key, *at.text);
        break;
    case COUNT64:
        yyjson_mut_obj_add_uint(doc, root, field->key, *at.count64);
        break;
    case COUNT32:
        yyjson_mut_obj_add_uint(doc, root, field->key, *at.count32);
        break;
    case REAL:
        yyjson_mut_obj_add_real(doc, root, field->key, *at.real);
        break;
    case WHOLE:
        yyjson_mut_obj_add_int(doc, root, field->key, *at.whole);
        break;
    case FLAG:
        yyjson_mut_obj_add_bool(doc, root, field->key, *at.flag);
        break;
    }
}

char *tt_identity_write(const tt_identity *identity, tt_error *err) {
    yyjson_mut_val *root;
    yyjson_mut_doc *doc = tt_json_object(&root);
    if (root) {
        yyjson_mut_obj_add_uint(doc, root, "version", IDENTITY_VERSION);
        for (size_t i = 0; i < FIELDS; i++) write_field(doc, root, identity, &fields[i]);
        yyjson_mut_val *axes = yyjson_mut_obj_add_arr(doc, root, "axes");
        for (size_t i = 0; i < identity->axis_count; i++) {
            const struct tt_identity_axis *axis = &identity->axes[i];
            yyjson_mut_val *object = yyjson_mut_arr_add_obj(doc, axes);
            yyjson_mut_obj_add_str(doc, object, "name", axis->name);
            yyjson_mut_val *classes = yyjson_mut_obj_add_arr(doc, object, "classes");
            yyjson_mut_arr_add_str(doc, classes, axis->classes[0]);
            yyjson_mut_arr_add_str(doc, classes, axis->classes[1]);
            yyjson_mut_obj_add_str(doc, object, "hash", axis->hash);
        }
    }
    char *text = tt_json_text(doc, YYJSON_WRITE_NOFLAG, NULL, err);
    yyjson_mut_doc_free(doc);
    return text;
}

/* ==== Reading ==== */

/* A field that an older trimtab did not write is empty or 0. */
static bool read_field(yyjson_val *root, tt_identity *identity, const struct field *field, tt_error *err) {
    const place at = place_of(identity, field);
    yyjson_val *value = yyjson_obj_get(root, field->key);
    switch (field->kind) {
    case TEXT:
        return copy(at.text, yyjson_is_str(value) ? yyjson_get_str(value) : "", err);
    case COUNT64:
        *at.count64 = yyjson_get_uint(value);
        break;
    case COUNT32:
        *at.count32 = (uint32_t)yyjson_get_uint(value);
        break;
    case REAL:
        *at.real = yyjson_get_num(value);
        break;
    case WHOLE:
        *at.whole = yyjson_get_int(value);
        break;
    case FLAG:
        *at.flag = yyjson_get_bool(value);
        break;
    }
    return true;
}

static bool read_axes(tt_identity *identity, yyjson_val *axes, tt_error *err) {
    const size_t count = yyjson_arr_size(axes);
    identity->axes = tt_alloc(count, sizeof *identity->axes, err);
    if (!identity->axes) return false;
    for (size_t i = 0; i < count; i++) {
        yyjson_val *object = yyjson_arr_get(axes, i), *classes = yyjson_obj_get(object, "classes");
        const char *name = yyjson_get_str(yyjson_obj_get(object, "name")),
                   *hash = yyjson_get_str(yyjson_obj_get(object, "hash"));
        const char *negative = yyjson_get_str(yyjson_arr_get(classes, 0)),
                   *positive = yyjson_get_str(yyjson_arr_get(classes, 1));
        if (!name || !hash || !negative || !positive) return tt_fail(err, TT_ERROR_INPUT, "an axis is not complete");
        identity->axis_count++;
        if (!copy_axis(&identity->axes[i], name, negative, positive, hash, err)) return false;
    }
    return true;
}

bool tt_identity_read(tt_identity *identity, const char *json, const char *file, tt_error *err) {
    *identity = (tt_identity){0};
    yyjson_doc *doc = tt_json_parse(file, json, strlen(json), err);
    if (!doc) return false;
    yyjson_val *root = yyjson_doc_get_root(doc);
    bool ok = yyjson_get_uint(yyjson_obj_get(root, "version")) == IDENTITY_VERSION ||
              tt_fail(err, TT_ERROR_INPUT, "it was written by another version of trimtab");
    for (size_t i = 0; ok && i < FIELDS; i++) ok = read_field(root, identity, &fields[i], err);
    ok = ok && read_axes(identity, yyjson_obj_get(root, "axes"), err);
    yyjson_doc_free(doc);
    if (ok) return true;
    tt_identity_free(identity);
    return tt_fail_prefix(err, "'%s' is not a states file that can be used", file);
}

/* ==== Comparing ==== */

static bool differ(const char *what, const char *file, tt_error *err) {
    return tt_fail(
        err, TT_ERROR_INPUT,
        "'%s' holds an unfinished run with %s; give the same arguments to go on with it, or --restart to start over", file,
        what);
}

static bool differ_count(const char *what, uint64_t stored, uint64_t present, const char *file, tt_error *err) {
    char text[128];
    snprintf(text, sizeof text, "%s %llu instead of %llu", what, (unsigned long long)stored, (unsigned long long)present);
    return differ(text, file, err);
}

/* "NAME STORED instead of PRESENT", or the value that only one of them has. */
static bool differ_text(const char *name, const char *stored, const char *present, const char *file, tt_error *err) {
    char text[512];
    if (!*stored) snprintf(text, sizeof text, "no %s", name);
    if (*stored && !*present) snprintf(text, sizeof text, "%s %s", name, stored);
    if (*stored && *present) snprintf(text, sizeof text, "%s %s instead of %s", name, stored, present);
    return differ(text, file, err);
}

/* The places of the blocks, since processors round differently. */
static bool match_placement(const tt_identity *stored, const tt_identity *present, const char *file, tt_error *err) {
    if (!stored->gpu_layers && present->gpu_layers) return differ("no blocks on a GPU or over --rpc", file, err);
    if (stored->gpu_layers && !present->gpu_layers) {
        if (!*stored->rpc_servers) return differ("blocks on a GPU", file, err);
        return differ_text("blocks on --rpc", stored->rpc_servers, "", file, err);
    }
    if (strcmp(stored->rpc_servers, present->rpc_servers) != 0)
        return differ_text("--rpc", stored->rpc_servers, present->rpc_servers, file, err);
    if (stored->gpu_layers != present->gpu_layers) {
        char layers[2][16] = {"all", "all"};
        if (stored->gpu_layers > 0) snprintf(layers[0], sizeof layers[0], "%d", stored->gpu_layers);
        if (present->gpu_layers > 0) snprintf(layers[1], sizeof layers[1], "%d", present->gpu_layers);
        return differ_text("-ngl", layers[0], layers[1], file, err);
    }
    return !strcmp(stored->tensor_split, present->tensor_split) ||
           differ_text("-ts", stored->tensor_split, present->tensor_split, file, err);
}

static bool match_axes(const tt_identity *stored, const tt_identity *present, const char *file, tt_error *err) {
    bool same = stored->axis_count == present->axis_count;
    for (size_t i = 0; same && i < stored->axis_count; i++) same = !strcmp(stored->axes[i].name, present->axes[i].name);
    if (!same) return differ("other axes", file, err);
    for (size_t i = 0; i < stored->axis_count; i++)
        if (strcmp(stored->axes[i].hash, present->axes[i].hash) != 0) {
            char text[256];
            snprintf(text, sizeof text, "other phrases in the axis '%s'", stored->axes[i].name);
            return differ(text, file, err);
        }
    return true;
}

/* A file without a digest is from the time when libllama laid out conversations: that layout counts. */
static bool match_chat(const tt_identity *stored, const tt_identity *present, const char *file, tt_error *err) {
    const bool old = !*stored->chat_digest;
    const char *before = present->chat_digest_before ? present->chat_digest_before : "";
    if (!strcmp(old ? before : stored->chat_digest, present->chat_digest)) return true;
    if (old)
        return differ("conversations laid out as an older trimtab did, before it ran this model's chat template", file, err);
    return differ("a chat template that lays conversations out differently", file, err);
}

static bool match_rounding(const tt_identity *stored, const tt_identity *present, const char *file, tt_error *err) {
    return stored->rounding == present->rounding ||
           tt_fail(err, TT_ERROR_INPUT,
                   "'%s' holds an unfinished run of a version of trimtab that rounds differently; finish it with that "
                   "version, or give --restart to start over",
                   file);
}

/* Two fields that are compared by value alone. */
static bool match_field(const tt_identity *stored, const tt_identity *present, const struct field *field, const char *file,
                        tt_error *err) {
    const place a = place_of(stored, field), b = place_of(present, field);
    char text[128];
    switch (field->kind) {
    case TEXT:
        return !strcmp(*a.text, *b.text) || differ(field->differs, file, err);
    case FLAG:
        snprintf(text, sizeof text, "%s%s", *a.flag || *field->differs != '-' ? "" : "no ", field->differs);
        return *a.flag == *b.flag || differ(text, file, err);
    case REAL:
        snprintf(text, sizeof text, "%s %g instead of %g", field->differs, *a.real, *b.real);
        return *a.real == *b.real || differ(text, file, err);
    case COUNT64:
        return *a.count64 == *b.count64 || differ_count(field->differs, *a.count64, *b.count64, file, err);
    case COUNT32:
        return *a.count32 == *b.count32 || differ_count(field->differs, *a.count32, *b.count32, file, err);
    case WHOLE:
        break;
    }
    return true;
}

bool tt_identity_match(const tt_identity *stored, const tt_identity *present, const char *file, tt_error *err) {
    for (size_t i = 0; i < FIELDS; i++)
        if (fields[i].differs && !match_field(stored, present, &fields[i], file, err)) return false;
    if (!match_chat(stored, present, file, err) || !match_rounding(stored, present, file, err) ||
        !match_placement(stored, present, file, err) || !match_axes(stored, present, file, err))
        return false;
    return !strcmp(stored->plan, present->plan) || differ("other stems or writing prompts", file, err);
}

void tt_identity_free(tt_identity *identity) {
    for (size_t i = 0; identity->axes && i < identity->axis_count; i++) {
        free(identity->axes[i].name);
        free(identity->axes[i].classes[0]);
        free(identity->axes[i].classes[1]);
        free(identity->axes[i].hash);
    }
    free(identity->axes);
    free(identity->chat_digest_before);
    for (size_t i = 0; i < FIELDS; i++)
        if (fields[i].kind == TEXT) free(*place_of(identity, &fields[i]).text);
    *identity = (tt_identity){0};
}
