/* load.c: see load.h */
#include "evaluate/load.h"
#include "apply/target.h"
#include "base/memory.h"
#include "evaluate/evaluation_json.h"

#include <stdlib.h>
#include <string.h>

/* The phrases of the axes that are named; else of all built-in ones. */
static bool load_axes(tt_loaded *loaded, const char *const *names, size_t count, tt_error *err) {
    const size_t wanted = count ? count : tt_axis_builtin_count();
    loaded->axes = tt_alloc(wanted, sizeof *loaded->axes, err);
    for (size_t i = 0; loaded->axes && i < wanted; i++)
        if (!tt_axis_load(&loaded->axes[loaded->count++].axis, count ? names[i] : tt_axis_builtin_name(i), err))
            return false;
    return loaded->axes != NULL;
}

static bool open_catalogue(tt_catalogue *catalogue, const char *folder, const tt_loaded *loaded, tt_error *err) {
    tt_class_order *orders = tt_alloc(loaded->count, sizeof *orders, err);
    if (!orders) return false;
    for (size_t i = 0; i < loaded->count; i++) {
        const tt_axis *axis = &loaded->axes[i].axis;
        orders[i] = (tt_class_order){axis->name, {axis->classes[0], axis->classes[1]}};
    }
    const bool ok = tt_catalogue_open(catalogue, folder, orders, loaded->count, err);
    free(orders);
    return ok;
}

/* `target` NULL: any model's vectors do. */
static bool read_files(tt_loaded_axis *to, const tt_catalogue_axis *from, const tt_vector_target *target, tt_error *err) {
    static const char *const kinds[TT_FILES] = {"de-bias", "negative", "positive"};
    tt_vector *vectors[TT_FILES] = {&to->debias, &to->sides[TT_NEGATIVE], &to->sides[TT_POSITIVE]};
    for (int file = 0; file < TT_FILES; file++) {
        if (!from->paths[file] && file == TT_FILE_DEBIAS && !from->keys.own) continue; /* each side is whole in itself */
        if (!from->paths[file])
            return tt_fail(err, TT_ERROR_INPUT, "the %s vector of the axis '%s' is missing%s", kinds[file], from->name,
                           from->keys.own ? "; make it anew with trimtab train" : ", and only both sides can be evaluated");
        if (!tt_vector_read(vectors[file], from->paths[file], err) ||
            (target && tt_fit_judge(vectors[file], target, err) < TT_FIT_DOUBT))
            return false;
    }
    const tt_vector *side = &to->sides[TT_POSITIVE];
    return to->debias.rows || tt_vector_init(&to->debias, side->layer_count, side->width, err);
}

/* The vectors of the axes that were named. */
static bool load_named(tt_loaded *loaded, const tt_catalogue *catalogue, const tt_vector_target *target, tt_error *err) {
    for (size_t i = 0; i < loaded->count; i++) {
        const tt_catalogue_axis *found;
        int sign;
        if (!tt_catalogue_find(catalogue, loaded->axes[i].axis.name, target, &found, &sign, err) ||
            !read_files(&loaded->axes[i], found, target, err))
            return false;
    }
    return true;
}

static bool has_axis(const tt_catalogue *catalogue, const tt_vector_target *target, const char *name,
                     const tt_catalogue_axis **found) {
    for (size_t i = 0; i < catalogue->count; i++) {
        *found = &catalogue->axes[i];
        if (!(*found)->plain && !strcmp((*found)->name, name) && tt_catalogue_fit(*found, target) >= TT_FIT_DOUBT)
            return true;
    }
    return false;
}

/* The vectors of every axis that the folder has, among the built-in ones that are loaded; the others are dropped. */
static bool load_present(tt_loaded *loaded, const tt_catalogue *catalogue, const tt_vector_target *target, tt_error *err) {
    size_t kept = 0;
    for (size_t i = 0; i < loaded->count; i++) {
        const tt_catalogue_axis *found;
        if (!has_axis(catalogue, target, loaded->axes[i].axis.name, &found)) continue;
        const tt_loaded_axis dropped = loaded->axes[kept];
        loaded->axes[kept] = loaded->axes[i];
        if (kept != i) loaded->axes[i] = dropped; /* stays to be freed */
        if (!read_files(&loaded->axes[kept++], found, target, err)) return false;
    }
    for (size_t i = kept; i < loaded->count; i++) tt_axis_free(&loaded->axes[i].axis);
    loaded->count = kept;
    if (kept) return true;
    if (!catalogue->count)
        return tt_fail(err, TT_ERROR_INPUT, "'%s' has no control vectors; make some with trimtab train%s%s",
                       catalogue->folder, catalogue->notes.count ? "; " : "",
                       catalogue->notes.count ? catalogue->notes.items[0] : "");
    const tt_catalogue_axis *first = &catalogue->axes[0];
    if (tt_catalogue_fit(first, target) < TT_FIT_DOUBT) return tt_fit_judge(&first->keys, target, err) == TT_FIT_WHOLE;
    return tt_fail(err, TT_ERROR_INPUT,
                   "'%s' has vectors of the axis '%s', which is not built in; name its file with --axis FILE",
                   catalogue->folder, first->name);
}

static bool refer(tt_loaded *loaded, tt_error *err) {
    loaded->refer = tt_alloc(loaded->count, sizeof *loaded->refer, err);
    for (size_t i = 0; loaded->refer && i < loaded->count; i++)
        loaded->refer[i] = (tt_evaluate_axis){
            &loaded->axes[i].axis, &loaded->axes[i].debias, {&loaded->axes[i].sides[0], &loaded->axes[i].sides[1]}};
    return loaded->refer != NULL;
}

bool tt_load_vectors(tt_loaded *loaded, const char *folder, const char *const *names, size_t name_count,
                     const tt_model *model, tt_error *err) {
    *loaded = (tt_loaded){0};
    tt_catalogue catalogue = {0};
    const tt_vector_target of_model = model ? tt_target_of_model(model) : (tt_vector_target){0};
    const tt_vector_target *target = model ? &of_model : NULL;
    const bool ok =
        load_axes(loaded, names, name_count, err) && open_catalogue(&catalogue, folder, loaded, err) &&
        (name_count ? load_named(loaded, &catalogue, target, err) : load_present(loaded, &catalogue, target, err)) &&
        refer(loaded, err);
    tt_catalogue_free(&catalogue);
    if (!ok) tt_loaded_free(loaded);
    return ok;
}

void tt_loaded_free(tt_loaded *loaded) {
    for (size_t i = 0; loaded->axes && i < loaded->count; i++) {
        tt_axis_free(&loaded->axes[i].axis);
        tt_vector_free(&loaded->axes[i].debias);
        tt_vector_free(&loaded->axes[i].sides[0]);
        tt_vector_free(&loaded->axes[i].sides[1]);
    }
    free(loaded->axes);
    free(loaded->refer);
    *loaded = (tt_loaded){0};
}

static bool write_part(const tt_vector *vector, const tt_evaluation *evaluation, size_t axis, tt_error *err) {
    tt_vector_name name;
    if (!tt_vector_name_parse(vector->path, &name))
        return tt_fail(err, TT_ERROR_INPUT,
                       "'%s' is not named {model}-{axis}__{class}.gguf: there is no name to save its evaluation by",
                       vector->path);
    char *path = tt_format(err, "%.*sevaluation.json", (int)(name.suffix - vector->path), vector->path);
    const bool ok = path && tt_evaluation_write_axis(evaluation, axis, path, err);
    free(path);
    return ok;
}

bool tt_save_evaluation(tt_loaded *loaded, const tt_evaluation *evaluation, tt_error *err) {
    for (size_t i = 0; i < loaded->count; i++) {
        tt_vector *files[TT_FILES] = {&loaded->axes[i].debias, &loaded->axes[i].sides[0], &loaded->axes[i].sides[1]};
        for (int file = 0; file < TT_FILES; file++) {
            for (int class = 0; class < 2; class++)
                files[file]->recommended[class] = (float)evaluation->axes[i].recommended[class];
            /* Other makers' files stay as they are: written by trimtab they would pass for its own. */
            if (files[file]->own && !tt_vector_write(files[file], files[file]->path, err)) return false;
        }
        if (!write_part(files[TT_FILE_POSITIVE], evaluation, i, err)) return false;
    }
    return true;
}
