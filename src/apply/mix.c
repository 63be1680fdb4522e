/* mix.c: a mix as it is asked for: read from text, changed, written as text. What it comes to is in blend.c. */
#include "apply/mix.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void term_free(tt_mix_term *term) {
    free(term->name);
    free(term->file);
    if (term->vector) tt_vector_free(term->vector);
    free(term->vector);
}

/* Takes the terms from `count` on out again. */
static void cut(tt_mix *mix, size_t count) {
    while (mix->count > count) term_free(&mix->terms[--mix->count]);
}

void tt_mix_free(tt_mix *mix) {
    cut(mix, 0);
    free(mix->terms);
    *mix = (tt_mix){0};
}

/* Takes over what the term points to, unless it fails. */
static bool add_term(tt_mix *mix, const tt_mix_term *term, tt_error *err) {
    const bool ok = tt_grow(&mix->terms, &mix->capacity, mix->count, sizeof *mix->terms, err);
    if (ok) {
        mix->terms[mix->count] = *term;
        mix->terms[mix->count++].value += 0.0; /* -0 is 0 */
    }
    return ok;
}

static bool check_term(const char *text, bool is_file, double value, tt_error *err) {
    if (!*text) return tt_fail(err, TT_ERROR_USAGE, "a mix needs the name of %s", is_file ? "a file" : "an axis");
    return isfinite(value) || tt_fail(err, TT_ERROR_USAGE, "the value of '%s' is not a finite number", text);
}

static bool add_axis(tt_mix *mix, const char *name, double value, bool share, tt_error *err) {
    if (!check_term(name, false, value, err)) return false;
    tt_mix_term term = {.name = tt_strdup(name, err), .value = value, .share = share};
    if (term.name && add_term(mix, &term, err)) return true;
    term_free(&term);
    return false;
}

bool tt_mix_add_axis(tt_mix *mix, const char *name, double value, tt_error *err) {
    return add_axis(mix, name, value, false, err);
}

bool tt_mix_add_file(tt_mix *mix, const char *path, double scale, tt_error *err) {
    if (!check_term(path, true, scale, err)) return false;
    tt_mix_term term = {.file = tt_strdup(path, err), .value = scale};
    if (term.file && add_term(mix, &term, err)) return true;
    term_free(&term);
    return false;
}

bool tt_mix_add_vector(tt_mix *mix, const tt_vector *vector, double scale, tt_error *err) {
    if (!check_term(tt_vector_title(vector), true, scale, err)) return false;
    tt_mix_term term = {.vector = tt_alloc(1, sizeof *term.vector, err), .value = scale};
    if (term.vector && tt_vector_copy(term.vector, vector, err) && add_term(mix, &term, err)) return true;
    term_free(&term);
    return false;
}

bool tt_mix_add_mix(tt_mix *mix, const tt_mix *other, tt_error *err) {
    const size_t before = mix->count;
    for (size_t i = 0; i < other->count; i++) {
        const tt_mix_term *term = &other->terms[i];
        if (term->name   ? add_axis(mix, term->name, term->value, term->share, err)
            : term->file ? tt_mix_add_file(mix, term->file, term->value, err)
                         : tt_mix_add_vector(mix, term->vector, term->value, err))
            continue;
        cut(mix, before);
        return false;
    }
    return true;
}

/* ==== From text ==== */

/* A number, "max", or a share such as "-50%". */
static bool parse_value(char *text, double *value, bool *share) {
    const size_t length = strlen(text), sign = *text == '-' || *text == '+';
    *share = true;
    if (!strcmp(text + sign, "max")) {
        *value = *text == '-' ? -1 : 1;
        return true;
    }
    *share = length && text[length - 1] == '%';
    if (*share) text[length - 1] = '\0';
    const bool ok = tt_number_parse(text, value);
    if (*share) text[length - 1] = '%';
    if (*share) *value /= 100;
    return ok;
}

/* One "NAME=VALUE". */
static bool parse_axis(tt_mix *mix, char *item, tt_error *err) {
    char *equals = strrchr(item, '=');
    double value;
    bool share;
    if (!equals || equals == item)
        return tt_fail(err, TT_ERROR_USAGE, "'%s' is no part of a mix: write NAME=VALUE, such as language=0.5", item);
    if (!parse_value(equals + 1, &value, &share))
        return tt_fail(err, TT_ERROR_USAGE, "'%s': '%s' is not a number; write it as in language=0.5", item, equals + 1);
    char *name = tt_strndup(item, (size_t)(equals - item), err);
    const bool ok = name && add_axis(mix, name, value, share, err);
    free(name);
    return ok;
}

bool tt_mix_parse(tt_mix *mix, const char *text, tt_error *err) {
    char *copy = tt_strdup(text, err);
    if (!copy) return false;
    const size_t before = mix->count;
    bool ok = true;
    for (char *item = copy; ok && item;) {
        char *comma = strchr(item, ',');
        if (comma) *comma = '\0';
        ok = parse_axis(mix, item, err);
        item = comma ? comma + 1 : NULL;
    }
    if (!ok) cut(mix, before);
    free(copy);
    return ok;
}

/* The next item of llama.cpp's comma-separated lists: double quotes that open an item keep its commas, and two of them in it
 * are one. Moves `*text` behind it, to NULL at the end. */
static bool next_item(const char **text, tt_text *item, tt_error *err) {
    tt_text_clear(item);
    bool quoted = false;
    const char *c = *text;
    for (; *c && (quoted || *c != ','); c++) {
        if (*c != '"' || (!quoted && item->length)) {
            tt_text_add_bytes(item, c, 1);
        } else if (quoted && c[1] == '"') {
            tt_text_add(item, "\"");
            c++;
        } else {
            quoted = !quoted;
        }
    }
    if (quoted) return tt_fail(err, TT_ERROR_USAGE, "'%s': a double quote is opened and not closed", *text);
    *text = *c ? c + 1 : NULL;
    if (!item->data) tt_text_add(item, "");
    return tt_text_ok(item, err);
}

/* One "FILE:SCALE"; the last colon counts, so that FILE may have some too. */
static bool parse_scaled_file(tt_mix *mix, const char *item, tt_error *err) {
    const char *colon = strrchr(item, ':');
    double scale;
    if (!colon || !tt_number_parse(colon + 1, &scale))
        return tt_fail(err, TT_ERROR_USAGE, "'%s' has no scale: write FILE:SCALE, such as ornate.gguf:0.5", item);
    char *path = tt_strndup(item, (size_t)(colon - item), err);
    const bool ok = path && tt_mix_add_file(mix, path, scale, err);
    free(path);
    return ok;
}

bool tt_mix_parse_files(tt_mix *mix, const char *text, bool scaled, tt_error *err) {
    const size_t before = mix->count;
    tt_text item = {0};
    bool ok = true;
    while (ok && text) {
        ok = next_item(&text, &item, err) &&
             (scaled ? parse_scaled_file(mix, item.data, err) : tt_mix_add_file(mix, item.data, 1, err));
    }
    if (!ok) cut(mix, before);
    tt_text_free(&item);
    return ok;
}

bool tt_mix_set_layers(tt_mix *mix, int64_t first, int64_t last, tt_error *err) {
    if (first < 0 || last < 0 || first > UINT32_MAX || last > UINT32_MAX || (last && first > last))
        return tt_fail(err, TT_ERROR_USAGE,
                       "a layer range of %" PRId64 " to %" PRId64 " makes no sense: give the first layer, then the last",
                       first, last);
    mix->first_layer = (uint32_t)first;
    mix->last_layer = (uint32_t)last;
    return true;
}

/* ==== Shares of what is recommended ==== */

bool tt_mix_value(const tt_mix_term *term, const tt_catalogue_axis *axis, int sign, double *value, tt_error *err) {
    *value = term->value == 0 ? 0 : sign * term->value;
    if (!term->share || *value == 0) return true;
    const int side = *value > 0;
    const double recommended = round((double)axis->recommended[side] * 1e6) / 1e6; /* as it was before it became an F32 */
    *value = round(*value * recommended * 1e6) / 1e6;
    return recommended > 0 ||
           tt_fail(err, TT_ERROR_USAGE,
                   "no value of '%s' is recommended%s%s: measure it with trimtab eval --save, or give a number", axis->name,
                   *axis->classes[side] ? " for " : "", axis->classes[side]);
}

bool tt_mix_resolve(tt_mix *mix, const tt_catalogue *catalogue, const tt_vector_target *target, tt_error *err) {
    for (size_t i = 0; i < mix->count; i++) {
        tt_mix_term *term = &mix->terms[i];
        const tt_catalogue_axis *axis;
        int sign;
        if (!term->share || !tt_catalogue_find(catalogue, term->name, target, &axis, &sign, NULL)) continue;
        if (!tt_mix_value(term, axis, sign, &term->value, err)) return false;
        term->value = term->value == 0 ? 0 : sign * term->value; /* -0 is 0 */
        term->share = false;
    }
    return true;
}

/* ==== Changing ==== */

/* Takes out every term that means `axis`. */
static void remove_axis(tt_mix *mix, const tt_catalogue *catalogue, const tt_vector_target *target,
                        const tt_catalogue_axis *axis) {
    size_t kept = 0;
    for (size_t i = 0; i < mix->count; i++) {
        const tt_catalogue_axis *other;
        int sign;
        const char *name = mix->terms[i].name;
        if (name && tt_catalogue_find(catalogue, name, target, &other, &sign, NULL) && other == axis)
            term_free(&mix->terms[i]);
        else
            mix->terms[kept++] = mix->terms[i];
    }
    mix->count = kept;
}

bool tt_mix_set_axis(tt_mix *mix, const tt_catalogue *catalogue, const tt_vector_target *target, const char *name,
                     double value, tt_error *err) {
    const tt_catalogue_axis *axis;
    int sign;
    if (!tt_catalogue_find(catalogue, name, target, &axis, &sign, err)) return false;
    /* Added first, so that a failure leaves the mix as it was. */
    if (!tt_mix_add_axis(mix, name, value, err)) return false;
    const tt_mix_term added = mix->terms[--mix->count];
    remove_axis(mix, catalogue, target, axis);
    mix->terms[mix->count++] = added;
    return true;
}

/* ==== To text ==== */

typedef struct word {
    char *text; /* an axis' name, or a file's without its folder, as it can be shown; owned */
    bool is_file;
    double value;
} word;

static int compare_items(const void *a, const void *b) {
    const word *first = a, *second = b;
    if (first->is_file != second->is_file) return first->is_file ? 1 : -1;
    const int order = strcmp(first->text, second->text);
    return order ? order : (first->value > second->value) - (first->value < second->value);
}

static bool item_of(const tt_mix_term *term, const tt_catalogue *catalogue, const tt_vector_target *target, word *item,
                    tt_error *err) {
    const char *name = term->name ? term->name : tt_path_name(term->file ? term->file : tt_vector_title(term->vector));
    *item = (word){.is_file = !term->name, .value = term->value};
    if (term->name && catalogue) {
        const tt_catalogue_axis *axis;
        int sign;
        if (!tt_catalogue_find(catalogue, term->name, target, &axis, &sign, err) ||
            !tt_mix_value(term, axis, sign, &item->value, err))
            return false;
        if (!axis->ordered) { /* the axis has no sign, and its class must stay */
            item->value = item->value == 0 ? 0 : sign * item->value;
            item->text = tt_catalogue_class_name(catalogue, axis, sign > 0, target, err);
            if (item->text) tt_one_line(item->text);
            return item->text != NULL;
        }
        name = axis->name;
    }
    item->text = tt_strdup(name, err);
    /* A name may hold anything. It is made fit before the items are sorted, so that the text is read as the same mix. */
    if (item->text) tt_one_line(item->text);
    return item->text != NULL;
}

static void free_items(word *items, size_t count) {
    for (size_t i = 0; i < count; i++) free(items[i].text);
    free(items);
}

static void add_layers(const tt_mix *mix, tt_text *text) {
    if (!mix->first_layer && !mix->last_layer) return;
    tt_text_addf(text, "%slayers %" PRIu32 "-", text->length ? "," : "", mix->first_layer ? mix->first_layer : 1);
    if (mix->last_layer) tt_text_addf(text, "%" PRIu32, mix->last_layer);
}

char *tt_mix_text(const tt_mix *mix, const tt_catalogue *catalogue, const tt_vector_target *target, tt_error *err) {
    word *items = tt_alloc(mix->count, sizeof *items, err);
    if (!items) return NULL;
    for (size_t i = 0; i < mix->count; i++) {
        if (!item_of(&mix->terms[i], catalogue, target, &items[i], err)) {
            free_items(items, i);
            return NULL;
        }
    }
    if (mix->count) qsort(items, mix->count, sizeof *items, compare_items);
    tt_text text = {0};
    char number[TT_NUMBER_TEXT];
    for (size_t i = 0; i < mix->count; i++)
        tt_text_addf(&text, "%s%s%c%s", i ? "," : "", items[i].text, items[i].is_file ? ':' : '=',
                     tt_number_text(items[i].value, number));
    add_layers(mix, &text);
    free_items(items, mix->count);
    return tt_text_take(&text, err);
}
