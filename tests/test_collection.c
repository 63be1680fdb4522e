/* test_collection.c: the page of several models' vectors (evaluate/card.h): in which order, and where its links lead. */
#include "base/file.h"
#include "publish/card.h"
#include "support/scratch.h"
#include "support/vector_files.h"

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Vectors of one axis of a model. */
static const char *make(const char *folder, const char *model, uint32_t layers, uint32_t width, uint64_t parameters) {
    const test_axis axis = {.folder = scratch_subfolder(folder),
                            .axis = "language",
                            .classes = {"simple", "ornate"},
                            .model = model,
                            .layers = layers,
                            .width = width,
                            .parameters = parameters};
    test_axis_write(&axis);
    return axis.folder;
}

/* The page at `path`; the caller frees. */
static char *page_of(const char *const *folders, size_t count, const char *path) {
    tt_error err = {0};
    const tt_card_options options = {.license = "mit"};
    size_t length;
    if (!tt_collection_write(folders, count, path, &options, &err)) fail_msg("%s", err.message);
    char *page = tt_file_read(path, 1 << 20, &length, NULL);
    assert_non_null(page);
    return page;
}

/* Fails unless the page holds these texts, one behind the other. */
static void holds(const char *page, const char *const *texts, size_t count) {
    const char *at = page;
    for (size_t i = 0; i < count; i++) {
        const char *found = strstr(at, texts[i]);
        if (!found) fail_msg("'%s' is not in, or not in its place:\n%s", texts[i], page);
        at = found + strlen(texts[i]);
    }
}

/* Small blocks and a large vocabulary: more parameters, though blocks x width^2 is less. */
static void smallest_first(void **state) {
    (void)state;
    const char *const folders[] = {make("gemma", "Gemma 270M", 18, 40, 268'098'176),
                                   make("smol", "Smol 135M", 30, 36, 134'515'008)};
    char *page = page_of(folders, 2, scratch_path("sizes.md"));
    const char *const expected[] = {"| [Smol 135M](smol/README.md) | 135M | 30 | 36 | 1 | 0 |\n",
                                    "| [Gemma 270M](gemma/README.md) | 268M | 18 | 40 | 1 | 0 |\n"};
    holds(page, expected, 2);
    assert_null(strstr(page, "About"));
    free(page);
}

/* What vectors do not tell is reckoned, and said to be: 12 x 10 x 100^2 lies between the two that tell. */
static void untold_sizes_are_reckoned(void **state) {
    (void)state;
    const char *const folders[] = {make("large", "Large", 4, 8, 1'300'000), make("old", "Old", 10, 100, 0),
                                   make("small", "Small", 12, 8, 1'100'000)};
    char *page = page_of(folders, 3, scratch_path("old.md"));
    const char *const expected[] = {"[Small]",
                                    " | 1M | 12 |",
                                    "[Old]",
                                    " | about 1M | 10 |",
                                    "[Large]",
                                    " | 1M | 4 |",
                                    "\"About\": reckoned from blocks and width"};
    holds(page, expected, sizeof expected / sizeof *expected);
    free(page);
}

static void links_lead_from_the_page_to_the_folders(void **state) {
    (void)state;
    scratch_subfolder("far");
    const char *const folders[] = {make("near", "Near", 4, 8, 1000), make("far/my (best) models", "Far", 4, 8, 2000),
                                   make("pages", "Here", 4, 8, 3000)};
    const char *pages = scratch_path("pages/README.md");
    char *page = page_of(folders, 3, pages);
    const char *const expected[] = {"[Near](../near/README.md)", "[Far](../far/my%20%28best%29%20models/README.md)",
                                    "[Here](README.md)"};
    holds(page, expected, 3);
    free(page);
    /* The same by paths that begin in the present folder. */
    char before[4096];
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(scratch_folder()), 0);
    const char *const relative[] = {"near/", "./far/my (best) models", "pages/../pages"};
    char *again = page_of(relative, 3, "pages/README.md");
    holds(again, expected, 3);
    free(again);
    assert_int_equal(chdir(before), 0);
}

static void refusals(void **state) {
    (void)state;
    const char *const folders[] = {make("one", "One", 4, 8, 1000), scratch_path("no such folder")};
    const tt_card_options options = {.license = "mit"};
    tt_error err = {0};
    assert_false(tt_collection_write(folders, 2, scratch_path("refused.md"), &options, &err));
    assert_non_null(strstr(err.message, "no such folder"));
    assert_int_equal(access(scratch_path("refused.md"), F_OK), -1);
    assert_false(tt_collection_write(folders, 1, scratch_path("nowhere/page.md"), &options, &err));
    assert_non_null(strstr(err.message, "cannot find the folder"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(smallest_first),
        cmocka_unit_test(untold_sizes_are_reckoned),
        cmocka_unit_test(links_lead_from_the_page_to_the_folders),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
