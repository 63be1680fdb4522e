/* tiny_model.h: makes small random models, so that tests need no download and can know a model's every number.
 *
 * A model is described by tables (struct tt_tiny_architecture): its keys, its tensors, its tokenizer and its chat template,
 * as libllama's loader wants them of that architecture. Tables that many architectures share are in tiny_model_parts.c; the
 * families are in tiny_model_llama.c, tiny_model_dense.c, tiny_model_gemma.c, tiny_model_experts.c,
 * tiny_model_recurrent.c and tiny_model_before.c; a further one is a description there and a line in the list in
 * tiny_model.c. The same options give the same bytes on every machine. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gguf_context;

struct tt_tiny_model_options {
    const char *architecture;  /* one of tt_tiny_architectures(); NULL: "llama" */
    const char *name;          /* general.name; NULL: "Tiny ARCHITECTURE" */
    uint32_t layers;           /* 0 here and below: the default, which is given with each */
    uint32_t width;            /* 64: d */
    uint32_t heads, kv_heads;  /* 4 and 2 */
    uint32_t head_size;        /* width / heads; another value makes the layout of Mistral-Nemo */
    uint32_t feed_forward;     /* 128 */
    uint32_t experts;          /* 4, and 2 of them in use, where the architecture has experts */
    uint32_t context;          /* 2048: the length that the model says it was trained for */
    uint64_t seed;             /* 0 is a seed like any other */
    const char *chat_template; /* Jinja text; tt_tiny_own_template: the architecture's; NULL leaves the key out */
    bool with_tokenizer;       /* false: a model that can only be fed token numbers */
};

extern const char tt_tiny_own_template[]; /* known by its address */
extern const char tt_tiny_chatml[];       /* the ChatML template as Jinja */

/* The defaults: a llama of four blocks with tokenizer and its architecture's template, which is ChatML. */
struct tt_tiny_model_options tt_tiny_model_defaults(void);

/* Writes the model, all F32, to `path`. On failure says why on standard error. `options` NULL: the defaults. */
bool tt_tiny_model_write(const char *path, const struct tt_tiny_model_options *options);

/* Names for `architecture`, `*count` of them. */
const char *const *tt_tiny_architectures(size_t *count);

/* ==== What an architecture's tables are made of ==== */

/* A number that depends on the options. As a dimension TT_TINY_NONE ends the list. */
enum tt_tiny_size {
    TT_TINY_NONE,
    TT_TINY_ONE,
    TT_TINY_WIDTH,
    TT_TINY_LAYERS,
    TT_TINY_HEADS,
    TT_TINY_KV_HEADS,
    TT_TINY_HEAD_SIZE,
    TT_TINY_HALF_HEAD, /* head size / 2 */
    TT_TINY_QUERY,     /* heads x head size */
    TT_TINY_KEY,       /* kv heads x head size */
    TT_TINY_QKV,       /* queries, keys and values in one matrix */
    TT_TINY_FEED_FORWARD,
    TT_TINY_TWICE_FEED_FORWARD, /* gate and up in one matrix */
    TT_TINY_EXPERTS,
    TT_TINY_EXPERTS_USED,
    TT_TINY_WINDOW, /* of sliding attention: 16 tokens, so that prompts are longer */
    TT_TINY_VOCABULARY,
    TT_TINY_CONTEXT,
    /* Blocks with a state (Mamba 2, PLaMo 2) or a short convolution (LFM 2). */
    TT_TINY_CONVOLUTION,     /* 4 tokens */
    TT_TINY_STATE,           /* 16 */
    TT_TINY_STATE_HEADS,     /* 4 */
    TT_TINY_INNER,           /* 2 x width */
    TT_TINY_TWICE_INNER,     /* state input and its gate */
    TT_TINY_INNER_AND_STATE, /* inner + 2 x state: what Mamba 2's convolution runs over */
    TT_TINY_STATE_INPUT,     /* Mamba 2's input: twice inner + 2 x state + heads */
    TT_TINY_STEP,            /* 64: PLaMo 2's width of the time step */
    TT_TINY_STEP_AND_STATE,  /* step + 2 x state */
    TT_TINY_THRICE_WIDTH,
    TT_TINY_SIZES
};

enum tt_tiny_fill {
    TT_TINY_MATRIX,    /* normal, standard deviation gain / sqrt(first dimension): keeps the size of its input x gain */
    TT_TINY_NORM,      /* gain x (1 + 0.1 normal); a negative gain makes the decay of a state */
    TT_TINY_BIAS,      /* gain x normal */
    TT_TINY_EMBEDDING, /* gain x normal: a row a token */
    TT_TINY_OUTPUT,    /* as MATRIX, but zero rows for tokens that are not text: a model that talks in readable characters */
    TT_TINY_TIED       /* an embedding that is the output too: rows of tokens that are not text are a quarter of the size */
};

struct tt_tiny_tensor {
    const char *name;           /* with "%u" for the block's number: one a block; ends the table where NULL */
    enum tt_tiny_size shape[4]; /* as ggml has it, the fastest first: a matrix is {input, output} */
    enum tt_tiny_fill fill;
    float gain;
};

/* ODD_ARRAY: an array with a number a block, which is 0 for the even ones. */
enum tt_tiny_key_type { TT_TINY_U32, TT_TINY_F32, TT_TINY_BOOL, TT_TINY_ODD_ARRAY };

struct tt_tiny_key {
    const char *name; /* behind "ARCHITECTURE."; ends the table where NULL */
    enum tt_tiny_key_type type;
    enum tt_tiny_size size; /* the value, or NONE: then `value` is */
    double value;
};

enum tt_tiny_tokenizer_kind {
    TT_TINY_SENTENCEPIECE, /* as Llama 2: pieces with scores, bytes as a fallback */
    TT_TINY_BYTE_PAIRS     /* as GPT-2 and Llama 3: byte-level merges */
};

struct tt_tiny_tokenizer {
    enum tt_tiny_tokenizer_kind kind;
    const char *pre;            /* tokenizer.ggml.pre, e.g. "qwen2"; NULL: "default" */
    const char *begin, *end;    /* the text's beginning and end; NULL: "<s>", "</s>" */
    const char *control[8];     /* the control tokens of the family's template; NULL ends the list */
    unsigned end_of_turn;       /* which of `control` ends an answer */
    bool adds_begin;            /* in front of every text */
    bool without_leading_space; /* SentencePiece: no space is put in front of a text */
};

enum { TT_TINY_PARTS = 10 };

struct tt_tiny_architecture {
    const char *name;         /* what the options call it */
    const char *architecture; /* general.architecture */
    const struct tt_tiny_tokenizer *tokenizer;
    const char *chat_template;                               /* Jinja */
    const struct tt_tiny_key *keys[TT_TINY_PARTS];           /* tables; NULL ends the list */
    const struct tt_tiny_tensor *tensors[TT_TINY_PARTS];     /* likewise */
    const struct tt_tiny_tensor *even_tensors, *odd_tensors; /* in every second block alone, from 0 or from 1 on; or NULL */
    uint32_t sizes[TT_TINY_SIZES];                           /* defaults of its own, where not 0 */
};

/* ==== Between the files of this generator ==== */

/* Writes the tokenizer's keys. */
bool tt_tiny_tokenizer_write(struct gguf_context *gguf, const struct tt_tiny_tokenizer *tokenizer);

/* Tokens of that tokenizer, and whether token `id` stands for text that a person can read. */
uint32_t tt_tiny_vocabulary(const struct tt_tiny_tokenizer *tokenizer);
bool tt_tiny_token_is_text(const struct tt_tiny_tokenizer *tokenizer, uint32_t id);
