/* delivery.c: see delivery.h */
#include "server/delivery.h"
#include "base/clock.h"

#include <string.h>

void tt_delivery_begin(tt_delivery *delivery, const tt_form *form, bool stream, void (*destroy)(tt_delivery *delivery)) {
    *delivery = (tt_delivery){.form = form, .stream = stream, .destroy = destroy, .descriptor = -1, .spoke = tt_seconds()};
    atomic_init(&delivery->references, 1);
    pthread_mutex_init(&delivery->mutex, NULL);
}

void tt_delivery_end(tt_delivery *delivery) {
    tt_text_free(&delivery->output);
    pthread_mutex_destroy(&delivery->mutex);
}

tt_delivery *tt_delivery_hold(tt_delivery *delivery) {
    atomic_fetch_add(&delivery->references, 1);
    return delivery;
}

void tt_delivery_release(tt_delivery *delivery) {
    if (delivery && atomic_fetch_sub(&delivery->references, 1) == 1) delivery->destroy(delivery);
}

/* ==== The maker ==== */

/* Wakes the talking thread where it sleeps. The mutex is held. */
static void wake(tt_delivery *delivery) {
    if (!delivery->waiting) return;
    delivery->waiting = false;
    delivery->wake(delivery->wake_data);
}

tt_text *tt_delivery_open(tt_delivery *delivery) {
    pthread_mutex_lock(&delivery->mutex);
    return &delivery->output;
}

void tt_delivery_send(tt_delivery *delivery) {
    if (delivery->output.length || delivery->output.failed || delivery->complete) {
        delivery->spoke = tt_seconds();
        wake(delivery);
    }
    pthread_mutex_unlock(&delivery->mutex);
}

void tt_delivery_admit(tt_delivery *delivery) {
    if (!delivery->stream) return;
    pthread_mutex_lock(&delivery->mutex);
    delivery->admitted = true;
    delivery->spoke = tt_seconds();
    wake(delivery);
    pthread_mutex_unlock(&delivery->mutex);
}

void tt_delivery_complete(tt_delivery *delivery) {
    if (delivery->output.failed) tt_refuse(&delivery->refusal, 500, "", "out of memory");
    delivery->complete = true;
}

void tt_delivery_refuse(tt_delivery *delivery, const tt_refusal *refusal) {
    tt_text *output = tt_delivery_open(delivery);
    if (delivery->admitted) delivery->form->failure(refusal, output);
    delivery->refusal = *refusal;
    delivery->complete = true;
    tt_delivery_send(delivery);
}

bool tt_delivery_is_gone(tt_delivery *delivery) {
    pthread_mutex_lock(&delivery->mutex);
    const bool gone = delivery->gone;
    pthread_mutex_unlock(&delivery->mutex);
    return gone;
}

void tt_delivery_mark_gone(tt_delivery *delivery) {
    pthread_mutex_lock(&delivery->mutex);
    delivery->gone = true;
    pthread_mutex_unlock(&delivery->mutex);
}

int tt_delivery_descriptor(tt_delivery *delivery) {
    pthread_mutex_lock(&delivery->mutex);
    const int descriptor = delivery->descriptor;
    pthread_mutex_unlock(&delivery->mutex);
    return descriptor;
}

void tt_delivery_breathe(tt_delivery *delivery, double now, double seconds) {
    const char *sign = delivery->form->sign_of_life;
    pthread_mutex_lock(&delivery->mutex);
    if (sign && delivery->admitted && delivery->waiting && !delivery->complete && now - delivery->spoke >= seconds) {
        tt_text_add(&delivery->output, sign);
        delivery->spoke = now;
        wake(delivery);
    }
    pthread_mutex_unlock(&delivery->mutex);
}

/* ==== The talking thread ==== */

void tt_delivery_attach(tt_delivery *delivery, int descriptor, void (*wake_up)(void *wake_data), void *wake_data) {
    pthread_mutex_lock(&delivery->mutex);
    delivery->descriptor = descriptor;
    delivery->wake = wake_up;
    delivery->wake_data = wake_data;
    pthread_mutex_unlock(&delivery->mutex);
}

tt_delivery_state tt_delivery_look(tt_delivery *delivery, tt_text *body, tt_refusal *refusal,
                                   void (*wait)(void *wake_data)) {
    tt_delivery_state state = TT_DELIVERY_NOTHING;
    pthread_mutex_lock(&delivery->mutex);
    if (delivery->refusal.status == 499) {
        state = TT_DELIVERY_GONE;
    } else if (delivery->admitted) {
        state = TT_DELIVERY_STREAM;
    } else if (delivery->refusal.status) {
        *refusal = delivery->refusal;
        state = TT_DELIVERY_REFUSED;
    } else if (delivery->complete) {
        *body = delivery->output;
        delivery->output = (tt_text){0};
        state = TT_DELIVERY_BODY;
    } else {
        delivery->waiting = true;
        wait(delivery->wake_data);
    }
    pthread_mutex_unlock(&delivery->mutex);
    return state;
}

ssize_t tt_delivery_take(tt_delivery *delivery, char *buffer, size_t most, void (*wait)(void *wake_data)) {
    pthread_mutex_lock(&delivery->mutex);
    ssize_t given = 0;
    tt_text *output = &delivery->output;
    if (output->length > 0) {
        const size_t count = output->length < most ? output->length : most;
        memcpy(buffer, output->data, count);
        output->length -= count;
        memmove(output->data, output->data + count, output->length + 1);
        given = (ssize_t)count;
    } else if (delivery->gone || output->failed) {
        given = TT_DELIVERY_BROKEN;
    } else if (delivery->complete) {
        given = TT_DELIVERY_END;
    } else {
        delivery->waiting = true;
        wait(delivery->wake_data);
    }
    pthread_mutex_unlock(&delivery->mutex);
    return given;
}

void tt_delivery_abandon(tt_delivery *delivery) {
    pthread_mutex_lock(&delivery->mutex);
    delivery->gone = true;
    delivery->descriptor = -1;
    pthread_mutex_unlock(&delivery->mutex);
}
