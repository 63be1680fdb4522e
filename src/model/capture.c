/* capture.c: see capture.h
 *
 * libllama calls back for each node of its graph: first "do you want this one?", then, when it is computed, "here it is". We
 * want block 0's input and each block's output, and of them only the rows of the prompts' last tokens. libllama splits a
 * batch into micro-batches in the batch's order, so a node's row is its index less the tokens of the micro-batches before.
 * Each micro-batch, and the rows of it that the last block computes, are filled up to a multiple of TT_TREE_BATCH_GROUP:
 * then ggml computes every row alike, whatever comes with it (tree_batch.h).
 *
 * The tree of prompts is decoded depth first, a window of a few whole branches a call. What belongs to finished prompts
 * alone leaves the cache at once: attention, which looks at every cell in use, never sees more than the branches under way
 * and what they stem from. */
#include "model/capture.h"
#include "base/memory.h"
#include "model/graph.h"
#include "model/tree_batch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    CONTEXT_STEP = 256, /* the cache grows by this many tokens, so that it is made anew seldom */
    /* Cells of the cache that a call fills. Attention passes over all of them for every token: on a CPU that is what limits
     * a call, and libllama counts them in steps of 256. A GPU wants large batches. What a batch is filled up with comes on
     * top. */
    CPU_WINDOW = 256 - (TT_TREE_BATCH_GROUP - 1),
    GPU_WINDOW = 2048 - (TT_TREE_BATCH_GROUP - 1),
};

struct tt_capture {
    tt_model *model;
    bool plain;
    struct llama_context *context; /* made when first needed, made anew when more room is */
    uint32_t room, sequences;      /* of `context` */
    size_t window;                 /* most cells that a call with more than one branch fills */
    size_t group;                  /* rows come in multiples of so many: 1 where nothing need be filled up */
    size_t ubatch;                 /* tokens of a micro-batch, a multiple of `group` */
    tt_capture_counts counts;
    char input[GGML_MAX_NAME]; /* name of the node that is h_0 */

    /* The decode under way. */
    const tt_trie *trie;
    struct llama_batch batch; /* the present call's */
    float *contributions;     /* prompts x blocks x width */
    float *residual;          /* prompts x width: h_l at the last tokens, l the block that comes next */
    const atomic_bool *cancel;
    size_t base, end;     /* nodes of the present call: [base, end), with what fills it up */
    size_t after;         /* the place behind the present call's last prompt */
    size_t begin, length; /* nodes of the present micro-batch: [begin, begin + length) */
    size_t first, last;   /* prompts trie->order[first .. last) end in it */
    int next;             /* what is awaited: -1 for h_0, else block `next`'s output */
    tt_error *err;
    bool failed;
};

/* ==== Rows ==== */

static bool fail_shape(tt_capture *capture, const struct ggml_tensor *tensor) {
    capture->failed = true;
    return tt_fail(capture->err, TT_ERROR_MODEL,
                   "cannot read the hidden states of '%s': libllama's tensor '%s' has an unexpected shape (%lld x %lld)",
                   capture->model->facts.architecture, tensor->name, (long long)tensor->ne[0], (long long)tensor->ne[1]);
}

/* Rows of the present micro-batch that the last block computes, of those before `node`. */
static size_t outputs_before(const tt_capture *capture, size_t node) {
    return tt_tree_batch_outputs(&capture->batch, capture->begin - capture->base, node - capture->base);
}

/* Copies the wanted rows of `tensor` (width x rows) for prompt number `which` of this micro-batch's, into `row`. */
static void read_row(const tt_capture *capture, const struct ggml_tensor *tensor, size_t which, float *row) {
    const size_t width = capture->model->facts.width;
    /* The last block computes only the rows that are asked for; everywhere else there is one for each token. */
    const bool compact = (size_t)tensor->ne[1] != capture->length;
    const size_t node = capture->trie->ends[capture->trie->order[which]];
    const size_t index = compact ? outputs_before(capture, node) : node - capture->begin;
    ggml_backend_tensor_get(tensor, row, index * tensor->nb[1], width * sizeof *row);
}

static bool shape_fits(const tt_capture *capture, const struct ggml_tensor *tensor) {
    const size_t rows = (size_t)tensor->ne[1];
    const size_t outputs = outputs_before(capture, capture->begin + capture->length);
    return tensor->type == GGML_TYPE_F32 && (size_t)tensor->ne[0] == capture->model->facts.width && tensor->ne[2] == 1 &&
           tensor->ne[3] == 1 && tensor->nb[0] == sizeof(float) && (rows == capture->length || rows == outputs);
}

/* h_0 arrives: the residual stream begins. */
static bool take_input(tt_capture *capture, const struct ggml_tensor *tensor) {
    if (!shape_fits(capture, tensor)) return fail_shape(capture, tensor);
    const size_t width = capture->model->facts.width;
    for (size_t i = capture->first; i < capture->last; i++)
        read_row(capture, tensor, i, capture->residual + capture->trie->order[i] * width);
    return true;
}

/* Noise that would go into vectors unseen: a processor's own faults, a GPU's, or those of a damaged file. */
static bool fail_not_finite(tt_capture *capture, int block) {
    capture->failed = true;
    return tt_fail(
        capture->err, TT_ERROR_MODEL, "block %d of '%s' puts out numbers that are not finite: %s", block,
        capture->model->facts.path,
        tt_model_uses_gpu(capture->model)
            ? "update the GPU's driver, set GGML_VK_DISABLE_COOPMAT=1 and GGML_VK_DISABLE_F16=1 where it is Vulkan, or "
              "compute on the processor with -ngl 0"
            : "is the file damaged?");
}

/* Block `block`'s output h_{block+1} arrives: what it adds to h_block is its contribution. */
static bool take_output(tt_capture *capture, const struct ggml_tensor *tensor, int block) {
    if (!shape_fits(capture, tensor)) return fail_shape(capture, tensor);
    const size_t width = capture->model->facts.width;
    for (size_t i = capture->first; i < capture->last; i++) {
        const size_t prompt = capture->trie->order[i];
        float *before = capture->residual + prompt * width;
        float *contribution = capture->contributions + (prompt * capture->model->facts.blocks + (size_t)block) * width;
        read_row(capture, tensor, i, contribution);
        double sum = 0; /* finite where all are */
        for (size_t k = 0; k < width; k++) {
            const float after = contribution[k];
            contribution[k] = after - before[k];
            before[k] = after;
            sum += (double)contribution[k];
        }
        if (!isfinite(sum)) return fail_not_finite(capture, block);
    }
    return true;
}

/* ==== The callback ==== */

/* A micro-batch of `length` tokens begins: which prompts end in it? */
static void begin_micro_batch(tt_capture *capture, size_t length) {
    capture->length = length;
    const size_t end = capture->begin + length;
    capture->first = capture->last;
    while (capture->last < capture->after && capture->trie->ends[capture->trie->order[capture->last]] < end) capture->last++;
}

static bool ask(tt_capture *capture, const struct ggml_tensor *node) {
    if (capture->next == TT_NO_BLOCK) {
        if (strcmp(node->name, capture->input) != 0) return false;
        const size_t length = (size_t)node->ne[1];
        if (length > capture->end - capture->begin) {
            fail_shape(capture, node);
            return false;
        }
        begin_micro_batch(capture, length);
        if (capture->first < capture->last) return true;
        capture->next = 0;
        return false;
    }
    const bool wanted = tt_graph_block_of_output(node) == capture->next;
    if (!wanted) return false;
    if (capture->first < capture->last) return true;
    /* Nobody's last token is in this micro-batch: only keep count. */
    if (++capture->next == (int)capture->model->facts.blocks) {
        capture->begin += capture->length;
        capture->next = TT_NO_BLOCK;
    }
    return false;
}

static bool take(tt_capture *capture, const struct ggml_tensor *node) {
    if (!(capture->next == TT_NO_BLOCK ? take_input(capture, node) : take_output(capture, node, capture->next)))
        return false;
    if (++capture->next < (int)capture->model->facts.blocks) return true;
    capture->begin += capture->length;
    capture->next = TT_NO_BLOCK;
    return false; /* stops this graph: what follows is the final norm and the logits, which nobody asked for */
}

static bool on_node(struct ggml_tensor *node, bool asking, void *user_data) {
    tt_capture *capture = user_data;
    if (!capture->trie) return !asking; /* not our decode */
    if (capture->failed) return false;
    return asking ? ask(capture, node) : take(capture, node);
}

static bool on_abort(void *user_data) {
    const tt_capture *capture = user_data;
    return capture->failed || (capture->cancel && atomic_load(capture->cancel));
}

/* ==== Decoding ==== */

static uint32_t round_up(size_t value, uint32_t step) { return (uint32_t)((value + step - 1) / step * step); }

tt_capture *tt_capture_open(tt_model *model, const tt_capture_options *options, tt_error *err) {
    tt_capture *capture = tt_alloc(1, sizeof *capture, err);
    if (!capture) return NULL;
    if (!tt_graph_find_input(model, capture->input, err)) {
        tt_capture_close(capture);
        return NULL;
    }
    capture->model = model;
    /* A block that carries a state has one for each sequence: sequences cannot share tokens. */
    capture->plain = options->plain || model->facts.recurrent;
    capture->window = tt_model_uses_gpu(model) ? GPU_WINDOW : CPU_WINDOW;
    /* With a state for each sequence libllama would put what fills up a batch into another micro-batch. There each prompt is
     * alone anyway. */
    capture->group = model->facts.recurrent ? 1 : TT_TREE_BATCH_GROUP;
    capture->ubatch = round_up((size_t)model->ubatch, (uint32_t)capture->group);
    return capture;
}

void tt_capture_close(tt_capture *capture) {
    if (!capture) return;
    if (capture->context) llama_free(capture->context);
    free(capture);
}

tt_capture_counts tt_capture_counts_of(const tt_capture *capture) { return capture->counts; }

/* Makes sure of a context with room for `tokens` cells and `sequences` prompts. */
static bool reserve(tt_capture *capture, size_t tokens, size_t sequences, tt_error *err) {
    if (capture->context && tokens <= capture->room && sequences <= capture->sequences) return true;
    if (capture->context) llama_free(capture->context);
    capture->room = round_up(tokens > capture->room ? tokens : capture->room, CONTEXT_STEP);
    if (sequences > capture->sequences) capture->sequences = (uint32_t)sequences;
    struct llama_context_params params = tt_context_params(capture->model);
    params.n_ctx = params.n_batch = capture->room;
    params.n_ubatch = (uint32_t)capture->ubatch;
    params.n_seq_max = capture->sequences;
    params.kv_unified = true;
    params.swa_full = true;
    tt_context_cache_exact(capture->model, &params);
    params.cb_eval = on_node;
    params.cb_eval_user_data = capture;
    params.abort_callback = on_abort;
    params.abort_callback_data = capture;
    capture->context = tt_context_open(capture->model, params, err);
    return capture->context != NULL;
}

/* What llama_decode has answered. */
static bool check_decoded(const tt_capture *capture, int32_t status, tt_error *err) {
    if (capture->failed) return false; /* err is filled */
    if (status == 2 || (capture->cancel && atomic_load(capture->cancel)))
        return tt_fail(err, TT_ERROR_INTERRUPTED, "interrupted");
    if (status) {
        char reason[TT_ENGINE_REASON];
        return tt_fail(err, TT_ERROR_MODEL, "libllama failed to compute a batch of %zu tokens (status %d)%s",
                       (size_t)capture->batch.n_tokens, status, tt_engine_reason(capture->model->engine, reason));
    }
    if (capture->last != capture->after || capture->next != TT_NO_BLOCK)
        return tt_graph_fail_unsteerable(capture->model, err);
    return true;
}

/* Decodes the window of prompts that begins at place `first`, then gives the cells free that none behind it needs. Returns
 * the place behind it; 0 on failure. */
static size_t decode_window(tt_capture *capture, size_t first, tt_error *err) {
    const tt_trie *trie = capture->trie;
    capture->after = tt_trie_window(trie, first, capture->window);
    capture->base = capture->begin = trie->begins[first];
    tt_tree_batch_fill(&capture->batch, trie, capture->base, trie->begins[capture->after], capture->group, capture->ubatch);
    capture->end = capture->base + (size_t)capture->batch.n_tokens;
    const int32_t status = llama_decode(capture->context, capture->batch);
    llama_synchronize(capture->context);
    if (!check_decoded(capture, status, err)) return 0;
    struct llama_memory_i *memory = llama_get_memory(capture->context);
    for (size_t i = first; i < capture->after; i++) llama_memory_seq_rm(memory, (llama_seq_id)trie->order[i], -1, -1);
    if (capture->group > 1) llama_memory_seq_rm(memory, (llama_seq_id)trie->prompts, -1, -1);
    return capture->after;
}

static bool decode_all(tt_capture *capture, tt_error *err) {
    llama_memory_clear(llama_get_memory(capture->context), false);
    tt_engine_forget(capture->model->engine);
    for (size_t place = 0; place < capture->trie->prompts;) {
        place = decode_window(capture, place, err);
        if (!place) return false;
    }
    return true;
}

/* Decodes one tree, in a cache emptied beforehand. */
static bool decode(tt_capture *capture, const tt_trie *trie, float *contributions, tt_error *err) {
    const size_t more = capture->group - 1; /* tokens that fill up a call, in a sequence of their own */
    if (!reserve(capture, tt_trie_most_cells(trie, capture->window) + more, trie->prompts + (more > 0), err)) return false;
    capture->residual = tt_alloc(trie->prompts * capture->model->facts.width, sizeof *capture->residual, err);
    bool ok = capture->residual && tt_tree_batch_init(&capture->batch, trie, trie->count + more, err);
    if (ok) {
        capture->contributions = contributions;
        capture->length = capture->first = capture->last = 0;
        capture->next = TT_NO_BLOCK;
        capture->failed = false;
        capture->err = err;
        capture->trie = trie;
        ok = decode_all(capture, err);
        capture->trie = NULL;
        capture->err = NULL;
    }
    if (ok) capture->counts.computed_tokens += trie->count;
    tt_tree_batch_free(&capture->batch);
    free(capture->residual);
    return ok;
}

static bool check_prompts(const tt_capture *capture, const tt_tokens *prompts, size_t count, tt_error *err) {
    const uint32_t context = capture->model->facts.context;
    for (size_t i = 0; i < count; i++) {
        if (prompts[i].count == 0) return tt_fail(err, TT_ERROR_INPUT, "a prompt without any token cannot be captured");
        if (context && prompts[i].count > context)
            return tt_fail(err, TT_ERROR_INPUT,
                           "a prompt of %zu tokens is longer than the model's context of %u; shorten the writing prompts",
                           prompts[i].count, context);
    }
    return true;
}

bool tt_capture_run(tt_capture *capture, const tt_tokens *prompts, size_t count, const atomic_bool *cancel,
                    float *contributions, tt_error *err) {
    if (!check_prompts(capture, prompts, count, err)) return false;
    const size_t step = capture->plain ? 1 : llama_max_parallel_sequences() - 1; /* one is for what fills up a batch */
    const size_t stride = (size_t)capture->model->facts.blocks * capture->model->facts.width;
    capture->cancel = cancel;
    for (size_t i = 0; i < count; i += step) {
        const size_t size = count - i < step ? count - i : step;
        tt_trie trie;
        if (!tt_trie_build(&trie, prompts + i, size, !capture->plain, err)) return false;
        const bool ok = decode(capture, &trie, contributions + i * stride, err);
        tt_trie_free(&trie);
        if (!ok) return false;
    }
    capture->counts.prompts += count;
    for (size_t i = 0; i < count; i++) capture->counts.plain_tokens += prompts[i].count;
    return true;
}
