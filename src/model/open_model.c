/* open_model.c: loads a model, and tells what there is to know of it; see model.h */
#include "base/cores.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/internal.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_UBATCH = 512 };

/* "3,1" to shares by device; libllama reads llama_max_devices() of them. */
static bool parse_tensor_split(const char *text, float *shares, size_t room, tt_error *err) {
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    size_t count = 0;
    bool ok = true;
    for (const char *at = text; ok;) {
        char *end;
        const float share = strtof_l(at, &end, plain);
        ok = end != at && share >= 0 && share < 1e6F && count < room && (*end == ',' || *end == '/' || *end == '\0');
        if (!ok) break;
        shares[count++] = share;
        if (*end == '\0') break;
        at = end + 1;
    }
    freelocale(plain);
    return ok || tt_fail(err, TT_ERROR_USAGE, "-ts '%s' should be shares by device, such as 3,1 (at most %zu of them)", text,
                         room);
}

/* The processor, and libraries that only speed it up, do not count as devices for blocks. */
static bool has_gpu(void) {
    for (size_t i = 0; i < ggml_backend_dev_count(); i++) {
        const enum ggml_backend_dev_type type = ggml_backend_dev_type(ggml_backend_dev_get(i));
        if (type != GGML_BACKEND_DEVICE_TYPE_CPU && type != GGML_BACKEND_DEVICE_TYPE_ACCEL) return true;
    }
    return false;
}

static bool load(tt_model *model, const tt_model_options *options, tt_error *err) {
    struct llama_model_params params = llama_model_default_params();
    params.n_gpu_layers = options->gpu_layers;
    /* Even without blocks on a GPU, libllama would compute large batches there, so bits would depend on a batch's
     * size. */
    ggml_backend_dev_t none = NULL;
    if (!model->uses_gpu) params.devices = &none;
    params.use_extra_bufts = !options->from_file;
    params.progress_callback = options->progress;
    params.progress_callback_user_data = options->progress_data;
    float *shares = NULL;
    if (options->tensor_split) {
        shares = tt_alloc(llama_max_devices() + 1, sizeof *shares, err);
        if (!shares) return false;
        if (!parse_tensor_split(options->tensor_split, shares, llama_max_devices(), err)) {
            free(shares);
            return false;
        }
        params.tensor_split = shares;
    }
    tt_engine_forget(model->engine); /* forget older messages */
    model->handle = llama_model_load_from_file(options->path, params);
    free(shares);
    if (model->handle) return true;
    char reason[TT_ENGINE_REASON];
    return tt_fail(err, TT_ERROR_MODEL, "libllama %s cannot load '%s'%s", llama_version(), options->path,
                   tt_engine_reason(model->engine, reason));
}

/* libllama describes a model as "llama 256M Q4_1", but guesses the size from the number of blocks; here it comes from the
 * parameters. The caller frees it. */
static char *describe(const struct llama_model *handle, tt_error *err) {
    char description[256] = "";
    llama_model_desc(handle, description, sizeof description);
    const char *size = strchr(description, ' '), *rest = size ? strchr(size + 1, ' ') : NULL;
    if (!rest) return tt_strdup(description, err);
    char parameters[32];
    return tt_format(err, "%.*s %s%s", (int)(size - description), description,
                     tt_parameters_text((double)llama_model_n_params(handle), parameters), rest);
}

static bool take_facts(tt_model *model, tt_error *err) {
    model->description = describe(model->handle, err);
    if (!model->description) return false;
    model->vocabulary = llama_model_get_vocab(model->handle);
    model->facts = (tt_model_facts){
        .path = model->path,
        .architecture = model->file.architecture,
        .name = model->file.name,
        .description = model->description,
        .fingerprint = model->file.fingerprint,
        .content_hash = model->file.content_hash,
        .chat_template = llama_model_chat_template(model->handle, NULL),
        .blocks = (uint32_t)llama_model_n_layer(model->handle),
        .width = (uint32_t)llama_model_n_embd(model->handle),
        .vocabulary = (uint32_t)llama_vocab_n_tokens(model->vocabulary),
        .context = (uint32_t)llama_model_n_ctx_train(model->handle),
        .bytes = model->file.bytes,
        .parameters = llama_model_n_params(model->handle),
        .recurrent = llama_model_is_recurrent(model->handle) || llama_model_is_hybrid(model->handle),
    };
    return true;
}

/* Models that libllama loads, but that cannot be steered. */
static bool check_loaded(const tt_model *model, tt_error *err) {
    const char *path = model->path;
    if (llama_vocab_type(model->vocabulary) == LLAMA_VOCAB_TYPE_NONE)
        return tt_fail(err, TT_ERROR_MODEL, "'%s' has no tokenizer, so it can neither read a prompt nor write text", path);
    if (llama_model_has_encoder(model->handle) || !llama_model_has_decoder(model->handle))
        return tt_fail(err, TT_ERROR_MODEL, "'%s' (%s) reads through an encoder; only decoder models can be steered", path,
                       model->file.architecture);
    if (llama_model_is_diffusion(model->handle))
        return tt_fail(err, TT_ERROR_MODEL, "'%s' (%s) is a diffusion model, which does not write token after token", path,
                       model->file.architecture);
    if (model->facts.blocks < 2)
        return tt_fail(err, TT_ERROR_MODEL, "'%s' has fewer than two blocks: there is nothing to steer", path);
    return true;
}

tt_model *tt_model_open(tt_engine *engine, const tt_model_options *options, tt_error *err) {
    tt_model *model = tt_alloc(1, sizeof *model, err);
    if (!model) return NULL;
    model->engine = engine;
    model->threads = options->threads > 0 ? options->threads : tt_cores_available();
    model->ubatch = options->ubatch > 0 ? options->ubatch : DEFAULT_UBATCH;
    model->uses_gpu = options->gpu_layers != 0 && has_gpu();
    model->gpu_layers = !model->uses_gpu ? 0 : options->gpu_layers < 0 ? -1 : options->gpu_layers;
    model->flash_attention_off = options->flash_attention_off;
    model->f32_cache = options->f32_cache;
    model->path = tt_strdup(options->path, err);
    model->tensor_split = tt_strdup(options->tensor_split ? options->tensor_split : "", err);
    if (model->path && model->tensor_split && tt_gguf_facts_read(&model->file, options->path, err) &&
        load(model, options, err) && take_facts(model, err) && check_loaded(model, err))
        return model;
    tt_model_close(model);
    return NULL;
}

tt_model *tt_model_open_on_processor(const tt_model *model, tt_error *err) {
    return tt_model_open(model->engine,
                         &(tt_model_options){.path = model->path,
                                             .threads = model->threads,
                                             .ubatch = model->ubatch,
                                             .flash_attention_off = model->flash_attention_off,
                                             .f32_cache = model->f32_cache,
                                             .from_file = true},
                         err);
}

void tt_model_close(tt_model *model) {
    if (!model) return;
    if (model->handle) llama_model_free(model->handle);
    tt_gguf_facts_free(&model->file);
    free(model->path);
    free(model->description);
    free(model->tensor_split);
    free(model);
}

const tt_model_facts *tt_model_facts_of(const tt_model *model) { return &model->facts; }

int tt_model_threads(const tt_model *model) { return model->threads; }

bool tt_model_uses_gpu(const tt_model *model) { return model->uses_gpu; }

uint32_t tt_model_ubatch(const tt_model *model) { return (uint32_t)model->ubatch; }

bool tt_model_flash_attention_off(const tt_model *model) { return model->flash_attention_off; }

/* libllama counts the output as one more block. */
int tt_model_gpu_layers(const tt_model *model) {
    return model->gpu_layers > (int)model->facts.blocks ? -1 : model->gpu_layers;
}

const char *tt_model_rpc_servers(const tt_model *model) {
    return model->uses_gpu ? tt_engine_rpc_servers(model->engine) : "";
}

const char *tt_model_tensor_split(const tt_model *model) { return model->uses_gpu ? model->tensor_split : ""; }

struct llama_context_params tt_context_params(const tt_model *model) {
    struct llama_context_params params = llama_context_default_params();
    params.n_threads = params.n_threads_batch = model->threads;
    params.n_ubatch = (uint32_t)model->ubatch;
    params.flash_attn_type = model->flash_attention_off ? LLAMA_FLASH_ATTN_TYPE_DISABLED : LLAMA_FLASH_ATTN_TYPE_AUTO;
    params.no_perf = true;
    if (model->f32_cache) params.type_k = params.type_v = GGML_TYPE_F32;
    return params;
}

/* On a CPU, keys are kept in F16 and values in BF16. ggml then has two ways through flash attention. One takes 64 queries
 * and 64 cells at a time; the other goes from cell to cell for each query and skips those that it must not see. The
 * second adds the same numbers in the same order however the cache is arranged, so a tree of prompts gives the same bits
 * as one prompt at a time. The first, for micro-batches of 64 tokens or more with keys and values both in F16, would differ
 * by rounding, which models with quantised activations amplify to some percent. (A cache of F32 counts as F16, since
 * libllama rounds it before flash attention.) docs/capture.md has measurements. */
void tt_context_cache_exact(const tt_model *model, struct llama_context_params *params) {
    if (model->f32_cache || model->flash_attention_off || tt_model_uses_gpu(model)) return;
    params->type_k = GGML_TYPE_F16;
    params->type_v = GGML_TYPE_BF16;
}

struct llama_context *tt_context_open(const tt_model *model, struct llama_context_params params, tt_error *err) {
    tt_engine_forget(model->engine);
    struct llama_context *context = llama_init_from_model(model->handle, params);
    if (context) return context;
    char reason[TT_ENGINE_REASON];
    tt_fail(err, TT_ERROR_MODEL, "libllama cannot make a context of %u tokens for '%s'%s", params.n_ctx, model->path,
            tt_engine_reason(model->engine, reason));
    return NULL;
}

bool tt_tokenize_part(const tt_model *model, const char *text, size_t length, bool add, bool parse, tt_tokens *tokens,
                      tt_error *err) {
    *tokens = (tt_tokens){0};
    if (length > INT32_MAX / 2)
        return tt_fail(err, TT_ERROR_INPUT, "a prompt of %zu bytes is too long for any model", length);
    /* A byte gives at most one token; the beginning and end need room as well. */
    const int32_t room = (int32_t)length + 8;
    tokens->ids = tt_alloc((size_t)room, sizeof *tokens->ids, err);
    if (!tokens->ids) return false;
    const int32_t count = llama_tokenize(model->vocabulary, text, (int32_t)length, tokens->ids, room, add, parse);
    if (count < 0) {
        tt_tokens_free(tokens);
        return tt_fail(err, TT_ERROR_MODEL, "libllama cannot tokenise a prompt of %zu bytes", length);
    }
    tokens->count = (size_t)count;
    return true;
}

bool tt_tokenize(const tt_model *model, const char *text, size_t length, tt_tokens *tokens, tt_error *err) {
    if (!tt_tokenize_part(model, text, length, true, true, tokens, err)) return false;
    const int32_t begin = llama_vocab_bos(model->vocabulary);
    if (tokens->count > 1 && begin >= 0 && tokens->ids[0] == begin && tokens->ids[1] == begin) {
        tokens->count--;
        memmove(tokens->ids, tokens->ids + 1, tokens->count * sizeof *tokens->ids);
    }
    return true;
}

void tt_tokens_free(tt_tokens *tokens) {
    free(tokens->ids);
    *tokens = (tt_tokens){0};
}
