/* steered_batch.c: see steered_batch.h */
#include "model/steered_batch.h"
#include "base/memory.h"
#include "model/graph.h"

#include <stdlib.h>
#include <string.h>

enum {
    CELLS_STEP = 512,                 /* the cache grows in steps of this many tokens, so that it is rarely recreated */
    SETTLED = 8,                      /* decodes; a new graph plan costs as much as stopping at every block does in two */
    LOGITS_BYTES = 256 * 1024 * 1024, /* memory limit for the logits of one batch: they take 1 MB per token in some models */
};

/* ==== Adding the rows ==== */

static bool anyone_steers(const tt_steered_batch *batch, int block) {
    const tt_steering *before = NULL;
    for (size_t i = 0; i < batch->length; i++) {
        if (batch->steerings[i] == before) continue; /* mostly the same as its neighbour's */
        before = batch->steerings[i];
        if (tt_steering_acts(before, (size_t)block)) return true;
    }
    return false;
}

static void note_common(tt_steered_batch *batch, tt_steering *common) {
    tt_steering_hold(common);
    tt_steering_release(batch->common);
    batch->common = common;
}

/* Makes libllama add the rows itself once all tokens have wanted the same ones for a while, and not before: setting them
 * costs a new graph plan. */
static bool settle(tt_steered_batch *batch, tt_error *err) {
    tt_steering *first = batch->steerings[0];
    bool common = batch->may_settle && tt_steering_is_constant(first);
    for (size_t i = 1; common && i < batch->length; i++) common = tt_steering_equal(batch->steerings[i], first);
    batch->settled = common && tt_steering_equal(batch->adapter.steering, first);
    if (batch->settled) return true;
    batch->in_common = common && tt_steering_equal(first, batch->common) ? batch->in_common + 1 : 0;
    note_common(batch, first);
    batch->settled = common && batch->in_common >= batch->settles_after;
    return tt_adapter_set(&batch->adapter, batch->context, batch->model, batch->settled ? first : NULL, err);
}

static bool steer(tt_steered_batch *batch, struct ggml_tensor *output, int block) {
    const size_t width = batch->model->facts.width, rows = (size_t)output->ne[1];
    /* The last block computes only the tokens whose logits are requested. */
    const bool compact = rows != batch->length;
    if (output->type != GGML_TYPE_F32 || (size_t)output->ne[0] != width || output->ne[2] != 1 || output->ne[3] != 1 ||
        output->nb[0] != sizeof(float) || (compact && rows != batch->output_count))
        return tt_fail(batch->err, TT_ERROR_MODEL,
                       "cannot steer '%s': libllama's tensor '%s' has an unexpected shape (%lld x %lld)",
                       batch->model->facts.architecture, output->name, (long long)output->ne[0], (long long)output->ne[1]);
    for (size_t i = 0; i < rows; i++) {
        const tt_steering *steering = batch->steerings[compact ? batch->outputs[i] : i];
        if (!tt_steering_acts(steering, (size_t)block)) continue;
        ggml_backend_tensor_get(output, batch->row, i * output->nb[1], width * sizeof(float));
        tt_steering_apply(steering, (size_t)block, batch->row);
        ggml_backend_tensor_set(output, batch->row, i * output->nb[1], width * sizeof(float));
    }
    return true;
}

/* The next block at which some token of the batch is steered; other blocks pass without a stop. */
static void await_next(tt_steered_batch *batch, int block) {
    while (block <= batch->last_block && !anyone_steers(batch, block)) block++;
    batch->next_block = block;
}

static bool on_node(struct ggml_tensor *node, bool asking, void *user_data) {
    tt_steered_batch *batch = user_data;
    if (!batch->decoding) return !asking;
    if (batch->failed) return false;
    if (asking) return batch->next_block <= batch->last_block && tt_graph_block_of_output(node) == batch->next_block;
    batch->failed = !steer(batch, node, batch->next_block);
    await_next(batch, batch->next_block + 1);
    return !batch->failed;
}

static bool on_abort(void *user_data) {
    const tt_steered_batch *batch = user_data;
    return batch->failed || (batch->cancel && atomic_load(batch->cancel));
}

/* ==== Memory ==== */

/* Tokens per batch: the micro-batch, or less if their logits would take too much memory. */
static size_t capacity_for(const tt_model *model) {
    const size_t fitting = LOGITS_BYTES / ((size_t)llama_vocab_n_tokens(model->vocabulary) * sizeof(float) + 1);
    const size_t micro_batch = (size_t)model->ubatch;
    return fitting < 1 ? 1 : fitting < micro_batch ? fitting : micro_batch;
}

bool tt_steered_batch_open(tt_steered_batch *batch, tt_model *model, tt_error *err) {
    batch->model = model;
    batch->capacity = capacity_for(model);
    batch->steerings = tt_alloc(batch->capacity, sizeof(tt_steering *), err);
    batch->outputs = tt_alloc(batch->capacity, sizeof *batch->outputs, err);
    batch->row = tt_alloc(model->facts.width, sizeof *batch->row, err);
    return batch->steerings && batch->outputs && batch->row;
}

void tt_steered_batch_close(tt_steered_batch *batch) {
    if (batch->tokens.token) llama_batch_free(batch->tokens);
    if (batch->context) llama_free(batch->context);
    tt_adapter_free(&batch->adapter);
    tt_steering_release(batch->common);
    free(batch->steerings);
    free(batch->outputs);
    free(batch->row);
    *batch = (tt_steered_batch){0};
}

/* Common to every context of a steered batch. */
static struct llama_context_params context_params(tt_steered_batch *batch) {
    struct llama_context_params params = tt_context_params(batch->model);
    params.n_ubatch = (uint32_t)batch->capacity;
    /* libllama aborts if a batch cannot hold a token of every sequence. */
    params.n_batch = params.n_ubatch > batch->sequences ? params.n_ubatch : batch->sequences;
    params.n_seq_max = batch->sequences;
    params.swa_full = true;
    params.cb_eval = on_node;
    params.cb_eval_user_data = batch;
    params.abort_callback = on_abort;
    params.abort_callback_data = batch;
    return params;
}

static bool renew(tt_steered_batch *batch, size_t cells, size_t sequences, tt_error *err) {
    if (batch->tokens.token) llama_batch_free(batch->tokens);
    if (batch->context) llama_free(batch->context);
    batch->context = NULL;
    if (cells > batch->cells) batch->cells = (uint32_t)((cells + CELLS_STEP - 1) / CELLS_STEP * CELLS_STEP);
    if (sequences > batch->sequences) batch->sequences = (uint32_t)sequences;
    batch->tokens = llama_batch_init((int32_t)batch->capacity, 0, (int32_t)batch->sequences);
    if (!batch->tokens.token || !batch->tokens.seq_id) return tt_fail(err, TT_ERROR_MEMORY, "out of memory");
    struct llama_context_params params = context_params(batch);
    params.n_ctx = batch->cells;
    params.kv_unified = true;
    if (batch->any_place) tt_context_cache_exact(batch->model, &params);
    batch->context = tt_context_open(batch->model, params, err);
    return batch->context != NULL;
}

bool tt_steered_batch_streams(tt_steered_batch *batch, size_t cells, size_t sequences, size_t outputs, tt_error *err) {
    const size_t capacity = (size_t)batch->model->ubatch;
    if (!tt_resize(&batch->steerings, capacity, sizeof *batch->steerings, err) ||
        !tt_resize(&batch->outputs, capacity, sizeof *batch->outputs, err))
        return false;
    batch->capacity = capacity;
    batch->sequences = (uint32_t)sequences;
    batch->tokens = llama_batch_init((int32_t)capacity, 0, 1);
    if (!batch->tokens.token || !batch->tokens.seq_id) return tt_fail(err, TT_ERROR_MEMORY, "out of memory");
    struct llama_context_params params = context_params(batch);
    params.n_ctx = (uint32_t)(cells * sequences);
    params.n_outputs_max = (uint32_t)outputs;
    params.kv_unified = false;
    batch->context = tt_context_open(batch->model, params, err);
    if (!batch->context) return false;
    batch->cells = llama_n_ctx_seq(batch->context);
    batch->may_settle = true;
    batch->settles_after = sequences > 1 ? SETTLED : 0;
    return true;
}

bool tt_steered_batch_reserve(tt_steered_batch *batch, size_t cells, size_t sequences, tt_error *err) {
    if ((!batch->context || cells > batch->cells || sequences > batch->sequences) && !renew(batch, cells, sequences, err))
        return false;
    llama_memory_clear(llama_get_memory(batch->context), false);
    tt_steered_batch_clear(batch);
    return true;
}

/* ==== Decoding ==== */

void tt_steered_batch_add(tt_steered_batch *batch, int32_t token, size_t position, bool logits, tt_steering *steering) {
    const size_t i = batch->length++;
    batch->tokens.token[i] = token;
    batch->tokens.pos[i] = (llama_pos)position;
    batch->tokens.n_seq_id[i] = 0;
    batch->tokens.logits[i] = logits;
    batch->steerings[i] = steering;
    if (logits) batch->outputs[batch->output_count++] = i;
}

void tt_steered_batch_join(tt_steered_batch *batch, size_t sequence) {
    const size_t i = batch->length - 1;
    batch->tokens.seq_id[i][batch->tokens.n_seq_id[i]++] = (llama_seq_id)sequence;
}

void tt_steered_batch_clear(tt_steered_batch *batch) { batch->length = batch->output_count = 0; }

/* The last block at which anything is added, so that later blocks are not awaited. */
static int find_last_block(const tt_steered_batch *batch) {
    for (int block = (int)batch->model->facts.blocks - 1; block >= 0; block--)
        if (anyone_steers(batch, block)) return block;
    return -1;
}

static bool check_decoded(const tt_steered_batch *batch, int32_t status, tt_error *err) {
    if (batch->failed) return false; /* err is filled */
    if (status == 2 || (batch->cancel && atomic_load(batch->cancel)))
        return tt_fail(err, TT_ERROR_INTERRUPTED, "interrupted");
    if (status) {
        char reason[TT_ENGINE_REASON];
        return tt_fail(err, TT_ERROR_MODEL, "libllama failed to compute a batch of %zu tokens (status %d)%s", batch->length,
                       status, tt_engine_reason(batch->model->engine, reason));
    }
    /* The last block computes nothing if no logits are requested. */
    const int unreachable = batch->output_count ? (int)batch->model->facts.blocks : (int)batch->model->facts.blocks - 1;
    if (batch->next_block <= batch->last_block && batch->next_block < unreachable)
        return tt_graph_fail_unsteerable(batch->model, err);
    return true;
}

bool tt_steered_batch_decode(tt_steered_batch *batch, const atomic_bool *cancel, tt_error *err) {
    batch->tokens.n_tokens = (int32_t)batch->length;
    batch->cancel = cancel;
    batch->err = err;
    batch->failed = false;
    if (!settle(batch, err)) return false;
    batch->last_block = batch->settled ? -1 : find_last_block(batch);
    await_next(batch, 0);
    batch->decoding = true;
    tt_engine_forget(batch->model->engine);
    const int32_t status = llama_decode(batch->context, batch->tokens);
    llama_synchronize(batch->context);
    batch->decoding = false;
    const bool ok = check_decoded(batch, status, err);
    batch->err = NULL;
    batch->cancel = NULL;
    return ok;
}

const float *tt_steered_batch_logits(const tt_steered_batch *batch, size_t token) {
    return llama_get_logits_ith(batch->context, (int32_t)token);
}
