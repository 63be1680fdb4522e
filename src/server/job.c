/* job.c: see job.h */
#include "server/job.h"
#include "base/clock.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

/* An identifier that nobody can guess another one from. */
static void name_job(tt_job *job) {
    uint64_t random[2] = {0};
    if (getrandom(random, sizeof random, GRND_NONBLOCK) != (ssize_t)sizeof random)
        random[0] = (uint64_t)(tt_seconds() * 1e9);
    snprintf(job->id, sizeof job->id, "%s%016llx%08x", job->delivery.form->id_prefix, (unsigned long long)random[0],
             (unsigned)random[1]);
}

static void destroy(tt_delivery *delivery) {
    tt_job *job = (tt_job *)delivery;
    for (size_t i = 0; i < job->answer_count; i++) {
        tt_answer_free(&job->answers[i].answer);
        tt_prompt_scores_free(&job->answers[i].scores);
    }
    free(job->answers);
    tt_request_free(&job->request);
    tt_delivery_end(delivery);
    free(job);
}

tt_job *tt_job_make(tt_request *request, const tt_form *form, const tt_model *model, tt_error *err) {
    tt_job *job = tt_alloc(1, sizeof *job, err);
    if (!job) return NULL;
    job->answer_count = tt_request_answers(request);
    job->answers = tt_alloc(job->answer_count, sizeof *job->answers, err);
    if (!job->answers) {
        free(job);
        return NULL;
    }
    tt_delivery_begin(&job->delivery, form, request->stream, destroy);
    job->request = *request;
    *request = (tt_request){0};
    for (size_t i = 0; i < job->answer_count; i++) {
        job->answers[i].prompt_index = i / job->request.choices;
        job->answers[i].answer = (tt_answer){.model = model, .request = &job->request};
    }
    job->created = (int64_t)time(NULL);
    job->arrived = tt_seconds();
    name_job(job);
    return job;
}

void tt_job_tell(tt_job *job, size_t index) {
    tt_job_answer *entry = &job->answers[index];
    const tt_answer *answer = &entry->answer;
    const tt_form *form = job->delivery.form;
    if (!job->request.stream) return;
    /* A prompt that is to be told is told with the first piece, even if nothing follows it. */
    const bool prompt = job->request.echo && !entry->prompt_told,
               text = answer->told > entry->told || (prompt && answer->finish != TT_FINISH_NOT_YET),
               reports = answer->report_count > entry->reports_told;
    tt_text *output = tt_delivery_open(&job->delivery);
    if (text || reports)
        form->piece(job, index, entry->told, answer->told, entry->reports_told, answer->report_count, output);
    if (answer->finish != TT_FINISH_NOT_YET) form->finish(job, index, output);
    tt_delivery_send(&job->delivery);
    entry->prompt_told = entry->prompt_told || text || reports;
    entry->told = answer->told;
    entry->reports_told = answer->report_count;
}

void tt_job_complete(tt_job *job) {
    tt_text *output = tt_delivery_open(&job->delivery);
    if (job->request.stream)
        job->delivery.form->end(job, output);
    else
        job->delivery.form->body(job, output);
    tt_delivery_complete(&job->delivery);
    tt_delivery_send(&job->delivery);
}
