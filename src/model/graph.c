/* graph.c: see graph.h, and model.h for tt_model_check_steerable */
#include "model/graph.h"
#include "base/memory.h"
#include "model/stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ASKED_BLOCK = 1 }; /* the first block that libllama has a control vector for */

int tt_graph_block_of_output(const struct ggml_tensor *node) {
    static const char prefix[] = "l_out-"; /* asked for every node of every graph: nearly all end here */
    if (strncmp(node->name, prefix, sizeof prefix - 1) != 0) return TT_NO_BLOCK;
    int block, used = 0;
    const char *number = node->name + sizeof prefix - 1;
    return sscanf(number, "%d%n", &block, &used) == 1 && number[used] == '\0' ? block : TT_NO_BLOCK;
}

bool tt_graph_fail_unsteerable(const tt_model *model, tt_error *err) {
    return tt_fail(err, TT_ERROR_MODEL,
                   "'%s' models cannot be steered with libllama %s: their graph has no place for a control vector",
                   model->facts.architecture, llama_version());
}

/* What the graph of one token tells. */
struct probe {
    tt_stream stream;
    bool has_input;              /* block 0's output has been seen, and its input found */
    char input[GGML_MAX_NAME];   /* the name of that */
    bool seen_output, steerable; /* whether libllama adds a vector to what block 1 puts out */
    bool failed;
    tt_error *err;
};

/* Does a node add one row, which is data and not computed, to all of another's? */
static bool adds_vector(const struct ggml_tensor *node, int64_t width) {
    const struct ggml_tensor *added = node->src[1];
    return node->op == GGML_OP_ADD && added && added->op == GGML_OP_NONE && added->ne[0] == width &&
           ggml_nelements(added) == width;
}

static void note(struct probe *probe, const struct ggml_tensor *node) {
    probe->failed = !tt_stream_note(&probe->stream, node, probe->err);
    if (probe->failed || tt_graph_block_of_output(node) != 0) return;
    probe->seen_output = true;
    const struct ggml_tensor *input = tt_stream_begins(&probe->stream);
    probe->has_input = input != NULL;
    if (input) memcpy(probe->input, input->name, sizeof probe->input);
}

static bool on_node(struct ggml_tensor *node, bool asking, void *user_data) {
    struct probe *probe = user_data;
    if (!asking) return false; /* the answers are known: stop */
    if (probe->failed || probe->steerable) return false;
    if (!probe->seen_output) note(probe, node);
    if (tt_graph_block_of_output(node) == ASKED_BLOCK) probe->steerable = adds_vector(node, probe->stream.width);
    return probe->steerable;
}

static bool decode_one_token(struct llama_context *context, const tt_model *model, tt_error *err) {
    float *zeros = tt_alloc(model->facts.width, sizeof *zeros, err);
    if (!zeros) return false;
    const int32_t width = (int32_t)model->facts.width;
    bool ok = llama_set_adapter_cvec(context, zeros, (size_t)width, width, ASKED_BLOCK, ASKED_BLOCK) == 0;
    free(zeros);
    llama_token token = 0;
    ok = ok && llama_decode(context, llama_batch_get_one(&token, 1)) == 0;
    llama_synchronize(context);
    return ok || tt_fail(err, TT_ERROR_MODEL, "libllama cannot apply a control vector to '%s'", model->facts.path);
}

static bool probe_graph(struct probe *probe, tt_model *model, tt_error *err) {
    *probe = (struct probe){.stream.width = model->facts.width, .err = err};
    struct llama_context_params params = tt_context_params(model);
    params.n_ctx = params.n_batch = params.n_ubatch = 32;
    params.n_seq_max = 1;
    params.cb_eval = on_node;
    params.cb_eval_user_data = probe;
    struct llama_context *context = tt_context_open(model, params, err);
    if (!context) return false;
    const bool decoded = decode_one_token(context, model, err);
    llama_free(context);
    tt_stream_free(&probe->stream);
    if (!decoded || probe->failed) return false;
    atomic_store(&model->steerable, probe->steerable);
    return probe->steerable || tt_graph_fail_unsteerable(model, err);
}

bool tt_model_check_steerable(tt_model *model, tt_error *err) {
    struct probe probe;
    return atomic_load(&model->steerable) || probe_graph(&probe, model, err);
}

bool tt_graph_find_input(tt_model *model, char name[GGML_MAX_NAME], tt_error *err) {
    struct probe probe;
    if (!probe_graph(&probe, model, err)) return false;
    memcpy(name, probe.input, sizeof probe.input);
    if (probe.has_input) return true;
    return tt_fail(err, TT_ERROR_MODEL,
                   "cannot tell where the hidden states of '%s' models begin in the graph of libllama %s: vectors can be "
                   "applied to such a model, but not made from it",
                   model->facts.architecture, llama_version());
}
