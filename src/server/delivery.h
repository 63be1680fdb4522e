/* delivery.h: bytes on their way to one client, between the thread that makes them and the thread that talks.
 *
 * The maker appends whole events of a stream, or one body; the talking thread (http.c) takes them. Between them stands the
 * delivery's mutex, and each side holds a reference. What is delivered embeds a tt_delivery as its first member. */
#pragma once

#include "server/form.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

typedef struct tt_delivery {
    atomic_uint references;
    void (*destroy)(struct tt_delivery *delivery); /* when the last reference goes: frees what embeds it */
    const tt_form *form;
    bool stream;

    /* Under the mutex. */
    pthread_mutex_t mutex;
    tt_text output;     /* bytes that the client has not got yet */
    bool admitted;      /* the head of a stream may go out: what fails from now on is an event */
    bool complete;      /* no more will come */
    bool gone;          /* the client went away: nobody wants the rest */
    bool waiting;       /* the talking thread sleeps until there is something new */
    tt_refusal refusal; /* status != 0: what to say instead of an answer */
    double spoke;       /* tt_seconds when something was last appended */
    int descriptor;     /* the client's socket; -1 once it is closed */
    void (*wake)(void *wake_data);
    void *wake_data;
} tt_delivery;

/* One reference is the caller's; the last one calls `destroy`, which calls tt_delivery_end. */
void tt_delivery_begin(tt_delivery *delivery, const tt_form *form, bool stream, void (*destroy)(tt_delivery *delivery));
void tt_delivery_end(tt_delivery *delivery);
tt_delivery *tt_delivery_hold(tt_delivery *delivery);
void tt_delivery_release(tt_delivery *delivery); /* harmless on NULL */

/* ==== The maker ==== */

/* To append: locks and hands out the output; afterwards unlocks, and wakes the talking thread where it waits. */
tt_text *tt_delivery_open(tt_delivery *delivery);
void tt_delivery_send(tt_delivery *delivery);

/* The request has its place, and the head of a stream goes out. */
void tt_delivery_admit(tt_delivery *delivery);

/* The last bytes have been appended: between tt_delivery_open and tt_delivery_send. */
void tt_delivery_complete(tt_delivery *delivery);

/* It ends in failure. */
void tt_delivery_refuse(tt_delivery *delivery, const tt_refusal *refusal);

bool tt_delivery_is_gone(tt_delivery *delivery);
void tt_delivery_mark_gone(tt_delivery *delivery);

/* The client's socket at this moment, or -1. */
int tt_delivery_descriptor(tt_delivery *delivery);

/* Appends a sign of life to a stream that has been silent for so many seconds. */
void tt_delivery_breathe(tt_delivery *delivery, double now, double seconds);

/* ==== The talking thread ==== */

typedef enum tt_delivery_state {
    TT_DELIVERY_NOTHING, /* not yet: `wait` has been called, with the mutex held */
    TT_DELIVERY_STREAM,  /* the head of a stream can go out */
    TT_DELIVERY_BODY,    /* the body is in `*body`, the caller's now */
    TT_DELIVERY_REFUSED, /* the refusal is in `*refusal` */
    TT_DELIVERY_GONE,    /* nobody is there */
} tt_delivery_state;

/* Whom to wake, and by which socket to notice that they have gone. Before the others. */
void tt_delivery_attach(tt_delivery *delivery, int descriptor, void (*wake)(void *wake_data), void *wake_data);

/* What can be sent first. */
tt_delivery_state tt_delivery_look(tt_delivery *delivery, tt_text *body, tt_refusal *refusal, void (*wait)(void *wake_data));

enum { TT_DELIVERY_END = -1, TT_DELIVERY_BROKEN = -2 };

/* Takes up to `most` bytes of a stream: how many, or one of the above; 0 where there are none yet, and `wait` was called. */
ssize_t tt_delivery_take(tt_delivery *delivery, char *buffer, size_t most, void (*wait)(void *wake_data));

/* The client went away, or the connection is closed: the descriptor is no longer the delivery's. */
void tt_delivery_abandon(tt_delivery *delivery);
