/* graph.c: see graph.h, and model.h for tt_model_check_steerable */
#include "model/graph.h"
#include "base/memory.h"

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

struct probe {
    int64_t width;
    bool found;
};

/* Does a node add one row, which is data and not computed, to all of another's? */
static bool adds_vector(const struct ggml_tensor *node, int64_t width) {
    const struct ggml_tensor *added = node->src[1];
    return node->op == GGML_OP_ADD && added && added->op == GGML_OP_NONE && added->ne[0] == width &&
           ggml_nelements(added) == width;
}

static bool on_node(struct ggml_tensor *node, bool asking, void *user_data) {
    struct probe *probe = user_data;
    if (!asking) return false; /* the answer is known: stop */
    if (tt_graph_block_of_output(node) != ASKED_BLOCK) return false;
    probe->found = adds_vector(node, probe->width);
    return probe->found;
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

bool tt_model_check_steerable(tt_model *model, tt_error *err) {
    if (atomic_load(&model->steerable)) return true;
    struct probe probe = {.width = model->facts.width};
    struct llama_context_params params = tt_context_params(model);
    params.n_ctx = params.n_batch = params.n_ubatch = 32;
    params.n_seq_max = 1;
    params.cb_eval = on_node;
    params.cb_eval_user_data = &probe;
    struct llama_context *context = tt_context_open(model, params, err);
    if (!context) return false;
    const bool decoded = decode_one_token(context, model, err);
    llama_free(context);
    if (!decoded) return false;
    atomic_store(&model->steerable, probe.found);
    return probe.found || tt_graph_fail_unsteerable(model, err);
}
