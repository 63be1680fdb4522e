/* test_processor.c: which of ggml's CPU libraries computes here. `./dev test --processor NAME` runs the tests with one alone
 * visible: then it must be that one which is loaded. */
#include "model/engine.h"

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The NAME of a line of /proc/self/maps that ends with libggml-cpu-NAME.so; NULL for other lines. */
static char *cpu_library(char *line) {
    const char prefix[] = "/libggml-cpu-";
    char *name = strstr(line, prefix), *end = name ? strstr(name, ".so") : NULL;
    if (!end) return NULL;
    *end = '\0';
    return name + sizeof prefix - 1;
}

/* How many different ones this process has loaded; the last one's name goes to `name`. */
static int loaded_libraries(char name[static 64]) {
    int loaded = 0;
    char line[4096];
    name[0] = '\0';
    FILE *maps = fopen("/proc/self/maps", "r");
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps)) {
        const char *found = cpu_library(line);
        if (!found || !strcmp(found, name)) continue; /* a library's mappings come one after the other */
        snprintf(name, 64, "%s", found);
        loaded++;
    }
    fclose(maps);
    return loaded;
}

static void test_the_library_asked_for(void **state) {
    (void)state;
    const char *wanted = getenv("TRIMTAB_PROCESSOR");
    tt_engine *engine = tt_engine_start(&(tt_engine_options){}, NULL);
    assert_non_null(engine);
    char name[64];
    int loaded = loaded_libraries(name);
    if (loaded > 0) printf("ggml computes with its CPU library for %s\n", name);
    assert_int_in_range(loaded, wanted ? 1 : 0, 1); /* none where ggml has it built in */
    if (wanted) assert_string_equal(name, wanted);
    tt_engine_stop(engine);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_the_library_asked_for)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
