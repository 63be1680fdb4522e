/* file_names.c: see file_names.h */
#include "apply/file_names.h"
#include "base/file.h"
#include "base/memory.h"
#include "vectors/vector.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static bool is_mark(char c) { return c == '-' || c == '_' || c == '.' || c == ' '; }

/* How many bytes of the end of text[0, length) spell `word`, whatever the case and the marks in it; 0: it does not end so.
 */
static size_t spelt_at_end(const char *text, size_t length, const char *word) {
    size_t left = length, rest = strlen(word);
    while (rest) {
        if (is_mark(word[rest - 1])) {
            rest--;
            continue;
        }
        while (left < length && left && is_mark(text[left - 1])) left--;
        if (!left || tolower((unsigned char)text[left - 1]) != tolower((unsigned char)word[rest - 1])) return 0;
        left--;
        rest--;
    }
    return length - left;
}

/* Takes `word` off the end of text[0, *length), and the marks before it; a word has a mark or nothing before it. */
static bool take_off(const char *text, size_t *length, const char *word) {
    const size_t spelt = *word ? spelt_at_end(text, *length, word) : 0;
    size_t left = *length - spelt;
    if (!spelt || (left && !is_mark(text[left - 1]))) return false;
    while (left && is_mark(text[left - 1])) left--;
    *length = left;
    return true;
}

/* What is found in a name: where the model's part ends, and the rest as the known axis spells it. */
typedef struct finding {
    size_t model_length;
    const tt_class_order *order;
    const char *class_name; /* "" for none */
    bool debias;
} finding;

/* Whether stem[0, length) ends in the axis of `order` and one of its classes, or in the axis alone. The finding with the
 * longer axis name is kept: "character" would also end in what "main_character" ends in. */
static void look_for(finding *best, const char *stem, size_t length, const tt_class_order *order) {
    const char *const ends[] = {"debias", order->classes[0], order->classes[1], ""};
    for (int i = 0; i < 4; i++) {
        size_t left = length;
        if (*ends[i] && !take_off(stem, &left, ends[i])) continue;
        if (!take_off(stem, &left, order->axis)) continue;
        if (best->order && strlen(best->order->axis) >= strlen(order->axis)) return;
        *best = (finding){left, order, i == 0 ? "" : ends[i], i == 0};
        return;
    }
}

static bool fill(tt_file_name *name, const char *model, size_t model_length, const char *axis, size_t axis_length,
                 const char *class_name, size_t class_length, tt_error *err) {
    name->model = tt_strndup(model, model_length, err);
    name->axis = tt_strndup(axis, axis_length, err);
    name->class_name = tt_strndup(class_name, class_length, err);
    if (name->model && name->axis && name->class_name) return true;
    tt_file_name_free(name);
    return false;
}

bool tt_file_name_read(tt_file_name *name, const char *path, const tt_class_order *orders, size_t order_count,
                       tt_error *err) {
    const char *stem = tt_path_name(path);
    const size_t whole = strlen(stem), length = whole > 5 ? whole - 5 : whole; /* ".gguf" */
    finding best = {0};
    *name = (tt_file_name){0};
    for (size_t i = 0; i < order_count; i++) look_for(&best, stem, length, &orders[i]);
    tt_vector_name parts;
    if (best.order) {
        name->debias = best.debias;
        return fill(name, stem, best.model_length, best.order->axis, strlen(best.order->axis), best.class_name,
                    strlen(best.class_name), err);
    }
    if (!tt_vector_name_parse(path, &parts)) return fill(name, stem, length, "", 0, "", 0, err);
    size_t left = parts.suffix_length;
    name->debias = take_off(parts.suffix, &left, "debias") && left == 0;
    return fill(name, parts.model, parts.model_length, parts.axis, parts.axis_length, parts.suffix,
                name->debias ? 0 : parts.suffix_length, err);
}

void tt_file_name_free(tt_file_name *name) {
    free(name->model);
    free(name->axis);
    free(name->class_name);
    *name = (tt_file_name){0};
}
