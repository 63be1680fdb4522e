/* catalogue.c: what lies in a folder of vectors; how its axes are found by their names is in catalogue_find.c. */
#include "apply/catalogue.h"
#include "base/file.h"
#include "base/memory.h"
#include "gguf/gguf_file.h"
#include "vectors/vector.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    DEEPEST = 2,        /* levels of folders below the one that is named */
    ENTRIES_MOST = 4096 /* in such a folder */
};

/* ==== Gathering ==== */

typedef struct gathering {
    tt_catalogue *catalogue;
    const tt_class_order *orders;
    size_t order_count;
    int depth; /* of the folder that is looked through */
} gathering;

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
    return length > 5 && strcasecmp(name + length - 5, ".gguf") == 0;
}

static bool add_name(file_names *names, const char *name, tt_error *err) {
    if (!tt_grow(&names->items, &names->capacity, names->count, sizeof *names->items, err)) return false;
    if (!(names->items[names->count] = tt_strdup(name, err))) return false;
    names->count++;
    return true;
}

/* The names in `folder`, sorted, so that what is found does not depend on the file system's order. */
static bool list_names(const char *folder, file_names *names, tt_error *err) {
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
        if (entry->d_name[0] != '.' && !(ok = add_name(names, entry->d_name, err))) break;
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
    return !axis->plain && !strcmp(axis->name, vector->axis) && !strcasecmp(axis->model_name, vector->model_name) &&
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

/* A new entry; NULL where memory is short. */
static tt_catalogue_axis *add_entry(tt_catalogue *catalogue, const tt_vector *vector, const char *name,
                                    const char *const classes[2], tt_error *err) {
    if (!tt_grow(&catalogue->axes, &catalogue->capacity, catalogue->count, sizeof *catalogue->axes, err)) return NULL;
    tt_catalogue_axis *axis = &catalogue->axes[catalogue->count];
    *axis = (tt_catalogue_axis){.name = tt_strdup(name, err), .model_name = tt_strdup(vector->model_name, err)};
    for (int i = 0; i < 2; i++) axis->classes[i] = tt_strdup(classes[i], err);
    if (axis->name && axis->model_name && axis->classes[0] && axis->classes[1] && tt_vector_copy(&axis->keys, vector, err)) {
        catalogue->count++;
        return axis;
    }
    axis_free(axis);
    return NULL;
}

/* The entry that `vector` belongs to, made where there is none yet. */
static tt_catalogue_axis *entry_of(gathering *g, const tt_vector *vector, tt_error *err) {
    for (size_t i = 0; i < g->catalogue->count; i++) {
        if (g->catalogue->axes[i].depth == g->depth && same_axis(&g->catalogue->axes[i], vector))
            return &g->catalogue->axes[i];
    }
    static const char *const unknown[] = {"", ""}, *const signs[] = {"negative", "positive"};
    const tt_class_order *order = find_order(g->orders, g->order_count, vector->axis);
    const bool told = *vector->classes[0] && *vector->classes[1];
    const bool signed_class = !strcmp(vector->class_name, signs[0]) || !strcmp(vector->class_name, signs[1]);
    tt_catalogue_axis *axis = add_entry(g->catalogue, vector, vector->axis,
                                        told           ? (const char *const *)vector->classes
                                        : order        ? order->classes
                                        : signed_class ? signs
                                                       : unknown,
                                        err);
    if (axis) {
        axis->ordered = told || order || signed_class;
        axis->depth = g->depth;
    }
    return axis;
}

/* A vector that is an axis by itself. What a mix could not name is replaced in its name. */
static bool add_plain(gathering *g, const tt_vector *vector, const char *name, tt_error *err) {
    char *fit = tt_strdup(name, err);
    if (!fit) return false;
    for (char *c = fit; *c; c++)
        if (strchr(",=@/", *c)) *c = '-';
    tt_catalogue_axis *axis = add_entry(g->catalogue, vector, fit, (const char *const[]){"", ""}, err);
    free(fit);
    if (!axis) return false;
    axis->plain = axis->ordered = true;
    axis->depth = g->depth;
    return (axis->paths[TT_FILE_POSITIVE] = tt_strdup(vector->path, err)) != NULL;
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

/* A file of an axis that has three of them. */
static bool add_to_set(gathering *g, const tt_vector *vector, tt_error *err) {
    tt_catalogue *catalogue = g->catalogue;
    tt_catalogue_axis *axis = entry_of(g, vector, err);
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

/* What the file's name tells goes in where its keys do not. */
static bool take_name(tt_vector *vector, const tt_file_name *name, tt_error *err) {
    if (name->debias) vector->role = TT_ROLE_DEBIAS;
    return tt_vector_set(&vector->model_name, name->model, err) && tt_vector_set(&vector->axis, name->axis, err) &&
           tt_vector_set(&vector->class_name, name->class_name, err);
}

static bool add_vector(gathering *g, tt_vector *vector, tt_error *err) {
    if (vector->own && *vector->axis && vector->role != TT_ROLE_MIX) return add_to_set(g, vector, err);
    tt_file_name name;
    if (!tt_file_name_read(&name, vector->path, g->orders, g->order_count, err)) return false;
    const bool in_set = *name.axis && (*name.class_name || name.debias) && vector->role != TT_ROLE_MIX;
    const bool named = *name.axis && vector->role != TT_ROLE_MIX; /* one file for both ways of an axis */
    const bool ok = in_set ? take_name(vector, &name, err) && add_to_set(g, vector, err)
                           : add_plain(g, vector, named ? name.axis : name.model, err);
    tt_file_name_free(&name);
    return ok;
}

/* A whole GGUF file that is something else, such as a model: no word is lost on it. */
static bool is_another_kind(const char *path) {
    tt_gguf file;
    const char *architecture = "";
    if (!tt_gguf_open(&file, path, NULL)) return false;
    const bool other = tt_gguf_string(&file, "general.architecture", &architecture, NULL) && *architecture &&
                       strcmp(architecture, "controlvector") != 0;
    tt_gguf_close(&file);
    return other;
}

/* Keeps in mind that a de-bias file, which its name tells, cannot be used. */
static bool note_lost(gathering *g, const char *path, tt_error *err) {
    tt_file_name name;
    if (!tt_file_name_read(&name, path, g->orders, g->order_count, err)) return false;
    const bool ok = !name.debias || (tt_notes_add(&g->catalogue->lost, err, "%s", path) &&
                                     tt_notes_add(&g->catalogue->lost_axes, err, "%s", name.axis));
    tt_file_name_free(&name);
    return ok;
}

static bool add_file(gathering *g, const char *path, tt_error *err) {
    tt_vector vector;
    tt_error reason = {0};
    if (tt_vector_read_keys(&vector, path, &reason)) {
        const bool ok = add_vector(g, &vector, err);
        tt_vector_free(&vector);
        return ok;
    }
    /* Without a file that is there and may be read, what is left of a set would mean something else. */
    const bool lost = reason.kind == TT_ERROR_IO && access(path, R_OK) == 0;
    if (reason.kind == TT_ERROR_MEMORY || lost) return tt_fail(err, reason.kind, "%s", reason.message);
    if (is_another_kind(path)) return true;
    return note_lost(g, path, err) && tt_notes_add(&g->catalogue->notes, err, "%s; it is passed over", reason.message);
}

/* ==== Folders ==== */

static bool add_folder(gathering *g, const char *folder, tt_error *err);

/* A file, or a folder in the folder; links are followed. One that leads nowhere is a file that cannot be read. */
static bool add_path(gathering *g, const char *path, tt_error *err) {
    struct stat status;
    const bool there = stat(path, &status) == 0;
    if (!there && errno != ENOENT && errno != ELOOP && errno != EACCES)
        return tt_fail_errno(err, "cannot look at '%s'", path);
    if (!there || !S_ISDIR(status.st_mode)) return !ends_in_gguf(path) || add_file(g, path, err);
    if (g->depth == DEEPEST || access(path, R_OK | X_OK) != 0) return true;
    g->depth++;
    const bool ok = add_folder(g, path, err);
    g->depth--;
    return ok;
}

static bool add_place(gathering *g, const char *folder, const char *name, tt_error *err) {
    char *path = tt_path_join(folder, name, err);
    const bool ok = path && add_path(g, path, err);
    free(path);
    return ok;
}

static bool add_folder(gathering *g, const char *folder, tt_error *err) {
    file_names names = {0};
    bool ok = list_names(folder, &names, err);
    const bool crowded = g->depth && names.count > ENTRIES_MOST; /* no folder of vectors is like this */
    for (size_t i = 0; ok && !crowded && i < names.count; i++) ok = add_place(g, folder, names.items[i], err);
    file_names_free(&names);
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
    gathering g = {catalogue, orders, order_count, 0};
    bool ok = (catalogue->folder = tt_strdup(folder, err)) && add_folder(&g, folder, err);
    if (ok && catalogue->count) qsort(catalogue->axes, catalogue->count, sizeof *catalogue->axes, compare_axes);
    if (!ok) tt_catalogue_free(catalogue);
    return ok;
}

void tt_catalogue_free(tt_catalogue *catalogue) {
    for (size_t i = 0; i < catalogue->count; i++) axis_free(&catalogue->axes[i]);
    free(catalogue->axes);
    free(catalogue->folder);
    tt_notes_free(&catalogue->lost);
    tt_notes_free(&catalogue->lost_axes);
    tt_notes_free(&catalogue->notes);
    *catalogue = (tt_catalogue){0};
}

bool tt_catalogue_check_debias(const tt_catalogue *catalogue, const tt_catalogue_axis *axis, tt_error *err) {
    for (size_t i = 0; i < catalogue->lost.count && !axis->paths[TT_FILE_DEBIAS]; i++)
        if (!strcasecmp(catalogue->lost_axes.items[i], axis->name))
            return tt_fail(err, TT_ERROR_INPUT,
                           "'%s' cannot be used, and without it the axis '%s' would mean something else",
                           catalogue->lost.items[i], axis->name);
    return true;
}
