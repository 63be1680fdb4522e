/* catalogue_find.c: which axis of a catalogue a name means, and what to say where it means none or several. */
#include "apply/catalogue.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { NAMES_AN_AXIS = 3 }; /* its own and its classes' */

tt_fit tt_catalogue_fit(const tt_catalogue_axis *axis, const tt_vector_target *target) {
    return target ? tt_fit_judge(&axis->keys, target, NULL) : TT_FIT_WHOLE;
}

/* ==== What a name means ==== */

/* Behind "axis." in `name`; NULL where it does not begin so. */
static const char *behind_axis(const tt_catalogue_axis *axis, const char *name) {
    const size_t length = strlen(axis->name);
    return strncmp(name, axis->name, length) == 0 && name[length] == '.' ? name + length + 1 : NULL;
}

static int class_sign(const tt_catalogue_axis *axis, const char *class_name) {
    if (!*class_name) return 0;
    if (!strcmp(axis->classes[1], class_name)) return 1;
    return strcmp(axis->classes[0], class_name) == 0 ? -1 : 0;
}

int tt_catalogue_meaning(const tt_catalogue_axis *axis, const char *name) {
    const char *class_name = behind_axis(axis, name);
    if (!strcmp(axis->name, name)) return axis->ordered || *axis->classes[1] ? 1 : -1; /* one class alone is the first */
    const int sign = class_sign(axis, name);
    return sign || !class_name ? sign : class_sign(axis, class_name);
}

/* A class' name alone says less than the axis' own, or both. */
static bool is_exact(const tt_catalogue_axis *axis, const char *name) {
    return !strcmp(axis->name, name) || behind_axis(axis, name);
}

/* How much an axis is to be preferred to others that the name means too. */
static int rank_of(const tt_catalogue_axis *axis, const char *name, const tt_vector_target *target) {
    const tt_fit fit = tt_catalogue_fit(axis, target);
    const int suitable = fit < TT_FIT_DOUBT ? 0 : (int)fit; /* those that do not fit are no better one than another */
    return suitable * 1000 + is_exact(axis, name) * 100 + !axis->plain * 10 - axis->depth;
}

/* ==== What to say ==== */

static bool unknown_name(const tt_catalogue *catalogue, const char *name, tt_error *err) {
    if (!catalogue->count)
        return tt_fail(
            err, TT_ERROR_USAGE,
            "the folder '%s' has no control vectors of any axis: name theirs with --vectors, or make some with trimtab "
            "train%s%s",
            catalogue->folder, catalogue->notes.count ? "; " : "", catalogue->notes.count ? catalogue->notes.items[0] : "");
    const char **names = tt_alloc(catalogue->count * NAMES_AN_AXIS, sizeof *names, err);
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
        return tt_fail(err, TT_ERROR_USAGE, "'%s' is a class of the axes '%s' and '%s': say which with '%s.%s' or '%s.%s'",
                       name, a->name, b->name, a->name, name, b->name, name);
    return tt_fail(err, TT_ERROR_INPUT,
                   "'%s' has vectors for '%s' of several models, '%s' and '%s' among them: keep each model's vectors in a "
                   "folder of its own",
                   catalogue->folder, name, a->model_name, b->model_name);
}

/* The axis that the name means, NULL for none; `*second` is another that it means as well. */
static const tt_catalogue_axis *resolve(const tt_catalogue *catalogue, const char *name, const tt_vector_target *target,
                                        const tt_catalogue_axis **second) {
    const tt_catalogue_axis *found = NULL;
    int best = 0;
    *second = NULL;
    for (size_t i = 0; *name && i < catalogue->count; i++) {
        const tt_catalogue_axis *candidate = &catalogue->axes[i];
        if (!tt_catalogue_meaning(candidate, name)) continue;
        const int rank = rank_of(candidate, name, target);
        if (found && rank < best) continue;
        *second = found && rank == best ? candidate : NULL;
        if (*second) continue;
        found = candidate;
        best = rank;
    }
    return found;
}

char *tt_catalogue_class_name(const tt_catalogue *catalogue, const tt_catalogue_axis *axis, int side,
                              const tt_vector_target *target, tt_error *err) {
    const tt_catalogue_axis *second, *found = resolve(catalogue, axis->classes[side], target, &second);
    if (found == axis && !second && strcmp(axis->name, axis->classes[side]) != 0) return tt_strdup(axis->classes[side], err);
    return tt_format(err, "%s.%s", axis->name, axis->classes[side]);
}

/* The axis' own name does not tell towards which of its classes a value above 0 is. */
static bool no_sign(const tt_catalogue *catalogue, const tt_catalogue_axis *axis, const tt_vector_target *target,
                    tt_error *err) {
    char *names[2] = {tt_catalogue_class_name(catalogue, axis, 0, target, err),
                      tt_catalogue_class_name(catalogue, axis, 1, target, err)};
    if (names[0] && names[1])
        tt_fail(err, TT_ERROR_USAGE,
                "the files of the axis '%s' do not tell which of its classes is the positive one: name %s or %s", axis->name,
                names[0], names[1]);
    free(names[0]);
    free(names[1]);
    return false;
}

bool tt_catalogue_find(const tt_catalogue *catalogue, const char *name, const tt_vector_target *target,
                       const tt_catalogue_axis **axis, int *sign, tt_error *err) {
    const tt_catalogue_axis *second, *found = resolve(catalogue, name, target, &second);
    if (!found) return unknown_name(catalogue, name, err);
    if (second) return ambiguous(catalogue, name, found, second, err);
    if (!found->ordered && *found->classes[1] && !strcmp(found->name, name)) return no_sign(catalogue, found, target, err);
    *axis = found;
    *sign = tt_catalogue_meaning(found, name);
    return true;
}
