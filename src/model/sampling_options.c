/* sampling_options.c: the options of sampling.def as a table: defaults, limits, and setting them by name. See sampling.h. */
#include "base/number.h"
#include "model/sampling.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROW(kind, field, option, name, least, most) {option, name, kind, offsetof(tt_sampling, field), least, most},

static const tt_sampling_option table[] = {
#define SEED(field, option, name, preset, least, most, ...) ROW(TT_SAMPLING_SEED, field, option, name, least, most)
#define NUMBER(field, option, name, preset, least, most, ...) ROW(TT_SAMPLING_NUMBER, field, option, name, least, most)
#define WHOLE(field, option, name, preset, least, most, ...) ROW(TT_SAMPLING_WHOLE, field, option, name, least, most)
#define FLAG(field, option, name, preset, least, most, ...) ROW(TT_SAMPLING_FLAG, field, option, name, least, most)
#define TEXT(field, option, name, preset, least, most, ...) ROW(TT_SAMPLING_TEXT, field, option, name, least, most)
#define NAMES(field, option, name, preset, least, most, ...) ROW(TT_SAMPLING_NAMES, field, option, name, least, most)
#define TEXTS(field, option, name, preset, least, most, ...) ROW(TT_SAMPLING_TEXTS, field, option, name, least, most)
#include "model/sampling.def"
};
enum { OPTIONS = sizeof table / sizeof *table };

const tt_sampling_option *tt_sampling_option_at(size_t i) { return i < OPTIONS ? &table[i] : NULL; }

tt_sampling tt_sampling_defaults(void) {
    return (tt_sampling){
#define SEED(field, option, name, preset, ...) .field = (preset),
#define NUMBER(field, option, name, preset, ...) .field = (float)(preset),
#define WHOLE(field, option, name, preset, ...) .field = (preset),
#define FLAG(field, option, name, preset, ...) .field = (preset),
#define TEXT(field, option, name, preset, ...) .field = (preset),
#define NAMES(field, option, name, preset, ...) .field = (preset),
#define TEXTS(field, ...)
#include "model/sampling.def"
        .dry_breakers = {{"\n", ":", "\"", "*"}, 4},
    };
}

const char *tt_sampling_spelling(const tt_sampling_option *option, char text[static TT_SAMPLING_SPELLING]) {
    const char *begin = strstr(option->option, "--");
    size_t length = strcspn(begin, ",");
    if (length >= TT_SAMPLING_SPELLING) length = TT_SAMPLING_SPELLING - 1;
    memcpy(text, begin, length);
    text[length] = '\0';
    return text;
}

void *tt_sampling_field(tt_sampling *sampling, const tt_sampling_option *option) {
    return (char *)sampling + option->offset;
}

/* ==== Checks ==== */

/* The number; for an option without one 0, which is within the limits of 0 and 0. */
static double value_of(const tt_sampling *sampling, const tt_sampling_option *option) {
    const char *field = (const char *)sampling + option->offset;
    switch (option->kind) {
    case TT_SAMPLING_SEED:
        return (double)*(const int64_t *)(const void *)field;
    case TT_SAMPLING_NUMBER:
        return (double)*(const float *)(const void *)field;
    case TT_SAMPLING_WHOLE:
        return (double)*(const int32_t *)(const void *)field;
    default:
        return 0;
    }
}

/* libllama asserts or misbehaves outside the limits. */
bool tt_sampling_check(const tt_sampling *sampling, tt_error *err) {
    for (size_t i = 0; i < OPTIONS; i++) {
        const tt_sampling_option *option = &table[i];
        const double value = value_of(sampling, option);
        /* Half a millionth of slack at both ends: 0.99F is above 0.99. The comparison's form also catches NaN. */
        if (value >= option->least - 5e-7 && value <= option->most + 5e-7) continue;
        char spelling[TT_SAMPLING_SPELLING];
        return tt_fail(err, TT_ERROR_USAGE, "%s %g is not possible: it should be between %g and %g",
                       tt_sampling_spelling(option, spelling), value, option->least, option->most);
    }
    if (sampling->grammar && sampling->ignore_end)
        return tt_fail(
            err, TT_ERROR_USAGE,
            "a grammar and --ignore-eos contradict each other: where the grammar is complete the text has to end");
    return true;
}

/* ==== Setting ==== */

bool tt_texts_add(tt_texts *texts, const char *name, const char *text, tt_error *err) {
    if (!strcmp(text, "none")) {
        texts->count = 0;
        return true;
    }
    if (!*text) return tt_fail(err, TT_ERROR_USAGE, "%s is empty; 'none' means no such text at all", name);
    if (texts->count == TT_BREAKERS_MOST)
        return tt_fail(err, TT_ERROR_USAGE, "%s is possible %d times at most", name, TT_BREAKERS_MOST);
    texts->items[texts->count++] = text;
    return true;
}

/* Whether `name` is one of the spellings, "--typical, --typical-p". */
static bool is_spelling(const char *spellings, const char *name) {
    const size_t length = strlen(name);
    for (const char *at = spellings; *at; at += strspn(at, ", ")) {
        const size_t size = strcspn(at, ",");
        if (size == length && !memcmp(at, name, length)) return true;
        at += size;
    }
    return false;
}

static bool is_called(const tt_sampling_option *option, const char *name) {
    if (*name == '-') return is_spelling(option->option, name);
    return option->name && !strcmp(option->name, name);
}

static bool set_number(void *field, const tt_sampling_option *option, const char *name, const char *text, tt_error *err) {
    double value = NAN;
    int64_t whole = 0;
    const bool any = option->kind == TT_SAMPLING_NUMBER;
    if (any ? !tt_number_parse(text, &value) : !tt_integer_parse(text, &whole))
        return tt_fail(err, TT_ERROR_USAGE, "%s '%s' should be a %s", name, text, any ? "number" : "whole number");
    if (!any) value = (double)whole;
    if (!(value >= option->least && value <= option->most))
        return tt_fail(err, TT_ERROR_USAGE, "%s %s is not possible: it should be between %g and %g", name, text,
                       option->least, option->most);
    if (any)
        *(float *)field = (float)value;
    else if (option->kind == TT_SAMPLING_SEED)
        *(int64_t *)field = whole;
    else
        *(int32_t *)field = (int32_t)whole;
    return true;
}

static bool set_flag(bool *field, const char *name, const char *text, tt_error *err) {
    *field = !strcmp(text, "true");
    return *field || !strcmp(text, "false") || tt_fail(err, TT_ERROR_USAGE, "%s '%s' should be true or false", name, text);
}

bool tt_sampling_set(tt_sampling *sampling, const char *name, const char *value, tt_error *err) {
    for (size_t i = 0; i < OPTIONS; i++) {
        const tt_sampling_option *option = &table[i];
        if (!is_called(option, name)) continue;
        void *field = tt_sampling_field(sampling, option);
        switch (option->kind) {
        case TT_SAMPLING_TEXTS:
            return tt_texts_add(field, name, value, err);
        case TT_SAMPLING_FLAG:
            return set_flag(field, name, value, err);
        case TT_SAMPLING_TEXT:
        case TT_SAMPLING_NAMES:
            *(const char **)field = value;
            return true;
        default:
            return set_number(field, option, name, value, err);
        }
    }
    return tt_fail(err, TT_ERROR_USAGE, "'%s' is no option of sampling", name);
}

bool tt_logit_bias_parse(const char *text, tt_logit_bias *bias, tt_error *err) {
    const size_t digits = strspn(text, "0123456789");
    const char *amount = text + digits + 1;
    double value = 0;
    bool ok = digits > 0 && digits < 10 && (text[digits] == '+' || text[digits] == '-') && amount[0] != '-';
    ok = ok && (tt_number_parse(amount, &value) || !strcmp(amount, "inf"));
    if (ok && !strcmp(amount, "inf")) {
        ok = text[digits] == '-'; /* a token cannot be forced: +inf would leave nothing to choose from */
        value = INFINITY;
    }
    if (!ok)
        return tt_fail(
            err, TT_ERROR_USAGE,
            "--logit-bias '%s' should be a token's number and what to add to its logit, such as 15043+1 or 15043-inf", text);
    *bias = (tt_logit_bias){(int32_t)strtol(text, NULL, 10), (float)(text[digits] == '-' ? -value : value)};
    return true;
}
