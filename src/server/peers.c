/* peers.c: see peers.h */
#include "server/peers.h"
#include "base/clock.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

void tt_peers_begin(tt_peers *peers) {
    *peers = (tt_peers){0};
    pthread_mutex_init(&peers->mutex, NULL);
}

void tt_peers_end(tt_peers *peers) { pthread_mutex_destroy(&peers->mutex); }

tt_peer *tt_peer_join(tt_peers *peers, int descriptor) {
    tt_peer *peer = tt_alloc(1, sizeof *peer, NULL);
    if (!peer) return NULL;
    peer->peers = peers;
    peer->descriptor = descriptor;
    peer->since = tt_seconds();
    pthread_mutex_lock(&peers->mutex);
    peer->next = peers->first;
    if (peer->next) peer->next->previous = peer;
    peers->first = peer;
    pthread_mutex_unlock(&peers->mutex);
    return peer;
}

void tt_peer_leave(tt_peer *peer) {
    pthread_mutex_lock(&peer->peers->mutex);
    if (peer->next) peer->next->previous = peer->previous;
    if (peer->previous)
        peer->previous->next = peer->next;
    else
        peer->peers->first = peer->next;
    pthread_mutex_unlock(&peer->peers->mutex);
    tt_delivery_release(peer->delivery);
    free(peer);
}

void tt_peer_set(tt_peer *peer, bool asking, bool answering) {
    if (!peer) return;
    pthread_mutex_lock(&peer->peers->mutex);
    peer->asking = asking;
    peer->answering = answering;
    peer->since = tt_seconds();
    pthread_mutex_unlock(&peer->peers->mutex);
}

void tt_peer_note(tt_peer *peer, tt_delivery *delivery) {
    if (!peer) return;
    if (delivery) tt_delivery_hold(delivery);
    pthread_mutex_lock(&peer->peers->mutex);
    tt_delivery *before = peer->delivery;
    peer->delivery = delivery;
    pthread_mutex_unlock(&peer->peers->mutex);
    tt_delivery_release(before);
}

void tt_peers_look(tt_peers *peers, double idle, double breath, const char *too_slow) {
    const double now = tt_seconds();
    pthread_mutex_lock(&peers->mutex);
    /* A peer leaves the list before its descriptor is closed, so these are still theirs. */
    for (const tt_peer *peer = peers->first; peer; peer = peer->next) {
        if (peer->delivery) tt_delivery_breathe(peer->delivery, now, breath);
        if (peer->answering || now - peer->since <= idle) continue;
        /* Nothing else goes this way: the answer to a request that is not complete has not begun. */
        if (peer->asking && too_slow) send(peer->descriptor, too_slow, strlen(too_slow), MSG_DONTWAIT | MSG_NOSIGNAL);
        shutdown(peer->descriptor, SHUT_RDWR);
    }
    pthread_mutex_unlock(&peers->mutex);
}

bool tt_peers_busy(tt_peers *peers) {
    bool busy = false;
    pthread_mutex_lock(&peers->mutex);
    for (const tt_peer *peer = peers->first; peer; peer = peer->next) busy = busy || peer->answering;
    pthread_mutex_unlock(&peers->mutex);
    return busy;
}
