/* dispatch.c: see dispatch.h */
#include "server/dispatch.h"
#include "base/json.h"
#include "base/memory.h"

#include <stdlib.h>

/* ==== Requests ==== */

static tt_job *job_of(tt_errand *errand) { return (tt_job *)(void *)((char *)errand - offsetof(tt_job, errand)); }

/* The third thread's: the steering is made, and the job goes on its way. */
static void make_steering(tt_errand *errand) {
    tt_job *job = job_of(errand);
    tt_refusal refusal = {0};
    const bool wanted = !tt_delivery_is_gone(&job->delivery);
    if (wanted && (!tt_mixes_make(job->service->mixes, job->request.recipe, &job->request.steering, &refusal) ||
                   !tt_scheduler_submit(job->service->scheduler, job, &refusal)))
        tt_delivery_refuse(&job->delivery, &refusal);
    tt_delivery_release(&job->delivery);
}

bool tt_dispatch(tt_service *service, tt_job *job, tt_refusal *refusal) {
    if (tt_mixes_at_hand(service->mixes, job->request.recipe, &job->request.steering))
        return tt_scheduler_submit(service->scheduler, job, refusal);
    job->service = service;
    job->errand.run = make_steering;
    tt_delivery_hold(&job->delivery);
    if (tt_errands_add(service->errands, &job->errand, service->waiting_most)) return true;
    tt_delivery_release(&job->delivery);
    refusal->retry_after = 1;
    return tt_refuse(refusal, 503, "", "the server is busy with the vectors of other mixes; come back in a second");
}

/* ==== The default mix ==== */

typedef struct setting {
    tt_delivery delivery;
    tt_errand errand;
    tt_service *service;
    tt_recipe *recipe;
} setting;

static void destroy(tt_delivery *delivery) {
    setting *s = (setting *)delivery;
    tt_recipe_release(s->recipe);
    tt_delivery_end(delivery);
    free(s);
}

/* {"mix": ..., "steering": {...}} */
static void write_default(tt_service *service, tt_text *output) {
    yyjson_mut_val *root;
    yyjson_mut_doc *doc = tt_json_object(&root);
    tt_mixes_describe_default(service->mixes, doc, root);
    char *text = tt_json_text(doc, YYJSON_WRITE_NOFLAG, NULL, NULL);
    yyjson_mut_doc_free(doc);
    tt_text_add(output, text ? text : "");
    output->failed = output->failed || !text;
    free(text);
}

static void set_default(tt_errand *errand) {
    setting *s = (setting *)(void *)((char *)errand - offsetof(setting, errand));
    tt_steering *steering = NULL;
    tt_refusal refusal = {0};
    if (tt_mixes_make(s->service->mixes, s->recipe, &steering, &refusal)) {
        tt_mixes_set_default(s->service->mixes, s->recipe);
        write_default(s->service, tt_delivery_open(&s->delivery));
        tt_delivery_complete(&s->delivery);
        tt_delivery_send(&s->delivery);
    } else {
        tt_delivery_refuse(&s->delivery, &refusal);
    }
    tt_steering_release(steering);
    tt_delivery_release(&s->delivery);
}

tt_delivery *tt_dispatch_default(tt_service *service, const tt_form *form, tt_recipe *recipe, tt_refusal *refusal) {
    tt_error err = {0};
    setting *s = tt_alloc(1, sizeof *s, &err);
    if (!s) {
        tt_refuse_error(refusal, "", &err);
        return NULL;
    }
    tt_delivery_begin(&s->delivery, form, false, destroy);
    s->service = service;
    s->recipe = tt_recipe_hold(recipe);
    s->errand.run = set_default;
    tt_delivery_hold(&s->delivery);
    if (tt_errands_add(service->errands, &s->errand, service->waiting_most)) return &s->delivery;
    tt_delivery_release(&s->delivery);
    tt_delivery_release(&s->delivery);
    refusal->retry_after = 1;
    tt_refuse(refusal, 503, "", "the server is busy with the vectors of other mixes; come back in a second");
    return NULL;
}
