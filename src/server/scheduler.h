/* scheduler.h: which requests are computed when: the queue, the slots, and the one thread that computes.
 *
 * Whenever a slot is free it goes to the client that holds the fewest, and among equals to the request that came first. A
 * client that went away loses its slots before the next token. A queue that is full says when to come back. */
#pragma once

#include "model/slots.h"
#include "server/job.h"
#include "server/metrics.h"

typedef struct tt_scheduler tt_scheduler;

typedef struct tt_scheduler_options {
    tt_slots_options slots;
    uint32_t queue; /* requests that may wait for a slot */
    double timeout; /* seconds that a request may take in all; 0: any */
} tt_scheduler_options;

/* Starts the computing thread. `model` and `metrics` must outlive it. */
tt_scheduler *tt_scheduler_start(tt_model *model, const tt_scheduler_options *options, tt_metrics *metrics, tt_error *err);

uint32_t tt_scheduler_slots(const tt_scheduler *scheduler);
uint32_t tt_scheduler_context(const tt_scheduler *scheduler);

/* Hands a job over; a reference is taken. False (503, with a time to come back) when the queue is full or the end is near.
 */
bool tt_scheduler_submit(tt_scheduler *scheduler, tt_job *job, tt_refusal *refusal);

/* Takes no more jobs. */
void tt_scheduler_close(tt_scheduler *scheduler);

/* True when nothing is queued or running. */
bool tt_scheduler_is_idle(tt_scheduler *scheduler);

/* Ends the thread; what is still running is refused. Harmless on NULL. */
void tt_scheduler_stop(tt_scheduler *scheduler);
