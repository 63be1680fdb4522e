/* identity.c: see identity.h */
#include "train/identity.h"
#include "base/json.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IDENTITY_VERSION = 1 };

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

char *tt_identity_write(const tt_identity *identity, tt_error *err) {
    yyjson_mut_val *root;
    yyjson_mut_doc *doc = tt_json_object(&root);
    if (root) {
        yyjson_mut_obj_add_uint(doc, root, "version", IDENTITY_VERSION);
        yyjson_mut_obj_add_str(doc, root, "model_name", identity->model_name);
        yyjson_mut_obj_add_str(doc, root, "architecture", identity->architecture);
        yyjson_mut_obj_add_str(doc, root, "fingerprint", identity->fingerprint);
        yyjson_mut_obj_add_str(doc, root, "content_hash", identity->content_hash);
        yyjson_mut_obj_add_str(doc, root, "chat_template", identity->chat_template);
        yyjson_mut_obj_add_str(doc, root, "chat_digest", identity->chat_digest);
        yyjson_mut_obj_add_str(doc, root, "plan", identity->plan);
        yyjson_mut_obj_add_uint(doc, root, "samples", identity->samples);
        yyjson_mut_obj_add_uint(doc, root, "seed", identity->seed);
        yyjson_mut_obj_add_uint(doc, root, "prompts_per_system", identity->prompts_per_system);
        yyjson_mut_obj_add_real(doc, root, "held_out", identity->held_out);
        yyjson_mut_obj_add_uint(doc, root, "parameters", identity->parameters);
        yyjson_mut_obj_add_uint(doc, root, "blocks", identity->blocks);
        yyjson_mut_obj_add_uint(doc, root, "width", identity->width);
        yyjson_mut_obj_add_uint(doc, root, "ubatch", identity->ubatch);
        yyjson_mut_obj_add_int(doc, root, "gpu_layers", identity->gpu_layers);
        yyjson_mut_obj_add_str(doc, root, "rpc_servers", identity->rpc_servers);
        yyjson_mut_obj_add_str(doc, root, "tensor_split", identity->tensor_split);
        yyjson_mut_obj_add_bool(doc, root, "flash_attention_off", identity->flash_attention_off);
        yyjson_mut_obj_add_bool(doc, root, "separate_system_message", identity->separate_system_message);
        yyjson_mut_obj_add_bool(doc, root, "plain", identity->plain);
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

static bool read_text(yyjson_val *object, const char *key, char **field, tt_error *err) {
    const char *text = yyjson_get_str(yyjson_obj_get(object, key));
    return copy(field, text ? text : "", err);
}

static uint64_t read_count(yyjson_val *object, const char *key) { return yyjson_get_uint(yyjson_obj_get(object, key)); }

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
    bool ok = read_count(root, "version") == IDENTITY_VERSION ||
              tt_fail(err, TT_ERROR_INPUT, "it was written by another version of trimtab");
    ok = ok && read_text(root, "model_name", &identity->model_name, err) &&
         read_text(root, "architecture", &identity->architecture, err) &&
         read_text(root, "fingerprint", &identity->fingerprint, err) &&
         read_text(root, "content_hash", &identity->content_hash, err) &&
         read_text(root, "chat_template", &identity->chat_template, err) &&
         read_text(root, "chat_digest", &identity->chat_digest, err) && read_text(root, "plan", &identity->plan, err) &&
         read_text(root, "rpc_servers", &identity->rpc_servers, err) &&
         read_text(root, "tensor_split", &identity->tensor_split, err) &&
         read_axes(identity, yyjson_obj_get(root, "axes"), err);
    identity->samples = read_count(root, "samples");
    identity->seed = read_count(root, "seed");
    identity->prompts_per_system = read_count(root, "prompts_per_system");
    identity->held_out = yyjson_get_num(yyjson_obj_get(root, "held_out"));
    identity->parameters = read_count(root, "parameters");
    identity->blocks = (uint32_t)read_count(root, "blocks");
    identity->width = (uint32_t)read_count(root, "width");
    identity->ubatch = (uint32_t)read_count(root, "ubatch");
    identity->gpu_layers = yyjson_get_int(yyjson_obj_get(root, "gpu_layers"));
    identity->flash_attention_off = yyjson_get_bool(yyjson_obj_get(root, "flash_attention_off"));
    identity->separate_system_message = yyjson_get_bool(yyjson_obj_get(root, "separate_system_message"));
    identity->plain = yyjson_get_bool(yyjson_obj_get(root, "plain"));
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

/* "NAME STORED instead of PRESENT", or what it has where the other has none. */
static bool differ_text(const char *name, const char *stored, const char *present, const char *file, tt_error *err) {
    char text[512];
    if (!*stored) snprintf(text, sizeof text, "no %s", name);
    if (*stored && !*present) snprintf(text, sizeof text, "%s %s", name, stored);
    if (*stored && *present) snprintf(text, sizeof text, "%s %s instead of %s", name, stored, present);
    return differ(text, file, err);
}

/* Where blocks lie, whose processors round in ways of their own. */
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

/* What the model computes with: the processors and their ways of rounding. */
static bool match_arithmetic(const tt_identity *stored, const tt_identity *present, const char *file, tt_error *err) {
    if (stored->ubatch != present->ubatch) return differ_count("-ub", stored->ubatch, present->ubatch, file, err);
    if (stored->flash_attention_off != present->flash_attention_off)
        return differ(stored->flash_attention_off ? "-fa off" : "no -fa off", file, err);
    return match_placement(stored, present, file, err);
}

static bool differ_held_out(double stored, double present, const char *file, tt_error *err) {
    char text[64];
    snprintf(text, sizeof text, "--hold-out %g instead of %g", stored, present);
    return differ(text, file, err);
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

/* A file without a digest is of the time when libllama laid conversations out: what it did then counts. */
static bool match_chat(const tt_identity *stored, const tt_identity *present, const char *file, tt_error *err) {
    if (strcmp(stored->chat_template, present->chat_template) != 0) return differ("another chat template", file, err);
    const bool old = !*stored->chat_digest;
    const char *before = present->chat_digest_before ? present->chat_digest_before : "";
    if (!strcmp(old ? before : stored->chat_digest, present->chat_digest)) return true;
    if (old)
        return differ("conversations laid out as an older trimtab did, before it ran this model's chat template", file, err);
    return differ("a chat template that lays conversations out differently", file, err);
}

bool tt_identity_match(const tt_identity *stored, const tt_identity *present, const char *file, tt_error *err) {
    if (strcmp(stored->content_hash, present->content_hash) != 0) return differ("another model file", file, err);
    if (strcmp(stored->model_name, present->model_name) != 0) return differ("another --name", file, err);
    if (!match_chat(stored, present, file, err)) return false;
    if (stored->separate_system_message != present->separate_system_message)
        return differ("another --separate-system-message", file, err);
    if (stored->plain != present->plain) return differ(stored->plain ? "--plain" : "no --plain", file, err);
    if (stored->samples != present->samples) return differ_count("--samples", stored->samples, present->samples, file, err);
    if (stored->seed != present->seed) return differ_count("--seed", stored->seed, present->seed, file, err);
    if (stored->prompts_per_system != present->prompts_per_system)
        return differ_count("--prompts-per-system", stored->prompts_per_system, present->prompts_per_system, file, err);
    if (stored->held_out != present->held_out) return differ_held_out(stored->held_out, present->held_out, file, err);
    if (!match_arithmetic(stored, present, file, err)) return false;
    if (!match_axes(stored, present, file, err)) return false;
    if (strcmp(stored->plan, present->plan) != 0) return differ("other stems or writing prompts", file, err);
    return true;
}

void tt_identity_free(tt_identity *identity) {
    for (size_t i = 0; identity->axes && i < identity->axis_count; i++) {
        free(identity->axes[i].name);
        free(identity->axes[i].classes[0]);
        free(identity->axes[i].classes[1]);
        free(identity->axes[i].hash);
    }
    free(identity->axes);
    free(identity->model_name);
    free(identity->architecture);
    free(identity->fingerprint);
    free(identity->content_hash);
    free(identity->chat_template);
    free(identity->chat_digest);
    free(identity->chat_digest_before);
    free(identity->plan);
    free(identity->rpc_servers);
    free(identity->tensor_split);
    *identity = (tt_identity){0};
}
