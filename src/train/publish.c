/* publish.c: see publish.h */
#include "train/publish.h"
#include "base/json.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* The row of a vector for block `block`'s direction; 0 (which does not exist) if there is none. */
static uint32_t row_of_block(uint32_t block, int layer_offset, uint32_t blocks) {
    const uint32_t row = block + (uint32_t)layer_offset;
    return row < blocks ? row : 0;
}

static tt_block_figures figures_of(uint32_t block, const tt_direction *direction) {
    return (tt_block_figures){
        .block = block,
        .kept = (uint32_t)direction->kept,
        .accepted = (uint32_t)direction->accepted,
        .discriminant_ratio = (float)direction->discriminant_ratio,
        .variance_reduction = (float)direction->variance_reduction,
        .deviations = {(float)direction->deviations[0], (float)direction->deviations[1]},
        .means = {(float)direction->means[0], (float)direction->means[1]},
        .middle = (float)direction->middle,
    };
}

static bool collect_figures(const tt_axis_directions *directions, tt_axis_result *result, tt_error *err) {
    result->figures = tt_alloc(directions->block_count, sizeof *result->figures, err);
    if (!result->figures) return false;
    for (uint32_t block = 0; block < directions->block_count; block++) {
        const tt_direction *direction = &directions->blocks[block];
        result->eigenpairs += direction->eigenpairs;
        if (direction->found) result->figures[result->figure_count++] = figures_of(block, direction);
    }
    return true;
}

/* The length of a block's direction in the vector of a role. */
static double length_of_role(const tt_direction *direction, tt_role role) {
    switch (role) {
    case TT_ROLE_NEGATIVE:
        return direction->means[TT_NEGATIVE] - direction->middle;
    case TT_ROLE_POSITIVE:
        return direction->means[TT_POSITIVE] - direction->middle;
    default:
        return direction->middle;
    }
}

static bool fill_vector(tt_vector *vector, const tt_identity *identity, size_t axis, tt_role role,
                        const tt_axis_directions *directions, const tt_train_options *options, const tt_axis_result *result,
                        tt_error *err) {
    const struct tt_identity_axis *names = &identity->axes[axis];
    if (!tt_vector_set(&vector->architecture, identity->architecture, err) ||
        !tt_vector_set(&vector->model_name, identity->model_name, err) ||
        !tt_vector_set(&vector->fingerprint, identity->fingerprint, err) ||
        !tt_vector_set(&vector->axis, names->name, err) || !tt_vector_set(&vector->classes[0], names->classes[0], err) ||
        !tt_vector_set(&vector->classes[1], names->classes[1], err) ||
        !tt_vector_set(&vector->class_name, role == TT_ROLE_DEBIAS ? "" : names->classes[role == TT_ROLE_POSITIVE], err) ||
        !tt_vector_set(&vector->chat, identity->chat_digest, err) ||
        !tt_vector_set(&vector->method, tt_method_name(options->direction.method), err) ||
        !tt_vector_set(&vector->version, TRIMTAB_VERSION, err))
        return false;
    vector->role = role;
    vector->parameters = identity->parameters;
    vector->samples = identity->samples;
    vector->seed = identity->seed;
    vector->layer_offset = options->layer_offset;
    vector->figures = tt_alloc(result->figure_count, sizeof *vector->figures, err);
    if (!vector->figures) return false;
    for (size_t i = 0; i < result->figure_count; i++) vector->figures[vector->figure_count++] = result->figures[i];
    for (uint32_t block = 0; block < directions->block_count; block++) {
        const tt_direction *direction = &directions->blocks[block];
        const uint32_t row = row_of_block(block, options->layer_offset, identity->blocks);
        if (direction->found && row &&
            !tt_vector_add_row(vector, row, direction->unit, length_of_role(direction, role), err))
            return false;
    }
    return true;
}

static bool write_role(const tt_identity *identity, size_t axis, tt_role role, const tt_axis_directions *directions,
                       const tt_train_options *options, tt_axis_result *result, char **path, tt_error *err) {
    const struct tt_identity_axis *names = &identity->axes[axis];
    const char *suffix = role == TT_ROLE_DEBIAS ? "debias" : names->classes[role == TT_ROLE_POSITIVE];
    *path = tt_vector_path(options->output, identity->model_name, names->name, suffix, err);
    tt_vector vector = {0};
    const bool ok = *path && tt_vector_init(&vector, identity->blocks, identity->width, err) &&
                    fill_vector(&vector, identity, axis, role, directions, options, result, err) &&
                    tt_vector_write(&vector, *path, err);
    tt_vector_free(&vector);
    return ok;
}

/* ==== The report ==== */

static void add_block(yyjson_mut_doc *doc, yyjson_mut_val *blocks, const tt_block_figures *figures) {
    yyjson_mut_val *object = yyjson_mut_arr_add_obj(doc, blocks);
    yyjson_mut_obj_add_uint(doc, object, "block", figures->block);
    yyjson_mut_obj_add_uint(doc, object, "kept", figures->kept);
    yyjson_mut_obj_add_uint(doc, object, "accepted", figures->accepted);
    yyjson_mut_obj_add_float(doc, object, "discriminant_ratio", figures->discriminant_ratio);
    yyjson_mut_obj_add_float(doc, object, "variance_reduction", figures->variance_reduction);
    yyjson_mut_val *deviations = yyjson_mut_obj_add_arr(doc, object, "deviations");
    yyjson_mut_arr_add_float(doc, deviations, figures->deviations[0]);
    yyjson_mut_arr_add_float(doc, deviations, figures->deviations[1]);
    yyjson_mut_val *means = yyjson_mut_obj_add_arr(doc, object, "means");
    yyjson_mut_arr_add_float(doc, means, figures->means[0]);
    yyjson_mut_arr_add_float(doc, means, figures->means[1]);
    yyjson_mut_obj_add_float(doc, object, "middle", figures->middle);
}

static bool write_report(const tt_identity *identity, size_t axis, const tt_train_options *options, tt_axis_result *result,
                         tt_error *err) {
    const struct tt_identity_axis *names = &identity->axes[axis];
    char *vector_path = tt_vector_path(options->output, identity->model_name, names->name, "report", err);
    if (!vector_path) return false;
    /* Named like the vectors, with another ending. */
    result->report = tt_format(err, "%.*s.json", (int)(strlen(vector_path) - strlen(".gguf")), vector_path);
    free(vector_path);
    yyjson_mut_val *root;
    yyjson_mut_doc *doc = result->report ? tt_json_object(&root) : NULL;
    if (!doc) return result->report ? tt_fail(err, TT_ERROR_MEMORY, "out of memory") : false;
    yyjson_mut_obj_add_str(doc, root, "trimtab", TRIMTAB_VERSION);
    yyjson_mut_obj_add_str(doc, root, "axis", names->name);
    yyjson_mut_val *classes = yyjson_mut_obj_add_arr(doc, root, "classes");
    yyjson_mut_arr_add_str(doc, classes, names->classes[0]);
    yyjson_mut_arr_add_str(doc, classes, names->classes[1]);
    yyjson_mut_val *model = yyjson_mut_obj_add_obj(doc, root, "model");
    yyjson_mut_obj_add_str(doc, model, "name", identity->model_name);
    yyjson_mut_obj_add_str(doc, model, "architecture", identity->architecture);
    yyjson_mut_obj_add_str(doc, model, "fingerprint", identity->fingerprint);
    if (identity->parameters) yyjson_mut_obj_add_uint(doc, model, "parameters", identity->parameters);
    yyjson_mut_obj_add_uint(doc, model, "blocks", identity->blocks);
    yyjson_mut_obj_add_uint(doc, model, "width", identity->width);
    yyjson_mut_obj_add_str(doc, root, "chat_template", identity->chat_template);
    if (*identity->chat_digest) yyjson_mut_obj_add_str(doc, root, "chat_digest", identity->chat_digest);
    yyjson_mut_obj_add_bool(doc, root, "separate_system_message", identity->separate_system_message);
    yyjson_mut_obj_add_str(doc, root, "method", tt_method_name(options->direction.method));
    yyjson_mut_obj_add_real(doc, root, "tolerance", options->direction.tolerance);
    yyjson_mut_obj_add_int(doc, root, "layer_offset", options->layer_offset);
    yyjson_mut_obj_add_uint(doc, root, "samples", identity->samples);
    yyjson_mut_obj_add_uint(doc, root, "seed", identity->seed);
    yyjson_mut_obj_add_uint(doc, root, "prompts_per_system", identity->prompts_per_system);
    yyjson_mut_obj_add_real(doc, root, "held_out", identity->held_out);
    yyjson_mut_val *blocks = yyjson_mut_obj_add_arr(doc, root, "blocks");
    for (size_t i = 0; i < result->figure_count; i++) add_block(doc, blocks, &result->figures[i]);
    const bool ok = tt_json_write(result->report, doc, err);
    yyjson_mut_doc_free(doc);
    return ok;
}

bool tt_publish_axis(const tt_identity *identity, size_t axis, const tt_axis_directions *directions,
                     const tt_train_options *options, tt_axis_result *result, tt_error *err) {
    static const tt_role roles[3] = {TT_ROLE_DEBIAS, TT_ROLE_NEGATIVE, TT_ROLE_POSITIVE};
    const struct tt_identity_axis *names = &identity->axes[axis];
    result->axis = tt_strdup(names->name, err);
    result->classes[0] = tt_strdup(names->classes[0], err);
    result->classes[1] = tt_strdup(names->classes[1], err);
    if (!result->axis || !result->classes[0] || !result->classes[1] || !collect_figures(directions, result, err))
        return false;
    if (result->figure_count == 0) return true;
    for (int i = 0; i < 3; i++)
        if (!write_role(identity, axis, roles[i], directions, options, result, &result->paths[i], err)) return false;
    return write_report(identity, axis, options, result, err);
}

void tt_axis_result_free(tt_axis_result *result) {
    free(result->axis);
    free(result->classes[0]);
    free(result->classes[1]);
    free(result->figures);
    for (int i = 0; i < 3; i++) free(result->paths[i]);
    free(result->report);
    *result = (tt_axis_result){0};
}
