/* internal.h: what the files of model/ share among themselves, llama.h included. No other room includes this. */
#pragma once

#include "gguf/facts.h"
#include "model/model.h"

#include <llama.h>
#include <stdatomic.h>

struct tt_model {
    tt_engine *engine;
    struct llama_model *handle;
    const struct llama_vocab *vocabulary;
    tt_gguf_facts file;
    tt_model_facts facts;
    char *path, *description, *tensor_split;
    int threads, ubatch, gpu_layers;
    bool flash_attention_off, f32_cache, uses_gpu;
    atomic_bool steerable; /* known to be steerable */
};

/* Context parameters from the model's options: threads, micro-batch, flash attention, cache type. */
struct llama_context_params tt_context_params(const tt_model *model);

/* Chooses cache types with which a token's result does not depend on where its beginning lies in the cache, nor on what
 * else is in the cache: to the bit on a CPU with flash attention, elsewhere up to rounding. */
void tt_context_cache_exact(const tt_model *model, struct llama_context_params *params);

/* llama_init_from_model, with a sentence on failure. */
struct llama_context *tt_context_open(const tt_model *model, struct llama_context_params params, tt_error *err);
