/* blends.c: see blends.h */
#include "support/blends.h"
#include "support/vector_files.h"

#include <cmocka.h>
#include <string.h>

const tt_vector_target test_target = {.architecture = "llama", .fingerprint = "f00d", .width = 8, .layer_count = 4};

int test_two_axes(void **state) {
    (void)state;
    test_axis_write(&(test_axis){.axis = "language", .classes = {"simple", "ornate"}, .seed = 1});
    test_axis_write(&(test_axis){.axis = "storytelling", .classes = {"explicit", "descriptive"}, .seed = 2});
    return 0;
}

tt_catalogue test_catalogue_open(const char *folder) {
    tt_catalogue catalogue;
    tt_error err = {0};
    if (!tt_catalogue_open(&catalogue, folder, NULL, 0, &err)) fail_msg("%s", err.message);
    return catalogue;
}

bool test_blend(tt_blend *blend, const char *text, const tt_catalogue *catalogue, const tt_vector_target *for_model,
                bool force, tt_error *err) {
    tt_mix mix = {0};
    const tt_mix_options options = {.catalogue = catalogue, .target = for_model, .force = force};
    *blend = (tt_blend){0};
    const bool ok = tt_mix_parse(&mix, text, err) && tt_mix_blend(blend, &mix, &options, err);
    tt_mix_free(&mix);
    return ok;
}

tt_blend test_must_blend(const char *text, const tt_catalogue *catalogue) {
    tt_blend blend;
    tt_error err = {0};
    if (!test_blend(&blend, text, catalogue, &test_target, false, &err)) fail_msg("'%s': %s", text, err.message);
    return blend;
}

bool test_has_note(const tt_notes *notes, const char *part) {
    for (size_t i = 0; i < notes->count; i++) {
        if (strstr(notes->items[i], part)) return true;
    }
    return false;
}
