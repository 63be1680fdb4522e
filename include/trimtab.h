/* trimtab.h: libtrimtab's manual. It makes control vectors from a GGUF language model, looks into them, and writes and
 * scores text with them applied.
 *
 *     cc program.c $(pkg-config --cflags --libs trimtab)
 *
 * The shortest use:
 *
 *     trimtab *t = trimtab_open("model.gguf", NULL, &error);              a model, loaded once
 *     trimtab_train(t, "vectors", NULL, NULL, &error);                    makes vectors in a folder (needed once)
 *     trimtab_steer(t, "vectors", "language=0.5", 0, &error);             applies a mix of them from now on
 *     trimtab_generate(t, "Tell me a story.", NULL, &answer, &error);     writes
 *     trimtab_answer_free(answer);
 *     trimtab_close(t);
 *
 * docs/examples/ has whole programs, and the program `trimtab` itself is written on this header. A server for other programs
 * is in trimtab_serve.h.
 *
 * Errors. A function that can fail returns a trimtab_status, or NULL instead of what it makes, and fills the trimtab_error
 * that it is given (may be NULL) with one sentence fit for the user. NULL where something is needed is TRIMTAB_USAGE. The
 * sentence may name an option of the command line: the field here has the same name. The library prints nothing unless
 * `verbose` is set; but the engine underneath reports a faulty grammar on standard error.
 *
 * Options. An option structure begins with its own size, which its ..._defaults() function fills in together with the
 * defaults: take that, and change fields. Where a pointer to one is NULL, the defaults are meant. A program that was built
 * with an older header hands in a smaller structure, and the fields that it lacks have their defaults. A size of 0, or one
 * beyond what this library knows, is TRIMTAB_USAGE.
 *
 * Callbacks. `user_data` is a callback's last argument: the pointer that stands next to the callback in the options. A
 * callback returns 0 to go on; anything else stops the call that it is called from, as trimtab_cancel does.
 *
 * Memory. What is passed in stays the caller's and is not needed after the call, unless it is said to be. What a function
 * makes is freed by the function named after it, which is harmless on NULL. Everything inside a result belongs to the
 * result. All text is UTF-8, zero-terminated.
 *
 * Threads. A handle, and what was made with it, is used by one thread at a time; only trimtab_cancel may be called from any
 * other, from callbacks and from signal handlers. Different handles may be used side by side. They share the inference
 * engine: the first trimtab_open starts it, the last trimtab_close stops it. There is no other global state, except that
 * training sets OpenBLAS's thread count.
 *
 * Units and shapes. A model has L `blocks` and the hidden size d, its `width`. A layer K, 1 <= K < L, is where llama.cpp
 * applies the tensor direction.K of a control vector: the output of block K. Rows are arrays of d F32 values. Class 0 of an
 * axis is the negative one, class 1 the positive one. Times are in seconds.
 *
 * Versions below 1.0 make no promise on the binary interface: build against the header that is installed. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define TRIMTAB_API __attribute__((visibility("default")))
#else
#define TRIMTAB_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The library's version, "0.1.0"; the inference engine's (libllama's); and that of llama.cpp's chat code, which runs models'
 * chat templates: NULL where trimtab was built without it. */
TRIMTAB_API const char *trimtab_version(void);
TRIMTAB_API const char *trimtab_engine_version(void);
TRIMTAB_API const char *trimtab_template_engine(void);

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

/* Frees a text that a function made. */
TRIMTAB_API void trimtab_text_free(char *text);

/* ==== Progress ==== */

/* How far a call is. A stage begins with a report of what is done already (more than 0 where an earlier run is continued).
 */
typedef struct trimtab_progress {
    const char *stage; /* "loading", "reading" a prompt, "capturing", "solving", "writing" */
    const char *unit;  /* "%", "tokens", "samples", "blocks", ... */
    uint64_t done, total;
} trimtab_progress;

/* Not always called in the thread that made the call, but never twice at once. */
typedef int (*trimtab_listener)(const trimtab_progress *progress, void *user_data);

/* ==== A model ==== */

typedef struct trimtab trimtab;

/* Whether the model is to think before it answers, where its chat template knows of that. */
typedef enum trimtab_thinking { TRIMTAB_THINK_AS_USUAL, TRIMTAB_THINK_ON, TRIMTAB_THINK_OFF } trimtab_thinking;

typedef struct trimtab_options {
    size_t size;
    int32_t gpu_layers;         /* blocks that a GPU computes, where there is one; -1: all of them */
    int32_t threads;            /* of the processor; 0: one for each core that this process may use */
    int32_t micro_batch;        /* tokens computed at once; 0: 512 */
    uint32_t context;           /* tokens of a prompt and its answer together; 0: as many as the model knows, at most 8192 */
    int32_t no_flash_attention; /* not 0: without it; else where the model allows it */
    int32_t verbose;            /* not 0: the engine's own messages on standard error. For the whole process */
    const char *tensor_split;   /* "3,1": shares of several GPUs; NULL: the engine's choice */
    const char *rpc_servers;    /* "HOST:PORT,...": machines that run ggml-rpc-server; NULL: none. For the whole process:
                                   refused where another handle is open that was given other ones */
    const char *chat_template;  /* NULL: the model's own; else one by name, such as "chatml"; "none" for a base model */
    const char *chat_template_file;   /* a file with the chat template to use (Jinja); NULL: the model's own */
    const char *chat_template_kwargs; /* a JSON object with further values for the template, such as
                                         {"enable_thinking": false}; NULL: none */
    trimtab_thinking thinking;
    int32_t control_tokens;    /* not 0: text of messages that reads like a control token ("<|im_end|>") counts as one */
    trimtab_listener progress; /* of "loading"; may be NULL */
    void *user_data;
} trimtab_options;

TRIMTAB_API trimtab_options trimtab_defaults(void);

/* Loads the model in the GGUF file `path` (the first part of a split one). The caller closes the handle. NULL on failure. */
TRIMTAB_API trimtab *trimtab_open(const char *path, const trimtab_options *options, trimtab_error *error);

/* Frees the handle and the model, after everything that was made with it. Harmless on NULL. */
TRIMTAB_API void trimtab_close(trimtab *t);

/* Makes the call that another thread, or a callback, is in the midst of stop soon: training with TRIMTAB_INTERRUPTED,
 * writing with the text so far. Calls that begin later are not concerned. May be called from a signal handler. */
TRIMTAB_API void trimtab_cancel(trimtab *t);

typedef struct trimtab_facts {
    const char *path, *name, *architecture; /* name "": the file has none */
    const char *description;                /* "llama 135M Q4_1" */
    const char *fingerprint;                /* of the weights, the same for every quantisation */
    uint32_t blocks, width;                 /* L, d */
    uint32_t vocabulary;                    /* tokens that the model knows */
    uint32_t context;                       /* tokens that it was trained for */
    uint64_t parameters, bytes;
} trimtab_facts;

/* The handle's, until it is closed. */
TRIMTAB_API const trimtab_facts *trimtab_facts_of(const trimtab *t);

/* For models with experts, before the first trimtab_open, while the process has one thread: computes a token's experts alike
 * however many tokens there are, as training should. Sets a variable of the environment, unless the user has. */
TRIMTAB_API void trimtab_even_experts(void);

/* ==== Tokens ==== */

typedef struct trimtab_tokens {
    int32_t *ids;
    size_t count;
} trimtab_tokens;

/* The tokens of `text`. With `whole` other than 0 it is taken for a whole text: control tokens in it count as such, and the
 * token that begins texts is put in front; else it is a piece of plain text. The caller frees. */
TRIMTAB_API trimtab_tokens *trimtab_tokenize(trimtab *t, const char *text, int32_t whole, trimtab_error *error);
TRIMTAB_API void trimtab_tokens_free(trimtab_tokens *tokens);

/* The text of `count` tokens, without control tokens. The caller frees with trimtab_text_free. */
TRIMTAB_API char *trimtab_detokenize(trimtab *t, const int32_t *ids, size_t count, trimtab_error *error);

/* The first stretch of `text` that the model's vocabulary takes for a control token, and its length in bytes; NULL for none.
 * Points into `text`. */
TRIMTAB_API const char *trimtab_control_token(trimtab *t, const char *text, size_t *length, trimtab_error *error);

/* ==== Prompts: what the model is to write behind ==== */

typedef struct trimtab_message {
    const char *role; /* "system", "user" or "assistant" */
    const char *content;
} trimtab_message;

typedef struct trimtab_prompt {
    const char *text;   /* as the model reads it */
    const int32_t *ids; /* the same as tokens; what was said in messages counts as text, not as control tokens */
    size_t count;
    /* What is known of reading the answer, where the model's own chat template was run; else NULL, 0. */
    const char *template_name;     /* NULL: a raw prompt */
    const char *generation_prompt; /* what of the text begins the answer */
    int32_t folds_system;          /* the template takes no system message: its text is put before a user's message */
    int32_t thinks;                /* the template knows of thinking, */
    int32_t thinking_opened;       /* and the prompt ends inside it */
    const char *thinking_start;    /* the mark that thinking begins with, or "" */
    const char *const *thinking_ends;
    size_t thinking_end_count;
    const char *tool_calls;                      /* the name of the form that tool calls have */
    const char *grammar;                         /* what the request's tools or schema ask for, as GBNF; "" for nothing */
    const char *const *stops, *const *preserved; /* texts that end the answer; control tokens that reading it needs */
    size_t stop_count, preserved_count;
} trimtab_prompt;

/* The text as it is. */
TRIMTAB_API trimtab_prompt *trimtab_prompt_raw(trimtab *t, const char *text, trimtab_error *error);

/* A conversation in the model's chat template, with the beginning of the assistant's turn behind it. */
TRIMTAB_API trimtab_prompt *trimtab_prompt_chat(trimtab *t, const trimtab_message *messages, size_t count,
                                                trimtab_error *error);

/* The same for a request in OpenAI's form, as JSON: {"messages": [...]}, and perhaps "tools", "chat_template_kwargs", ...;
 * or the list of messages alone. `name` is what messages call it; NULL: "the request". */
TRIMTAB_API trimtab_prompt *trimtab_prompt_request(trimtab *t, const char *json, const char *name, trimtab_error *error);
TRIMTAB_API void trimtab_prompt_free(trimtab_prompt *prompt);

/* ==== Writing ==== */

/* How the next token is chosen: llama.cpp's samplers, under its names. */
typedef struct trimtab_sampling trimtab_sampling;

/* With llama.cpp's defaults. The caller frees. */
TRIMTAB_API trimtab_sampling *trimtab_sampling_new(trimtab_error *error);
TRIMTAB_API void trimtab_sampling_free(trimtab_sampling *sampling);

/* Sets one option, by its name in llama-server's requests ("top_k") or on the command line ("--top-k"), from text: "40",
 * "true", a grammar (GBNF), names with ';' between them. "seed" is 0 to 2^32 - 2 for the same text each time, or -1. What
 * lists hold is added to, after "none" has emptied them; so is "logit_bias", in the form 15043+1 or 15043-inf. */
TRIMTAB_API trimtab_status trimtab_sampling_set(trimtab_sampling *sampling, const char *name, const char *value,
                                                trimtab_error *error);

/* Whether the handle's model can be sampled so: looks at what trimtab_write would refuse, such as a faulty grammar. */
TRIMTAB_API trimtab_status trimtab_sampling_check(trimtab *t, const trimtab_sampling *sampling, trimtab_error *error);

/* The options' names: `index` from 0 up; NULL behind the last. */
TRIMTAB_API const char *trimtab_sampling_name(size_t index);

typedef struct trimtab_generate_options {
    size_t size;
    const trimtab_sampling *sampling; /* NULL: the defaults */
    int64_t limit;                    /* most tokens to write; negative: until the text or the context ends */
    trimtab_listener progress;        /* of "reading", in tokens; may be NULL */
    /* Receives the text as it is written, in whole characters; `bytes` end in a zero that `length` does not count. What the
     * model thinks before it answers, where its template marks that, goes to on_thought alone. Both may be NULL. */
    int (*on_text)(const char *bytes, size_t length, void *user_data);
    int (*on_thought)(const char *bytes, size_t length, void *user_data);
    void *user_data;
} trimtab_generate_options;

TRIMTAB_API trimtab_generate_options trimtab_generate_defaults(void);

typedef enum trimtab_stop {
    TRIMTAB_STOP_END,     /* the model ended the text, or the grammar is complete */
    TRIMTAB_STOP_LIMIT,   /* as many tokens as asked for */
    TRIMTAB_STOP_CONTEXT, /* the context is full */
    TRIMTAB_STOP_CALLER   /* trimtab_cancel, or a callback, stopped it */
} trimtab_stop;

typedef struct trimtab_answer {
    char *text; /* what was said; of a raw prompt, all that was written */
    size_t length;
    char *thought; /* what was thought before it, or "" */
    trimtab_stop stop;
    size_t prompt_tokens;  /* of the prompt with its template */
    size_t reused_tokens;  /* of these, known from the call before */
    size_t written_tokens; /* of the answer */
    double prompt_seconds, written_seconds;
    uint32_t context; /* tokens that the context holds */
    uint32_t seed;    /* in use, also where it was chosen at random */
} trimtab_answer;
TRIMTAB_API void trimtab_answer_free(trimtab_answer *answer);

/* Writes an answer to `prompt` under the mix in use. What the prompt has in common with the last call's prompt and answer is
 * not computed again. `*answer` is the caller's; `answer` may be NULL where the callbacks are all that is wanted. NULL on
 * failure. */
TRIMTAB_API trimtab_status trimtab_write(trimtab *t, const trimtab_prompt *prompt, const trimtab_generate_options *options,
                                         trimtab_answer **answer, trimtab_error *error);

/* The same for a single message of the user's. */
TRIMTAB_API trimtab_status trimtab_generate(trimtab *t, const char *message, const trimtab_generate_options *options,
                                            trimtab_answer **answer, trimtab_error *error);

/* The natural logarithm of the probability of `text` behind `prompt`, under the mix in use, and how many tokens it is of. */
TRIMTAB_API trimtab_status trimtab_score(trimtab *t, const trimtab_prompt *prompt, const char *text, double *log_likelihood,
                                         size_t *tokens, trimtab_error *error);

/* ==== Chats: conversations that go on ==== */

typedef struct trimtab_chat trimtab_chat;

/* A conversation that begins with a system message (NULL: without one). The handle must outlive it. The caller frees. */
TRIMTAB_API trimtab_chat *trimtab_chat_begin(trimtab *t, const char *system, trimtab_error *error);
TRIMTAB_API void trimtab_chat_free(trimtab_chat *chat);

/* Adds a message. */
TRIMTAB_API trimtab_status trimtab_chat_add(trimtab_chat *chat, const char *role, const char *content, trimtab_error *error);

/* Adds what the user says, writes the assistant's answer (trimtab_write) and adds it, as far as it came. On failure the
 * conversation is as it was. */
TRIMTAB_API trimtab_status trimtab_chat_say(trimtab_chat *chat, const char *content, const trimtab_generate_options *options,
                                            trimtab_answer **answer, trimtab_error *error);

/* Message `index`, from 0 up; its role is NULL behind the last. The chat's. */
TRIMTAB_API trimtab_message trimtab_chat_message(const trimtab_chat *chat, size_t index);

/* Takes every message from `count` on out again. */
TRIMTAB_API void trimtab_chat_cut(trimtab_chat *chat, size_t count);

/* ==== Axes ==== */

typedef struct trimtab_pair {
    const char *side[2]; /* each continues a stem: "who writes ...", without a full stop */
} trimtab_pair;

typedef struct trimtab_axis {
    const char *name, *classes[2];
    const char *group, *description; /* "" where there is none */
    const trimtab_pair *pairs;
    size_t pair_count;
} trimtab_axis;

/* The built-in axes' names: `index` from 0 up; NULL behind the last. */
TRIMTAB_API const char *trimtab_axis_name(size_t index);

/* A built-in axis, or an axis file (docs/axes.md): whatever has a slash in it or ends in ".json". The caller frees. */
TRIMTAB_API trimtab_axis *trimtab_axis_load(const char *name_or_file, trimtab_error *error);
TRIMTAB_API void trimtab_axis_free(trimtab_axis *axis);

typedef struct trimtab_finding {
    uint64_t line;       /* from 1; 0: the file as a whole */
    int32_t is_warning;  /* not 0: the file can be used, but should be looked at */
    const char *message; /* what is wrong, and what to do */
} trimtab_finding;

typedef struct trimtab_findings {
    const trimtab_finding *list;
    size_t count;
    size_t omitted;    /* more that there are, beyond a thousand */
    size_t errors;     /* those that are no warnings: 0 where the file can be used */
    size_t pair_count; /* pairs that are in order */
} trimtab_findings;

/* Everything that is wrong with an axis file, in the order of its lines; also that it cannot be read. The caller frees. NULL
 * only when out of memory. */
TRIMTAB_API trimtab_findings *trimtab_axis_check(const char *file, trimtab_error *error);
TRIMTAB_API void trimtab_findings_free(trimtab_findings *findings);

/* ==== Control vectors ==== */

typedef struct trimtab_vector trimtab_vector;

/* What a file says of itself: "" and 0 for what it does not tell. */
typedef struct trimtab_vector_facts {
    const char *path; /* NULL for one made in memory */
    const char *role; /* "debias", "negative", "positive", "mix" */
    const char *axis, *class_name, *classes[2];
    const char *recipe;                             /* of a mix: what went in */
    const char *model, *architecture, *fingerprint; /* what it was made from */
    const char *version, *method;                   /* how: trimtab's version, the method's name */
    uint64_t samples, seed, parameters;
    float recommended[2]; /* the value to use towards each class, by evaluation */
    uint32_t layers;      /* L: rows are those K below it */
    int32_t layers_given; /* not 0: the file tells that number */
    int32_t from_zero;    /* not 0: its rows are counted from 0 */
    uint32_t directions;  /* layers that have a row */
    uint32_t width;       /* d */
    size_t figure_count;  /* blocks that it has figures of */
    size_t key_count;     /* keys of other tools */
} trimtab_vector_facts;

/* The figures of one block's direction, as they were measured (docs/method.md). */
typedef struct trimtab_block_figures {
    uint32_t block, kept, accepted;
    float discriminant_ratio, variance_reduction;
    float deviations[2], means[2], middle;
} trimtab_block_figures;

/* Reads a control-vector file: trimtab's, or another tool's. The caller frees. */
TRIMTAB_API trimtab_vector *trimtab_vector_read(const char *path, trimtab_error *error);
TRIMTAB_API void trimtab_vector_free(trimtab_vector *vector);

/* Writes it, all of the file or nothing. */
TRIMTAB_API trimtab_status trimtab_vector_write(const trimtab_vector *vector, const char *path, trimtab_error *error);

/* The vector's, as all below. */
TRIMTAB_API const trimtab_vector_facts *trimtab_vector_facts_of(const trimtab_vector *vector);

/* Row K, d values; NULL where there is none. */
TRIMTAB_API const float *trimtab_vector_row(const trimtab_vector *vector, uint32_t K);

/* The figures that row K was made from; NULL where there are none. */
TRIMTAB_API const trimtab_block_figures *trimtab_vector_figures(const trimtab_vector *vector, uint32_t K);

/* The Euclidean norm of row K, or (K = 0) of all rows, taken together as one; 0 where there is none. */
TRIMTAB_API double trimtab_vector_length(const trimtab_vector *vector, uint32_t K);

/* The cosine between two vectors' rows K, or (K = 0) all rows; 0 where one of them has none, NAN where the widths differ. */
TRIMTAB_API double trimtab_vector_cosine(const trimtab_vector *a, const trimtab_vector *b, uint32_t K);

typedef enum trimtab_fit {
    TRIMTAB_FIT_NEVER, /* the numbers do not fit: it cannot be applied */
    TRIMTAB_FIT_OTHER, /* made for another model: refused, unless forced */
    TRIMTAB_FIT_DOUBT, /* a hint disagrees: applied with a warning */
    TRIMTAB_FIT_WHOLE
} trimtab_fit;

/* Whether the vector fits the handle's model, by what it says of itself; unless it does wholly, `why` has the reason in one
 * sentence. */
TRIMTAB_API trimtab_fit trimtab_vector_fit(const trimtab_vector *vector, const trimtab *t, trimtab_error *why);

/* Key `index` of those that other tools wrote, and its value as text in one line, which the caller frees with
 * trimtab_text_free; `value` may be NULL. NULL behind the last. */
TRIMTAB_API const char *trimtab_vector_key(const trimtab_vector *vector, size_t index, char **value, trimtab_error *error);

/* ==== The axes of a folder ==== */

/* An axis that a folder has vectors for. */
typedef struct trimtab_folder_axis {
    const char *name, *model; /* of the model that it was made for */
    const char *classes[2];   /* "" where no file tells */
    int32_t ordered;          /* 0: which class is the negative one is not known, and a mix must name a class */
    int32_t plain;            /* not 0: a single vector that belongs to no axis */
    const char *files[3];     /* de-bias, negative, positive; NULL for one that is missing */
    float recommended[2];     /* the value to use towards each class; 0: not evaluated */
    trimtab_fit fit;          /* to the handle's model; TRIMTAB_FIT_WHOLE without one */
} trimtab_folder_axis;

typedef struct trimtab_folder {
    const trimtab_folder_axis *axes; /* by model, then by name */
    size_t axis_count;
    const char *const *notes; /* on files that cannot be used */
    size_t note_count;
} trimtab_folder;

/* Looks through a folder and those in it, two levels down. `t` may be NULL: then nothing is held against a model. The caller
 * frees. */
TRIMTAB_API trimtab_folder *trimtab_folder_open(const char *folder, const trimtab *t, trimtab_error *error);
TRIMTAB_API void trimtab_folder_free(trimtab_folder *folder);

/* ==== Mixes ==== */

/* Control vectors put together, each at a value: axes of a folder, vector files, rows of one's own.
 *
 * trimtab_mix_add... and the like take note of what is wanted. trimtab_mix_settle then finds the vectors, checks them
 * against the model and adds them up. If it fails, the mix is what it was when it last settled. */
typedef struct trimtab_mix trimtab_mix;

typedef struct trimtab_mix_options {
    size_t size;
    const char *folder;     /* where axes are found by name, read when one is first asked for; NULL: nowhere */
    trimtab *model;         /* the model that the mix is for, which must outlive the mix; or */
    const char *model_file; /* its file, which is not loaded. Both NULL: the vectors need only fit one another */
    int32_t force;          /* not 0: what is unwise becomes a warning, as long as the numbers fit */
    int32_t conversation; /* not 0, with `model`: warns of vectors that were trained on conversations in another layout than
                             its chat template has */
} trimtab_mix_options;

TRIMTAB_API trimtab_mix_options trimtab_mix_defaults(void);

/* An empty mix. The caller frees. */
TRIMTAB_API trimtab_mix *trimtab_mix_open(const trimtab_mix_options *options, trimtab_error *error);
TRIMTAB_API void trimtab_mix_free(trimtab_mix *mix);

/* Adds "NAME=VALUE,...", such as "language=0.5,optimism_vs_nihilism=-0.3". A name is an axis' or a class'. A value above 0
 * steers towards the axis' second class, below 0 towards its first; 0 only takes the model to the middle. 1 is as far as the
 * class lies from it; how far a model can follow differs, and an evaluation tells. */
TRIMTAB_API trimtab_status trimtab_mix_add(trimtab_mix *mix, const char *text, trimtab_error *error);

/* The same, in place of the values that these axes have had. */
TRIMTAB_API trimtab_status trimtab_mix_set(trimtab_mix *mix, const char *text, trimtab_error *error);

/* Adds a vector file at a scale; or several, as llama.cpp's --control-vector has them ("FILE,..."), or with `scaled` other
 * than 0 its --control-vector-scaled ("FILE:SCALE,..."). */
TRIMTAB_API trimtab_status trimtab_mix_add_file(trimtab_mix *mix, const char *path, double scale, trimtab_error *error);
TRIMTAB_API trimtab_status trimtab_mix_add_files(trimtab_mix *mix, const char *text, int32_t scaled, trimtab_error *error);

/* Adds `rows` ([blocks][width], row-major): row K at `scale` to the output of block K. Row 0 is not looked at, as control
 * vectors begin at block 1. A row of zeros counts as none. */
TRIMTAB_API trimtab_status trimtab_mix_add_rows(trimtab_mix *mix, const float *rows, uint32_t blocks, uint32_t width,
                                                double scale, trimtab_error *error);

/* Leaves out every row outside of the layers `first` to `last`, both included; 0: no limit on that side. */
TRIMTAB_API trimtab_status trimtab_mix_layers(trimtab_mix *mix, int64_t first, int64_t last, trimtab_error *error);

/* Takes everything out; the range of layers stays. */
TRIMTAB_API void trimtab_mix_clear(trimtab_mix *mix);

/* Forgets what was asked for since the mix last settled. */
TRIMTAB_API trimtab_status trimtab_mix_reset(trimtab_mix *mix, trimtab_error *error);

TRIMTAB_API trimtab_status trimtab_mix_settle(trimtab_mix *mix, trimtab_error *error);

/* What a mix came to when it last settled. All of it is the mix', until it settles again. */
typedef struct trimtab_mix_facts {
    const char *text;             /* in its canonical form: "language=0.5,my.gguf:0.3"; "" for nothing */
    const trimtab_vector *vector; /* the sum */
    const char *const *warnings;  /* sentences for the user */
    size_t warning_count;
    size_t part_count;
    size_t axis_count; /* axes whose value is not 0 */
    double largest;    /* the largest of their values' sizes */
    double safe_scale; /* what that may be, at these proportions; INFINITY without any */
} trimtab_mix_facts;
TRIMTAB_API const trimtab_mix_facts *trimtab_mix_facts_of(const trimtab_mix *mix);

/* Part `index` of the sum, and its scale; NULL behind the last. */
TRIMTAB_API const trimtab_vector *trimtab_mix_part(const trimtab_mix *mix, size_t index, double *scale);

/* Writes and scores under `mix` from now on (NULL: not steered). The mix must have been made for the handle's model, or one
 * of its shape; it may be freed afterwards. On failure the steering is what it was. */
TRIMTAB_API trimtab_status trimtab_apply(trimtab *t, const trimtab_mix *mix, trimtab_error *error);

/* All of it in one: applies the mix of axes `text` with the vectors in `folder`. `text` NULL or "" ends steering (`folder`
 * may then be NULL). */
TRIMTAB_API trimtab_status trimtab_steer(trimtab *t, const char *folder, const char *text, int32_t force,
                                         trimtab_error *error);

/* The warnings of the mix that trimtab_steer applied, a sentence a line, or "". The handle's, until the next trimtab_steer.
 */
TRIMTAB_API const char *trimtab_warnings(const trimtab *t);

/* Writes the sum as one control-vector file; refused where that would overwrite a part of the mix. */
TRIMTAB_API trimtab_status trimtab_merge(const trimtab_mix *mix, const char *path, trimtab_error *error);

typedef enum trimtab_syntax {
    TRIMTAB_SYNTAX_CURRENT, /* FILE:SCALE, since December 2025 */
    TRIMTAB_SYNTAX_LEGACY   /* FILE SCALE */
} trimtab_syntax;

/* The options that apply the mix with llama.cpp's programs, as words for a POSIX shell; "" where it does nothing. The caller
 * frees with trimtab_text_free. */
TRIMTAB_API char *trimtab_llama_options(const trimtab_mix *mix, trimtab_syntax syntax, trimtab_error *error);

/* ==== Baking: a copy of a model that carries a mix for good ==== */

typedef struct trimtab_bake_options {
    size_t size;
    trimtab_listener progress; /* of "writing", in bytes; may be NULL */
    void *user_data;
} trimtab_bake_options;

TRIMTAB_API trimtab_bake_options trimtab_bake_defaults(void);

typedef struct trimtab_baked {
    const char *const *files; /* one, or the parts of a split model */
    size_t file_count;
    size_t biases; /* layers that got one */
    uint64_t bytes;
} trimtab_baked;

/* Writes the model of `mix`, which was opened with `model_file`, with the mix as biases to `path`: all of it or nothing. The
 * caller frees `*baked` (may be NULL). */
TRIMTAB_API trimtab_status trimtab_bake(const trimtab_mix *mix, const char *path, const trimtab_bake_options *options,
                                        trimtab_baked **baked, trimtab_error *error);
TRIMTAB_API void trimtab_baked_free(trimtab_baked *baked);

/* Whether that can be done: not every architecture has a place for such biases. Writes nothing. */
TRIMTAB_API trimtab_status trimtab_bake_check(const trimtab_mix *mix, trimtab_error *error);

/* ==== Making control vectors ==== */

/* The names of the methods that find directions, and of the solvers: `index` from 0 up; NULL behind the last. */
TRIMTAB_API const char *trimtab_method_name(size_t index);
TRIMTAB_API const char *trimtab_solver_name(size_t index);

/* Processes that mpirun started, which train together. */
typedef struct trimtab_ranks trimtab_ranks;

/* The defaults, for programs that show them. */
#define TRIMTAB_SAMPLES 192
#define TRIMTAB_PROMPTS_PER_SYSTEM 1
#define TRIMTAB_HOLD_OUT 0.1
#define TRIMTAB_TOLERANCE 0.5
#define TRIMTAB_SKIP_END 1
#define TRIMTAB_LAYER_OFFSET 1

typedef struct trimtab_train_options {
    size_t size;
    const char *const *axes;         /* `axis_count` names of built-in axes, or axis files (docs/axes.md) */
    size_t axis_count;               /* 0: all built-in axes */
    uint64_t samples;                /* triplets of prompts for each axis, at least 2; about a third of d is thorough */
    uint64_t seed;                   /* the same seed draws the same prompts */
    uint64_t prompts_per_system;     /* writing prompts that each drawn system message is asked, at least 1 */
    double hold_out;                 /* share of stems, phrases and writing prompts kept from training, 0 to below 1 */
    const char *stems_file;          /* JSON; NULL: the built-in stems */
    const char *prompts_file;        /* writing prompts, one a line, or a grammar (.json); NULL: the built-in ones */
    int32_t separate_system_message; /* not 0: the stem is a system message of its own */
    int32_t plain;                   /* not 0: computes every prompt by itself, for comparison */
    const char *method;              /* NULL: "cross-covariance" */
    const char *solver;              /* NULL: "auto" */
    double tolerance;            /* cross-covariance: least discriminant ratio of an eigenvector, and least gain of a further
                                    one; more leaves out more blocks */
    double skip_begin, skip_end; /* first and last blocks to leave alone: a number, or a share below 1 */
    int32_t layer_offset;        /* 1 or 0: how many blocks behind the one that it was measured at a direction is applied */
    const char *name;            /* what the files call the model; NULL: its own name */
    const char *states_file;     /* where hidden states are kept; NULL: in the folder */
    int32_t restart;             /* not 0: begin anew where there are hidden states of other options */
    int32_t keep_states;         /* not 0: keep the hidden states when all is done */
    const trimtab_ranks *ranks;  /* NULL: this process alone */
    trimtab_listener progress;   /* of "capturing" and "solving"; may be NULL */
    int (*on_note)(const char *sentence, void *user_data); /* "going on with 'F.states': 96 of 192 samples are there";
                                                              may be NULL */
    void *user_data;
} trimtab_train_options;

TRIMTAB_API trimtab_train_options trimtab_train_defaults(void);

typedef struct trimtab_trained_axis {
    const char *name, *classes[2];
    const trimtab_block_figures *figures; /* of each block that has a direction */
    size_t figure_count;
    uint64_t eigenpairs;  /* computed for all blocks together */
    const char *files[3]; /* de-bias, negative, positive */
    const char *report;   /* JSON */
} trimtab_trained_axis;

typedef struct trimtab_training {
    const trimtab_trained_axis *axes; /* none on ranks other than 0 */
    size_t axis_count;
    uint64_t prompts, plain_tokens, computed_tokens; /* captured by this run; their tokens, before and after sharing */
    double capture_seconds, solve_seconds, write_seconds;
} trimtab_training;

/* Makes control vectors for the axes, three GGUF files and a JSON report each, in `folder`, which is made if it is missing.
 * Files there are replaced, each as a whole or not at all. A training that was stopped or failed goes on from where it was
 * when it is called again with the same options. Steering has no part in it. The caller frees `*training` (may be NULL). */
TRIMTAB_API trimtab_status trimtab_train(trimtab *t, const char *folder, const trimtab_train_options *options,
                                         trimtab_training **training, trimtab_error *error);

/* The second half alone, without the model: directions from hidden states that were kept. What was asked (axes, prompts) is
 * taken from the file. `samples` is how many of its first samples to use; 0: all. */
TRIMTAB_API trimtab_status trimtab_train_from_states(const char *states_file, const char *folder,
                                                     const trimtab_train_options *options, trimtab_training **training,
                                                     trimtab_error *error);
TRIMTAB_API void trimtab_training_free(trimtab_training *training);

typedef struct trimtab_forecast {
    uint64_t axes, samples;
    uint64_t prompts, plain_prompts;      /* to compute; three an axis and sample, nothing shared */
    double plain_tokens, computed_tokens; /* before and after sharing; estimated */
    uint64_t states_bytes, vector_bytes;  /* on disk: while it runs; for good */
    uint64_t memory_bytes;                /* at the peak */
    double tokens_per_second;
    int32_t measured; /* not 0: that was measured just now */
    double capture_seconds, solve_seconds;
} trimtab_forecast;

/* What such a training would take. `tokens_per_second` above 0 is taken for the speed; else a few seconds are measured. */
TRIMTAB_API trimtab_status trimtab_train_forecast(trimtab *t, const char *folder, const trimtab_train_options *options,
                                                  double tokens_per_second, trimtab_forecast *forecast,
                                                  trimtab_error *error);

/* ==== Measuring what vectors do ==== */

typedef struct trimtab_evaluate_options {
    size_t size;
    const char *const *axes;         /* `axis_count` names of built-in axes, or axis files */
    size_t axis_count;               /* 0: all built-in axes that the folder has vectors of */
    uint64_t samples;                /* held-out prompts */
    uint64_t text_tokens;            /* most tokens of each text that the model writes */
    const double *values;            /* values to try, ascending, of both signs */
    size_t value_count;              /* 0: steps outwards until the texts fall apart */
    int32_t quick;                   /* not 0: larger steps */
    double coherence_limit;          /* of recommended values: perplexity next to texts asked for, at most */
    double relevance_limit;          /* and relevance next to unsteered texts, at least */
    uint64_t seed;                   /* the same seed draws the same samples */
    double hold_out;                 /* as in training, */
    const char *stems_file;          /* as these */
    const char *prompts_file;        /* and this */
    int32_t separate_system_message; /* and this */
    int32_t no_other_axes;           /* not 0: does not measure what each axis does to the others */
    int32_t save;              /* not 0: writes the recommended values into the vectors' files, and a report beside them */
    trimtab_listener progress; /* may be NULL */
    void *user_data;
} trimtab_evaluate_options;

TRIMTAB_API trimtab_evaluate_options trimtab_evaluate_defaults(void);

typedef struct trimtab_evaluated_axis {
    const char *name, *classes[2];
    double recommended[2]; /* the size of the value to use towards each class; 0: none that was tried is any good */
} trimtab_evaluated_axis;

typedef struct trimtab_evaluation {
    const trimtab_evaluated_axis *axes;
    size_t axis_count;
    const char *json;    /* every metric, as `trimtab eval --json` prints it */
    const char *page;    /* the same as HTML with charts, as `trimtab eval --report` writes it */
    const char *gallery; /* texts at each value, as `trimtab eval --gallery` writes it */
} trimtab_evaluation;

/* How strongly the vectors in `folder` steer and what it costs, on prompts that training left out. Takes minutes to hours.
 * Steering has no part in it. The caller frees `*evaluation`. */
TRIMTAB_API trimtab_status trimtab_evaluate(trimtab *t, const char *folder, const trimtab_evaluate_options *options,
                                            trimtab_evaluation **evaluation, trimtab_error *error);
TRIMTAB_API void trimtab_evaluation_free(trimtab_evaluation *evaluation);

/* ==== Several processes ==== */

/* Joins the other processes, once, before threads are started. Not started by mpirun, there is one rank, and none of this
 * does anything. NULL on failure. */
TRIMTAB_API trimtab_ranks *trimtab_ranks_join(trimtab_error *error);
TRIMTAB_API int32_t trimtab_ranks_rank(const trimtab_ranks *ranks); /* this process, from 0 */
TRIMTAB_API int32_t trimtab_ranks_count(const trimtab_ranks *ranks);
TRIMTAB_API void trimtab_ranks_abort(const trimtab_ranks *ranks); /* ends all of them, with status 1 */
TRIMTAB_API void trimtab_ranks_leave(trimtab_ranks *ranks);

#ifdef __cplusplus
}
#endif
