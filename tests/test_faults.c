/* test_faults.c: every allocation and every file call of a scenario fails once, each in a run of its own. Each run must end
 * with a sentence, leave no file half-written, no descriptor open and (checked by the address sanitizer) no memory behind.
 * Interrupted and short calls must not be noticed at all. */
#include "base/file.h"
#include "base/json.h"
#include "directions/direction.h"
#include "prompts/plan.h"
#include "states/states.h"
#include "support/faults.h"
#include "vectors/vector.h"

#include <cmocka.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/trimtab-faults-XXXXXX";
static char path[64];

typedef struct scenario {
    const char *name;
    void (*prepare)(void);   /* before the failing run, with no fault; may be NULL */
    bool (*run)(tt_error *); /* what is to fail */
    void (*check)(void);     /* after it: what must hold whether it failed or not; may be NULL */
} scenario;

static int make_folder(void **state) {
    (void)state;
    if (!mkdtemp(folder)) return -1;
    snprintf(path, sizeof path, "%s/file", folder);
    return 0;
}

/* Removes the files of the folder; returns how many were not `path`. */
static int empty_folder(void) {
    DIR *open_folder = opendir(folder);
    int others = 0;
    assert_non_null(open_folder);
    for (const struct dirent *entry; (entry = readdir(open_folder));) {
        char name[sizeof folder + sizeof entry->d_name];
        if (entry->d_name[0] == '.') continue;
        others += strcmp(entry->d_name, "file") != 0;
        snprintf(name, sizeof name, "%s/%s", folder, entry->d_name);
        assert_int_equal(unlink(name), 0);
    }
    closedir(open_folder);
    return others;
}

static int remove_folder(void **state) {
    (void)state;
    empty_folder();
    return rmdir(folder);
}

static int open_descriptors(void) {
    DIR *list = opendir("/proc/self/fd");
    int count = 0;
    assert_non_null(list);
    while (readdir(list)) count++;
    closedir(list);
    return count;
}

/* One run. True when the fault was reached. */
static bool run_once(const scenario *of, enum tt_fault fault, size_t nth) {
    tt_error err = {0};
    if (of->prepare) of->prepare();
    const int descriptors = open_descriptors();
    tt_faults_begin(fault, nth);
    const bool ok = of->run(&err);
    const bool reached = tt_faults_end();
    if (open_descriptors() != descriptors)
        fail_msg("%s: fault %d at call %zu leaves a file open", of->name, (int)fault, nth);
    if (!reached || fault == TT_FAULT_INTERRUPTED || fault == TT_FAULT_SHORT) {
        if (!ok) fail_msg("%s: fault %d at call %zu, which is none: %s", of->name, (int)fault, nth, err.message);
    } else if (ok) {
        fail_msg("%s: fault %d at call %zu was not noticed", of->name, (int)fault, nth);
    } else {
        if (!err.message[0] || strchr(err.message, '\n'))
            fail_msg("%s: fault %d at call %zu: no sentence", of->name, (int)fault, nth);
        const tt_error_kind expected = fault == TT_FAULT_MEMORY ? TT_ERROR_MEMORY : TT_ERROR_IO;
        if (err.kind != expected)
            fail_msg("%s: fault %d at call %zu is of kind %d: %s", of->name, (int)fault, nth, (int)err.kind, err.message);
    }
    if (of->check) of->check();
    if (empty_folder() != 0) fail_msg("%s: fault %d at call %zu leaves a temporary file behind", of->name, (int)fault, nth);
    return reached;
}

static void run_all(const scenario *of, bool touches_files) {
    for (int fault = TT_FAULT_MEMORY; fault <= TT_FAULT_SHORT; fault++) {
        size_t nth = 1;
        while (run_once(of, (enum tt_fault)fault, nth)) nth++;
        printf("%s: fault %d at %zu calls\n", of->name, fault, nth - 1);
        assert_true(nth > 1 || (fault != TT_FAULT_MEMORY && !touches_files)); /* else nothing was shown */
    }
}

/* ==== Files ==== */

static void old_file(void) { assert_true(tt_file_write(path, "old", 3, NULL)); }

static bool write_file(tt_error *err) { return tt_file_write(path, "new text", 8, err); }

static void check_old_or_new(void) {
    size_t length;
    char *bytes = tt_file_read(path, 100, &length, NULL);
    assert_non_null(bytes);
    assert_true(strcmp(bytes, "old") == 0 || strcmp(bytes, "new text") == 0);
    free(bytes);
}

static void test_file_write(void **state) {
    (void)state;
    run_all(&(scenario){"file write", old_file, write_file, check_old_or_new}, true);
}

static bool read_file(tt_error *err) {
    size_t length;
    char *bytes = tt_file_read(path, 100, &length, err);
    if (bytes) assert_string_equal(bytes, "old");
    free(bytes);
    return bytes != NULL;
}

static void test_file_read(void **state) {
    (void)state;
    const scenario of = {"file read", old_file, read_file, NULL};
    const enum tt_fault faults[] = {TT_FAULT_MEMORY, TT_FAULT_ERROR, TT_FAULT_INTERRUPTED, TT_FAULT_SHORT};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        size_t nth = 1;
        while (run_once(&of, faults[i], nth)) nth++;
        assert_true(nth > 1);
    }
}

/* ==== JSON ==== */

/* Large enough for yyjson to need more memory in the middle of it, where it leaves a value out and goes on. */
static bool use_json(tt_error *err) {
    yyjson_mut_val *root;
    yyjson_mut_doc *doc = tt_json_object(&root);
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, root, "list");
    for (int i = 0; i < 3000; i++) yyjson_mut_arr_add_strcpy(doc, list, "a text of which there are many");
    yyjson_mut_obj_add_strcpy(doc, root, "last", "one more");
    char *text = tt_json_text(doc, YYJSON_WRITE_NOFLAG, NULL, err);
    const bool ok = text && tt_json_write(path, doc, err);
    free(text);
    yyjson_mut_doc_free(doc);
    return ok;
}

static void check_json(void) {
    if (access(path, F_OK)) return;
    size_t length;
    char *bytes = tt_file_read(path, 1 << 20, &length, NULL);
    assert_non_null(bytes);
    yyjson_doc *doc = tt_json_parse(path, bytes, length, NULL);
    assert_int_equal(yyjson_arr_size(yyjson_obj_get(yyjson_doc_get_root(doc), "list")), 3000);
    assert_non_null(yyjson_obj_get(yyjson_doc_get_root(doc), "last"));
    yyjson_doc_free(doc);
    free(bytes);
}

static void test_json(void **state) {
    (void)state;
    run_all(&(scenario){"json", NULL, use_json, check_json}, true);
    tt_error err = {0};
    assert_null(tt_json_text(NULL, YYJSON_WRITE_NOFLAG, NULL, &err));
    assert_int_equal(err.kind, TT_ERROR_MEMORY);
    yyjson_mut_doc *doc = tt_json_new();
    yyjson_mut_doc_set_root(doc, yyjson_mut_real(doc, NAN));
    assert_true(tt_json_complete(doc) && !tt_json_complete(NULL));
    assert_null(tt_json_text(doc, YYJSON_WRITE_NOFLAG, NULL, &err));
    assert_int_equal(err.kind, TT_ERROR_INPUT);
    tt_json_lacks(doc);
    tt_json_lacks(NULL);
    assert_false(tt_json_complete(doc));
    yyjson_mut_doc_free(doc);
}

/* ==== States ==== */

static const tt_states_shape shape = {.samples = 4, .rows = 3, .blocks = 2, .width = 5};
enum { SAMPLE = 3 * 2 * 5 };

/* Sample s holds s + 1 in row 1 and 0 in the others. */
static void fill_samples(float *data, uint64_t first, uint64_t count) {
    for (uint64_t i = 0; i < count * SAMPLE; i++) {
        const uint64_t sample = first + i / SAMPLE, row = i % SAMPLE / 10;
        data[i] = row == 1 ? (float)(sample + 1) : 0;
    }
}

static bool append_samples(tt_states *states, uint64_t count, tt_error *err) {
    float data[4 * SAMPLE];
    fill_samples(data, tt_states_committed(states), count);
    return tt_states_put(states, tt_states_committed(states), count, data, err);
}

static bool read_samples(const tt_states *states, tt_error *err) {
    float out[4 * 5];
    const uint64_t count = tt_states_committed(states);
    if (!tt_states_differences(states, 1, 1, 0, count, out, err)) return false;
    for (uint64_t sample = 0; sample < count; sample++)
        for (uint64_t i = 0; i < 5; i++) assert_true(out[sample * 5 + i] == (float)(sample + 1));
    return true;
}

static bool use_states(tt_error *err) {
    tt_states *states = tt_states_create(path, &shape, "{\"a\": 1}", err);
    bool ok = states && append_samples(states, 1, err) && append_samples(states, 2, err);
    tt_states_close(states);
    if (!ok) return false;
    states = tt_states_open(path, true, err);
    ok = states && append_samples(states, 1, err) && read_samples(states, err);
    tt_states_close(states);
    return ok;
}

/* Whatever failed: what is there opens, holds whole samples and can be appended to. */
static void check_states(void) {
    if (access(path, F_OK)) return;
    tt_error err;
    tt_states *states = tt_states_open(path, true, &err);
    if (!states) fail_msg("%s", err.message);
    if (!read_samples(states, &err) || !append_samples(states, 4 - tt_states_committed(states), &err) ||
        !read_samples(states, &err))
        fail_msg("%s", err.message);
    tt_states_close(states);
}

static void test_states(void **state) {
    (void)state;
    run_all(&(scenario){"states", NULL, use_states, check_states}, true);
}

/* ==== Axes and plans ==== */

static bool parse_axis(tt_error *err) {
    const char json[] =
        "{\"classes\": [\"a\", \"b\"], \"data\": [[\"who is one\", \"who is two\"], [\"x\", \"y\"], [\"p\", \"q\"]]}";
    tt_axis axis = {0};
    const bool ok = tt_axis_parse(&axis, "letters", "letters.json", json, strlen(json), err);
    tt_axis_free(&axis);
    return ok;
}

static void test_axis(void **state) {
    (void)state;
    run_all(&(scenario){"axis", NULL, parse_axis, NULL}, false);
}

static char stems_path[64], prompts_path[64];

static void write_plan_files(void) {
    static const char stems[] = "{\"pre\": [\"You are\", \"Act as\", \"Be\", \"I am\"], \"post\": [\"a writer\", \"an "
                                "author\", \"a poet\", \"a bard\"]}";
    static const char prompts[] = "Write of rain.\nWrite of snow.\nWrite of hail.\nWrite of fog.\n";
    assert_true(tt_file_write(stems_path, stems, strlen(stems), NULL));
    assert_true(tt_file_write(prompts_path, prompts, strlen(prompts), NULL));
}

static bool use_plan(tt_error *err) {
    const tt_plan_options options = {
        .seed = 1, .prompts_per_system = 1, .stems_file = stems_path, .prompts_file = prompts_path};
    tt_axis axis = {0};
    tt_sample sample = {0};
    tt_plan *plan = tt_axis_load(&axis, "language", err) ? tt_plan_create(&axis, 1, &options, NULL, err) : NULL;
    const bool ok = plan && tt_plan_sample(plan, TT_SPLIT_TRAINING, 0, &sample, err);
    if (ok) tt_sample_free(&sample);
    tt_plan_free(plan);
    tt_axis_free(&axis);
    return ok;
}

static void test_plan(void **state) {
    (void)state;
    snprintf(stems_path, sizeof stems_path, "%s-stems.json", folder);
    snprintf(prompts_path, sizeof prompts_path, "%s-prompts.txt", folder);
    write_plan_files();
    const scenario of = {"plan", NULL, use_plan, NULL};
    const enum tt_fault faults[] = {TT_FAULT_MEMORY, TT_FAULT_ERROR, TT_FAULT_INTERRUPTED, TT_FAULT_SHORT};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        size_t nth = 1;
        while (run_once(&of, faults[i], nth)) nth++;
        assert_true(nth > 1);
    }
    unlink(stems_path);
    unlink(prompts_path);
}

/* ==== Vectors ==== */

static bool use_vector(tt_error *err) {
    const float values[] = {1, 2, 3, 4};
    tt_vector made = {0}, read = {0};
    bool ok = tt_vector_init(&made, 3, 4, err) && tt_vector_set(&made.architecture, "llama", err) &&
              tt_vector_set(&made.axis, "language", err) && tt_vector_add_row(&made, 1, values, 1, err) &&
              tt_vector_add_row(&made, 2, values, -1, err) && tt_vector_write(&made, path, err);
    tt_vector_free(&made);
    ok = ok && tt_vector_read(&read, path, err);
    if (ok) assert_true(read.layer_count == 3 && read.rows[2] && read.rows[2][3] == -4);
    tt_vector_free(&read);
    return ok;
}

static void check_vector(void) {
    if (access(path, F_OK)) return;
    tt_error err;
    tt_vector read = {0};
    if (!tt_vector_read(&read, path, &err)) fail_msg("%s", err.message);
    tt_vector_free(&read);
}

static void test_vector(void **state) {
    (void)state;
    run_all(&(scenario){"vector", NULL, use_vector, check_vector}, true);
}

/* ==== Directions ==== */

enum { N = 40, D = 200 }; /* large enough for the iterative solver to be one */
static tt_direction_options direction_options;

static bool find_direction(tt_error *err) {
    static float A[N * D], B[N * D];
    for (int i = 0; i < N * D; i++) {
        const float noise = 0.1f * sinf((float)(i * i % 101));
        A[i] = (i % D == 3 ? -1.0f : 0.0f) + noise;
        B[i] = (i % D == 3 ? 1.0f : 0.0f) - noise;
    }
    tt_direction direction = {0};
    const bool ok = tt_direction_find(A, B, N, D, &direction_options, &direction, err);
    if (ok) assert_true(direction.found && fabsf(direction.unit[3]) > 0.9f);
    tt_direction_free(&direction);
    return ok;
}

static void test_directions(void **state) {
    (void)state;
    static const tt_direction_options options[] = {
        {TT_METHOD_CROSS_COVARIANCE, TT_SOLVER_DENSE, 0.5, 1},
        {TT_METHOD_CROSS_COVARIANCE, TT_SOLVER_LANCZOS, 0.5, 1},
        {TT_METHOD_MEAN_DIFFERENCE, TT_SOLVER_AUTO, 0.5, 1},
        {TT_METHOD_PCA, TT_SOLVER_AUTO, 0.5, 1},
    };
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        direction_options = options[i];
        run_all(&(scenario){"direction", NULL, find_direction, NULL}, false);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file_write), cmocka_unit_test(test_file_read),  cmocka_unit_test(test_states),
        cmocka_unit_test(test_json),       cmocka_unit_test(test_axis),       cmocka_unit_test(test_plan),
        cmocka_unit_test(test_vector),     cmocka_unit_test(test_directions),
    };
    return cmocka_run_group_tests_name("faults", tests, make_folder, remove_folder);
}
