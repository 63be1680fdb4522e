/* steering_ways.c: eight sequences with eight different mixes, steered in three ways; what does each cost?
 *
 * - callback: one context, all sequences in one batch; the evaluation callback adds each sequence's own rows. This is what
 *   trimtab serve does.
 * - adapter: one context, one decode a sequence, llama_set_adapter_cvec before each.
 * - contexts: a context a mix, its adapter set once; one decode a sequence.
 *
 * To compare with, the same batch without any steering ("none"); each with one cache for all sequences ("unified") and one a
 * sequence ("streams"). It talks to libllama directly, because two of the ways are not taken by the program.
 *
 * usage: steering_ways MODEL.gguf [SEQUENCES [STEPS [BLOCKS ON A GPU]]]; prints JSON. */
#include <ggml-backend.h>
#include <llama.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SEQUENCES_MOST = 64, PROMPT = 64 };

typedef struct bench {
    struct llama_model *model;
    int sequences, steps, blocks, width, vocabulary;
    float *rows;    /* blocks x width: one random vector, small enough not to break the model */
    float *fetched; /* micro-batch x width: a block's output */
    int first;      /* batch index of the decode's first token */
} bench;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static bool add_rows(struct ggml_tensor *node, bool asking, void *user_data) {
    const bench *b = user_data;
    int block;
    if (strncmp(node->name, "l_out-", 6) || sscanf(node->name + 6, "%d", &block) != 1 || block < 1) return !asking;
    if (asking) return true;
    /* To a GPU's memory and back, once a block for all rows together. */
    float *data = b->fetched;
    ggml_backend_tensor_get(node, data, 0, ggml_nbytes(node));
    for (int64_t row = 0; row < node->ne[1]; row++)
        for (int64_t i = 0; i < node->ne[0]; i++) data[row * node->ne[0] + i] += b->rows[(int64_t)block * b->width + i];
    ggml_backend_tensor_set(node, data, 0, ggml_nbytes(node));
    return true;
}

static struct llama_context *open_context(bench *b, int sequences, bool unified, bool callback) {
    struct llama_context_params params = llama_context_default_params();
    params.n_ctx = (uint32_t)(sequences * (PROMPT + b->steps + 8));
    params.n_batch = 2048;
    params.n_seq_max = (uint32_t)sequences;
    params.kv_unified = unified;
    params.n_threads = params.n_threads_batch = 2;
    params.no_perf = true;
    if (callback) {
        params.cb_eval = add_rows;
        params.cb_eval_user_data = b;
    }
    return llama_init_from_model(b->model, params);
}

static void decode(struct llama_context *context, struct llama_batch *batch) {
    if (llama_decode(context, *batch)) {
        fprintf(stderr, "decode failed\n");
        exit(1);
    }
    llama_synchronize(context);
    batch->n_tokens = 0;
}

static void put(const bench *b, struct llama_batch *batch, int token, int position, int sequence, bool output) {
    const int i = batch->n_tokens++;
    batch->token[i] = token % b->vocabulary;
    batch->pos[i] = position;
    batch->n_seq_id[i] = 1;
    batch->seq_id[i][0] = sequence;
    batch->logits[i] = output;
}

static void prefill(const bench *b, struct llama_context *context, struct llama_batch *batch, int sequence) {
    for (int i = 0; i < PROMPT; i++) put(b, batch, 1000 + 17 * i + sequence, i, sequence, i == PROMPT - 1);
    decode(context, batch);
}

static void set_adapter(const bench *b, struct llama_context *context) {
    llama_set_adapter_cvec(context, b->rows + b->width, (size_t)b->width * (size_t)(b->blocks - 1), b->width, 1,
                           b->blocks - 1);
}

/* Seconds that a step of all sequences takes, all in one batch. */
static double batched(bench *b, bool unified, bool callback) {
    struct llama_batch batch = llama_batch_init(2048, 0, 1);
    struct llama_context *context = open_context(b, b->sequences, unified, callback);
    for (int s = 0; s < b->sequences; s++) prefill(b, context, &batch, s);
    double begin = 0;
    for (int step = -4; step < b->steps - 4; step++) {
        if (step == 0) begin = now();
        for (int s = 0; s < b->sequences; s++) put(b, &batch, 2000 + step, PROMPT + 4 + step, s, true);
        decode(context, &batch);
    }
    const double seconds = (now() - begin) / (b->steps - 4);
    llama_free(context);
    llama_batch_free(batch);
    return seconds;
}

/* The same, one decode a sequence; `many`: a context each. */
static double apart(bench *b, bool many) {
    struct llama_batch batch = llama_batch_init(2048, 0, 1);
    struct llama_context *contexts[SEQUENCES_MOST];
    for (int s = 0; s < b->sequences; s++) {
        contexts[s] = many || s == 0 ? open_context(b, many ? 1 : b->sequences, true, false) : contexts[0];
        if (many) set_adapter(b, contexts[s]);
        prefill(b, contexts[s], &batch, many ? 0 : s);
    }
    double begin = 0;
    for (int step = -4; step < b->steps - 4; step++) {
        if (step == 0) begin = now();
        for (int s = 0; s < b->sequences; s++) {
            if (!many) set_adapter(b, contexts[s]);
            put(b, &batch, 2000 + step, PROMPT + 4 + step, many ? 0 : s, true);
            decode(contexts[s], &batch);
        }
    }
    const double seconds = (now() - begin) / (b->steps - 4);
    for (int s = 0; s < (many ? b->sequences : 1); s++) llama_free(contexts[s]);
    llama_batch_free(batch);
    return seconds;
}

static void quiet(enum ggml_log_level level, const char *text, void *user_data) { (void)level, (void)text, (void)user_data; }

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: steering_ways MODEL.gguf [SEQUENCES [STEPS [BLOCKS]]]\n");
        return 2;
    }
    bench b = {.sequences = argc > 2 ? atoi(argv[2]) : 8, .steps = argc > 3 ? atoi(argv[3]) : 48};
    if (b.sequences < 1 || b.sequences > SEQUENCES_MOST || b.steps < 8) return 2;
    llama_log_set(quiet, NULL);
    ggml_backend_load_all();
    llama_backend_init();
    struct llama_model_params params = llama_model_default_params();
    if (argc > 4) params.n_gpu_layers = atoi(argv[4]);
    b.model = llama_model_load_from_file(argv[1], params);
    if (!b.model) return 1;
    b.blocks = llama_model_n_layer(b.model);
    b.width = llama_model_n_embd(b.model);
    b.vocabulary = llama_vocab_n_tokens(llama_model_get_vocab(b.model));
    b.rows = malloc(sizeof *b.rows * (size_t)b.blocks * (size_t)b.width);
    b.fetched = malloc(sizeof *b.fetched * 2048 * (size_t)b.width);
    if (!b.rows || !b.fetched) return 1;
    srand(1);
    for (int i = 0; i < b.blocks * b.width; i++) b.rows[i] = 1e-3F * ((float)rand() / (float)RAND_MAX - 0.5F);
    printf("{\"sequences\": %d, \"milliseconds a token\": {", b.sequences);
    const double to_ms = 1000.0 / b.sequences;
    printf("\"none, unified\": %.3f, ", to_ms * batched(&b, true, false));
    printf("\"none, streams\": %.3f, ", to_ms * batched(&b, false, false));
    printf("\"callback, unified\": %.3f, ", to_ms * batched(&b, true, true));
    printf("\"callback, streams\": %.3f, ", to_ms * batched(&b, false, true));
    printf("\"adapter\": %.3f, ", to_ms * apart(&b, false));
    printf("\"contexts\": %.3f}}\n", to_ms * apart(&b, true));
    free(b.rows);
    free(b.fetched);
    llama_model_free(b.model);
    llama_backend_free();
    return 0;
}
