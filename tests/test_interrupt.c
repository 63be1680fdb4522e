/* test_interrupt.c: the first signal asks, the second ends. Each case runs in a process of its own. */
#include "cli/commands.h"
#include "cli/shared_options.h"
#include "support/scratch.h"
#include "support/tiny_model.h"
#include "terminal/interrupt.h"

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
static void count(void *data) { ++*(int *)data; }
static void told_to_one(void) {
    int first = 0, second = 0;
    tt_interrupt_catch();
    tt_interrupt_tell(count, &first);
    raise(SIGINT);
    tt_interrupt_clear();
    tt_interrupt_tell(count, &second);
    raise(SIGINT);
    tt_interrupt_clear();
    tt_interrupt_tell(NULL, NULL);
    raise(SIGINT);
    if (first != 1 || second != 1) _exit(3);
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
/* Loading a large model takes minutes, and Ctrl-C has a say in that. */
static void while_a_model_is_loaded(void) {
    const char *path = scratch_path("model.gguf");
    char words[][8] = {"train", "-m"};
    char *argv[] = {words[0], words[1], (char *)(uintptr_t)path, NULL};
    tt_arguments arguments;
    tt_error err = {0};
    if (!tt_tiny_model_write(path, NULL) || !tt_arguments_parse(&arguments, &tt_command_train, 3, argv, &err)) _exit(3);
    tt_interrupt_catch();
    trimtab *t = tt_open_given(&arguments, tt_options_given(&arguments), true, &err);
    if (!t) _exit(4);
    tt_close_given(t);
    raise(SIGINT);
    if (tt_open_given(&arguments, tt_options_given(&arguments), true, &err) || err.kind != TT_ERROR_INTERRUPTED) _exit(5);
    tt_arguments_free(&arguments);
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
    assert_int_equal(status_of(told_to_one), 0);
    assert_int_equal(status_of(ignored_by_the_caller), 0);
}

static void ends_by_the_signal(void **state) {
    (void)state;
    int status = status_of(first_then_finish);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    status = status_of(two);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

static void loading_a_model_ends_too(void **state) {
    (void)state;
    scratch_folder(); /* made here, so that it goes with this process and not with the child, which would leave it */
    assert_int_equal(status_of(while_a_model_is_loaded), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(one_signal_only_asks), cmocka_unit_test(ends_by_the_signal),
                                       cmocka_unit_test(loading_a_model_ends_too)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
