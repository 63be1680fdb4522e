/* catalogue.c: see catalogue.h */
#include "apply/catalogue.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "vectors/vector.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ==== Gathering ==== */

typedef struct file_names {
    char **items;
    size_t count, capacity;
} file_names;

static void file_names_free(file_names *names) {
    for (size_t i = 0; i < names->count; i++) free(names->items[i]);
    free(names->items);
}

static int compare_names(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static bool ends_in_gguf(const char *name) {
    const size_t length = strlen(name);
    return length > 5 && strcmp(name + length - 5, ".gguf") == 0;
}

static bool add_name(file_names *names, const char *name, tt_error *err) {
    if (!tt_grow(&names->items, &names->capacity, names->count, sizeof *names->items, err)) return false;
    if (!(names->items[names->count] = tt_strdup(name, err))) return false;
    names->count++;
    return true;
}

/* The GGUF files of `folder`, sorted, so that what is found does not depend on the file system's order. */
static bool list_files(const char *folder, file_names *names, tt_error *err) {
    DIR *directory = opendir(folder);
    if (!directory) return tt_fail_errno(err, "cannot look through the folder '%s'", folder);
    bool ok = true;
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(directory);
        if (!entry) {
            if (errno) ok = tt_fail_errno(err, "cannot look through the folder '%s'", folder);
            break;
        }
        if (ends_in_gguf(entry->d_name) && !(ok = add_name(names, entry->d_name, err))) break;
    }
    closedir(directory);
    if (ok && names->count) qsort(names->items, names->count, sizeof *names->items, compare_names);
    return ok;
}

/* True when `vector` says of its model what the axis' first file says. */
static bool same_axis(const tt_catalogue_axis *axis, const tt_vector *vector) {
    const tt_vector *first = &axis->keys;
    const uint32_t layers[2] = {first->layer_count_given ? first->layer_count : 0,
                                vector->layer_count_given ? vector->layer_count : 0};
    return !strcmp(axis->name, vector->axis) && !strcmp(axis->model_name, vector->model_name) &&
           !strcmp(first->architecture, vector->architecture) && !strcmp(first->fingerprint, vector->fingerprint) &&
           first->width == vector->width && layers[0] == layers[1];
}

static void axis_free(tt_catalogue_axis *axis) {
    free(axis->model_name);
    free(axis->name);
    free(axis->classes[0]);
    free(axis->classes[1]);
    for (int i = 0; i < TT_FILES; i++) free(axis->paths[i]);
    tt_vector_free(&axis->keys);
}

static const tt_class_order *find_order(const tt_class_order *orders, size_t count, const char *axis) {
    for (size_t i = 0; i < count; i++) {
        if (!strcmp(orders[i].axis, axis)) return &orders[i];
    }
    return NULL;
}

/* The entry that `vector` belongs to. Where there is none yet it is made. */
static tt_catalogue_axis *entry_of(tt_catalogue *catalogue, const tt_vector *vector, const tt_class_order *order,
                                   tt_error *err) {
    for (size_t i = 0; i < catalogue->count; i++) {
        if (same_axis(&catalogue->axes[i], vector)) return &catalogue->axes[i];
    }
    if (!tt_grow(&catalogue->axes, &catalogue->capacity, catalogue->count, sizeof *catalogue->axes, err)) return NULL;
    const bool told = *vector->classes[0] && *vector->classes[1];
    tt_catalogue_axis *axis = &catalogue->axes[catalogue->count];
    *axis = (tt_catalogue_axis){.ordered = told || order};
    axis->name = tt_strdup(vector->axis, err);
    axis->model_name = tt_strdup(vector->model_name, err);
    for (int i = 0; i < 2; i++)
        axis->classes[i] = tt_strdup(told ? vector->classes[i] : order ? order->classes[i] : "", err);
    if (axis->name && axis->model_name && axis->classes[0] && axis->classes[1] && tt_vector_copy(&axis->keys, vector, err)) {
        catalogue->count++;
        return axis;
    }
    axis_free(axis);
    return NULL;
}

/* Which of the axis' files `vector` is; TT_FILES for none. Classes that nobody told are taken as they come. */
static int slot_of(tt_catalogue_axis *axis, const tt_vector *vector, tt_error *err) {
    if (vector->role == TT_ROLE_DEBIAS) return TT_FILE_DEBIAS;
    if (vector->role == TT_ROLE_NEGATIVE) return TT_FILE_NEGATIVE;
    if (vector->role == TT_ROLE_POSITIVE) return TT_FILE_POSITIVE;
    for (int i = 0; i < 2; i++) {
        if (!*axis->classes[i] && !tt_vector_set(&axis->classes[i], vector->class_name, err)) return -1;
        if (!strcmp(axis->classes[i], vector->class_name)) return TT_FILE_NEGATIVE + i;
    }
    return TT_FILES;
}

static bool add_vector(tt_catalogue *catalogue, const tt_vector *vector, const tt_class_order *orders, size_t order_count,
                       tt_error *err) {
    if (!*vector->axis || vector->role == TT_ROLE_MIX) return true;
    tt_catalogue_axis *axis = entry_of(catalogue, vector, find_order(orders, order_count, vector->axis), err);
    if (!axis) return false;
    const int slot = slot_of(axis, vector, err);
    if (slot < 0) return false;
    if (slot == TT_FILES)
        return tt_notes_add(&catalogue->notes, err,
                            "'%s' is passed over: the axis '%s' has the classes '%s' and '%s' already", vector->path,
                            axis->name, axis->classes[0], axis->classes[1]);
    if (axis->paths[slot])
        return tt_notes_add(&catalogue->notes, err, "'%s' is passed over: '%s' is the same vector already", vector->path,
                            axis->paths[slot]);
    for (int i = 0; i < 2; i++) {
        if (axis->recommended[i] == 0) axis->recommended[i] = vector->recommended[i];
    }
    return (axis->paths[slot] = tt_strdup(vector->path, err)) != NULL;
}

static bool add_file(tt_catalogue *catalogue, const char *name, const tt_class_order *orders, size_t order_count,
                     tt_error *err) {
    char *path = tt_path_join(catalogue->folder, name, err);
    if (!path) return false;
    tt_vector vector;
    tt_error reason = {0};
    bool ok = tt_vector_read_keys(&vector, path, &reason);
    if (ok) {
        ok = add_vector(catalogue, &vector, orders, order_count, err);
        tt_vector_free(&vector);
    } else if (reason.kind == TT_ERROR_MEMORY) {
        (void)tt_fail(err, reason.kind, "%s", reason.message);
    } else {
        /* Models may lie in the same folder: only of what is named as a vector it is worth telling that it is none. */
        tt_vector_name parts;
        ok = !tt_vector_name_parse(name, &parts) ||
             tt_notes_add(&catalogue->notes, err, "%s; it is passed over", reason.message);
    }
    free(path);
    return ok;
}

static int compare_axes(const void *a, const void *b) {
    const tt_catalogue_axis *first = a, *second = b;
    const int models = strcmp(first->model_name, second->model_name);
    return models ? models : strcmp(first->name, second->name);
}

bool tt_catalogue_open(tt_catalogue *catalogue, const char *folder, const tt_class_order *orders, size_t order_count,
                       tt_error *err) {
    *catalogue = (tt_catalogue){0};
    file_names names = {0};
    bool ok = (catalogue->folder = tt_strdup(folder, err)) && list_files(folder, &names, err);
    for (size_t i = 0; ok && i < names.count; i++) ok = add_file(catalogue, names.items[i], orders, order_count, err);
    file_names_free(&names);
    if (ok && catalogue->count) qsort(catalogue->axes, catalogue->count, sizeof *catalogue->axes, compare_axes);
    if (!ok) tt_catalogue_free(catalogue);
    return ok;
}

void tt_catalogue_free(tt_catalogue *catalogue) {
    for (size_t i = 0; i < catalogue->count; i++) axis_free(&catalogue->axes[i]);
    free(catalogue->axes);
    free(catalogue->folder);
    tt_notes_free(&catalogue->notes);
    *catalogue = (tt_catalogue){0};
}

/* ==== Finding ==== */

tt_fit tt_catalogue_fit(const tt_catalogue_axis *axis, const tt_vector_target *target) {
    return target ? tt_fit_judge(&axis->keys, target, NULL) : TT_FIT_WHOLE;
}

/* Whether `name` means the axis: 1 or -1 as tt_catalogue_find's sign, 0 when it does not. */
static int meaning(const tt_catalogue_axis *axis, const char *name) {
    if (!strcmp(axis->name, name) || !strcmp(axis->classes[1], name)) return 1;
    return strcmp(axis->classes[0], name) == 0 ? -1 : 0;
}

static bool unknown_name(const tt_catalogue *catalogue, const char *name, tt_error *err) {
    if (!catalogue->count)
        return tt_fail(
            err, TT_ERROR_USAGE,
            "the folder '%s' has no control vectors of any axis: name theirs with --vectors, or make some with trimtab "
            "train%s%s",
            catalogue->folder, catalogue->notes.count ? "; " : "", catalogue->notes.count ? catalogue->notes.items[0] : "");
    const char **names = tt_alloc(catalogue->count * 3, sizeof *names, err);
    if (!names) return false;
    size_t count = 0;
    for (size_t i = 0; i < catalogue->count; i++) {
        const tt_catalogue_axis *axis = &catalogue->axes[i];
        names[count++] = axis->name;
        for (int j = 0; j < 2; j++) {
            if (*axis->classes[j]) names[count++] = axis->classes[j];
        }
    }
    const char *nearest = tt_nearest(name, names, count);
    if (nearest)
        tt_fail(err, TT_ERROR_USAGE, "'%s' has no vectors for '%s'; did you mean '%s'?", catalogue->folder, name, nearest);
    else
        tt_fail(err, TT_ERROR_USAGE, "'%s' has no vectors for '%s'; it has some for '%s'%s", catalogue->folder, name,
                catalogue->axes[0].name, catalogue->count > 1 ? " and others" : "");
    free(names);
    return false;
}

static bool ambiguous(const tt_catalogue *catalogue, const char *name, const tt_catalogue_axis *a,
                      const tt_catalogue_axis *b, tt_error *err) {
    if (strcmp(a->name, b->name) != 0)
        return tt_fail(err, TT_ERROR_USAGE, "'%s' is a class of the axes '%s' and '%s': name the axis instead", name,
                       a->name, b->name);
    return tt_fail(err, TT_ERROR_USAGE,
                   "'%s' has vectors for '%s' of several models, '%s' and '%s' among them: keep each model's vectors in a "
                   "folder of its own",
                   catalogue->folder, name, a->model_name, b->model_name);
}

bool tt_catalogue_find(const tt_catalogue *catalogue, const char *name, const tt_vector_target *target,
                       const tt_catalogue_axis **axis, int *sign, tt_error *err) {
    const tt_catalogue_axis *found = NULL, *second = NULL;
    tt_fit found_fit = TT_FIT_NEVER;
    for (size_t i = 0; *name && i < catalogue->count; i++) {
        const tt_catalogue_axis *candidate = &catalogue->axes[i];
        tt_fit fit = tt_catalogue_fit(candidate, target);
        if (fit == TT_FIT_OTHER) fit = TT_FIT_NEVER; /* no better a choice */
        if (!meaning(candidate, name) || fit < found_fit) continue;
        if (!found || fit > found_fit) {
            found = candidate;
            found_fit = fit;
            second = NULL;
        } else if (!strcmp(candidate->name, name) && strcmp(found->name, name) != 0) {
            found = candidate; /* an axis of that name goes before another axis' class of that name */
            second = NULL;
        } else if (strcmp(candidate->name, name) == 0 || strcmp(found->name, name) != 0) {
            second = candidate;
        }
    }
    if (!found) return unknown_name(catalogue, name, err);
    if (second) return ambiguous(catalogue, name, found, second, err);
    if (!found->ordered && !strcmp(found->name, name)) {
        const bool both = *found->classes[0] && *found->classes[1];
        return tt_fail(err, TT_ERROR_USAGE,
                       "the files of the axis '%s' do not tell which of its classes is the positive one: name %s%s%s", name,
                       *found->classes[0] ? found->classes[0] : "a class", both ? " or " : "",
                       both ? found->classes[1] : "");
    }
    *axis = found;
    *sign = meaning(found, name);
    return true;
}
