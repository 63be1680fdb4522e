/* tiny_model.c: from an architecture's tables to a GGUF file; see tiny_model.h */
#include "support/tiny_model.h"
#include "base/random.h"

#include <ggml.h>
#include <gguf.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

const char tt_tiny_chatml[] =
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

/* ==== The architectures: one line each ==== */

extern const struct tt_tiny_architecture tt_tiny_llama, tt_tiny_llama_bpe, tt_tiny_llama_moe;

static const struct tt_tiny_architecture *const architectures[] = {&tt_tiny_llama, &tt_tiny_llama_bpe, &tt_tiny_llama_moe};
enum { ARCHITECTURES = sizeof architectures / sizeof *architectures };

const char *const *tt_tiny_architectures(size_t *count) {
    static const char *names[ARCHITECTURES];
    for (size_t i = 0; i < ARCHITECTURES; i++) names[i] = architectures[i]->name;
    *count = ARCHITECTURES;
    return names;
}

static const struct tt_tiny_architecture *find_architecture(const char *name) {
    for (size_t i = 0; i < ARCHITECTURES; i++)
        if (strcmp(architectures[i]->name, name) == 0) return architectures[i];
    fprintf(stderr, "tiny model: no architecture is called '%s'\n", name);
    return NULL;
}

/* ==== Options ==== */

struct tt_tiny_model_options tt_tiny_model_defaults(void) {
    return (struct tt_tiny_model_options){.seed = 1, .chat_template = tt_tiny_chatml, .with_tokenizer = true};
}

struct recipe {
    const struct tt_tiny_architecture *architecture;
    const struct tt_tiny_model_options *options;
    uint32_t sizes[TT_TINY_SIZES];
};

static uint32_t or_default(uint32_t value, uint32_t otherwise) { return value ? value : otherwise; }

static struct recipe make_recipe(const struct tt_tiny_architecture *architecture,
                                 const struct tt_tiny_model_options *options) {
    struct recipe recipe = {.architecture = architecture, .options = options};
    uint32_t *sizes = recipe.sizes;
    sizes[TT_TINY_WIDTH] = or_default(options->width, 64);
    sizes[TT_TINY_LAYERS] = or_default(options->layers, 4);
    sizes[TT_TINY_HEADS] = or_default(options->heads, 4);
    sizes[TT_TINY_KV_HEADS] = or_default(options->kv_heads, sizes[TT_TINY_HEADS] > 1 ? sizes[TT_TINY_HEADS] / 2 : 1);
    sizes[TT_TINY_HEAD_SIZE] = or_default(options->head_size, sizes[TT_TINY_WIDTH] / sizes[TT_TINY_HEADS]);
    sizes[TT_TINY_QUERY] = sizes[TT_TINY_HEADS] * sizes[TT_TINY_HEAD_SIZE];
    sizes[TT_TINY_KEY] = sizes[TT_TINY_KV_HEADS] * sizes[TT_TINY_HEAD_SIZE];
    sizes[TT_TINY_FEED_FORWARD] = or_default(options->feed_forward, 2 * sizes[TT_TINY_WIDTH]);
    sizes[TT_TINY_EXPERTS] = or_default(options->experts, 4);
    sizes[TT_TINY_EXPERTS_USED] = sizes[TT_TINY_EXPERTS] > 1 ? 2 : 1;
    sizes[TT_TINY_VOCABULARY] = tt_tiny_vocabulary(architecture->tokenizer);
    sizes[TT_TINY_CONTEXT] = or_default(options->context, 2048);
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

static void fill(struct ggml_tensor *tensor, const struct tt_tiny_tensor *entry, const struct recipe *recipe) {
    const uint64_t stream = tt_random_stream(tensor->name);
    const float deviation = entry->fill == TT_TINY_MATRIX || entry->fill == TT_TINY_OUTPUT
                                ? entry->gain / sqrtf((float)tensor->ne[0])
                                : entry->gain;
    float *values = tensor->data;
    const int64_t count = ggml_nelements(tensor);
    for (int64_t i = 0; i < count; i++) {
        const float normal = draw(recipe->options->seed, stream, (uint64_t)i);
        if (entry->fill == TT_TINY_NORM)
            values[i] = entry->gain * (1 + 0.1f * normal);
        else if (entry->fill == TT_TINY_OUTPUT &&
                 !tt_tiny_token_is_text(recipe->architecture->tokenizer, (uint32_t)(i / tensor->ne[0])))
            values[i] = 0;
        else
            values[i] = deviation * normal;
    }
}

/* ==== The file ==== */

static void write_keys(struct gguf_context *gguf, const struct recipe *recipe) {
    const struct tt_tiny_architecture *architecture = recipe->architecture;
    char name[128];
    gguf_set_val_str(gguf, "general.architecture", architecture->architecture);
    snprintf(name, sizeof name, "Tiny %s", architecture->name);
    gguf_set_val_str(gguf, "general.name", recipe->options->name ? recipe->options->name : name);
    gguf_set_val_u32(gguf, "general.file_type", 0); /* all F32 */
    for (const struct tt_tiny_key *key = architecture->keys; key->name; key++) {
        snprintf(name, sizeof name, "%s.%s", architecture->architecture, key->name);
        const double value = key->size != TT_TINY_NONE ? recipe->sizes[key->size] : key->value;
        if (key->type == TT_TINY_U32) gguf_set_val_u32(gguf, name, (uint32_t)value);
        if (key->type == TT_TINY_F32) gguf_set_val_f32(gguf, name, (float)value);
        if (key->type == TT_TINY_BOOL) gguf_set_val_bool(gguf, name, value != 0);
    }
    if (recipe->options->chat_template) gguf_set_val_str(gguf, "tokenizer.chat_template", recipe->options->chat_template);
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

/* Calls add_tensor for every tensor of the model; with no context it only counts, and returns the memory they take. */
static size_t add_tensors(struct gguf_context *gguf, struct ggml_context *ggml, const struct recipe *recipe) {
    size_t memory = 0;
    for (const struct tt_tiny_tensor *entry = recipe->architecture->tensors; entry->name; entry++) {
        const uint32_t copies = strchr(entry->name, '%') ? recipe->sizes[TT_TINY_LAYERS] : 1;
        size_t elements = 1;
        for (int i = 0; i < 4 && entry->shape[i] != TT_TINY_NONE; i++) elements *= recipe->sizes[entry->shape[i]];
        memory += copies * (elements * sizeof(float) + ggml_tensor_overhead() + 64);
        for (uint32_t block = 0; ggml && block < copies; block++) add_tensor(gguf, ggml, entry, block, recipe);
    }
    return memory;
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
    struct gguf_context *gguf = gguf_init_empty();
    struct ggml_context *ggml = ggml_init((struct ggml_init_params){.mem_size = add_tensors(NULL, NULL, &recipe)});
    bool ok = gguf && ggml;
    if (ok) {
        write_keys(gguf, &recipe);
        if (options->with_tokenizer)
            ok = tt_tiny_tokenizer_write(gguf, architecture);
        else
            gguf_set_val_str(gguf, "tokenizer.ggml.model", "no_vocab");
        add_tensors(gguf, ggml, &recipe);
        ok = ok && gguf_write_to_file(gguf, path, false);
    }
    if (!ok) fprintf(stderr, "tiny model: cannot write '%s'\n", path);
    ggml_free(ggml);
    if (gguf) gguf_free(gguf);
    return ok;
}
