/* interrupt.c: see interrupt.h */
#include "terminal/interrupt.h"

#include <signal.h>
#include <stddef.h>

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
enum { SIGNALS = sizeof signals / sizeof *signals };

static atomic_bool interrupted;
static volatile sig_atomic_t which;
static _Atomic(void (*)(void *)) listener;
static _Atomic(void *) listener_data;

static void note_signal(int number);

static void set_handler(void (*handler)(int)) {
    for (size_t i = 0; i < SIGNALS; i++) {
        struct sigaction action = {.sa_handler = handler}, old;
        sigemptyset(&action.sa_mask);
        sigaction(signals[i], NULL, &old);
        if (old.sa_handler != SIG_IGN) sigaction(signals[i], &action, NULL);
    }
}

static void note_signal(int number) {
    which = number;
    atomic_store(&interrupted, true);
    void (*tell)(void *) = atomic_load(&listener);
    if (tell) tell(atomic_load(&listener_data));
    set_handler(SIG_DFL); /* the second one kills */
}

void tt_interrupt_catch(void) {
    which = 0;
    atomic_store(&interrupted, false);
    set_handler(note_signal);
}

const atomic_bool *tt_interrupt_flag(void) { return &interrupted; }

void tt_interrupt_tell(void (*tell)(void *data), void *data) {
    atomic_store(&listener, NULL); /* nobody is told with the other one's data */
    atomic_store(&listener_data, data);
    atomic_store(&listener, tell);
}

void tt_interrupt_clear(void) {
    if (which) tt_interrupt_catch();
}

void tt_interrupt_finish(void) {
    if (!which) return;
    set_handler(SIG_DFL);
    raise((int)which);
}
