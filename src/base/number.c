/* number.c: see number.h */
#include "base/number.h"

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

bool tt_number_parse(const char *text, double *value) {
    /* strtod also accepts spaces, "inf", "nan" and hexadecimal, whose characters a decimal number does not have. */
    if (!*text || text[strspn(text, "+-.0123456789eE")]) return false;
    const locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0); /* glibc's constant: nothing is allocated */
    if (!c_locale) return false;
    char *end = NULL;
    const double parsed = strtod_l(text, &end, c_locale);
    freelocale(c_locale);
    if (*end || !isfinite(parsed)) return false;
    *value = parsed;
    return true;
}

bool tt_integer_parse(const char *text, int64_t *value) {
    if (!*text || text[strspn(text, "+-0123456789")]) return false;
    char *end = NULL;
    errno = 0;
    const intmax_t parsed = strtoimax(text, &end, 10);
    if (errno || *end || parsed < INT64_MIN || parsed > INT64_MAX) return false;
    *value = parsed;
    return true;
}

const char *tt_number_text(double value, char text[static TT_NUMBER_TEXT]) {
    /* yyjson writes JSON's numbers, which are independent of the locale. */
    yyjson_val number = {0};
    yyjson_set_real(&number, value);
    text[0] = '\0';
    char *end = yyjson_write_number(&number, text); /* NULL if it is not finite */
    if (end && end - text > 2 && strcmp(end - 2, ".0") == 0) end[-2] = '\0';
    return text;
}
