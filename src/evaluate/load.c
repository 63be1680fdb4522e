/* load.c: see load.h */
#include "evaluate/load.h"
#include "base/file.h"
#include "base/memory.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

/* ==== The folder ==== */

/* Control-vector files of a folder, by their keys alone. */
struct folder {
    tt_vector *files;
    size_t count, capacity;
};

static void folder_free(struct folder *folder) {
    for (size_t i = 0; i < folder->count; i++) tt_vector_free(&folder->files[i]);
    free(folder->files);
}

static int by_path(const void *a, const void *b) {
    return strcmp(((const tt_vector *)a)->path, ((const tt_vector *)b)->path);
}

static bool add_file(struct folder *folder, const char *path, const char *name, tt_error *err) {
    tt_vector_name parts;
    const size_t length = strlen(name);
    /* Other GGUF files, such as the model itself, may lie there too: a vector's name has its own form. */
    if (length < 5 || strcmp(name + length - 5, ".gguf") != 0 || !tt_vector_name_parse(name, &parts)) return true;
    if (!tt_grow((void *)&folder->files, &folder->capacity, folder->count, sizeof *folder->files, err)) return false;
    if (!tt_vector_read_keys(&folder->files[folder->count], path, err)) return false;
    folder->count++;
    return true;
}

static bool folder_read(struct folder *folder, const char *path, tt_error *err) {
    *folder = (struct folder){0};
    DIR *directory = opendir(path);
    if (!directory) return tt_fail_errno(err, "cannot read the folder '%s'", path);
    bool ok = true;
    for (struct dirent *entry; ok && (entry = readdir(directory));) {
        char *file = tt_path_join(path, entry->d_name, err);
        ok = file && add_file(folder, file, entry->d_name, err);
        free(file);
    }
    closedir(directory);
    if (ok && folder->count == 0)
        ok = tt_fail(err, TT_ERROR_INPUT, "'%s' has no control vectors in it; make some with trimtab train", path);
    if (ok && folder->files)
        qsort(folder->files, folder->count, sizeof *folder->files, by_path);
    else
        folder_free(folder);
    return ok;
}

/* ==== Axes ==== */

/* The role of a file, by its key, or by its class' name where a file of other tools has no such key. */
static tt_role role_of(const tt_vector *vector, const tt_axis *axis) {
    if (vector->role != TT_ROLE_UNKNOWN) return vector->role;
    if (!strcmp(vector->class_name, axis->classes[TT_NEGATIVE])) return TT_ROLE_NEGATIVE;
    if (!strcmp(vector->class_name, axis->classes[TT_POSITIVE])) return TT_ROLE_POSITIVE;
    return strcmp(vector->class_name, "debias") ? TT_ROLE_UNKNOWN : TT_ROLE_DEBIAS;
}

static bool load_role(tt_vector *to, const struct folder *folder, const char *path, const tt_axis *axis, tt_role role,
                      tt_error *err) {
    const tt_vector *found = NULL;
    for (size_t i = 0; i < folder->count; i++) {
        if (strcmp(folder->files[i].axis, axis->name) != 0 || role_of(&folder->files[i], axis) != role) continue;
        if (found)
            return tt_fail(
                err, TT_ERROR_INPUT,
                "'%s' and '%s' are both the %s vector of the axis '%s'; give each model's vectors a folder of their own",
                found->path, folder->files[i].path, tt_role_name(role), axis->name);
        found = &folder->files[i];
    }
    if (!found)
        return tt_fail(err, TT_ERROR_INPUT, "'%s' has no %s vector of the axis '%s'; make it with trimtab train", path,
                       tt_role_name(role), axis->name);
    return tt_vector_read(to, found->path, err);
}

static bool load_axis(tt_loaded *loaded, const struct folder *folder, const char *path, const char *name,
                      const tt_model *model, tt_error *err) {
    tt_loaded_axis *to = &loaded->axes[loaded->count++]; /* a half-loaded one is freed as well */
    if (!tt_axis_load(&to->axis, name, err)) return false;
    if (!load_role(&to->debias, folder, path, &to->axis, TT_ROLE_DEBIAS, err) ||
        !load_role(&to->sides[TT_NEGATIVE], folder, path, &to->axis, TT_ROLE_NEGATIVE, err) ||
        !load_role(&to->sides[TT_POSITIVE], folder, path, &to->axis, TT_ROLE_POSITIVE, err))
        return false;
    return !model || (tt_evaluate_check(model, &to->debias, err) && tt_evaluate_check(model, &to->sides[0], err) &&
                      tt_evaluate_check(model, &to->sides[1], err));
}

/* The axes that the folder has vectors of. Their phrases must be built in, as no file is named. */
static const char **axes_of(const struct folder *folder, size_t *count, tt_error *err) {
    *count = 0;
    const char **names = tt_alloc(folder->count, sizeof *names, err);
    for (size_t i = 0; names && i < folder->count; i++) {
        const char *axis = folder->files[i].axis;
        bool known = !*axis;
        for (size_t j = 0; j < *count; j++) known = known || !strcmp(names[j], axis);
        if (known) continue;
        bool built_in = false;
        for (size_t j = 0; j < tt_axis_builtin_count(); j++) built_in = built_in || !strcmp(tt_axis_builtin_name(j), axis);
        if (!built_in) {
            tt_fail(err, TT_ERROR_INPUT,
                    "'%s' is of the axis '%s', which is not built in; name its file with --axis FILE, or others with --axis "
                    "NAME",
                    folder->files[i].path, axis);
            free(names);
            return NULL;
        }
        names[(*count)++] = axis;
    }
    return names;
}

bool tt_load_vectors(tt_loaded *loaded, const char *folder_path, const char *const *names, size_t name_count,
                     const tt_model *model, tt_error *err) {
    *loaded = (tt_loaded){0};
    struct folder folder;
    if (!folder_read(&folder, folder_path, err)) return false;
    const char **own = NULL;
    bool ok = name_count || (own = axes_of(&folder, &name_count, err));
    if (own) names = own;
    if (ok && !name_count)
        ok = tt_fail(err, TT_ERROR_INPUT, "the vectors in '%s' name no axis; name one with --axis", folder_path);
    loaded->axes = ok ? tt_alloc(name_count, sizeof *loaded->axes, err) : NULL;
    loaded->refer = loaded->axes ? tt_alloc(name_count, sizeof *loaded->refer, err) : NULL;
    ok = loaded->refer != NULL;
    for (size_t i = 0; ok && i < name_count; i++) ok = load_axis(loaded, &folder, folder_path, names[i], model, err);
    for (size_t i = 0; ok && i < name_count; i++)
        loaded->refer[i] = (tt_evaluate_axis){
            &loaded->axes[i].axis, &loaded->axes[i].debias, {&loaded->axes[i].sides[0], &loaded->axes[i].sides[1]}};
    free(own);
    folder_free(&folder);
    if (!ok) tt_loaded_free(loaded);
    return ok;
}

void tt_loaded_free(tt_loaded *loaded) {
    for (size_t i = 0; i < loaded->count; i++) {
        tt_axis_free(&loaded->axes[i].axis);
        tt_vector_free(&loaded->axes[i].debias);
        tt_vector_free(&loaded->axes[i].sides[0]);
        tt_vector_free(&loaded->axes[i].sides[1]);
    }
    free(loaded->axes);
    free(loaded->refer);
    *loaded = (tt_loaded){0};
}

bool tt_save_recommended(tt_loaded *loaded, const tt_evaluation *evaluation, tt_error *err) {
    for (size_t i = 0; i < loaded->count; i++) {
        tt_vector *files[3] = {&loaded->axes[i].debias, &loaded->axes[i].sides[0], &loaded->axes[i].sides[1]};
        for (int file = 0; file < 3; file++) {
            for (int class = 0; class < 2; class++)
                files[file]->recommended[class] = (float)evaluation->axes[i].recommended[class];
            if (!tt_vector_write(files[file], files[file]->path, err)) return false;
        }
    }
    return true;
}
