/* fuzz_mix.c: mixes as people type them. What is taken is finite and named, and its text is read as the same mix. */
#include "apply/mix.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds) {
    if (!holds) abort();
}

static void look_at(const tt_mix *mix) {
    for (size_t i = 0; i < mix->count; i++) {
        const tt_mix_term *term = &mix->terms[i];
        demand((term->name == NULL) != (term->file == NULL));
        demand((term->name ? term->name : term->file)[0] != '\0');
        demand(isfinite(term->value) && !(term->value == 0 && signbit(term->value)));
    }
}

/* An axis mix in its usual form is its own usual form. */
static void round_trip(const tt_mix *mix) {
    tt_error err = {0};
    tt_mix again = {0};
    char *text = tt_mix_text(mix, NULL, NULL, &err);
    demand(text && tt_mix_parse(&again, text, &err) && again.count == mix->count);
    char *second = tt_mix_text(&again, NULL, NULL, &err);
    demand(second && !strcmp(text, second));
    free(text);
    free(second);
    tt_mix_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = tt_strndup((const char *)data, size, NULL);
    if (!text) return 0;
    for (int form = 0; form < 3; form++) {
        tt_error err = {0};
        tt_mix mix = {0};
        const bool taken = form == 2 ? tt_mix_parse(&mix, text, &err) : tt_mix_parse_files(&mix, text, form == 1, &err);
        demand(taken ? mix.count > 0 : err.message[0] && mix.count == 0);
        look_at(&mix);
        if (taken && form == 2) round_trip(&mix);
        tt_mix_free(&mix);
    }
    free(text);
    return 0;
}
