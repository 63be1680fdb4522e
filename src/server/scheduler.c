/* scheduler.c: see scheduler.h */
#include "server/scheduler.h"
#include "base/clock.h"
#include "base/memory.h"

#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Who is in a slot. */
typedef struct seat {
    tt_job *job; /* NULL: nobody */
    size_t index;
} seat;

/* When a client last got a slot. */
typedef struct turn {
    char client[64];
    uint64_t number; /* 0: never */
} turn;

enum { TURNS = 256 }; /* clients that are remembered; of more the one that waits longest is forgotten, and so comes first */

struct tt_scheduler {
    tt_model *model;
    tt_slots *slots;
    tt_metrics *metrics;
    uint32_t slot_count, queue;
    double timeout;

    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool closed;       /* no more jobs */
    size_t unstarted;  /* jobs of which no answer has begun */
    size_t unbegun;    /* answers of them */
    tt_job **incoming; /* submitted, not yet seen by who computes */
    size_t incoming_count, incoming_capacity;
    size_t job_count_seen; /* what the computing thread has */
    double answer_seconds; /* how long an answer keeps its slot, smoothed; 0: not known yet */

    /* The computing thread's own. */
    tt_job **jobs; /* in order of arrival; each until it is complete */
    size_t job_count, job_capacity;
    seat seats[TT_SLOTS_MOST];
    uint64_t numbers, turn_numbers;
    turn turns[TURNS];
};

/* ==== The end of a job ==== */

static void leave_slots(tt_scheduler *s, const tt_job *job) {
    for (uint32_t i = 0; i < s->slot_count; i++) {
        if (s->seats[i].job != job) continue;
        tt_slots_end(s->slots, i);
        s->seats[i].job = NULL;
    }
}

/* Takes job number `at` off the list and lets go of it. */
static void remove_job(tt_scheduler *s, size_t at) {
    tt_job *job = s->jobs[at];
    leave_slots(s, job);
    s->job_count--;
    memmove(s->jobs + at, s->jobs + at + 1, (s->job_count - at) * sizeof(tt_job *));
    pthread_mutex_lock(&s->mutex);
    if (job->started == 0) {
        s->unstarted--;
        s->unbegun -= job->answer_count;
    }
    atomic_store(&s->metrics->queued, (unsigned)s->unstarted);
    s->job_count_seen = s->job_count;
    pthread_mutex_unlock(&s->mutex);
    tt_delivery_release(&job->delivery);
}

static void refuse_job(tt_scheduler *s, size_t at, const tt_refusal *refusal) {
    tt_delivery_refuse(&s->jobs[at]->delivery, refusal);
    remove_job(s, at);
}

static size_t position_of(const tt_scheduler *s, const tt_job *job) {
    size_t at = 0;
    while (s->jobs[at] != job) at++;
    return at;
}

static void complete_job(tt_scheduler *s, tt_job *job) {
    tt_histogram_add(&s->metrics->whole, tt_seconds() - job->arrived);
    tt_job_complete(job);
    remove_job(s, position_of(s, job));
}

/* ==== Clients that go away, requests that take too long ==== */

/* Finds out by its socket whether a client has hung up: its connection may rest meanwhile, so nobody else would notice. A
 * descriptor may have been closed and be somebody else's by now; then the job is marked as gone already. */
static void look_for_departures(tt_scheduler *s) {
    enum { AT_ONCE = 128 };
    struct pollfd polled[AT_ONCE];
    for (size_t first = 0; first < s->job_count; first += AT_ONCE) {
        const size_t count = s->job_count - first < AT_ONCE ? s->job_count - first : AT_ONCE;
        for (size_t i = 0; i < count; i++) {
            const int descriptor = tt_delivery_descriptor(&s->jobs[first + i]->delivery);
            polled[i] = (struct pollfd){.fd = descriptor, .events = POLLRDHUP};
        }
        if (poll(polled, count, 0) <= 0) continue;
        for (size_t i = 0; i < count; i++) {
            if (polled[i].revents & (POLLRDHUP | POLLHUP | POLLERR)) tt_delivery_mark_gone(&s->jobs[first + i]->delivery);
        }
    }
}

static const tt_refusal gone_refusal = {.status = 499, .error = {TT_ERROR_INTERRUPTED, "the client went away"}};

static void remove_departed(tt_scheduler *s) {
    look_for_departures(s);
    for (size_t i = s->job_count; i-- > 0;) {
        if (!tt_delivery_is_gone(&s->jobs[i]->delivery)) continue;
        atomic_fetch_add(&s->metrics->departures, 1);
        refuse_job(s, i, &gone_refusal); /* wakes a connection that rests, so that it is closed */
    }
}

static bool answer_done(tt_scheduler *s, tt_job *job, size_t index);

/* Why a request whose time is up gets no answer; NULL where what has been written is one. */
static const char *reason_to_refuse(const tt_job *job) {
    if (job->started == 0) return "still waits for a free slot";
    if (job->started < job->answer_count) return "has not begun all of its answers";
    return job->written_tokens == 0 ? "is still reading its prompt" : NULL;
}

/* Ends the running answers of job number `at` where they are. */
static void cut_job(tt_scheduler *s, size_t at) {
    tt_job *job = s->jobs[at];
    tt_error err = {0};
    for (size_t k = 0; k < job->answer_count; k++) {
        if (job->answers[k].state != TT_JOB_RUNNING || tt_answer_cut(&job->answers[k].answer, &err)) continue;
        tt_refusal refusal = {0};
        tt_refuse_error(&refusal, "", &err);
        refuse_job(s, at, &refusal);
        return;
    }
    for (size_t k = 0; k < job->answer_count; k++)
        if (job->answers[k].state == TT_JOB_RUNNING && answer_done(s, job, k)) return;
}

static void end_overdue(tt_scheduler *s) {
    if (s->timeout <= 0) return;
    const double now = tt_seconds();
    for (size_t i = s->job_count; i-- > 0;) {
        if (now - s->jobs[i]->arrived < s->timeout) continue;
        const char *reason = reason_to_refuse(s->jobs[i]);
        if (!reason) {
            cut_job(s, i);
            continue;
        }
        tt_refusal refusal = {0};
        tt_refuse(
            &refusal, 408, "",
            "the %g s that this server allows a request (--timeout) are over, and this one %s: ask for less, or when the "
            "server is less busy",
            s->timeout, reason);
        refuse_job(s, i, &refusal);
    }
}

/* ==== Beginning ==== */

static void take_incoming(tt_scheduler *s) {
    /* The mutex is held. There is room: submit made it. */
    for (size_t i = 0; i < s->incoming_count; i++) {
        s->incoming[i]->number = s->numbers++;
        s->jobs[s->job_count++] = s->incoming[i];
    }
    s->incoming_count = 0;
    s->job_count_seen = s->job_count;
}

static size_t seats_of(const tt_scheduler *s, const char *client) {
    size_t count = 0;
    for (uint32_t i = 0; i < s->slot_count; i++) count += s->seats[i].job && !strcmp(s->seats[i].job->client, client);
    return count;
}

/* Several answers to one prompt: the later ones wait until the first has read it, and then copy what it computed. */
static bool may_begin(const tt_job *job) {
    const size_t index = job->started;
    if (index >= job->answer_count) return false;
    if (index % job->request.choices == 0) return true;
    const tt_job_answer *before = &job->answers[index - 1];
    return before->state != TT_JOB_RUNNING || before->answer.written > 0;
}

/* The client's entry, or the one to overwrite for it. */
static turn *turn_of(tt_scheduler *s, const char *client) {
    turn *oldest = &s->turns[0];
    for (size_t i = 0; i < TURNS; i++) {
        if (!strcmp(s->turns[i].client, client)) return &s->turns[i];
        if (s->turns[i].number < oldest->number) oldest = &s->turns[i];
    }
    return oldest;
}

static uint64_t last_turn(tt_scheduler *s, const char *client) {
    const turn *found = turn_of(s, client);
    return strcmp(found->client, client) ? 0 : found->number;
}

static void note_turn(tt_scheduler *s, const char *client) {
    turn *entry = turn_of(s, client);
    snprintf(entry->client, sizeof entry->client, "%s", client);
    entry->number = ++s->turn_numbers;
}

static tt_job *choose_job(tt_scheduler *s) {
    tt_job *best = NULL;
    size_t best_seats = 0;
    uint64_t best_turn = 0;
    for (size_t i = 0; i < s->job_count; i++) {
        tt_job *job = s->jobs[i];
        if (!may_begin(job)) continue;
        const size_t seats = seats_of(s, job->client);
        const uint64_t last = last_turn(s, job->client);
        if (best && (seats > best_seats || (seats == best_seats && last >= best_turn))) continue;
        best = job;
        best_seats = seats;
        best_turn = last;
    }
    return best;
}

static void note_begin(tt_scheduler *s, tt_job *job, size_t index, size_t reused) {
    const tt_tokens *prompt = &job->request.prompts[job->answers[index].prompt_index];
    if (index % job->request.choices == 0) job->prompt_tokens += prompt->count;
    if (index % job->request.choices == 0) job->reused_tokens += reused;
    if (index > 0) return;
    if (job->request.steering) atomic_fetch_add(&s->metrics->steered, 1);
    pthread_mutex_lock(&s->mutex);
    s->unstarted--;
    s->unbegun -= job->answer_count;
    atomic_store(&s->metrics->queued, (unsigned)s->unstarted);
    pthread_mutex_unlock(&s->mutex);
}

/* Where a prompt's own log-probabilities are wanted, the first of its answers brings them. */
static bool open_scores(const tt_scheduler *s, tt_job *job, size_t index, tt_error *err) {
    if (!tt_request_scores_prompts(&job->request) || index % job->request.choices) return true;
    tt_job_answer *entry = &job->answers[index];
    return tt_prompt_scores_open(&entry->scores, s->model, &job->request.prompts[entry->prompt_index],
                                 job->request.top_tokens, err);
}

static bool begin_answer(tt_scheduler *s, tt_job *job, tt_error *err) {
    const size_t index = job->started;
    tt_job_answer *entry = &job->answers[index];
    const tt_tokens *prompt = &job->request.prompts[entry->prompt_index];
    size_t reused;
    if (!tt_answer_open(&entry->answer, s->model, &job->request, index, prompt, err) || !open_scores(s, job, index, err) ||
        !tt_slots_begin(s->slots, prompt, job->request.steering, &entry->slot, &reused, err))
        return false;
    if (tt_request_scores_prompts(&job->request) && index % job->request.choices == 0) {
        tt_slots_listen(s->slots, entry->slot, tt_prompt_scores_hear, &entry->scores);
        reused = 0;
    }
    entry->began = tt_seconds();
    job->started++;
    entry->state = TT_JOB_RUNNING;
    entry->reused = reused;
    s->seats[entry->slot] = (seat){job, index};
    note_turn(s, job->client);
    note_begin(s, job, index, reused);
    return true;
}

static void fill_slots(tt_scheduler *s) {
    while (tt_slots_busy(s->slots) < s->slot_count) {
        tt_job *job = choose_job(s);
        if (!job) return;
        tt_error err = {0};
        if (begin_answer(s, job, &err)) continue;
        tt_refusal refusal = {0};
        tt_refuse_error(&refusal, "", &err);
        refuse_job(s, position_of(s, job), &refusal);
    }
}

/* ==== Going on ==== */

/* An answer is finished; true when its job is complete too, and gone. */
static bool answer_done(tt_scheduler *s, tt_job *job, size_t index) {
    tt_job_answer *entry = &job->answers[index];
    const double seconds = tt_seconds() - entry->began;
    pthread_mutex_lock(&s->mutex);
    s->answer_seconds = s->answer_seconds > 0 ? 0.8 * s->answer_seconds + 0.2 * seconds : seconds;
    pthread_mutex_unlock(&s->mutex);
    tt_job_tell(job, index);
    tt_slots_end(s->slots, entry->slot);
    s->seats[entry->slot].job = NULL;
    entry->state = TT_JOB_DONE;
    tt_sampler_close(entry->answer.sampler);
    entry->answer.sampler = NULL;
    if (++job->finished < job->answer_count) return false;
    complete_job(s, job);
    return true;
}

static void go_on(tt_scheduler *s, uint32_t slot, const float *logits) {
    tt_job *job = s->seats[slot].job;
    const size_t index = s->seats[slot].index;
    tt_answer *answer = &job->answers[index].answer;
    const int64_t before = answer->written;
    int32_t token = 0;
    tt_error err = {0};
    bool ok = tt_answer_choose(answer, logits, &token, &err);
    job->written_tokens += (size_t)(answer->written - before);
    if (job->first_token == 0) {
        job->first_token = tt_seconds();
        tt_histogram_add(&s->metrics->first_token, job->first_token - job->arrived);
    }
    if (ok && answer->finish == TT_FINISH_NOT_YET && !tt_slots_push(s->slots, slot, token)) ok = tt_answer_cut(answer, &err);
    if (!ok) {
        tt_refusal refusal = {0};
        tt_refuse_error(&refusal, err.kind == TT_ERROR_INPUT ? "steering" : "", &err);
        refuse_job(s, position_of(s, job), &refusal);
    } else if (answer->finish != TT_FINISH_NOT_YET) {
        answer_done(s, job, index);
    } else {
        tt_job_tell(job, index);
    }
}

static void refuse_running(tt_scheduler *s, const tt_refusal *refusal) {
    for (size_t i = s->job_count; i-- > 0;)
        if (s->jobs[i]->started > 0) refuse_job(s, i, refusal);
}

/* What has been computed. */
static void count_work(tt_scheduler *s) {
    const tt_slots_counts counts = tt_slots_counts_of(s->slots);
    atomic_store(&s->metrics->read_tokens, counts.read_tokens);
    atomic_store(&s->metrics->reused_tokens, counts.reused_tokens);
    atomic_store(&s->metrics->written_tokens, counts.written_tokens);
    atomic_store(&s->metrics->decodes, counts.decodes);
}

static void step(tt_scheduler *s) {
    remove_departed(s);
    end_overdue(s);
    fill_slots(s);
    tt_error err = {0};
    if (!tt_slots_step(s->slots, &err)) {
        tt_refusal refusal = {0};
        tt_refuse(&refusal, 500, "", "%s", err.message);
        refuse_running(s, &refusal);
    }
    count_work(s); /* before a client hears of it: who has its answer finds it counted */
    for (uint32_t i = 0; i < s->slot_count; i++) {
        const float *logits = s->seats[i].job ? tt_slots_logits(s->slots, i) : NULL;
        if (logits) go_on(s, i, logits);
    }
    atomic_store(&s->metrics->busy_slots, tt_slots_busy(s->slots));
}

/* ==== Working ==== */

/* Takes what has been submitted. With nothing to do at all, sleeps until there is something, but not beyond `end`. */
static bool find_work(tt_scheduler *s, double end) {
    const struct timespec time = {(time_t)end, (long)((end - floor(end)) * 1e9)};
    int waited = 0;
    pthread_mutex_lock(&s->mutex);
    while (waited == 0 && s->incoming_count == 0 && s->job_count == 0)
        waited = pthread_cond_timedwait(&s->changed, &s->mutex, &time);
    take_incoming(s);
    pthread_mutex_unlock(&s->mutex);
    return s->job_count > 0;
}

void tt_scheduler_work(tt_scheduler *s, double seconds) {
    const double end = tt_seconds() + seconds;
    do {
        if (find_work(s, end)) step(s);
    } while (tt_seconds() < end);
}

void tt_scheduler_refuse_all(tt_scheduler *s) {
    tt_refusal refusal = {.retry_after = 5};
    tt_refuse(&refusal, 503, "", "the server is shutting down");
    tt_scheduler_close(s);
    find_work(s, 0);
    while (s->job_count) refuse_job(s, s->job_count - 1, &refusal);
}

/* ==== Opening and closing ==== */

static void init_locks(tt_scheduler *s) {
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&s->mutex, NULL);
    pthread_cond_init(&s->changed, &attributes);
    pthread_condattr_destroy(&attributes);
}

tt_scheduler *tt_scheduler_open(tt_model *model, const tt_scheduler_options *options, tt_metrics *metrics, tt_error *err) {
    tt_scheduler *s = tt_alloc(1, sizeof *s, err);
    if (!s) return NULL;
    s->model = model;
    s->metrics = metrics;
    s->queue = options->queue;
    s->timeout = options->timeout;
    init_locks(s);
    s->slots = tt_slots_open(model, &options->slots, err);
    if (s->slots) {
        s->slot_count = tt_slots_count(s->slots);
        s->job_capacity = s->incoming_capacity = (size_t)s->queue + s->slot_count + 1;
        s->jobs = tt_alloc(s->job_capacity, sizeof *s->jobs, err);
        s->incoming = tt_alloc(s->incoming_capacity, sizeof *s->incoming, err);
    }
    if (s->jobs && s->incoming) return s;
    tt_scheduler_free(s);
    return NULL;
}

uint32_t tt_scheduler_slots(const tt_scheduler *s) { return s->slot_count; }
uint32_t tt_scheduler_context(const tt_scheduler *s) { return tt_slots_context(s->slots); }

/* When to come back: once half of what waits will have begun, so that there is room for those who were sent away and nobody
 * computes nothing. Those that run have half of their time before them. The mutex is held. */
static unsigned seconds_to_wait(const tt_scheduler *s) {
    const double ahead = 0.5 * (double)s->unbegun + 0.5 * (double)atomic_load(&s->metrics->busy_slots);
    return (unsigned)fmin(60, fmax(1, ceil(ahead * s->answer_seconds / s->slot_count)));
}

bool tt_scheduler_submit(tt_scheduler *s, tt_job *job, tt_refusal *refusal) {
    pthread_mutex_lock(&s->mutex);
    const unsigned wait = seconds_to_wait(s);
    const bool closed = s->closed,
               full = s->unstarted >= (size_t)s->queue + (s->slot_count - atomic_load(&s->metrics->busy_slots)) ||
                      s->job_count_seen + s->incoming_count >= s->job_capacity;
    if (!closed && !full) {
        tt_delivery_hold(&job->delivery);
        tt_delivery_admit(&job->delivery);
        s->incoming[s->incoming_count++] = job;
        s->unstarted++;
        s->unbegun += job->answer_count;
        atomic_store(&s->metrics->queued, (unsigned)s->unstarted);
        pthread_cond_signal(&s->changed);
    }
    pthread_mutex_unlock(&s->mutex);
    if (!closed && !full) return true;
    refusal->retry_after = wait;
    return closed ? tt_refuse(refusal, 503, "", "the server is shutting down")
                  : tt_refuse(refusal, 503, "",
                              "the server is busy: %u requests are waiting already (--queue); come back in %u s", s->queue,
                              wait);
}

void tt_scheduler_close(tt_scheduler *s) {
    pthread_mutex_lock(&s->mutex);
    s->closed = true;
    pthread_mutex_unlock(&s->mutex);
}

bool tt_scheduler_is_idle(tt_scheduler *s) {
    pthread_mutex_lock(&s->mutex);
    const bool idle = s->incoming_count == 0 && s->job_count_seen == 0;
    pthread_mutex_unlock(&s->mutex);
    return idle;
}

void tt_scheduler_free(tt_scheduler *s) {
    if (!s) return;
    pthread_mutex_destroy(&s->mutex);
    pthread_cond_destroy(&s->changed);
    tt_slots_close(s->slots);
    free(s->jobs);
    free(s->incoming);
    free(s);
}
