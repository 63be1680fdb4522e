/* axes.c: see axes.h */
#include "server/axes.h"
#include "apply/folder.h"
#include "apply/layout.h"
#include "apply/target.h"
#include "base/memory.h"
#include "prompts/axis.h"
#include "vectors/compare.h"
#include "vectors/sum.h"

#include <stdlib.h>
#include <string.h>

/* ==== What the built-in axes tell ==== */

static size_t builtin_place(const char *name) {
    size_t place = 0;
    while (place < tt_axis_builtin_count() && strcmp(tt_axis_builtin_name(place), name) != 0) place++;
    return place;
}

static int compare_offered(const void *a, const void *b) {
    const tt_offered_axis *first = a, *second = b;
    const size_t x = builtin_place(first->axis->name), y = builtin_place(second->axis->name);
    return x != y ? (x > y) - (x < y) : strcmp(first->axis->name, second->axis->name);
}

static bool describe_axis(tt_offered_axis *offered, tt_error *err) {
    tt_axis builtin = {0};
    const bool known = builtin_place(offered->axis->name) < tt_axis_builtin_count();
    if (known && !tt_axis_load(&builtin, offered->axis->name, err)) return false;
    offered->group = tt_strdup(known && *builtin.group ? builtin.group : "Other", err);
    offered->description = tt_strdup(known ? builtin.description : "", err);
    tt_axis_free(&builtin);
    return offered->group && offered->description;
}

/* ==== What the vectors tell ==== */

/* How far one side's vector moves each block's output; a side that has no file does not. */
static bool measure(tt_offer *offer, size_t index, int side, tt_vector *vector, tt_error *err) {
    tt_offered_axis *offered = &offer->axes[index];
    const char *path = offered->axis->paths[side || offered->axis->plain ? TT_FILE_POSITIVE : TT_FILE_NEGATIVE];
    offered->strengths[side] = tt_alloc(offer->blocks, sizeof(float), err);
    if (!offered->strengths[side]) return false;
    if (!path) return tt_vector_init(vector, 1, offer->target.width, err);
    tt_notes doubts = {0}; /* told once, by the side that is measured last */
    const bool ok = tt_vector_read(vector, path, err) && tt_fit_settle(vector, &offer->target, false, &doubts, err) &&
                    (!side || tt_notes_add_all(&offer->catalogue.notes, &doubts, err));
    tt_notes_free(&doubts);
    if (!ok) return false;
    for (uint32_t K = 1; K < offer->blocks && K < vector->layer_count; K++)
        offered->strengths[side][K] = (float)tt_vector_row_norm(vector, K);
    return true;
}

static bool measure_all(tt_offer *offer, tt_error *err) {
    tt_vector *positive = tt_alloc(offer->count, sizeof *positive, err);
    offer->similarity = tt_alloc(offer->count * offer->count, sizeof *offer->similarity, err);
    bool ok = positive && offer->similarity;
    for (size_t i = 0; i < offer->count && ok; i++) {
        tt_vector negative = {0};
        ok = measure(offer, i, 0, &negative, err) && measure(offer, i, 1, &positive[i], err);
        if (ok && !offer->axes[i].axis->paths[TT_FILE_POSITIVE]) { /* its direction is the other side's opposite */
            const tt_summand opposite = {&negative, -1};
            tt_vector_free(&positive[i]);
            ok = tt_vector_init(&positive[i], offer->blocks, offer->target.width, err) &&
                 tt_vector_sum(&positive[i], &opposite, 1, 1, UINT32_MAX, err);
        }
        tt_vector_free(&negative);
    }
    for (size_t i = 0; i < offer->count && ok; i++)
        for (size_t j = 0; j < offer->count; j++)
            offer->similarity[i * offer->count + j] = i == j ? 1 : tt_vector_cosine(&positive[i], &positive[j], 0);
    for (size_t i = 0; positive && i < offer->count; i++) tt_vector_free(&positive[i]);
    free(positive);
    return ok;
}

/* ==== Opening ==== */

static bool take_axes(tt_offer *offer, tt_error *err) {
    offer->axes = tt_alloc(offer->catalogue.count, sizeof *offer->axes, err);
    if (!offer->axes) return false;
    for (size_t i = 0; i < offer->catalogue.count; i++) {
        const tt_catalogue_axis *axis = &offer->catalogue.axes[i];
        /* Of trimtab's own axes all files are wanted; other makers' sets may have no de-bias vector, and one side alone. */
        const bool whole = axis->keys.own && !axis->plain ? axis->paths[TT_FILE_DEBIAS] && axis->paths[TT_FILE_NEGATIVE] &&
                                                                axis->paths[TT_FILE_POSITIVE]
                                                          : axis->paths[TT_FILE_NEGATIVE] || axis->paths[TT_FILE_POSITIVE];
        const bool fits = tt_catalogue_fit(axis, &offer->target) >= TT_FIT_DOUBT;
        if (!axis->keys.own && !tt_catalogue_check_debias(&offer->catalogue, axis, err)) return false;
        if (!whole || !fits) {
            if (!tt_notes_add(&offer->catalogue.notes, err, "axis '%s' of '%s' is not offered: %s", axis->name,
                              axis->model_name,
                              whole ? "it was made for another model" : "one of its three files is missing"))
                return false;
            continue;
        }
        offer->axes[offer->count++].axis = axis;
        if (!describe_axis(&offer->axes[offer->count - 1], err)) return false;
    }
    if (!offer->count)
        return tt_notes_add(&offer->catalogue.notes, err,
                            "'%s' has no axis for this model, so nothing can be steered; trimtab train makes vectors",
                            offer->catalogue.folder);
    qsort(offer->axes, offer->count, sizeof *offer->axes, compare_offered);
    return true;
}

static bool warn_of_layout(tt_offer *offer, const tt_chat *chat, tt_error *err) {
    tt_chat_digest digest;
    if (!chat || !offer->count) return true;
    if (!tt_chat_digest_of(chat, &digest, err)) return false;
    for (size_t i = 0; i < offer->count; i++)
        if (!tt_layout_warn(&offer->axes[i].axis->keys, &digest, &offer->catalogue.notes, err)) return false;
    return true;
}

bool tt_offer_open(tt_offer *offer, const tt_model *model, const tt_chat *chat, const char *folder, tt_error *err) {
    *offer = (tt_offer){.target = tt_target_of_model(model)};
    offer->blocks = offer->target.layer_count;
    if (!folder) return true;
    const bool ok = tt_folder_open(&offer->catalogue, folder, err) && take_axes(offer, err) && measure_all(offer, err) &&
                    warn_of_layout(offer, chat, err);
    if (!ok) tt_offer_free(offer);
    return ok;
}

void tt_offer_free(tt_offer *offer) {
    for (size_t i = 0; i < offer->count; i++) {
        free(offer->axes[i].group);
        free(offer->axes[i].description);
        free(offer->axes[i].strengths[0]);
        free(offer->axes[i].strengths[1]);
    }
    free(offer->axes);
    free(offer->similarity);
    tt_catalogue_free(&offer->catalogue);
    *offer = (tt_offer){0};
}

/* ==== Telling ==== */

static yyjson_mut_val *floats(yyjson_mut_doc *doc, const float *values, size_t count) {
    yyjson_mut_val *list = yyjson_mut_arr(doc);
    for (size_t i = 0; i < count; i++) yyjson_mut_arr_add_real(doc, list, (double)values[i]);
    return list;
}

static void describe_one(const tt_offer *offer, const tt_offered_axis *offered, yyjson_mut_doc *doc, yyjson_mut_val *entry) {
    const tt_catalogue_axis *axis = offered->axis;
    yyjson_mut_obj_add_str(doc, entry, "name", axis->name);
    yyjson_mut_obj_add_str(doc, entry, "group", offered->group);
    yyjson_mut_obj_add_str(doc, entry, "description", offered->description);
    yyjson_mut_val *classes = yyjson_mut_obj_add_arr(doc, entry, "classes"),
                   *safe = yyjson_mut_obj_add_arr(doc, entry, "safe_range"),
                   *strength = yyjson_mut_obj_add_arr(doc, entry, "strength");
    /* Where a set has one class alone, values above 0 mean it: see tt_catalogue_find. */
    const bool alone = !axis->ordered && !*axis->classes[1];
    for (int side = 0; side < 2; side++) {
        const int own = alone ? !side : side;
        const double recommended = (double)axis->recommended[own];
        const bool there = axis->plain || axis->paths[own ? TT_FILE_POSITIVE : TT_FILE_NEGATIVE];
        yyjson_mut_arr_add_str(doc, classes, axis->classes[own]);
        yyjson_mut_arr_add_real(doc, safe, !there ? 0 : (side ? 1 : -1) * (recommended > 0 ? recommended : 1.0));
        yyjson_mut_arr_append(strength, floats(doc, offered->strengths[own], offer->blocks));
    }
    yyjson_mut_obj_add_str(doc, entry, "model", axis->model_name);
}

void tt_offer_describe(const tt_offer *offer, yyjson_mut_doc *doc, yyjson_mut_val *object) {
    yyjson_mut_val *axes = yyjson_mut_obj_add_arr(doc, object, "axes"),
                   *rows = yyjson_mut_obj_add_arr(doc, object, "similarity");
    for (size_t i = 0; i < offer->count; i++) {
        describe_one(offer, &offer->axes[i], doc, yyjson_mut_arr_add_obj(doc, axes));
        yyjson_mut_val *row = yyjson_mut_arr_add_arr(doc, rows);
        for (size_t j = 0; j < offer->count; j++) yyjson_mut_arr_add_real(doc, row, offer->similarity[i * offer->count + j]);
    }
}
