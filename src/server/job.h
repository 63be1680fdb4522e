/* job.h: a request under way, between the thread that talks to its client and the thread that computes.
 *
 * The computing thread (scheduler.c) owns the answers and turns what happens to them into bytes for the client: events of a
 * stream, or at the end one body. The talking thread (http.c) takes the bytes. Between them stands the job's mutex; each
 * side holds a reference. */
#pragma once

#include "server/answer.h"

#include <pthread.h>

typedef enum tt_job_state { TT_JOB_QUEUED, TT_JOB_RUNNING, TT_JOB_DONE } tt_job_state;

typedef struct tt_job_answer {
    tt_answer answer;
    tt_job_state state;
    uint32_t slot;
    size_t prompt_index;
    size_t told, reports_told; /* of the answer's text and reports, what the client has been told */
    size_t reused;
} tt_job_answer;

typedef struct tt_job {
    atomic_uint references;
    tt_request request;
    uint64_t number; /* in order of arrival */
    char id[48];
    int64_t created;             /* seconds since 1970 */
    double arrived, first_token; /* tt_seconds; 0: not yet */
    char client[64];             /* whom to be fair to: an address, and the number of its key */

    /* The computing thread's. */
    tt_job_answer *answers;
    size_t answer_count, started, finished;
    size_t prompt_tokens, reused_tokens, written_tokens;

    /* Under the mutex. */
    pthread_mutex_t mutex;
    tt_text output;     /* bytes for the client that it has not got yet */
    bool complete;      /* no more will come */
    bool gone;          /* the client went away: nobody wants the rest */
    bool waiting;       /* the talking thread sleeps until there is something new */
    tt_refusal refusal; /* status != 0: what to say instead of an answer */
    int descriptor;     /* the client's socket; -1 once it is closed */
    void (*wake)(void *wake_data);
    void *wake_data;
} tt_job;

/* Takes over `request`. One reference is the caller's. NULL on failure: `request` is the caller's still. */
tt_job *tt_job_make(tt_request *request, const tt_model *model, tt_error *err);
tt_job *tt_job_hold(tt_job *job);
void tt_job_release(tt_job *job); /* harmless on NULL */

/* ==== The computing thread ==== */

/* Tells the client what is new of answer `index`. */
void tt_job_tell(tt_job *job, size_t index);

/* All answers are finished: the rest of the stream, or the body. */
void tt_job_complete(tt_job *job);

/* The job ends in failure. */
void tt_job_refuse(tt_job *job, const tt_refusal *refusal);

bool tt_job_is_gone(tt_job *job);

/* ==== The talking thread ==== */

/* The client went away, or the connection is closed: the descriptor is no longer the job's. */
void tt_job_abandon(tt_job *job);
