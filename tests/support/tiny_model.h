/* tiny_model.h: makes small random models, so that tests need no download and can know a model's every number.
 *
 * A model is described by tables (struct tt_tiny_architecture): its keys and its tensors. A further architecture is a file
 * tests/support/tiny_model_NAME.c with such tables, and a line in the list in tiny_model.c. The same options give the
 * same bytes on every machine. */
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
    const char *chat_template; /* Jinja text; NULL leaves the key out */
    bool with_tokenizer;       /* false: a model that can only be fed token numbers */
};

/* The defaults: a llama of four blocks with tokenizer and ChatML template. */
struct tt_tiny_model_options tt_tiny_model_defaults(void);

/* Writes the model, all F32, to `path`. On failure says why on standard error. `options` NULL: the defaults. */
bool tt_tiny_model_write(const char *path, const struct tt_tiny_model_options *options);

/* Names for `architecture`, `*count` of them. */
const char *const *tt_tiny_architectures(size_t *count);

extern const char tt_tiny_chatml[]; /* the ChatML template as Jinja */

/* ==== What an architecture's tables are made of ==== */

/* A number that depends on the options. As a dimension TT_TINY_NONE ends the list. */
enum tt_tiny_size {
    TT_TINY_NONE,
    TT_TINY_WIDTH,
    TT_TINY_LAYERS,
    TT_TINY_HEADS,
    TT_TINY_KV_HEADS,
    TT_TINY_HEAD_SIZE,
    TT_TINY_QUERY, /* heads x head size */
    TT_TINY_KEY,   /* kv heads x head size */
    TT_TINY_FEED_FORWARD,
    TT_TINY_EXPERTS,
    TT_TINY_EXPERTS_USED,
    TT_TINY_VOCABULARY,
    TT_TINY_CONTEXT,
    TT_TINY_SIZES
};

enum tt_tiny_fill {
    TT_TINY_MATRIX,    /* normal, standard deviation gain / sqrt(first dimension): keeps the size of its input x gain */
    TT_TINY_NORM,      /* gain x (1 + 0.1 normal) */
    TT_TINY_BIAS,      /* gain x normal */
    TT_TINY_EMBEDDING, /* gain x normal: a row a token */
    TT_TINY_OUTPUT     /* as MATRIX, but zero rows for tokens that are not text: a model that talks in readable characters */
};

struct tt_tiny_tensor {
    const char *name;           /* with "%u" for the block's number: one a block; ends the table where NULL */
    enum tt_tiny_size shape[4]; /* as ggml has it, the fastest first: a matrix is {input, output} */
    enum tt_tiny_fill fill;
    float gain;
};

enum tt_tiny_key_type { TT_TINY_U32, TT_TINY_F32, TT_TINY_BOOL };

struct tt_tiny_key {
    const char *name; /* behind "ARCHITECTURE."; ends the table where NULL */
    enum tt_tiny_key_type type;
    enum tt_tiny_size size; /* the value, or NONE: then `value` is */
    double value;
};

enum tt_tiny_tokenizer {
    TT_TINY_SENTENCEPIECE, /* as Llama 2: pieces with scores, bytes as a fallback */
    TT_TINY_BYTE_PAIRS     /* as GPT-2 and Llama 3: byte-level merges */
};

struct tt_tiny_architecture {
    const char *name;         /* what the options call it */
    const char *architecture; /* general.architecture */
    enum tt_tiny_tokenizer tokenizer;
    const char *pre_tokenizer; /* tokenizer.ggml.pre, e.g. "qwen2"; NULL: "default" */
    bool add_bos;
    const struct tt_tiny_key *keys;
    const struct tt_tiny_tensor *tensors;
};

/* ==== Between the files of this generator ==== */

/* Writes the tokenizer's keys. */
bool tt_tiny_tokenizer_write(struct gguf_context *gguf, const struct tt_tiny_architecture *architecture);

/* Tokens of that tokenizer, and whether token `id` stands for text that a person can read. */
uint32_t tt_tiny_vocabulary(enum tt_tiny_tokenizer tokenizer);
bool tt_tiny_token_is_text(enum tt_tiny_tokenizer tokenizer, uint32_t id);
