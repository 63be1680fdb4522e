/* test_interrupt.c: the first signal asks, the second ends. Each case runs in a process of its own. */
#include "cli/interrupt.h"

#include <cmocka.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

/* How a child that runs `body` ends. */
static int status_of(void (*body)(void)) {
    const pid_t child = fork();
    if (child == 0) {
        body();
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void first_only(void) {
    tt_interrupt_catch();
    if (atomic_load(tt_interrupt_flag())) _exit(3);
    tt_interrupt_finish(); /* nothing has come: nothing happens */
    raise(SIGINT);
    if (!atomic_load(tt_interrupt_flag())) _exit(4);
}
static void first_then_finish(void) {
    tt_interrupt_catch();
    raise(SIGTERM);
    tt_interrupt_finish();
}
static void two(void) {
    tt_interrupt_catch();
    raise(SIGINT);
    raise(SIGTERM);
}
static void cleared_between(void) {
    tt_interrupt_catch();
    for (int i = 0; i < 3; i++) {
        raise(SIGINT);
        if (!atomic_load(tt_interrupt_flag())) _exit(3);
        tt_interrupt_clear();
        if (atomic_load(tt_interrupt_flag())) _exit(4);
    }
}
static void ignored_by_the_caller(void) {
    signal(SIGHUP, SIG_IGN);
    tt_interrupt_catch();
    raise(SIGHUP);
    raise(SIGHUP);
    if (atomic_load(tt_interrupt_flag())) _exit(3);
}

static void one_signal_only_asks(void **state) {
    (void)state;
    assert_int_equal(status_of(first_only), 0);
    assert_int_equal(status_of(cleared_between), 0);
    assert_int_equal(status_of(ignored_by_the_caller), 0);
}

static void ends_by_the_signal(void **state) {
    (void)state;
    int status = status_of(first_then_finish);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    status = status_of(two);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(one_signal_only_asks), cmocka_unit_test(ends_by_the_signal)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
