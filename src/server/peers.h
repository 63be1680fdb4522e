/* peers.h: the open connections, each somebody who may or may not ask for something; for those that are silent for too long,
 * and for streams that give no sign of life. */
#pragma once

#include "server/delivery.h"

typedef struct tt_peers tt_peers;

typedef struct tt_peer {
    struct tt_peer *next, *previous;
    tt_peers *peers;
    int descriptor;
    bool asking;           /* a request has begun to come in */
    bool answering;        /* a whole request is here, and is being answered */
    double since;          /* when it began to be silent, or to ask */
    tt_delivery *delivery; /* what it waits for: a reference; NULL for nothing */
} tt_peer;

struct tt_peers {
    pthread_mutex_t mutex;
    tt_peer *first;
};

void tt_peers_begin(tt_peers *peers);
void tt_peers_end(tt_peers *peers);

/* NULL when out of memory: such a connection is not looked after. */
tt_peer *tt_peer_join(tt_peers *peers, int descriptor);
void tt_peer_leave(tt_peer *peer);

/* These are harmless on NULL. */
void tt_peer_set(tt_peer *peer, bool asking, bool answering);
void tt_peer_note(tt_peer *peer, tt_delivery *delivery); /* or NULL: waits for nothing any more */

/* Hangs up on connections that have been silent for `idle` seconds; those that had begun to ask are sent `too_slow` first
 * (may be NULL). Streams that have been silent for `breath` seconds give a sign of life. */
void tt_peers_look(tt_peers *peers, double idle, double breath, const char *too_slow);

/* True while an answer is being sent to anybody. */
bool tt_peers_busy(tt_peers *peers);
