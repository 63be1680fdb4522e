/* generate.c: see generate.h */
#include "model/generate.h"
#include "base/clock.h"
#include "base/memory.h"
#include "model/internal.h"
#include "model/slots.h"
#include "model/writer.h"

#include <stdlib.h>

struct tt_generator {
    tt_model *model;
    tt_slots *slots; /* one */
    tt_steering *steering;
    uint32_t slot;
    bool talking; /* a conversation has begun */
};

tt_generator *tt_generator_open(tt_model *model, uint32_t context, tt_error *err) {
    tt_generator *generator = tt_alloc(1, sizeof *generator, err);
    if (!generator) return NULL;
    generator->model = model;
    const uint32_t trained = model->facts.context;
    if (context == 0) context = trained && trained < TT_CONTEXT_USUAL ? trained : TT_CONTEXT_USUAL;
    generator->slots = tt_slots_open(model, &(tt_slots_options){.slots = 1, .context = context}, err);
    if (generator->slots) return generator;
    tt_generator_close(generator);
    return NULL;
}

void tt_generator_close(tt_generator *generator) {
    if (!generator) return;
    tt_slots_close(generator->slots);
    tt_steering_release(generator->steering);
    free(generator);
}

uint32_t tt_generator_context(const tt_generator *generator) { return tt_slots_context(generator->slots); }

bool tt_generator_steer(tt_generator *generator, tt_steering *steering, tt_error *err) {
    if (tt_steering_acts_at_all(steering) && !tt_model_check_steerable(generator->model, err)) return false;
    tt_steering_hold(steering);
    tt_steering_release(generator->steering);
    generator->steering = steering;
    return true;
}

/* ==== Reading ==== */

static void end_conversation(tt_generator *generator) {
    if (generator->talking) tt_slots_end(generator->slots, generator->slot);
    generator->talking = false;
    tt_slots_watch(generator->slots, NULL);
}

static void tell_progress(const tt_reading *reading, size_t done, size_t total) {
    if (reading && reading->on_progress) reading->on_progress(done, total, reading->user_data);
}

bool tt_generator_read(tt_generator *generator, const tt_tokens *prompt, const tt_reading *reading, size_t *reused,
                       tt_error *err) {
    tt_slots *slots = generator->slots;
    size_t known;
    end_conversation(generator);
    if (!tt_slots_begin(slots, prompt, generator->steering, &generator->slot, &known, err)) return false;
    if (reused) *reused = known;
    generator->talking = true;
    tt_slots_watch(slots, reading ? reading->cancel : NULL);
    bool ok = true;
    while (ok && !tt_slots_logits(slots, generator->slot)) {
        if (reading && reading->cancel && atomic_load(reading->cancel))
            ok = tt_fail(err, TT_ERROR_INTERRUPTED, "interrupted");
        else
            tell_progress(reading, tt_slots_length(slots, generator->slot), prompt->count);
        ok = ok && tt_slots_step(slots, err);
    }
    if (ok)
        tell_progress(reading, prompt->count, prompt->count);
    else
        end_conversation(generator);
    return ok;
}

const float *tt_generator_logits(tt_generator *generator) { return tt_slots_logits(generator->slots, generator->slot); }

/* ==== Writing ==== */

/* Passes on the writer's text since `*told`. False if the caller wants no more. */
static bool tell(const tt_generation *generation, const tt_writer *writer, size_t *told) {
    const size_t from = *told;
    *told = writer->told;
    return from == *told || !generation->on_text ||
           generation->on_text(writer->text.data + from, *told - from, generation->user_data);
}

typedef enum step_result { STEP_ON, STEP_STOP, STEP_FAILED } step_result;

/* One token: chooses it, sends its text, computes the logits after it. Every stop sets `*stop`. */
static step_result write_token(tt_generator *generator, tt_writer *writer, const tt_generation *generation, size_t *told,
                               tt_stop *stop, tt_error *err) {
    const atomic_bool *cancel = generation->reading.cancel;
    int32_t token;
    *stop = TT_STOP_CALLER;
    if (cancel && atomic_load(cancel)) return STEP_STOP;
    if (!tt_writer_choose(writer, tt_generator_logits(generator), &token, err)) return STEP_FAILED;
    if (!tell(generation, writer, told)) return STEP_STOP;
    *stop = writer->finish == TT_FINISH_STOP ? TT_STOP_END : TT_STOP_LIMIT;
    if (writer->finish != TT_FINISH_NOT_YET) return STEP_STOP;
    *stop = TT_STOP_CONTEXT;
    if (!tt_slots_push(generator->slots, generator->slot, token)) {
        if (!tt_writer_cut(writer, err)) return STEP_FAILED;
        tell(generation, writer, told);
        return STEP_STOP;
    }
    *stop = TT_STOP_CALLER;
    tt_error failed = {0};
    if (tt_slots_step(generator->slots, &failed)) return STEP_ON;
    if (failed.kind == TT_ERROR_INTERRUPTED) return STEP_STOP;
    tt_fail(err, failed.kind, "%s", failed.message);
    return STEP_FAILED;
}

static bool write_all(tt_generator *generator, tt_sampler *sampler, const tt_generation *generation, tt_generated *generated,
                      tt_error *err) {
    tt_writer writer = {
        .model = generator->model,
        .how = {.limit = generation->limit, .top_tokens = -1, .steered = tt_steering_acts_at_all(generator->steering)},
        .sampler = sampler,
        .pieces = {.shown = generation->shown}};
    size_t told = 0;
    step_result result = STEP_ON;
    while (result == STEP_ON) result = write_token(generator, &writer, generation, &told, &generated->stop, err);
    generated->written_tokens = (size_t)writer.written;
    tt_writer_free(&writer);
    return result == STEP_STOP;
}

bool tt_generator_run(tt_generator *generator, const tt_tokens *prompt, tt_sampler *sampler, const tt_generation *generation,
                      tt_generated *generated, tt_error *err) {
    *generated = (tt_generated){.stop = TT_STOP_CALLER, .prompt_tokens = prompt->count};
    const double begin = tt_seconds();
    tt_error failed = {0};
    const bool read = tt_generator_read(generator, prompt, &generation->reading, &generated->reused_tokens, &failed);
    generated->prompt_seconds = tt_seconds() - begin;
    if (!read) return failed.kind == TT_ERROR_INTERRUPTED || tt_fail(err, failed.kind, "%s", failed.message);
    tt_sampler_read(sampler, prompt);
    const double middle = tt_seconds();
    const bool ok = write_all(generator, sampler, generation, generated, err);
    end_conversation(generator);
    generated->written_seconds = tt_seconds() - middle;
    return ok;
}
