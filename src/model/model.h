/* model.h: a loaded model, for rooms that do not see llama.h. */
#pragma once

#include "base/error.h"
#include "base/hash.h"
#include "model/engine.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

typedef struct tt_model tt_model;

typedef struct tt_model_options {
    const char *path;         /* GGUF file, or the first part of a split one */
    int gpu_layers;           /* -ngl; negative: all; 0: everything is computed on the processor */
    const char *tensor_split; /* -ts "3,1": shares by device; NULL: libllama's choice */
    int threads;              /* -t; 0: one for each core that this process may use */
    int ubatch;               /* -ub: tokens computed at once; 0: 512 */
    bool flash_attention_off; /* -fa off; otherwise libllama's choice, which is on if the model allows it */
    bool f32_cache;           /* keep keys and values in F32 instead of F16: more exact, for tests */
    bool from_file;           /* weights stay in the file's own pages, which the system may drop: less memory, but slower */
    /* Called while loading with 0..1; NULL for none. Loading stops when it returns false. */
    bool (*progress)(float share, void *user_data);
    void *progress_data;
} tt_model_options;

typedef struct tt_model_facts {
    const char *path, *architecture;
    const char *name;          /* general.name, or "" */
    const char *description;   /* architecture, parameters, format: "llama 135M Q4_1" */
    const char *fingerprint;   /* of the weights, the same for every quantisation */
    const char *content_hash;  /* of this exact file */
    const char *chat_template; /* its own, or NULL */
    uint32_t blocks, width;    /* L, d */
    uint32_t vocabulary;       /* its number of tokens, and of logits per position */
    uint32_t context;          /* positions it was trained for */
    uint64_t bytes, parameters;
    bool recurrent; /* has blocks that carry a state instead of a key-value cache */
} tt_model_facts;

/* Loads a model. Refuses, with one sentence, files that are not text-generating models. `engine` must outlive it. */
tt_model *tt_model_open(tt_engine *engine, const tt_model_options *options, tt_error *err);
void tt_model_close(tt_model *model); /* harmless on NULL */

/* Opens the same model again for comparison, with all blocks on the processor and its weights in the file's own pages
 * (`from_file`). */
tt_model *tt_model_open_on_processor(const tt_model *model, tt_error *err);

/* Owned by the model. */
const tt_model_facts *tt_model_facts_of(const tt_model *model);

/* The number of threads in use: the option, or the available cores. */
int tt_model_threads(const tt_model *model);

/* True if libllama has a device other than the processor, here or over RPC, and may put blocks on it. */
bool tt_model_uses_gpu(const tt_model *model);

/* The other options that change the last bits of the model's results: tokens per micro-batch (the option, or its
 * default); whether flash attention is off; and where the blocks are: how many on other devices (-1: all; 0 if there are
 * no others), on which machines and in which shares, as requested ("" if no block is elsewhere). */
uint32_t tt_model_ubatch(const tt_model *model);
bool tt_model_flash_attention_off(const tt_model *model);
int tt_model_gpu_layers(const tt_model *model);
const char *tt_model_rpc_servers(const tt_model *model);
const char *tt_model_tensor_split(const tt_model *model);

/* Checks that libllama adds a control vector to the outputs of this model's blocks. Some architectures' graphs have no
 * place for one, and loading a vector then does nothing: false, with a sentence that names the architecture. Computes two
 * blocks for one token, unless already known to be true. */
bool tt_model_check_steerable(tt_model *model, tt_error *err);

/* ==== Tokens ==== */

typedef struct tt_tokens {
    int32_t *ids;
    size_t count;
} tt_tokens; /* ids are freed by tt_tokens_free */

/* Text to tokens. Special tokens in the text are parsed; the model's beginning-of-text token is added unless the text has
 * it. */
bool tt_tokenize(const tt_model *model, const char *text, size_t length, tt_tokens *tokens, tt_error *err);
void tt_tokens_free(tt_tokens *tokens);

/* The same for a part of a text: adds the tokens that begin a text only if `add`; parses special tokens only if `parse`,
 * otherwise they are plain text. */
bool tt_tokenize_part(const tt_model *model, const char *text, size_t length, bool add, bool parse, tt_tokens *tokens,
                      tt_error *err);
