/* test_engine.c: why libllama failed, told to the thread whose call failed. */
#include "model/engine.h"

#include <cmocka.h>
#include <llama.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static tt_engine *engine;

static int begin(void **) {
    engine = tt_engine_start(&(tt_engine_options){0}, NULL);
    return engine ? 0 : -1;
}

static int end(void **) {
    tt_engine_stop(engine);
    return 0;
}

/* As libllama would. */
static void log_error(const char *text) {
    ggml_log_callback callback;
    void *user_data;
    llama_log_get(&callback, &user_data);
    callback(GGML_LOG_LEVEL_ERROR, text, user_data);
}

static void the_last_error_is_the_reason(void **) {
    char reason[TT_ENGINE_REASON];
    tt_engine_forget(engine);
    assert_string_equal(tt_engine_reason(engine, reason), "");
    log_error("first\n");
    log_error("second\n");
    assert_string_equal(tt_engine_reason(engine, reason), ": second");
    tt_engine_forget(engine);
    assert_string_equal(tt_engine_reason(engine, reason), "");
}

/* Fails again and again; returns how often the reason was not its own. */
static void *fail_and_ask(void *name) {
    uintptr_t wrong = 0;
    for (int i = 0; i < 2000; i++) {
        char reason[TT_ENGINE_REASON], own[64], expected[64];
        snprintf(own, sizeof own, "%s %d\n", (const char *)name, i);
        snprintf(expected, sizeof expected, ": %s %d", (const char *)name, i);
        tt_engine_forget(engine);
        log_error(own);
        wrong += strcmp(tt_engine_reason(engine, reason), expected) != 0;
    }
    return (void *)wrong;
}

static void each_thread_hears_its_own(void **) {
    enum { THREADS = 4 };
    static char names[THREADS][8] = {"one", "two", "three", "four"};
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&threads[i], NULL, fail_and_ask, names[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        assert_null(wrong);
    }
}

/* More threads than are remembered: the last ones are. */
static void old_threads_are_forgotten(void **) {
    for (int i = 0; i < 200; i++) {
        pthread_t thread;
        static char name[] = "many";
        void *wrong;
        assert_int_equal(pthread_create(&thread, NULL, fail_and_ask, name), 0);
        pthread_join(thread, &wrong);
        assert_null(wrong);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_error_is_the_reason),
        cmocka_unit_test(each_thread_hears_its_own),
        cmocka_unit_test(old_threads_are_forgotten),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
