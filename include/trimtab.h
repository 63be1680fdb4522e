/* trimtab.h: libtrimtab's manual. It makes control vectors from a GGUF language model, and writes text with them applied.
 *
 *     cc program.c $(pkg-config --cflags --libs trimtab)
 *
 * docs/examples/steer.c is a whole program. The order of things:
 *
 *     trimtab *t = trimtab_open("model.gguf", NULL, &error);             a model, loaded once
 *     trimtab_train(t, "vectors", NULL, &error);                         makes vectors in a folder (needed once)
 *     trimtab_steer(t, "vectors", "language=0.5", 0, &error);            applies a mix of them from now on
 *     trimtab_generate(t, "Tell me a story.", NULL, &answer, &error);    writes
 *     trimtab_close(t);
 *
 * Failure. A function that can fail returns a trimtab_status (or NULL) and fills the trimtab_error that it is given with one
 * sentence fit for the user; NULL is allowed for who does not want it. The sentence may name options of the command line:
 * fields here have the same names. The library prints nothing, unless `verbose` is asked for; but the engine underneath
 * reports a faulty grammar on standard error.
 *
 * Memory. Texts and structures that are passed in stay the caller's and are not needed after the call. What the caller
 * must free is said at the function. All text is UTF-8, zero-terminated.
 *
 * Threads. A handle is used by one thread at a time; only trimtab_cancel may be called from any other, and from the
 * callbacks. Different handles may be used side by side. What is shared by the process is the inference engine underneath:
 * the first trimtab_open starts it, the last trimtab_close stops it. Beside that there is no global state, but for OpenBLAS,
 * whose number of threads training sets.
 *
 * Numbers below 1.0 of the version make no promise on the binary interface: build against the header that is installed. */
#pragma once

#include <stddef.h>

#if defined(__GNUC__)
#define TRIMTAB_API __attribute__((visibility("default")))
#else
#define TRIMTAB_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The library's version, "0.1.0". */
TRIMTAB_API const char *trimtab_version(void);

/* ==== Errors ==== */

typedef enum trimtab_status {
    TRIMTAB_OK,         /* 0: all went well */
    TRIMTAB_USAGE,      /* the caller asked for something that makes no sense */
    TRIMTAB_INPUT,      /* a file or value is not what it should be */
    TRIMTAB_IO,         /* the operating system refused to read or write */
    TRIMTAB_MEMORY,     /* out of memory */
    TRIMTAB_MODEL,      /* the model cannot do what was asked */
    TRIMTAB_INTERRUPTED /* by trimtab_cancel, or by a callback */
} trimtab_status;

typedef struct trimtab_error {
    trimtab_status status;
    char message[1024]; /* one sentence without a full stop or newline; "" while there is no error */
} trimtab_error;

/* ==== A model ==== */

typedef struct trimtab trimtab;

typedef struct trimtab_options {
    int gpu_layers;            /* blocks that a GPU computes, where there is one; -1: all of them */
    const char *tensor_split;  /* "3,1": shares of several GPUs; NULL: the engine's choice */
    int threads;               /* of the processor; 0: one for each core that this process may use */
    int micro_batch;           /* tokens computed at once; 0: 512 */
    unsigned int context;      /* tokens of a prompt and its answer together; 0: as many as the model knows, at most 8192 */
    const char *chat_template; /* NULL: the model's own; else one by name, such as "chatml"; "none" for a base model */
    const char *rpc_servers;   /* "HOST:PORT,...": machines that run ggml-rpc-server; NULL: none. For the whole process:
                                  the open that starts the engine decides */
    int verbose;               /* not 0: the engine's own messages on standard error. For the whole process, too */
    int (*loading)(void *user_data, double share); /* called with 0..1 while the model loads; stops it when it returns other
                                                      than 0; may be NULL */
    void *user_data;                               /* handed to it */
    const char *chat_template_file;                /* a file with the chat template to use (Jinja); NULL: the model's own */
    const char *chat_template_kwargs; /* JSON object: what the template is told besides, such as {"enable_thinking": false};
                                         NULL: nothing */
} trimtab_options;

/* What NULL stands for, to be changed where needed. */
TRIMTAB_API trimtab_options trimtab_defaults(void);

/* Loads the model in the GGUF file `path` (the first part of a split one). `options` may be NULL. The caller closes the
 * handle. NULL on failure. */
TRIMTAB_API trimtab *trimtab_open(const char *path, const trimtab_options *options, trimtab_error *error);

/* Frees the handle and the model. Harmless on NULL. */
TRIMTAB_API void trimtab_close(trimtab *t);

/* Makes the call that another thread, or a callback, is in the midst of stop soon: trimtab_train with TRIMTAB_INTERRUPTED,
 * trimtab_generate with the text so far. Calls that begin later are not concerned. May be called from a signal handler. */
TRIMTAB_API void trimtab_cancel(trimtab *t);

/* ==== Making control vectors ==== */

/* The built-in axes' names: `index` from 0 up; NULL beyond the last. */
TRIMTAB_API const char *trimtab_axis_name(size_t index);

typedef struct trimtab_train_options {
    const char *const *axes;  /* `axis_count` names of built-in axes, or axis files (docs/axes.md) */
    size_t axis_count;        /* 0: all built-in axes */
    size_t samples;           /* triplets of prompts for each axis, at least 2; about a third of the model's hidden size is
                                 thorough */
    unsigned long seed;       /* the same seed draws the same prompts */
    const char *method;       /* "cross-covariance" (NULL means it), "mean-difference" or "pca" */
    double tolerance;         /* cross-covariance: least discriminant ratio of an eigenvector, and least gain of a further
                                 one; 0.5 is usual, and more leaves out more blocks */
    double hold_out;          /* share of stems, phrases and writing prompts kept from training, 0 to below 1 */
    const char *stems_file;   /* JSON; NULL: the built-in stems */
    const char *prompts_file; /* writing prompts, one a line, or a grammar (.json); NULL: the built-in ones */
    const char *name;         /* what the files call the model; NULL: its own name */
    int restart;              /* not 0: begin anew where there are hidden states of other options */
    int keep_states;          /* not 0: keep the hidden states in the folder when all is done */
    /* Called now and then in each stage, "capturing" (samples) and "solving" (blocks); stops the training when it returns
     * other than 0. Not always in the thread that called trimtab_train, but never twice at once. May be NULL. */
    int (*progress)(void *user_data, const char *stage, unsigned long done, unsigned long total);
    /* Receives sentences such as "going on with 'F.states': 96 of 192 samples are there". May be NULL. */
    void (*note)(void *user_data, const char *sentence);
    void *user_data; /* handed to both */
} trimtab_train_options;

/* What NULL stands for: all built-in axes, 192 samples, seed 0, tolerance 0.5, a tenth held out. */
TRIMTAB_API trimtab_train_options trimtab_train_defaults(void);

/* Makes control vectors for the axes, three GGUF files and a JSON report each, in `folder`, which is made if it is missing.
 * Files there are replaced, each as a whole or not at all. A training that was stopped or failed goes on from where it was
 * when it is called again with the same options. Steering has no part in it. */
TRIMTAB_API trimtab_status trimtab_train(trimtab *t, const char *folder, const trimtab_train_options *options,
                                         trimtab_error *error);

/* ==== Applying them ==== */

/* From now on generates under `mix`, "NAME=VALUE,...", such as "language=0.5,optimism_vs_nihilism=-0.3", whose vectors are
 * in `folder`. A name is an axis' or a class'; a value above 0 steers to the axis' second class, below 0 to its first,
 * usually within -1 and 1; 0 only takes the model to the middle. `mix` NULL or "" clears (`folder` may then be NULL, too).
 * On failure the mix before stays.
 *
 * A mix that is unwise - vectors of another model, say - is refused; `force` other than 0 makes that a warning, as long as
 * the numbers fit. */
TRIMTAB_API trimtab_status trimtab_steer(trimtab *t, const char *folder, const char *mix, int force, trimtab_error *error);

/* What there is to warn of in the mix in use, a sentence a line, or "". The handle's; valid until the next trimtab_steer. */
TRIMTAB_API const char *trimtab_warnings(const trimtab *t);

/* ==== Writing ==== */

typedef struct trimtab_generate_options {
    const char *system;   /* a system message before the prompt; NULL: none */
    int raw;              /* not 0: no chat template, the model writes on behind the prompt as it is */
    long limit;           /* most tokens to write; -1: until the text or the context ends */
    long seed;            /* 0 to 2^32 - 2: the same seed writes the same text; -1: another one each time */
    float temperature;    /* 0: always the likeliest token */
    int top_k;            /* choose among this many likeliest tokens; 0: all */
    float top_p;          /* among the likeliest that make up this probability; 1: all */
    float min_p;          /* among those at least this share as likely as the likeliest; 0: all */
    float repeat_penalty; /* divides the score of tokens that came lately; 1: none */
    const char *grammar;  /* GBNF text that the answer must follow; NULL: none */
    /* Receives the text as it is written, in whole characters; `bytes` end in a zero that `length` does not count. Stops
     * the writing when it returns other than 0. May be NULL. */
    int (*on_text)(void *user_data, const char *bytes, size_t length);
    void *user_data; /* handed to it */
} trimtab_generate_options;

/* What NULL stands for: llama.cpp's sampling, a random seed, no limit. */
TRIMTAB_API trimtab_generate_options trimtab_generate_defaults(void);

typedef enum trimtab_stop {
    TRIMTAB_STOP_END,     /* the model ended the text, or the grammar is complete */
    TRIMTAB_STOP_LIMIT,   /* as many tokens as asked for */
    TRIMTAB_STOP_CONTEXT, /* the context is full */
    TRIMTAB_STOP_CALLER   /* trimtab_cancel, or on_text, stopped it */
} trimtab_stop;

typedef struct trimtab_answer {
    char *text; /* all that was written */
    size_t length;
    trimtab_stop stop;
    size_t prompt_tokens;  /* of the prompt with its template */
    size_t reused_tokens;  /* of them, known from the call before */
    size_t written_tokens; /* of the answer */
} trimtab_answer;          /* freed by trimtab_answer_free */

/* Writes an answer to `prompt`, under the mix in use. Each call is a conversation of its own. `answer` may be NULL where
 * on_text is all that is wanted; on failure it is empty, and need not be freed. */
TRIMTAB_API trimtab_status trimtab_generate(trimtab *t, const char *prompt, const trimtab_generate_options *options,
                                            trimtab_answer *answer, trimtab_error *error);

/* Frees what the answer holds. Harmless on an empty one. */
TRIMTAB_API void trimtab_answer_free(trimtab_answer *answer);

#ifdef __cplusplus
}
#endif
