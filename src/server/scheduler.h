/* scheduler.h: which requests are computed when: the queue, the slots, and the computing itself.
 *
 * Whenever a slot is free it goes to the client that holds the fewest; among equals to the one whose last turn is longest
 * ago, and of a client's requests to the one that came first. A client that went away loses its slots before the next token.
 * A queue that is full says when to come back.
 *
 * Jobs are submitted from any thread. All the rest is for one thread, the one that opened the model: OpenMP, with which
 * libllama computes, counts the helpers of every thread that ever computed, and where there are more of them than
 * processors its threads sleep at each of a graph's many barriers instead of waiting awake, which takes six times as long.
 */
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

/* `model` and `metrics` must outlive it. */
tt_scheduler *tt_scheduler_open(tt_model *model, const tt_scheduler_options *options, tt_metrics *metrics, tt_error *err);

uint32_t tt_scheduler_slots(const tt_scheduler *scheduler);
uint32_t tt_scheduler_context(const tt_scheduler *scheduler);

/* Hands a job over; a reference is taken. False (503, with a time to come back) when the queue is full or the end is near.
 */
bool tt_scheduler_submit(tt_scheduler *scheduler, tt_job *job, tt_refusal *refusal);

/* Computes for about so many seconds, or waits so long for a job. */
void tt_scheduler_work(tt_scheduler *scheduler, double seconds);

/* Takes no more jobs. */
void tt_scheduler_close(tt_scheduler *scheduler);

/* True when nothing is queued or running. */
bool tt_scheduler_is_idle(tt_scheduler *scheduler);

/* Takes no more jobs, and refuses those that are still here. */
void tt_scheduler_refuse_all(tt_scheduler *scheduler);

/* Frees it, once nobody can submit any more. Harmless on NULL. */
void tt_scheduler_free(tt_scheduler *scheduler);
