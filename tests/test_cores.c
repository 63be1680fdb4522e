/* test_cores.c: whether other programs want the processor, told apart from this process' own threads. */
#include "base/cores.h"

#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    SPINNERS = 48,
    SEVERAL = 24, /* what else runs on the machine changes by fewer meanwhile */
};

static void *spin(void *stop) {
    while (!atomic_load((atomic_bool *)stop)) {
    }
    return NULL;
}

static void test_available(void **state) {
    (void)state;
    assert_int_in_range(tt_cores_available(), 1, sysconf(_SC_NPROCESSORS_CONF));
}

static void test_own_threads_are_no_competitors(void **state) {
    (void)state;
    atomic_bool stop = false;
    const int before = tt_cores_wanted();
    pthread_t threads[SPINNERS];
    for (int i = 0; i < SPINNERS; i++) assert_int_equal(pthread_create(&threads[i], NULL, spin, &stop), 0);
    const int wanted = tt_cores_wanted();
    atomic_store(&stop, true);
    for (int i = 0; i < SPINNERS; i++) pthread_join(threads[i], NULL);
    assert_int_in_range(wanted, 0, before + SEVERAL);
}

static void test_other_processes_are(void **state) {
    (void)state;
    const int before = tt_cores_wanted();
    const pid_t parent = getpid();
    pid_t children[SPINNERS];
    for (int i = 0; i < SPINNERS; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (getppid() != parent) _exit(1);
            for (volatile int on = 1; on;) {
            }
        }
    }
    const int wanted = tt_cores_wanted();
    for (int i = 0; i < SPINNERS; i++) kill(children[i], SIGKILL);
    for (int i = 0; i < SPINNERS; i++) waitpid(children[i], NULL, 0);
    assert_int_in_range(wanted, before + SEVERAL, 100000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_available),
        cmocka_unit_test(test_own_threads_are_no_competitors),
        cmocka_unit_test(test_other_processes_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
