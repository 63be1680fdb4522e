/* blend.c: what a mix comes to: its files read, held against one another and against the model, and added up. See mix.h. */
#include "apply/blend.h"
#include "base/memory.h"
#include "base/number.h"
#include "vectors/compare.h"
#include "vectors/sum.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* No direction of any model known comes near this length; a file that has one is more likely damaged. */
static const double absurd_norm = 1e6;

/* Nobody means such a value: no model is known to write beyond a tenth of it. */
static const double absurd_value = 100;

typedef struct work {
    const tt_mix *mix;
    const tt_mix_options *options;
    tt_blend *blend;
    size_t capacity; /* of blend->parts */
} work;

/* Something unwise: a failure, or with --force a warning. */
__attribute__((format(printf, 3, 4))) static bool object(work *w, tt_error *err, const char *format, ...) {
    char message[sizeof err->message];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    if (w->options->force) return tt_notes_add(&w->blend->warnings, err, "%s", message);
    return tt_fail(err, TT_ERROR_INPUT, "%s (--force overrides this)", message);
}

/* ==== Which files at which scale ==== */

/* The vector is in the file `path`, or where that is NULL it is `rows`. */
static tt_mix_part *add_part(work *w, const char *path, const tt_vector *rows, double scale, tt_error *err) {
    tt_blend *blend = w->blend;
    if (!tt_grow(&blend->parts, &w->capacity, blend->part_count, sizeof *blend->parts, err)) return NULL;
    tt_mix_part *part = &blend->parts[blend->part_count];
    *part = (tt_mix_part){.scale = scale};
    if (path ? !tt_vector_read(&part->vector, path, err) : !tt_vector_copy(&part->vector, rows, err)) return NULL;
    blend->part_count++;
    struct stat status;
    if (path && !stat(path, &status)) {
        part->device = status.st_dev;
        part->inode = status.st_ino;
    }
    return part;
}

/* One of the axis' files. What the catalogue knows of it goes before what the file's name would tell. */
static bool add_file_of(work *w, const tt_catalogue_axis *axis, int file, double scale, tt_error *err) {
    tt_mix_part *part = add_part(w, axis->paths[file], NULL, scale, err);
    if (!part) return false;
    part->axis = axis;
    if (axis->plain) return tt_vector_set(&part->vector.axis, "", err) && tt_vector_set(&part->vector.class_name, "", err);
    if (part->vector.own) return true;
    if (file == TT_FILE_DEBIAS) part->vector.role = TT_ROLE_DEBIAS;
    return tt_vector_set(&part->vector.axis, axis->name, err) &&
           tt_vector_set(&part->vector.class_name, file == TT_FILE_DEBIAS ? "" : axis->classes[file == TT_FILE_POSITIVE],
                         err);
}

/* True when none of the terms before `index` means the same axis. */
static bool check_once(const work *w, size_t index, const tt_catalogue_axis *axis, tt_error *err) {
    const tt_mix_term *terms = w->mix->terms;
    for (size_t i = 0; i < index; i++) {
        const tt_catalogue_axis *other;
        int sign;
        if (!terms[i].name ||
            !tt_catalogue_find(w->options->catalogue, terms[i].name, w->options->target, &other, &sign, NULL) ||
            other != axis)
            continue;
        if (!strcmp(terms[i].name, terms[index].name))
            return tt_fail(err, TT_ERROR_USAGE, "the mix has '%s' twice: give it one value", terms[i].name);
        return tt_fail(err, TT_ERROR_USAGE,
                       "'%s' and '%s' both set the axis '%s', which has one value: give only one of them", terms[i].name,
                       terms[index].name, axis->name);
    }
    return true;
}

/* Values beyond what an evaluation recommends are told of. Without one nothing is known: how far a vector reaches differs by
 * model, and where there is a model, the mix is held against its hidden state (strength.h). */
static bool warn_beyond(work *w, const char *done, const char *name, double value, float saved, tt_error *err) {
    char number[TT_NUMBER_TEXT], limit[TT_NUMBER_TEXT];
    const double recommended = round((double)saved * 1e6) / 1e6; /* as it was before it became an F32 */
    if (!(recommended > 0) || fabs(value) <= recommended) return true;
    return tt_notes_add(&w->blend->warnings, err, "'%s' is %s %s; its evaluation recommends %s at most", name, done,
                        tt_number_text(value, number), tt_number_text(recommended, limit));
}

static bool lacks_side(const tt_catalogue_axis *axis, int side, tt_error *err) {
    const char *there = axis->classes[side != TT_FILE_POSITIVE], *missing = axis->classes[side == TT_FILE_POSITIVE];
    const bool has_other = axis->paths[side == TT_FILE_POSITIVE ? TT_FILE_NEGATIVE : TT_FILE_POSITIVE] != NULL;
    return tt_fail(err, TT_ERROR_USAGE, "the axis '%s' has no vector towards '%s'%s%s", axis->name,
                   *missing ? missing : "its other class", has_other && *there ? ": use a value above 0 of " : "",
                   has_other && *there ? there : "");
}

/* The vectors of trimtab are measured from the middle, to which the de-bias vector leads; so are those of other sets that
 * have one. Where a set has none each side is whole in itself. */
static bool add_debias(work *w, const tt_catalogue_axis *axis, tt_error *err) {
    const char *folder = w->options->catalogue->folder;
    if (axis->plain) return true;
    if (axis->paths[TT_FILE_DEBIAS]) return add_file_of(w, axis, TT_FILE_DEBIAS, 1, err);
    if (!tt_catalogue_check_debias(w->options->catalogue, axis, err)) return false;
    if (!axis->keys.own)
        return tt_notes_add(&w->blend->warnings, err,
                            "the axis '%s' has no de-bias vector in '%s': its vectors are applied as they are", axis->name,
                            folder);
    return object(w, err, "the axis '%s' has no de-bias vector in '%s', without which its sides steer from the wrong middle",
                  axis->name, folder);
}

/* For vectors that are as long as their classes lie apart, as those of sets are. */
static bool check_value(work *w, const char *name, double value, tt_error *err) {
    char number[TT_NUMBER_TEXT];
    return fabs(value) <= absurd_value ||
           object(w, err, "'%s' is set to %s, which no model can follow: begin with a value between -1 and 1", name,
                  tt_number_text(value, number));
}

static bool add_axis(work *w, size_t index, tt_error *err) {
    const tt_mix_term *term = &w->mix->terms[index];
    const tt_catalogue *catalogue = w->options->catalogue;
    const tt_catalogue_axis *axis;
    int sign;
    if (!catalogue)
        return tt_fail(err, TT_ERROR_USAGE, "to find the vectors of '%s', name their folder with --vectors DIR", term->name);
    if (!tt_catalogue_find(catalogue, term->name, w->options->target, &axis, &sign, err) ||
        !check_once(w, index, axis, err) || !add_debias(w, axis, err))
        return false;
    double value;
    if (!tt_mix_value(term, axis, sign, &value, err)) return false;
    if (value == 0) return true;
    if (axis->plain) return add_file_of(w, axis, TT_FILE_POSITIVE, value, err);
    const int side = value > 0 ? TT_FILE_POSITIVE : TT_FILE_NEGATIVE;
    if (!axis->paths[side]) return lacks_side(axis, side, err);
    if (!check_value(w, term->name, sign * value, err)) return false;
    if (!warn_beyond(w, "set to", term->name, sign * value, axis->recommended[side == TT_FILE_POSITIVE], err)) return false;
    return add_file_of(w, axis, side, fabs(value), err);
}

static int compare_parts(const void *a, const void *b) {
    const tt_mix_part *first = a, *second = b;
    const int order = strcmp(tt_vector_title(&first->vector), tt_vector_title(&second->vector));
    return order ? order : (first->scale > second->scale) - (first->scale < second->scale);
}

static bool gather(work *w, tt_error *err) {
    for (size_t i = 0; i < w->mix->count; i++) {
        const tt_mix_term *term = &w->mix->terms[i];
        if (!(term->name ? add_axis(w, i, err) : add_part(w, term->file, term->vector, term->value, err) != NULL))
            return false;
    }
    /* The order of addition decides on the last bits: it must not be the user's. */
    if (w->blend->part_count) qsort(w->blend->parts, w->blend->part_count, sizeof *w->blend->parts, compare_parts);
    return true;
}

/* ==== Files that do not go together ==== */

static bool is_side(const tt_vector *vector) {
    return *vector->axis && *vector->class_name && vector->role != TT_ROLE_DEBIAS && vector->role != TT_ROLE_MIX;
}

/* The name that the de-bias vector of this file's axis would have. The caller frees. */
static char *debias_path(const char *path, tt_error *err) {
    tt_vector_name name;
    if (!tt_vector_name_parse(path, &name)) return tt_strdup("its __debias.gguf", err);
    return tt_format(err, "%.*sdebias.gguf", (int)(name.suffix - path), path);
}

static bool lacks_debias(work *w, const tt_vector *vector, tt_error *err) {
    char *path = debias_path(tt_vector_title(vector), err);
    if (!path) return false;
    if (!vector->own && access(path, F_OK) != 0 && errno == ENOENT) { /* a set of another maker that has none */
        free(path);
        return true;
    }
    const bool ok = object(w, err,
                           "'%s' is one side of the axis '%s', and the mix lacks the de-bias vector that belongs to it: add "
                           "--control-vector '%s', or use --vectors and --axis",
                           tt_vector_title(vector), vector->axis, path);
    free(path);
    return ok;
}

static bool check_company(work *w, size_t index, tt_error *err) {
    const tt_vector *vector = &w->blend->parts[index].vector;
    const bool side = is_side(vector), debias = vector->role == TT_ROLE_DEBIAS;
    bool has_debias = false;
    if (!*vector->axis || (!side && !debias)) return true;
    for (size_t i = 0; i < w->blend->part_count; i++) {
        const tt_vector *other = &w->blend->parts[i].vector;
        if (i == index || strcmp(other->axis, vector->axis) != 0) continue;
        has_debias = has_debias || other->role == TT_ROLE_DEBIAS;
        const bool alike = debias ? other->role == TT_ROLE_DEBIAS : is_side(other);
        if (i < index || !alike) continue; /* a pair is told of once */
        if (side && strcmp(other->class_name, vector->class_name) != 0) {
            if (!object(w, err,
                        "'%s' and '%s' are both sides of the axis '%s', and work against each other: leave one of them out",
                        vector->path, other->path, vector->axis))
                return false;
        } else if (!object(w, err, "the mix has the axis '%s' twice, with '%s' and '%s': leave one of them out",
                           vector->axis, tt_vector_title(vector), tt_vector_title(other))) {
            return false;
        }
    }
    return !side || has_debias || w->blend->parts[index].axis || lacks_debias(w, vector, err);
}

/* A file that is there twice, maybe by another name. */
static bool check_files(work *w, size_t index, tt_error *err) {
    const tt_mix_part *part = &w->blend->parts[index];
    for (size_t i = 0; i < index && part->inode; i++) {
        const tt_mix_part *other = &w->blend->parts[i];
        const bool told = *part->vector.axis && *other->vector.axis; /* by check_company */
        if (!told && other->device == part->device && other->inode == part->inode)
            return object(w, err, "the mix has the file '%s' twice%s%s%s: leave one of them out", part->vector.path,
                          strcmp(part->vector.path, other->vector.path) ? ", also as '" : "",
                          strcmp(part->vector.path, other->vector.path) ? other->vector.path : "",
                          strcmp(part->vector.path, other->vector.path) ? "'" : "");
    }
    return true;
}

static bool check_scale(work *w, const tt_mix_part *part, tt_error *err) {
    char number[TT_NUMBER_TEXT];
    if (part->axis) return true; /* told of already, by name */
    if (*part->vector.axis && !check_value(w, tt_vector_title(&part->vector), part->scale, err)) return false;
    if (part->vector.role == TT_ROLE_DEBIAS && part->scale != 1)
        return tt_notes_add(&w->blend->warnings, err, "the de-bias vector '%s' is scaled by %s; it is made for 1",
                            tt_vector_title(&part->vector), tt_number_text(part->scale, number));
    if (!is_side(&part->vector)) return true;
    const int class = (part->vector.role == TT_ROLE_POSITIVE) == (part->scale > 0); /* negated, it leads to the other */
    return warn_beyond(w, "scaled by", tt_vector_title(&part->vector), part->scale, part->vector.recommended[class], err);
}

/* ==== Files that do not fit ==== */

static bool check_size(work *w, const tt_vector *vector, tt_error *err) {
    for (uint32_t K = 1; K < vector->layer_count; K++) {
        const double norm = tt_vector_row_norm(vector, K);
        if (norm > absurd_norm)
            return object(w, err, "'%s' is of absurd size: its direction of layer %" PRIu32 " has a length of %.3g",
                          tt_vector_title(vector), K, norm);
    }
    return true;
}

/* The user's model, or in its place the first part's. Its strings are theirs. */
static tt_vector_target target_of(const work *w) {
    const tt_blend *blend = w->blend;
    if (w->options->target) return *w->options->target;
    if (!blend->part_count) return (tt_vector_target){.architecture = "", .fingerprint = ""};
    const tt_vector *first = &blend->parts[0].vector;
    bool known = false; /* the layers, from a file of trimtab's own */
    tt_vector_target target = {.owner = tt_vector_title(first),
                               .architecture = first->architecture,
                               .fingerprint = first->fingerprint,
                               .width = first->width};
    uint32_t last = 0;
    for (size_t i = 0; i < blend->part_count; i++) {
        const tt_vector *vector = &blend->parts[i].vector;
        const uint32_t told = vector->layer_count_given ? vector->layer_count : 0;
        if (tt_vector_last_row(vector) > last) last = tt_vector_last_row(vector);
        /* Where the first file is silent another one may tell; trimtab's own know best. */
        if (told && (!target.layer_count || (*vector->fingerprint && !known))) target.layer_count = told;
        known = known || (told && *vector->fingerprint);
    }
    /* Other tools write all sorts of numbers: one that another file contradicts is none. */
    if (!known && last >= target.layer_count) target.layer_count = 0;
    return target;
}

/* ==== The sum ==== */

static bool add_up(work *w, tt_error *err) {
    tt_blend *blend = w->blend;
    tt_summand *summands = tt_alloc(blend->part_count, sizeof *summands, err);
    if (!summands) return false;
    for (size_t i = 0; i < blend->part_count; i++)
        summands[i] = (tt_summand){&blend->parts[i].vector, blend->parts[i].scale};
    const uint32_t last = w->mix->last_layer ? w->mix->last_layer : UINT32_MAX;
    const bool ok = tt_vector_sum(&blend->vector, summands, blend->part_count, w->mix->first_layer, last, err);
    free(summands);
    return ok;
}

static bool check_finite(const tt_vector *sum, tt_error *err) {
    for (uint32_t K = 1; K < sum->layer_count; K++)
        for (uint32_t i = 0; sum->rows[K] && i < sum->width; i++)
            if (!isfinite(sum->rows[K][i]))
                return tt_fail(err, TT_ERROR_INPUT,
                               "the mix adds up to values too large for any model, at layer %" PRIu32 ": lower its values",
                               K);
    return true;
}

static bool sum_parts(work *w, const tt_vector_target *target, tt_error *err) {
    tt_blend *blend = w->blend;
    uint32_t layers = target->layer_count;
    for (size_t i = 0; !target->layer_count && i < blend->part_count; i++) {
        const tt_vector *vector = &blend->parts[i].vector;
        if (vector->layer_count > layers) layers = vector->layer_count;
    }
    if (!tt_vector_init(&blend->vector, layers, target->width, err)) return false;
    blend->vector.layer_count_given = target->layer_count > 0;
    if (!add_up(w, err) || !check_finite(&blend->vector, err)) return false;
    return !blend->part_count || tt_vector_row_count(&blend->vector) > 0 ||
           tt_notes_add(&blend->warnings, err,
                        "the mix steers nothing: no vector of it has a direction in the layers chosen");
}

/* The value that all parts agree on, "" where they differ. */
static const char *common(const tt_blend *blend, size_t field) {
    const char *value = "";
    for (size_t i = 0; i < blend->part_count; i++) {
        const char *other = *(char *const *)((const char *)&blend->parts[i].vector + field);
        if (i == 0) value = other;
        if (strcmp(value, other) != 0) return "";
    }
    return value;
}

static bool describe(work *w, const tt_vector_target *target, tt_error *err) {
    tt_vector *vector = &w->blend->vector;
    vector->role = TT_ROLE_MIX;
    char *recipe = tt_mix_text(w->mix, w->options->catalogue, w->options->target, err);
    const bool ok = recipe && tt_vector_set(&vector->recipe, recipe, err) &&
                    tt_vector_set(&vector->version, TRIMTAB_VERSION, err) &&
                    tt_vector_set(&vector->architecture, target->architecture, err) &&
                    tt_vector_set(&vector->fingerprint, common(w->blend, offsetof(tt_vector, fingerprint)), err) &&
                    tt_vector_set(&vector->model_name, common(w->blend, offsetof(tt_vector, model_name)), err) &&
                    tt_vector_set(&vector->method, common(w->blend, offsetof(tt_vector, method)), err);
    free(recipe);
    return ok;
}

/* ==== How strong it is ==== */

static bool find_safe_scale(work *w, tt_error *err) {
    tt_blend *blend = w->blend;
    const size_t most = blend->part_count;
    const tt_vector **sides = tt_alloc(most, sizeof *sides, err);
    double *weights = tt_alloc(most, sizeof *weights, err), *R = tt_alloc(most * most, sizeof *R, err);
    size_t n = 0;
    const bool ok = sides && weights && R;
    for (size_t i = 0; ok && i < most; i++) {
        if (!is_side(&blend->parts[i].vector) || blend->parts[i].scale == 0) continue;
        sides[n] = &blend->parts[i].vector;
        weights[n++] = blend->parts[i].scale;
    }
    for (size_t i = 0; i < n; i++) {
        blend->largest = fmax(blend->largest, fabs(weights[i]));
        for (size_t j = 0; j < n; j++) R[i * n + j] = i == j ? 1 : tt_vector_cosine(sides[i], sides[j], 0);
    }
    blend->axis_count = n;
    blend->safe_scale = ok ? tt_safe_scale(R, weights, n) : 0;
    free(sides);
    free(weights);
    free(R);
    return ok;
}

static bool warn_of_strength(tt_blend *blend, tt_error *err) {
    /* One axis alone has been told of. A hair above, as by rounding, is no reason. */
    if (blend->axis_count < 2 || blend->largest <= blend->safe_scale * (1 + 1e-9)) return true;
    return tt_notes_add(
        &blend->warnings, err,
        "the mix is stronger than its safe scale: with these %zu axes in these proportions no value should be "
        "above %.2f, and the largest is %.2f; multiply all by %.2f",
        blend->axis_count, blend->safe_scale, blend->largest, blend->safe_scale / blend->largest);
}

bool tt_mix_blend(tt_blend *blend, const tt_mix *mix, const tt_mix_options *options, tt_error *err) {
    *blend = (tt_blend){.safe_scale = INFINITY};
    work w = {.mix = mix, .options = options, .blend = blend};
    bool ok = gather(&w, err);
    const tt_vector_target target = target_of(&w);
    for (size_t i = 0; ok && i < blend->part_count; i++) {
        tt_mix_part *part = &blend->parts[i];
        ok = tt_fit_settle(&part->vector, &target, options->force, &blend->warnings, err) &&
             check_size(&w, &part->vector, err) && check_company(&w, i, err) && check_files(&w, i, err) &&
             check_scale(&w, part, err);
    }
    ok = ok && sum_parts(&w, &target, err) && describe(&w, &target, err) && find_safe_scale(&w, err) &&
         warn_of_strength(blend, err);
    if (!ok) tt_blend_free(blend);
    return ok;
}

void tt_blend_free(tt_blend *blend) {
    for (size_t i = 0; i < blend->part_count; i++) tt_vector_free(&blend->parts[i].vector);
    free(blend->parts);
    tt_vector_free(&blend->vector);
    tt_notes_free(&blend->warnings);
    *blend = (tt_blend){0};
}
