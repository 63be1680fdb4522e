/* generate.c: see generate.h
 *
 * The steering is libllama's control-vector adapter, set between two turns: setting it costs a new plan of the graph, and
 * nothing a token. */
#include "model/generate.h"
#include "base/clock.h"
#include "base/memory.h"
#include "model/adapter.h"
#include "model/internal.h"
#include "model/pieces.h"

#include <stdlib.h>
#include <string.h>

enum { SEQUENCE = 0 };

struct tt_generator {
    tt_model *model;
    struct llama_context *context;
    uint32_t room; /* tokens that fit */
    tt_adapter adapter;
    int32_t *known; /* tokens in the cache, `length` of them; room for `room` */
    size_t length;
    bool fresh; /* the logits belong to known[length - 1] */
    const atomic_bool *cancel;
};

static bool is_cancelled(const tt_generator *generator) { return generator->cancel && atomic_load(generator->cancel); }

static bool on_abort(void *user_data) { return is_cancelled(user_data); }

tt_generator *tt_generator_open(tt_model *model, uint32_t context, tt_error *err) {
    tt_generator *generator = tt_alloc(1, sizeof *generator, err);
    if (!generator) return NULL;
    generator->model = model;
    const uint32_t trained = model->facts.context;
    if (context == 0) context = trained && trained < TT_CONTEXT_USUAL ? trained : TT_CONTEXT_USUAL;
    struct llama_context_params params = tt_context_params(model);
    params.n_ctx = context;
    params.n_batch = params.n_ubatch;
    params.n_seq_max = 1;
    params.n_outputs_max = 1;
    params.abort_callback = on_abort;
    params.abort_callback_data = generator;
    generator->context = tt_context_open(model, params, err);
    if (generator->context) {
        generator->room = llama_n_ctx_seq(generator->context);
        if (generator->room > context) generator->room = context; /* libllama rounds up */
        generator->known = tt_alloc(generator->room, sizeof *generator->known, err);
        if (generator->known) return generator;
    }
    tt_generator_close(generator);
    return NULL;
}

void tt_generator_close(tt_generator *generator) {
    if (!generator) return;
    if (generator->context) llama_free(generator->context);
    tt_adapter_free(&generator->adapter);
    free(generator->known);
    free(generator);
}

uint32_t tt_generator_context(const tt_generator *generator) { return generator->room; }

size_t tt_generator_length(const tt_generator *generator) { return generator->length; }

/* ==== Steering ==== */

static void forget_all(tt_generator *generator) {
    llama_memory_clear(llama_get_memory(generator->context), false);
    generator->length = 0;
    generator->fresh = false;
}

bool tt_generator_steer(tt_generator *generator, const tt_steering *steering, tt_error *err) {
    const tt_model_facts *facts = &generator->model->facts;
    if (steering && steering->row_count > facts->blocks)
        return tt_fail(err, TT_ERROR_INPUT, "steering made for %zu blocks does not fit '%s', which has %u",
                       steering->row_count, facts->path, facts->blocks);
    if (tt_adapter_is(&generator->adapter, generator->model, steering)) return true;
    forget_all(generator);
    return tt_adapter_set(&generator->adapter, generator->context, generator->model, steering, err);
}

/* ==== Reading ==== */

/* How many of the prompt's first tokens are in the cache. The last token is always computed: its logits are wanted. */
static size_t shared_length(const tt_generator *generator, const tt_tokens *prompt) {
    size_t shared = 0;
    while (shared < prompt->count && shared < generator->length && prompt->ids[shared] == generator->known[shared]) shared++;
    return shared == prompt->count && !(generator->fresh && shared == generator->length) ? shared - 1 : shared;
}

/* Cuts the cache down to its first `length` tokens; to nothing where the model's memory cannot be cut: a recurrent state has
 * no past, and a sliding window may have lost the tokens that the cut would bring back into it. */
static void cut(tt_generator *generator, size_t length) {
    llama_memory_t memory = llama_get_memory(generator->context);
    const int32_t window = llama_model_n_swa(generator->model->handle);
    const llama_pos first = llama_memory_seq_pos_min(memory, SEQUENCE);
    const bool complete = window == 0 || first == 0 || first <= (llama_pos)length - window;
    generator->fresh = false;
    if (length > 0 && complete && llama_memory_seq_rm(memory, SEQUENCE, (llama_pos)length, -1))
        generator->length = length;
    else
        forget_all(generator);
}

static bool fail_decode(const tt_generator *generator, int32_t status, tt_error *err) {
    const char *reason = tt_engine_reason(generator->model->engine);
    return tt_fail(err, TT_ERROR_MODEL, "libllama failed to compute the next tokens (status %d)%s%s", status,
                   *reason ? ": " : "", reason);
}

/* Computes up to a micro-batch of tokens, and notes them as known. */
static bool decode(tt_generator *generator, int32_t *tokens, size_t count, tt_error *err) {
    generator->fresh = false;
    const int32_t status = llama_decode(generator->context, llama_batch_get_one(tokens, (int32_t)count));
    if (status != 0) {
        cut(generator, generator->length); /* part of the batch may be in the cache */
        return status == 2 ? tt_fail(err, TT_ERROR_INTERRUPTED, "interrupted") : fail_decode(generator, status, err);
    }
    memcpy(generator->known + generator->length, tokens, count * sizeof *tokens);
    generator->length += count;
    generator->fresh = true;
    return true;
}

static bool check_prompt(const tt_generator *generator, const tt_tokens *prompt, tt_error *err) {
    const int32_t vocabulary = (int32_t)generator->model->facts.vocabulary;
    if (prompt->count == 0) return tt_fail(err, TT_ERROR_INPUT, "the prompt is empty: there is nothing to go on from");
    if (prompt->count > generator->room)
        return tt_fail(
            err, TT_ERROR_INPUT,
            "the prompt has %zu tokens, but the context has room for %u; shorten it, or ask for a larger context with -c",
            prompt->count, generator->room);
    for (size_t i = 0; i < prompt->count; i++)
        if (prompt->ids[i] < 0 || prompt->ids[i] >= vocabulary)
            return tt_fail(err, TT_ERROR_INPUT, "token %d of the prompt is not one of the model's", prompt->ids[i]);
    return true;
}

static bool read_rest(tt_generator *generator, const tt_tokens *prompt, const tt_reading *reading, tt_error *err) {
    const size_t step = (size_t)generator->model->ubatch;
    while (generator->length < prompt->count) {
        if (is_cancelled(generator)) return tt_fail(err, TT_ERROR_INTERRUPTED, "interrupted");
        if (reading && reading->on_progress) reading->on_progress(generator->length, prompt->count, reading->user_data);
        const size_t left = prompt->count - generator->length;
        if (!decode(generator, prompt->ids + generator->length, left < step ? left : step, err)) return false;
    }
    llama_synchronize(generator->context);
    if (reading && reading->on_progress) reading->on_progress(prompt->count, prompt->count, reading->user_data);
    return true;
}

bool tt_generator_read(tt_generator *generator, const tt_tokens *prompt, const tt_reading *reading, tt_error *err) {
    if (!check_prompt(generator, prompt, err)) return false;
    tt_engine_reason(generator->model->engine); /* forget older messages */
    const size_t shared = shared_length(generator, prompt);
    if (shared < generator->length) cut(generator, shared);
    generator->cancel = reading ? reading->cancel : NULL;
    const bool ok = read_rest(generator, prompt, reading, err);
    generator->cancel = NULL;
    return ok;
}

const float *tt_generator_logits(tt_generator *generator) { return llama_get_logits_ith(generator->context, -1); }

/* ==== Writing ==== */

/* Hands on what `piece` has. False when the caller wants no more. */
static bool tell(const tt_generation *generation, const char *piece, size_t length) {
    return length == 0 || !generation->on_text || generation->on_text(piece, length, generation->user_data);
}

typedef enum step_result { STEP_ON, STEP_STOP, STEP_FAILED } step_result;

/* One token: choose it, tell it, compute what follows it. Every stop sets generated->stop. */
static step_result write_token(tt_generator *generator, tt_sampler *sampler, const tt_generation *generation,
                               tt_pieces *pieces, tt_generated *generated, tt_error *err) {
    generated->stop = TT_STOP_LIMIT;
    if (generation->limit >= 0 && generated->written_tokens >= (uint64_t)generation->limit) return STEP_STOP;
    generated->stop = TT_STOP_CALLER;
    if (is_cancelled(generator)) return STEP_STOP;
    int32_t token = tt_sampler_choose(sampler, tt_generator_logits(generator));
    if (token == TT_NOT_A_NUMBER) {
        tt_fail(err, TT_ERROR_MODEL, "the model computes no numbers any more%s",
                generator->adapter.rows ? ": it is steered too strongly; use smaller values" : "");
        return STEP_FAILED;
    }
    generated->stop = TT_STOP_END;
    if (token == TT_NO_TOKEN || llama_vocab_is_eog(generator->model->vocabulary, token)) return STEP_STOP;
    generated->written_tokens++;
    size_t length;
    const char *piece = tt_pieces_add(pieces, generator->model, token, &length, err);
    if (!piece) return STEP_FAILED;
    generated->stop = TT_STOP_CALLER;
    if (!tell(generation, piece, length)) return STEP_STOP;
    generated->stop = TT_STOP_LIMIT; /* the last token's successor is nobody's business */
    if (generation->limit >= 0 && generated->written_tokens >= (uint64_t)generation->limit) return STEP_STOP;
    generated->stop = TT_STOP_CONTEXT;
    if (generator->length == generator->room) return STEP_STOP;
    generated->stop = TT_STOP_CALLER;
    tt_error failed = {0};
    if (decode(generator, &token, 1, &failed)) return STEP_ON;
    if (failed.kind == TT_ERROR_INTERRUPTED) return STEP_STOP;
    tt_fail(err, failed.kind, "%s", failed.message);
    return STEP_FAILED;
}

static bool write_all(tt_generator *generator, tt_sampler *sampler, const tt_generation *generation, tt_generated *generated,
                      tt_error *err) {
    tt_pieces pieces = {.shown = generation->shown};
    step_result result = STEP_ON;
    while (result == STEP_ON) result = write_token(generator, sampler, generation, &pieces, generated, err);
    size_t length = 0;
    const char *rest = result == STEP_STOP ? tt_pieces_end(&pieces, &length, err) : NULL;
    if (rest && generated->stop != TT_STOP_CALLER) tell(generation, rest, length);
    tt_pieces_free(&pieces);
    return rest != NULL;
}

bool tt_generator_run(tt_generator *generator, const tt_tokens *prompt, tt_sampler *sampler, const tt_generation *generation,
                      tt_generated *generated, tt_error *err) {
    *generated = (tt_generated){.stop = TT_STOP_CALLER, .prompt_tokens = prompt->count};
    if (!check_prompt(generator, prompt, err)) return false;
    const double begin = tt_seconds();
    generated->reused_tokens = shared_length(generator, prompt);
    tt_error failed = {0};
    const bool read = tt_generator_read(generator, prompt, &generation->reading, &failed);
    generated->prompt_seconds = tt_seconds() - begin;
    if (!read) return failed.kind == TT_ERROR_INTERRUPTED || tt_fail(err, failed.kind, "%s", failed.message);
    tt_sampler_read(sampler, prompt);
    const double middle = tt_seconds();
    generator->cancel = generation->reading.cancel;
    const bool ok = write_all(generator, sampler, generation, generated, err);
    generator->cancel = NULL;
    generated->written_seconds = tt_seconds() - middle;
    return ok;
}
