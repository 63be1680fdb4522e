/* job.h: a request under way: what was asked, its answers, and the delivery of them.
 *
 * The computing thread (scheduler.c) owns the answers and turns what happens to them into bytes for the client, in the form
 * that the request's protocol wants: events of a stream, or at the end one body. */
#pragma once

#include "server/answer.h"
#include "server/delivery.h"
#include "server/errands.h"
#include "server/prompt_scores.h"

typedef enum tt_job_state { TT_JOB_QUEUED, TT_JOB_RUNNING, TT_JOB_DONE } tt_job_state;

typedef struct tt_job_answer {
    tt_answer answer;
    tt_job_state state;
    uint32_t slot;
    size_t prompt_index;
    bool prompt_told;
    size_t told, reports_told; /* of the answer's text and reports, what the client has been told */
    size_t reused;
    double began;            /* tt_seconds when it got its slot */
    tt_prompt_scores scores; /* of the first answer to each prompt, where they are asked for */
} tt_job_answer;

struct tt_service;

typedef struct tt_job {
    tt_delivery delivery;
    tt_request request;
    uint64_t number; /* in order of arrival */
    char id[48];
    int64_t created;             /* seconds since 1970 */
    double arrived, first_token; /* tt_seconds; 0: not yet */
    char client[64];             /* whom to be fair to: an address, and the number of its key */

    /* Before it is computed: an errand makes its steering (dispatch.c). */
    tt_errand errand;
    struct tt_service *service;

    /* The computing thread's. */
    tt_job_answer *answers;
    size_t answer_count, started, finished;
    size_t prompt_tokens, reused_tokens, written_tokens;
} tt_job;

/* Takes over `request`. One reference, its delivery's, is the caller's. NULL on failure: `request` is the caller's still. */
tt_job *tt_job_make(tt_request *request, const tt_form *form, const tt_model *model, tt_error *err);

/* ==== The computing thread ==== */

/* Tells the client what is new of answer `index`. */
void tt_job_tell(tt_job *job, size_t index);

/* All answers are finished: the rest of the stream, or the body. */
void tt_job_complete(tt_job *job);
