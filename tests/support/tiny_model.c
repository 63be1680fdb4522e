/* tiny_model.c: from an architecture's tables to a GGUF file; see tiny_model.h */
#include "support/tiny_model.h"
#include "base/random.h"

#include <ggml.h>
#include <gguf.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

const char tt_tiny_own_template[] = "";

/* ==== The architectures: one line each ==== */

#define ARCHITECTURES(LINE)                                                                                                 \
    LINE(llama)                                                                                                             \
    LINE(llama_bpe)                                                                                                         \
    LINE(llama_moe)                                                                                                         \
    LINE(llama_2)                                                                                                           \
    LINE(llama_3)                                                                                                           \
    LINE(mistral)                                                                                                           \
    LINE(mistral_nemo)                                                                                                      \
    LINE(mixtral)                                                                                                           \
    LINE(deepseek_llm)                                                                                                      \
    LINE(qwen2)                                                                                                             \
    LINE(command_r)                                                                                                         \
    LINE(command_r_plus)                                                                                                    \
    LINE(gemma_2)                                                                                                           \
    LINE(internlm2)                                                                                                         \
    LINE(qwen3)                                                                                                             \
    LINE(qwen3_moe)                                                                                                         \
    LINE(gemma_3)                                                                                                           \
    LINE(glm4)                                                                                                              \
    LINE(gpt_oss)                                                                                                           \
    LINE(mistral_3)                                                                                                         \
    LINE(lfm2)                                                                                                              \
    LINE(mamba2)                                                                                                            \
    LINE(plamo2)                                                                                                            \
    LINE(gpt2)                                                                                                              \
    LINE(bloom)                                                                                                             \
    LINE(granite)

#define DECLARE(name) extern const struct tt_tiny_architecture tt_tiny_##name;
#define POINT_TO(name) &tt_tiny_##name,
ARCHITECTURES(DECLARE)
static const struct tt_tiny_architecture *const architectures[] = {ARCHITECTURES(POINT_TO)};
enum { COUNT = sizeof architectures / sizeof *architectures };

const char *const *tt_tiny_architectures(size_t *count) {
    static const char *names[COUNT];
    for (size_t i = 0; i < COUNT; i++) names[i] = architectures[i]->name;
    *count = COUNT;
    return names;
}

static const struct tt_tiny_architecture *find_architecture(const char *name) {
    for (size_t i = 0; i < COUNT; i++)
        if (strcmp(architectures[i]->name, name) == 0) return architectures[i];
    fprintf(stderr, "tiny model: no architecture is called '%s'\n", name);
    return NULL;
}

/* ==== Options ==== */

struct tt_tiny_model_options tt_tiny_model_defaults(void) {
    return (struct tt_tiny_model_options){.seed = 1, .chat_template = tt_tiny_own_template, .with_tokenizer = true};
}

struct recipe {
    const struct tt_tiny_architecture *architecture;
    const struct tt_tiny_model_options *options;
    uint32_t sizes[TT_TINY_SIZES];
};

/* What the caller wants, else what the architecture has of its own, else the general default. */
static void choose(struct recipe *recipe, enum tt_tiny_size size, uint32_t wanted, uint32_t otherwise) {
    const uint32_t own = recipe->architecture->sizes[size];
    recipe->sizes[size] = wanted ? wanted : own ? own : otherwise;
}

static struct recipe make_recipe(const struct tt_tiny_architecture *architecture,
                                 const struct tt_tiny_model_options *options) {
    struct recipe recipe = {.architecture = architecture, .options = options};
    uint32_t *sizes = recipe.sizes;
    choose(&recipe, TT_TINY_WIDTH, options->width, 64);
    choose(&recipe, TT_TINY_LAYERS, options->layers, 4);
    choose(&recipe, TT_TINY_HEADS, options->heads, 4);
    choose(&recipe, TT_TINY_KV_HEADS, options->kv_heads, sizes[TT_TINY_HEADS] > 1 ? sizes[TT_TINY_HEADS] / 2 : 1);
    choose(&recipe, TT_TINY_HEAD_SIZE, options->head_size, sizes[TT_TINY_WIDTH] / sizes[TT_TINY_HEADS]);
    choose(&recipe, TT_TINY_FEED_FORWARD, options->feed_forward, 2 * sizes[TT_TINY_WIDTH]);
    choose(&recipe, TT_TINY_EXPERTS, options->experts, 4);
    choose(&recipe, TT_TINY_CONTEXT, options->context, 2048);
    sizes[TT_TINY_ONE] = 1;
    sizes[TT_TINY_HALF_HEAD] = sizes[TT_TINY_HEAD_SIZE] / 2;
    sizes[TT_TINY_QUERY] = sizes[TT_TINY_HEADS] * sizes[TT_TINY_HEAD_SIZE];
    sizes[TT_TINY_KEY] = sizes[TT_TINY_KV_HEADS] * sizes[TT_TINY_HEAD_SIZE];
    sizes[TT_TINY_QKV] = sizes[TT_TINY_QUERY] + 2 * sizes[TT_TINY_KEY];
    sizes[TT_TINY_TWICE_FEED_FORWARD] = 2 * sizes[TT_TINY_FEED_FORWARD];
    sizes[TT_TINY_EXPERTS_USED] = sizes[TT_TINY_EXPERTS] > 1 ? 2 : 1;
    sizes[TT_TINY_WINDOW] = 16;
    sizes[TT_TINY_VOCABULARY] = tt_tiny_vocabulary(architecture->tokenizer);
    sizes[TT_TINY_CONVOLUTION] = 4;
    sizes[TT_TINY_STATE] = 16;
    sizes[TT_TINY_STATE_HEADS] = 4;
    sizes[TT_TINY_INNER] = 2 * sizes[TT_TINY_WIDTH];
    sizes[TT_TINY_TWICE_INNER] = 2 * sizes[TT_TINY_INNER];
    sizes[TT_TINY_INNER_AND_STATE] = sizes[TT_TINY_INNER] + 2 * sizes[TT_TINY_STATE];
    sizes[TT_TINY_STATE_INPUT] = sizes[TT_TINY_INNER] + sizes[TT_TINY_INNER_AND_STATE] + sizes[TT_TINY_STATE_HEADS];
    sizes[TT_TINY_STEP] = 64;
    sizes[TT_TINY_STEP_AND_STATE] = sizes[TT_TINY_STEP] + 2 * sizes[TT_TINY_STATE];
    sizes[TT_TINY_THRICE_WIDTH] = 3 * sizes[TT_TINY_WIDTH];
    return recipe;
}

/* ==== Numbers ==== */

/* Close to a normal distribution of deviation 1: the sum of a draw's four 16-bit parts. Uses no function of the C library
 * whose last bit may differ between machines. */
static float draw(uint64_t seed, uint64_t stream, uint64_t index) {
    const uint64_t bits = tt_random_bits(seed, stream, index, 0);
    double sum = 0;
    for (int i = 0; i < 4; i++) sum += (double)(bits >> (16 * i) & 0xffff);
    return (float)((sum / 65535.0 - 2.0) * 1.7320508075688772); /* four uniforms have variance 4 / 12 */
}

/* What a filling makes of a number from the normal distribution; `row` is that of a token, in the tables that have one. */
static float filled(const struct tt_tiny_tensor *entry, const struct recipe *recipe, int64_t inputs, uint32_t row,
                    float normal) {
    const bool is_text = tt_tiny_token_is_text(recipe->architecture->tokenizer, row);
    switch (entry->fill) {
    case TT_TINY_NORM:
        return entry->gain * (1 + 0.1f * normal);
    case TT_TINY_MATRIX:
        return entry->gain / sqrtf((float)inputs) * normal;
    case TT_TINY_OUTPUT:
        return is_text ? entry->gain / sqrtf((float)inputs) * normal : 0;
    case TT_TINY_TIED:
        return (is_text ? 1 : 0.25f) * entry->gain * normal;
    default:
        return entry->gain * normal;
    }
}

static void fill(struct ggml_tensor *tensor, const struct tt_tiny_tensor *entry, const struct recipe *recipe) {
    const uint64_t stream = tt_random_stream(tensor->name);
    float *values = tensor->data;
    const int64_t count = ggml_nelements(tensor), inputs = tensor->ne[0];
    for (int64_t i = 0; i < count; i++) {
        const float normal = draw(recipe->options->seed, stream, (uint64_t)i);
        values[i] = filled(entry, recipe, inputs, (uint32_t)(i / inputs), normal);
    }
}

/* ==== The file ==== */

static void write_odd_array(struct gguf_context *gguf, const char *name, uint32_t value, uint32_t layers) {
    uint32_t values[256] = {0};
    for (uint32_t block = 1; block < layers && block < 256; block += 2) values[block] = value;
    gguf_set_arr_data(gguf, name, GGUF_TYPE_UINT32, values, layers < 256 ? layers : 256);
}

static void write_key(struct gguf_context *gguf, const struct tt_tiny_key *key, const struct recipe *recipe) {
    char name[128];
    snprintf(name, sizeof name, "%s.%s", recipe->architecture->architecture, key->name);
    const double value = key->size != TT_TINY_NONE ? recipe->sizes[key->size] : key->value;
    if (key->type == TT_TINY_U32) gguf_set_val_u32(gguf, name, (uint32_t)value);
    if (key->type == TT_TINY_F32) gguf_set_val_f32(gguf, name, (float)value);
    if (key->type == TT_TINY_BOOL) gguf_set_val_bool(gguf, name, value != 0);
    if (key->type == TT_TINY_ODD_ARRAY) write_odd_array(gguf, name, (uint32_t)value, recipe->sizes[TT_TINY_LAYERS]);
}

static void write_keys(struct gguf_context *gguf, const struct recipe *recipe) {
    const struct tt_tiny_architecture *architecture = recipe->architecture;
    const struct tt_tiny_model_options *options = recipe->options;
    char name[128];
    gguf_set_val_str(gguf, "general.architecture", architecture->architecture);
    snprintf(name, sizeof name, "Tiny %s", architecture->name);
    gguf_set_val_str(gguf, "general.name", options->name ? options->name : name);
    gguf_set_val_u32(gguf, "general.file_type", 0); /* all F32 */
    for (const struct tt_tiny_key *const *part = architecture->keys; *part; part++)
        for (const struct tt_tiny_key *key = *part; key->name; key++) write_key(gguf, key, recipe);
    const char *chat_template =
        options->chat_template == tt_tiny_own_template ? architecture->chat_template : options->chat_template;
    if (chat_template) gguf_set_val_str(gguf, "tokenizer.chat_template", chat_template);
}

static void add_tensor(struct gguf_context *gguf, struct ggml_context *ggml, const struct tt_tiny_tensor *entry,
                       uint32_t block, const struct recipe *recipe) {
    int64_t shape[4];
    int dimensions = 0;
    while (dimensions < 4 && entry->shape[dimensions] != TT_TINY_NONE) {
        shape[dimensions] = recipe->sizes[entry->shape[dimensions]];
        dimensions++;
    }
    struct ggml_tensor *tensor = ggml_new_tensor(ggml, GGML_TYPE_F32, dimensions, shape);
    ggml_format_name(tensor, entry->name, block);
    fill(tensor, entry, recipe);
    gguf_add_tensor(gguf, tensor);
}

static size_t memory_of(const struct tt_tiny_tensor *entry, const struct recipe *recipe) {
    size_t elements = 1;
    for (int i = 0; i < 4 && entry->shape[i] != TT_TINY_NONE; i++) elements *= recipe->sizes[entry->shape[i]];
    return elements * sizeof(float) + ggml_tensor_overhead() + 64;
}

/* Where the tensors go; without a context they are only counted. */
struct store {
    struct gguf_context *gguf;
    struct ggml_context *ggml;
    size_t memory; /* that the tensors take */
};

/* Adds a table's tensors: those with a block's number for the blocks `first`, `first + step`, ... */
static void add_table(struct store *store, const struct tt_tiny_tensor *table, uint32_t first, uint32_t step,
                      const struct recipe *recipe) {
    for (const struct tt_tiny_tensor *entry = table; entry && entry->name; entry++) {
        const uint32_t blocks = strchr(entry->name, '%') ? recipe->sizes[TT_TINY_LAYERS] : 1;
        for (uint32_t block = first; block < blocks; block += step) {
            store->memory += memory_of(entry, recipe);
            if (store->ggml) add_tensor(store->gguf, store->ggml, entry, block, recipe);
        }
    }
}

static void add_tensors(struct store *store, const struct recipe *recipe) {
    const struct tt_tiny_architecture *architecture = recipe->architecture;
    for (const struct tt_tiny_tensor *const *part = architecture->tensors; *part; part++)
        add_table(store, *part, 0, 1, recipe);
    add_table(store, architecture->even_tensors, 0, 2, recipe);
    add_table(store, architecture->odd_tensors, 1, 2, recipe);
}

bool tt_tiny_model_write(const char *path, const struct tt_tiny_model_options *options) {
    const struct tt_tiny_model_options defaults = tt_tiny_model_defaults();
    if (!options) options = &defaults;
    const struct tt_tiny_architecture *architecture =
        find_architecture(options->architecture ? options->architecture : "llama");
    if (!architecture) return false;
    const struct recipe recipe = make_recipe(architecture, options);
    if (recipe.sizes[TT_TINY_HEAD_SIZE] == 0 || recipe.sizes[TT_TINY_HEADS] % recipe.sizes[TT_TINY_KV_HEADS]) {
        fprintf(stderr, "tiny model: the width or the kv heads do not fit the heads\n");
        return false;
    }
    struct store store = {0};
    add_tensors(&store, &recipe);
    struct gguf_context *gguf = store.gguf = gguf_init_empty();
    struct ggml_context *ggml = store.ggml = ggml_init((struct ggml_init_params){.mem_size = store.memory});
    bool ok = gguf && ggml;
    if (ok) {
        write_keys(gguf, &recipe);
        if (options->with_tokenizer)
            ok = tt_tiny_tokenizer_write(gguf, architecture->tokenizer);
        else
            gguf_set_val_str(gguf, "tokenizer.ggml.model", "no_vocab");
        add_tensors(&store, &recipe);
        ok = ok && gguf_write_to_file(gguf, path, false);
    }
    if (!ok) fprintf(stderr, "tiny model: cannot write '%s'\n", path);
    ggml_free(ggml);
    if (gguf) gguf_free(gguf);
    return ok;
}
