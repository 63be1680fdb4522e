/* card_folder.c: see card_folder.h */
#include "publish/card_folder.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/plain.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EVALUATION_LIMIT = 64 << 20 };

/* Reads {model}-{axis}__evaluation.json, where it is. */
static bool read_evaluation(tt_card_axis *axis, tt_error *err) {
    const char *debias = axis->files->paths[TT_FILE_DEBIAS];
    tt_vector_name name;
    if (!tt_vector_name_parse(debias, &name)) return true; /* such a name cannot have one */
    char *path = tt_format(err, "%.*sevaluation.json", (int)(name.suffix - debias), debias);
    if (!path) return false;
    size_t length;
    char *text = NULL;
    bool present = access(path, F_OK) == 0;
    present = present || errno != ENOENT; /* there, but out of reach: reading it tells why */
    bool ok = !present || (text = tt_plain_read(path, EVALUATION_LIMIT, NULL, &length, err)) != NULL;
    if (ok && present) ok = (axis->evaluation = tt_json_parse(path, text, length, err)) != NULL;
    if (ok && present) {
        axis->figures = yyjson_arr_get_first(yyjson_obj_get(yyjson_doc_get_root(axis->evaluation), "axes"));
        ok =
            axis->figures || tt_fail(err, TT_ERROR_INPUT, "'%s' is not what trimtab eval --save writes; make it anew", path);
    }
    free(text);
    free(path);
    return ok;
}

static bool is_complete(const tt_catalogue_axis *axis) {
    return axis->paths[TT_FILE_DEBIAS] && axis->paths[TT_FILE_NEGATIVE] && axis->paths[TT_FILE_POSITIVE];
}

/* A card is about the axes in the folder itself: not those of folders in it, and no merged mix or other plain vector. */
static bool is_described(const tt_catalogue_axis *axis) { return !axis->plain && axis->depth == 0; }

static bool check_models(const tt_catalogue *catalogue, tt_error *err) {
    const char *model = NULL;
    for (size_t i = 0; i < catalogue->count; i++) {
        if (!is_described(&catalogue->axes[i])) continue;
        if (model && strcmp(catalogue->axes[i].model_name, model) != 0)
            return tt_fail(err, TT_ERROR_INPUT,
                           "'%s' has vectors of several models ('%s' and '%s'); give each a folder of its own",
                           catalogue->folder, model, catalogue->axes[i].model_name);
        model = catalogue->axes[i].model_name;
    }
    return model ||
           tt_fail(err, TT_ERROR_INPUT, "'%s' has no control vectors; make some with trimtab train", catalogue->folder);
}

static bool add_axis(tt_card_folder *folder, const tt_catalogue_axis *files, tt_error *err) {
    tt_card_axis *axis = &folder->axes[folder->count++];
    axis->files = files;
    return tt_vector_read_keys(&axis->side, files->paths[TT_FILE_POSITIVE], err) && read_evaluation(axis, err);
}

bool tt_card_folder_open(tt_card_folder *folder, const char *path, tt_notes *notes, tt_error *err) {
    *folder = (tt_card_folder){0};
    bool ok = tt_catalogue_open(&folder->catalogue, path, NULL, 0, err) && check_models(&folder->catalogue, err);
    if (ok) folder->axes = tt_alloc(folder->catalogue.count, sizeof *folder->axes, err);
    ok = ok && folder->axes;
    for (size_t i = 0; ok && i < folder->catalogue.count; i++) {
        const tt_catalogue_axis *files = &folder->catalogue.axes[i];
        if (!is_described(files)) continue;
        ok = is_complete(files) ? add_axis(folder, files, err)
                                : tt_notes_add(notes, err, "'%s' lacks one of its three files and is left out", files->name);
    }
    if (ok && !folder->count)
        ok = tt_fail(err, TT_ERROR_INPUT, "no axis in '%s' has all of its three files; make them anew with trimtab train",
                     path);
    if (!ok) tt_card_folder_close(folder);
    return ok;
}

void tt_card_folder_close(tt_card_folder *folder) {
    tt_card_axis *axes = folder->axes;
    for (size_t i = 0; axes && i < folder->count; i++) {
        tt_vector_free(&axes[i].side);
        yyjson_doc_free(axes[i].evaluation);
    }
    free(axes);
    tt_catalogue_free(&folder->catalogue);
    *folder = (tt_card_folder){0};
}

yyjson_val *tt_card_figures_at(const tt_card_axis *axis, double value) {
    size_t i, count;
    yyjson_val *figures;
    yyjson_arr_foreach(yyjson_obj_get(axis->figures, "values"), i, count, figures) {
        if (fabs(yyjson_get_num(yyjson_obj_get(figures, "value")) - value) < 1e-6) return figures;
    }
    return NULL;
}

yyjson_val *tt_card_figures_near(const tt_card_axis *axis, double end) {
    size_t i, count;
    yyjson_val *figures, *nearest = NULL;
    double least = INFINITY;
    yyjson_arr_foreach(yyjson_obj_get(axis->figures, "values"), i, count, figures) {
        const double value = yyjson_get_num(yyjson_obj_get(figures, "value")), distance = fabs(value - end);
        if (value * end <= 0 || distance >= least) continue;
        least = distance;
        nearest = figures;
    }
    return nearest;
}

static double number_of(yyjson_val *object, const char *key) {
    yyjson_val *number = yyjson_obj_get(object, key);
    return yyjson_is_num(number) ? yyjson_get_num(number) : NAN;
}

tt_estimate tt_card_estimate(yyjson_val *estimate) {
    return (tt_estimate){number_of(estimate, "value"), number_of(estimate, "low"), number_of(estimate, "high")};
}
