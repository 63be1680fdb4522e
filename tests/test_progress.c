/* test_progress.c: the progress bar on pseudo-terminals of every width, and its plain lines. */
#include "base/progress.h"

#include <cmocka.h>
#include <fcntl.h>
#include <pty.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static double now;
static double test_clock(void) { return now; }

/* A pseudo-terminal: what is written to `slave` can be read from `master`. */
typedef struct tt_terminal {
    int master;
    FILE *slave;
} tt_terminal;

static tt_terminal open_terminal(int width) {
    int master, slave;
    struct winsize size = {.ws_row = 25, .ws_col = (unsigned short)width};
    assert_int_equal(openpty(&master, &slave, NULL, NULL, &size), 0);
    fcntl(master, F_SETFL, O_NONBLOCK);
    return (tt_terminal){master, fdopen(slave, "w")};
}

static void close_terminal(tt_terminal *terminal) {
    fclose(terminal->slave);
    close(terminal->master);
}

static size_t read_terminal(const tt_terminal *terminal, char *text, size_t size) {
    size_t length = 0;
    for (ssize_t got; length + 1 < size && (got = read(terminal->master, text + length, size - 1 - length)) > 0;)
        length += (size_t)got;
    text[length] = '\0';
    return length;
}

/* How many redraws `text` holds; none may be as wide as the terminal. `last` gets the last one's words. */
static size_t frames(const char *text, int width, char last[static 600]) {
    size_t count = 0;
    last[0] = '\0';
    for (const char *frame = text; (frame = strstr(frame, "\r\033[K"));) {
        frame += 4;
        const size_t length = strcspn(frame, "\r");
        assert_true(length < 600);
        if ((int)length >= width && length) fail_msg("%zu columns of %d: %.*s", length, width, (int)length, frame);
        memcpy(last, frame, length);
        last[length] = '\0';
        count++;
    }
    return count;
}

static void bar_fits_every_width(void **state) {
    (void)state;
    for (int width = 1; width <= 500; width++) {
        tt_terminal terminal = open_terminal(width);
        tt_progress progress = {.clock = test_clock};
        char text[20000], last[600];
        now = 1000;
        tt_progress_begin(&progress, terminal.slave, true, "capturing", "samples", 192, 0);
        for (uint64_t done = 1; done <= 192; done += 19) {
            now += 1;
            tt_progress_set(&progress, done);
        }
        read_terminal(&terminal, text, sizeof text);
        assert_int_equal(frames(text, width, last), 12);
        if (width >= 5) assert_non_null(strstr(last, " 99%"));
        if (width >= 80) {
            assert_non_null(strstr(last, "191/192 samples"));
            assert_non_null(strstr(last, "/s"));
            assert_non_null(strstr(last, "left"));
            assert_non_null(strstr(last, "[="));
        }
        tt_progress_end(&progress);
        read_terminal(&terminal, text, sizeof text);
        assert_string_equal(text, "\r\033[K");
        tt_progress_end(&progress);
        close_terminal(&terminal);
    }
}

static void bar_follows_the_terminal(void **state) {
    (void)state;
    tt_terminal terminal = open_terminal(200);
    tt_progress progress = {.clock = test_clock};
    char text[4000], last[600];
    tt_progress_begin(&progress, terminal.slave, true, "capturing", "samples", 100, 0);
    read_terminal(&terminal, text, sizeof text);
    const struct winsize narrow = {.ws_row = 25, .ws_col = 20};
    assert_int_equal(ioctl(terminal.master, TIOCSWINSZ, &narrow), 0);
    now += 1;
    tt_progress_set(&progress, 50);
    read_terminal(&terminal, text, sizeof text);
    assert_int_equal(frames(text, 20, last), 1);
    tt_progress_end(&progress);
    close_terminal(&terminal);
}

static void share_is_told_once(void **state) {
    (void)state;
    tt_terminal terminal = open_terminal(80);
    tt_progress progress = {.clock = test_clock};
    char text[4000], last[600];
    tt_progress_begin(&progress, terminal.slave, true, "loading", "%", 100, 0);
    now += 2;
    tt_progress_set(&progress, 50);
    read_terminal(&terminal, text, sizeof text);
    assert_int_equal(frames(text, 80, last), 2);
    assert_non_null(strstr(last, " 50%  loading  2 s left  [="));
    tt_progress_end(&progress);
    close_terminal(&terminal);
}

static void bar_is_not_drawn_often(void **state) {
    (void)state;
    tt_terminal terminal = open_terminal(80);
    tt_progress progress = {.clock = test_clock};
    char text[20000], last[600];
    now = 5;
    tt_progress_begin(&progress, terminal.slave, true, "solving", "blocks", 10000, 0);
    for (uint64_t done = 1; done <= 1000; done++) {
        now += 0.001;
        tt_progress_set(&progress, done);
    }
    read_terminal(&terminal, text, sizeof text);
    const size_t count = frames(text, 80, last);
    assert_true(count >= 9 && count <= 11);
    /* A thousand a second, so nine seconds are left. */
    assert_non_null(strstr(last, "9 s left"));
    tt_progress_note(&progress, "careful: %d", 7);
    read_terminal(&terminal, text, sizeof text);
    assert_non_null(strstr(text, "\r\033[Kcareful: 7\r\n\r\033[K 10%"));
    tt_progress_end(&progress);
    close_terminal(&terminal);
}

static void lines_are_few(void **state) {
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    tt_progress progress = {.clock = test_clock};
    now = 100;
    tt_progress_begin(&progress, stream, false, "capturing", "samples", 1000, 400);
    for (uint64_t done = 401; done <= 1000; done++) {
        now += 0.1;
        tt_progress_set(&progress, done);
    }
    tt_progress_end(&progress);
    fclose(stream);
    assert_null(strchr(text, '\r'));
    assert_null(strchr(text, '\033'));
    size_t lines = 0;
    for (const char *c = text; *c; c++) lines += *c == '\n';
    assert_int_equal(lines, 7); /* 50%, 60%, ... 100%, and the last one */
    assert_non_null(strstr(text, "50%  capturing  50 s left  500/1000 samples  10.0/s\n"));
    assert_non_null(strstr(text, "capturing: 600 samples in 1 min 00 s (10.0/s)\n"));
    free(text);
}

static void slow_work_says_something(void **state) {
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    tt_progress progress = {.clock = test_clock};
    tt_progress_begin(&progress, stream, false, "reading", "bytes", 0, 0);
    for (uint64_t done = 1; done <= 12; done++) {
        now += 10;
        tt_progress_set(&progress, done);
    }
    fflush(stream);
    assert_string_equal(text, "reading  6 bytes  0.100/s\nreading  12 bytes  0.100/s\n");
    tt_progress_end(&progress);
    fclose(stream);
    free(text);
}

/* A run that fails at once, or had nothing left to do, has no speed to tell. */
static void nothing_done_is_not_told(void **state) {
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    tt_progress progress = {.clock = test_clock};
    tt_progress_begin(&progress, stream, false, "writing", "samples", 8, 0);
    now += 3;
    tt_progress_end(&progress);
    tt_progress_begin(&progress, stream, false, "capturing", "samples", 8, 8);
    tt_progress_end(&progress);
    fclose(stream);
    assert_string_equal(text, "");
    free(text);
}

static void silent_without_a_stream(void **state) {
    (void)state;
    /* What would be printed all the same goes to a file. */
    FILE *seen = tmpfile();
    assert_non_null(seen);
    fflush(NULL);
    const int output = dup(STDOUT_FILENO), errors = dup(STDERR_FILENO);
    assert_true(dup2(fileno(seen), STDOUT_FILENO) >= 0 && dup2(fileno(seen), STDERR_FILENO) >= 0);
    tt_progress progress = {0};
    tt_progress_begin(&progress, NULL, false, "capturing", "samples", 0, 0);
    tt_progress_set(&progress, 3);
    tt_progress_note(&progress, "not seen");
    tt_progress_end(&progress);
    fflush(NULL);
    if (output < 0 || errors < 0 || dup2(output, STDOUT_FILENO) < 0 || dup2(errors, STDERR_FILENO) < 0) abort();
    close(output);
    close(errors);
    assert_int_equal(lseek(fileno(seen), 0, SEEK_END), 0);
    fclose(seen);
}

/* Work that does not advance, advances at once, goes beyond its total, or a clock that stands still: no division by zero. */
static void odd_work(void **state) {
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    tt_progress progress = {.clock = test_clock};
    tt_progress_begin(&progress, stream, true, "x", "y", 3, 3);
    tt_progress_set(&progress, 7);
    tt_progress_set(&progress, 2);
    now += 1;
    tt_progress_set(&progress, UINT64_MAX);
    tt_progress_end(&progress);
    fclose(stream);
    assert_null(strstr(text, "nan"));
    assert_null(strstr(text, "inf"));
    assert_non_null(strstr(text, "100%"));
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bar_fits_every_width),
        cmocka_unit_test(bar_follows_the_terminal),
        cmocka_unit_test(share_is_told_once),
        cmocka_unit_test(bar_is_not_drawn_often),
        cmocka_unit_test(lines_are_few),
        cmocka_unit_test(slow_work_says_something),
        cmocka_unit_test(nothing_done_is_not_told),
        cmocka_unit_test(silent_without_a_stream),
        cmocka_unit_test(odd_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
