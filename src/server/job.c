/* job.c: see job.h */
#include "server/job.h"
#include "base/clock.h"
#include "base/memory.h"
#include "server/protocols/openai.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

/* An identifier that nobody can guess another one from. */
static void name_job(tt_job *job) {
    uint64_t random[2] = {0};
    if (getrandom(random, sizeof random, GRND_NONBLOCK) != (ssize_t)sizeof random)
        random[0] = (uint64_t)(tt_seconds() * 1e9);
    snprintf(job->id, sizeof job->id, "%s-%016llx%08x", job->request.chat ? "chatcmpl" : "cmpl",
             (unsigned long long)random[0], (unsigned)random[1]);
}

tt_job *tt_job_make(tt_request *request, const tt_model *model, tt_error *err) {
    tt_job *job = tt_alloc(1, sizeof *job, err);
    if (!job) return NULL;
    job->answer_count = tt_request_answers(request);
    job->answers = tt_alloc(job->answer_count, sizeof *job->answers, err);
    if (!job->answers) {
        free(job);
        return NULL;
    }
    job->request = *request;
    *request = (tt_request){0};
    for (size_t i = 0; i < job->answer_count; i++) {
        job->answers[i].prompt_index = i / job->request.choices;
        job->answers[i].answer = (tt_answer){.model = model};
    }
    atomic_init(&job->references, 1);
    pthread_mutex_init(&job->mutex, NULL);
    job->descriptor = -1;
    job->created = (int64_t)time(NULL);
    job->arrived = tt_seconds();
    name_job(job);
    return job;
}

tt_job *tt_job_hold(tt_job *job) {
    atomic_fetch_add(&job->references, 1);
    return job;
}

void tt_job_release(tt_job *job) {
    if (!job || atomic_fetch_sub(&job->references, 1) != 1) return;
    for (size_t i = 0; i < job->answer_count; i++) tt_answer_free(&job->answers[i].answer);
    free(job->answers);
    tt_request_free(&job->request);
    tt_text_free(&job->output);
    pthread_mutex_destroy(&job->mutex);
    free(job);
}

/* Wakes the talking thread where it sleeps. The mutex is held. */
static void wake(tt_job *job) {
    if (!job->waiting) return;
    job->waiting = false;
    job->wake(job->wake_data);
}

void tt_job_tell(tt_job *job, size_t index) {
    tt_job_answer *entry = &job->answers[index];
    const tt_answer *answer = &entry->answer;
    if (!job->request.stream) return;
    const bool text = answer->told > entry->told, reports = answer->report_count > entry->reports_told;
    pthread_mutex_lock(&job->mutex);
    if (text || reports)
        tt_openai_event(job, index, entry->told, answer->told, entry->reports_told, answer->report_count, &job->output);
    if (answer->finish != TT_FINISH_NOT_YET) tt_openai_finish_event(job, index, &job->output);
    if (text || reports || answer->finish != TT_FINISH_NOT_YET) wake(job);
    pthread_mutex_unlock(&job->mutex);
    entry->told = answer->told;
    entry->reports_told = answer->report_count;
}

void tt_job_complete(tt_job *job) {
    pthread_mutex_lock(&job->mutex);
    if (job->request.stream)
        tt_openai_end_events(job, &job->output);
    else
        tt_openai_body(job, &job->output);
    if (job->output.failed) tt_refuse(&job->refusal, 500, "", "out of memory");
    job->complete = true;
    wake(job);
    pthread_mutex_unlock(&job->mutex);
}

void tt_job_refuse(tt_job *job, const tt_refusal *refusal) {
    pthread_mutex_lock(&job->mutex);
    if (job->request.stream) tt_openai_error_event(refusal, &job->output);
    job->refusal = *refusal;
    job->complete = true;
    wake(job);
    pthread_mutex_unlock(&job->mutex);
}

bool tt_job_is_gone(tt_job *job) {
    pthread_mutex_lock(&job->mutex);
    const bool gone = job->gone;
    pthread_mutex_unlock(&job->mutex);
    return gone;
}

void tt_job_abandon(tt_job *job) {
    pthread_mutex_lock(&job->mutex);
    job->gone = true;
    job->descriptor = -1;
    pthread_mutex_unlock(&job->mutex);
}
