/* test_file.c: reading whole files, and writing files that are complete or not there. */
#include "base/file.h"
#include "base/json.h"
#include "support/scratch.h"

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *path; /* the file that is written and read */

static int name_file(void **state) {
    (void)state;
    path = scratch_path("a file");
    return 0;
}

static void expect_content(const char *expected) {
    size_t length;
    char *bytes = tt_file_read(path, 1000000, &length, NULL);
    assert_non_null(bytes);
    assert_string_equal(bytes, expected);
    assert_int_equal(length, strlen(expected));
    free(bytes);
}

/* Names in the folder: what a failed write leaves behind would be among them. */
static int count_files(void) {
    DIR *open_folder = opendir(scratch_folder());
    assert_non_null(open_folder);
    int count = 0;
    for (struct dirent *entry; (entry = readdir(open_folder));) count += entry->d_name[0] != '.';
    closedir(open_folder);
    return count;
}

static void test_read(void **state) {
    (void)state;
    tt_error err = {0};
    size_t length = 0;
    assert_true(tt_file_write(path, "some\0bytes", 10, &err));
    char *bytes = tt_file_read(path, 10, &length, &err); /* the limit itself is allowed */
    assert_non_null(bytes);
    assert_int_equal(length, 10);
    assert_memory_equal(bytes, "some\0bytes", 11);
    free(bytes);
    assert_null(tt_file_read(path, 9, &length, &err));
    assert_int_equal(err.kind, TT_ERROR_INPUT);
    assert_non_null(strstr(err.message, "longer than the 9 bytes"));
    assert_true(tt_file_write(path, "", 0, &err));
    expect_content("");
    assert_null(tt_file_read("/nonexistent", 10, &length, &err));
    assert_int_equal(err.kind, TT_ERROR_IO);
    assert_non_null(strstr(err.message, "/nonexistent"));
    assert_null(tt_file_read(scratch_folder(), 10000, &length, &err));
    assert_null(tt_file_read("/dev/zero", 100000, &length, &err)); /* endless, and says of itself that it is empty */
    assert_int_equal(err.kind, TT_ERROR_INPUT);
}

static void test_read_large(void **state) {
    (void)state;
    const size_t size = 1 << 20;
    char *data = malloc(size);
    for (size_t i = 0; i < size; i++) data[i] = (char)(i * 7);
    assert_true(tt_file_write(path, data, size, NULL));
    size_t length;
    char *bytes = tt_file_read(path, size, &length, NULL);
    assert_int_equal(length, size);
    assert_memory_equal(bytes, data, size);
    free(bytes);
    free(data);
}

static void test_at_offsets(void **state) {
    (void)state;
    tt_error err = {0};
    char buffer[8];
    const int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_true(tt_pwrite_all(fd, "0123456789", 10, 5, path, &err));
    assert_true(tt_pread_all(fd, buffer, 4, 7, path, &err));
    assert_memory_equal(buffer, "2345", 4);
    assert_false(tt_pread_all(fd, buffer, 4, 12, path, &err));
    assert_int_equal(err.kind, TT_ERROR_INPUT);
    assert_non_null(strstr(err.message, "cut short"));
    close(fd);
    assert_false(tt_pread_all(fd, buffer, 4, 0, path, &err));
    assert_int_equal(err.kind, TT_ERROR_IO);
    assert_false(tt_pwrite_all(fd, buffer, 4, 0, path, &err));
}

/* Until the commit the old content is there, and nothing half-written is left when there is none. */
static void test_output(void **state) {
    (void)state;
    tt_error err = {0};
    tt_output output;
    assert_true(tt_file_write(path, "old", 3, &err));
    const int files = count_files();
    assert_true(tt_output_open(&output, path, &err));
    assert_true(tt_output_write(&output, "new ", 4, &err));
    expect_content("old");
    assert_true(tt_output_write(&output, "text", 4, &err));
    assert_int_equal(output.written, 8);
    tt_output_abort(&output);
    expect_content("old");
    assert_int_equal(count_files(), files);
    tt_output_abort(&output); /* harmless */
    tt_output never = {0};
    tt_output_abort(&never);

    assert_true(tt_output_open(&output, path, &err));
    assert_true(tt_output_write(&output, "new text", 8, &err));
    assert_true(tt_output_commit(&output, &err));
    expect_content("new text");
    assert_int_equal(count_files(), files);
    const mode_t mask = umask(0);
    umask(mask);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0666 & ~mask); /* as readable as any other file */
}

/* A disk that runs full, played by a limit on a file's size. */
static void test_output_disk_full(void **state) {
    (void)state;
    tt_error err = {0};
    assert_true(tt_file_write(path, "old", 3, &err));
    const int files = count_files();
    struct rlimit before, limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = 1000;
    signal(SIGXFSZ, SIG_IGN);
    char *data = calloc(1, 5000);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    const bool ok = tt_file_write(path, data, 5000, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    free(data);
    assert_false(ok);
    assert_int_equal(err.kind, TT_ERROR_IO);
    assert_non_null(strstr(err.message, path));
    expect_content("old");
    assert_int_equal(count_files(), files);
}

static void test_output_nowhere(void **state) {
    (void)state;
    tt_error err = {0};
    tt_output output;
    assert_false(tt_output_open(&output, "/nonexistent/folder/x", &err));
    assert_int_equal(err.kind, TT_ERROR_IO);
    assert_non_null(strstr(err.message, "/nonexistent/folder/x"));
    tt_output_abort(&output);
    const int files = count_files();
    const char *inside = scratch_subfolder("taken");
    assert_false(tt_file_write(inside, "x", 1, &err)); /* a folder of that name */
    assert_non_null(strstr(err.message, inside));
    assert_int_equal(count_files(), files + 1);
}

/* What is no file is not replaced by one. */
static void test_output_over_no_file(void **state) {
    (void)state;
    tt_error err = {0};
    struct stat status;
    const char *pipe_path = scratch_path("pipe"), *folder = scratch_subfolder("a folder");
    assert_int_equal(mkfifo(pipe_path, 0600), 0);
    assert_false(tt_file_write(pipe_path, "x", 1, &err));
    assert_int_equal(err.kind, TT_ERROR_IO);
    assert_non_null(strstr(err.message, "is a device or a pipe"));
    assert_true(stat(pipe_path, &status) == 0 && S_ISFIFO(status.st_mode));
    assert_false(tt_file_write(folder, "x", 1, &err));
    assert_non_null(strstr(err.message, "is a folder"));
    /* A link to a file is a file. */
    const char *link_path = scratch_path("link");
    assert_int_equal(symlink(scratch_text("linked", "before"), link_path), 0);
    assert_true(tt_file_write(link_path, "x", 1, &err));
    assert_int_equal(unlink(pipe_path), 0);
}

static void test_json_write(void **state) {
    (void)state;
    tt_error err;
    yyjson_mut_val *root;
    yyjson_mut_doc *doc = tt_json_object(&root);
    yyjson_mut_obj_add_int(doc, root, "a", 1);
    assert_true(tt_json_write(path, doc, &err));
    expect_content("{\n  \"a\": 1\n}\n");
    assert_false(tt_json_write("/nonexistent/x", doc, &err));
    yyjson_mut_doc_free(doc);
}

static void test_folders(void **state) {
    (void)state;
    tt_error err = {0};
    struct stat status;
    const char *deep = scratch_path("one/two words/three");
    assert_true(tt_make_folder(deep, &err));
    assert_true(tt_make_folder(deep, &err));
    assert_int_equal(stat(deep, &status), 0);
    assert_true(S_ISDIR(status.st_mode));
    assert_false(tt_make_folder(scratch_text("file", ""), &err));
    assert_non_null(strstr(err.message, "is not a folder"));
    assert_false(tt_make_folder(scratch_path("file/below"), &err));
    assert_int_equal(err.kind, TT_ERROR_IO);
    assert_true(tt_make_folder("/", &err));
}

static void test_paths(void **state) {
    (void)state;
    static const char *const joined[][3] = {{"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"/", "b", "/b"}};
    for (size_t i = 0; i < sizeof joined / sizeof *joined; i++) {
        char *text = tt_path_join(joined[i][0], joined[i][1], NULL);
        assert_string_equal(text, joined[i][2]);
        free(text);
    }
    assert_string_equal(tt_path_name("a/b/c.gguf"), "c.gguf");
    assert_string_equal(tt_path_name("c.gguf"), "c.gguf");
    assert_string_equal(tt_path_name("a/"), "");
    static const char *const folders[][2] = {{"a/b/c.gguf", "a/b/"}, {"c.gguf", "."}, {"/c", "/"}};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char *text = tt_path_folder(folders[i][0], NULL);
        assert_string_equal(text, folders[i][1]);
        free(text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_read_large),
        cmocka_unit_test(test_at_offsets),
        cmocka_unit_test(test_output),
        cmocka_unit_test(test_output_disk_full),
        cmocka_unit_test(test_output_nowhere),
        cmocka_unit_test(test_json_write),
        cmocka_unit_test(test_folders),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_output_over_no_file),
    };
    return cmocka_run_group_tests_name("file", tests, name_file, NULL);
}
