/* bake.c: see bake.h
 *
 * The new file's header is the old one, as libggml parsed it, with the biases' tensors after the others and the recipe
 * after the keys, so all offsets stay the same. The data is then copied tensor by tensor. A bias that the model already
 * has keeps its place, and the mix's row is added to it. */
#include "vectors/bake.h"
#include "base/file.h"
#include "base/memory.h"
#include "gguf/gguf_write.h"
#include "gguf/tensors.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { BUFFER_BYTES = 1 << 20 };

/* Architectures whose loader accepts a bias of ffn_down, and whose graph adds it last. To add one, make a tiny model of
 * it (tests/support/tiny_model.h) and name it here: tests/test_bake.c bakes every tiny model that this table allows, and
 * docs/bake.md has the table for users. */
static const char *const architectures[] = {"llama"};

const char *tt_bake_architecture(size_t index) {
    return index < sizeof architectures / sizeof *architectures ? architectures[index] : NULL;
}

static bool is_possible(const char *architecture) {
    const char *name;
    for (size_t i = 0; (name = tt_bake_architecture(i)); i++) {
        if (!strcmp(name, architecture)) return true;
    }
    return false;
}

/* The place of row K. */
typedef struct placed_bias {
    const float *row; /* NULL: nothing to do for this layer */
    size_t part;
    int64_t tensor; /* its index in the part */
    bool is_new;
} placed_bias;

typedef struct baking {
    tt_model_file *file;
    const tt_vector *vector;
    const tt_bake_options *options;
    placed_bias *biases;   /* [layer_count] */
    tt_output *outputs;    /* [part_count] */
    unsigned char *buffer; /* BUFFER_BYTES */
    float *values;         /* one row */
    uint64_t done, total;
} baking;

/* ==== Is it possible? ==== */

/* Of block K's last projection: its "weight" or its "bias". */
static void name_of_tensor(uint32_t K, const char *which, char name[static GGML_MAX_NAME]) {
    snprintf(name, GGML_MAX_NAME, "blk.%" PRIu32 ".ffn_down.%s", K, which);
}

/* The model's part and the index in it of that tensor; false if there is none. */
static bool find_tensor(const tt_model_file *file, uint32_t K, const char *which, size_t *part, int64_t *tensor) {
    char name[GGML_MAX_NAME];
    name_of_tensor(K, which, name);
    for (*part = 0; *part < file->part_count; ++*part) {
        if (tt_gguf_find_tensor(&file->parts[*part], name, tensor)) return true;
    }
    return false;
}

static bool check_model(const tt_model_file *file, const tt_vector *vector, tt_error *err) {
    const char *path = file->parts[0].path;
    if (!is_possible(file->architecture))
        return tt_fail(err, TT_ERROR_MODEL,
                       "baking is not possible for '%s', a model of the architecture '%s': use trimtab merge, and a program "
                       "that loads control vectors",
                       path, file->architecture);
    if (vector->width != file->width || vector->layer_count > file->layer_count)
        return tt_fail(err, TT_ERROR_INPUT,
                       "the mix is for a model of %" PRIu32 " layers of %" PRIu32 " values, and '%s' has %" PRIu32
                       " of %" PRIu32,
                       vector->layer_count, vector->width, path, file->layer_count, file->width);
    return true;
}

/* Finds where the bias of layer K goes. */
static bool place_bias(baking *b, uint32_t K, tt_error *err) {
    const tt_model_file *file = b->file;
    placed_bias *bias = &b->biases[K];
    if (!find_tensor(file, K, "weight", &bias->part, &bias->tensor))
        return tt_fail(err, TT_ERROR_MODEL,
                       "baking is not possible for '%s': its block %" PRIu32 " has no single last projection (a mixture of "
                       "experts has none): use trimtab merge",
                       file->parts[0].path, K);
    const tt_gguf *part = &file->parts[bias->part];
    if (tt_gguf_tensor_rows(part, bias->tensor) != file->width)
        return tt_fail(err, TT_ERROR_INPUT, "'%s' is damaged: the last projection of block %" PRIu32 " has a wrong shape",
                       part->path, K);
    bias->row = b->vector->rows[K];
    size_t old_part;
    int64_t old;
    if (!find_tensor(file, K, "bias", &old_part, &old)) {
        bias->is_new = true;
        return true;
    }
    bias->part = old_part;
    bias->tensor = old;
    if (tt_gguf_is_row(&file->parts[old_part], old, file->width)) return true;
    return tt_fail(err, TT_ERROR_MODEL,
                   "baking is not possible for '%s': block %" PRIu32 " has a bias already, and not one of %" PRIu32
                   " F32 values",
                   file->parts[old_part].path, K, file->width);
}

static bool place_biases(baking *b, tt_error *err) {
    bool any = false;
    for (uint32_t K = 1; K < b->vector->layer_count; K++) {
        if (!b->vector->rows[K]) continue;
        if (!place_bias(b, K, err)) return false;
        any = true;
    }
    return any || tt_fail(err, TT_ERROR_INPUT, "the mix has no direction in the layers chosen: there is nothing to bake");
}

/* ==== Headers ==== */

static void add_bias_tensor(struct gguf_context *meta, uint32_t K, uint32_t width) {
    char name[GGML_MAX_NAME];
    name_of_tensor(K, "bias", name);
    tt_gguf_add_row(meta, name, width);
}

/* Each part of a split model has the total number of tensors. (Setting a key moves it after the others; their order has
 * no meaning.) */
static bool raise_tensor_count(tt_gguf *part, size_t more, tt_error *err) {
    uint64_t count = UINT64_MAX;
    if (!tt_gguf_count(part, "split.tensors.count", INT32_MAX - TT_LAYERS_MOST, &count, err)) return false;
    if (count == UINT64_MAX)
        return tt_fail(err, TT_ERROR_INPUT,
                       "'%s' is damaged: it is part of a split model, but has no key split.tensors.count", part->path);
    tt_gguf_set_int(part, "split.tensors.count", (int32_t)(count + more));
    return true;
}

/* The recipe that the model already has, if it was baked before, and the mix. */
static bool set_recipe(tt_gguf *part, const char *recipe, tt_error *err) {
    static const char key[] = "trimtab.recipe";
    const char *before = "";
    if (!tt_gguf_string(part, key, &before, err)) return false;
    char *text = tt_format(err, "%s%s%s", before, *before ? " + " : "", recipe);
    if (text) tt_gguf_set_text(part, key, text);
    free(text);
    return text != NULL;
}

static bool prepare_headers(baking *b, size_t *added, tt_error *err) {
    tt_model_file *file = b->file;
    *added = 0;
    for (uint32_t K = 1; K < b->vector->layer_count; K++) {
        placed_bias *bias = &b->biases[K];
        if (!bias->row || !bias->is_new) continue;
        tt_gguf *part = &file->parts[bias->part];
        bias->tensor = tt_gguf_tensor_count(part);
        add_bias_tensor(part->meta, K, file->width);
        ++*added;
    }
    if (!set_recipe(&file->parts[0], b->vector->recipe, err)) return false;
    for (size_t p = 0; p < file->part_count && file->part_count > 1; p++) {
        if (!raise_tensor_count(&file->parts[p], *added, err)) return false;
    }
    return true;
}

/* ==== Data ==== */

/* Adds to the progress. */
static bool advance(baking *b, uint64_t size, tt_error *err) {
    b->done += size;
    if (b->options->on_progress) b->options->on_progress(b->done, b->total, b->options->user_data);
    if (b->options->cancel && atomic_load(b->options->cancel))
        return tt_fail(err, TT_ERROR_INTERRUPTED, "interrupted: nothing was written");
    return true;
}

static bool put(baking *b, size_t part, const void *bytes, size_t size, tt_error *err) {
    return tt_output_write(&b->outputs[part], bytes, size, err) && advance(b, size, err);
}

/* Copies tensor `index` from the old file. */
static bool copy_tensor(baking *b, size_t part, int64_t index, tt_error *err) {
    const tt_gguf *file = &b->file->parts[part];
    const uint64_t begin = tt_gguf_tensor_offset(file, index), size = tt_gguf_tensor_size(file, index);
    for (uint64_t done = 0; done < size;) {
        const size_t step = size - done < BUFFER_BYTES ? (size_t)(size - done) : BUFFER_BYTES;
        if (!tt_pread_all(file->fd, b->buffer, step, (off_t)(begin + done), file->path, err)) return false;
        if (!put(b, part, b->buffer, step, err)) return false;
        done += step;
    }
    return true;
}

/* The mix's row, added to the bias that the model already has. */
static bool put_bias(baking *b, const placed_bias *bias, tt_error *err) {
    const tt_gguf *file = &b->file->parts[bias->part];
    const size_t size = b->file->width * sizeof(float);
    if (bias->is_new) return put(b, bias->part, bias->row, size, err);
    if (!tt_pread_all(file->fd, b->values, size, (off_t)tt_gguf_tensor_offset(file, bias->tensor), file->path, err))
        return false;
    for (uint32_t i = 0; i < b->file->width; i++) b->values[i] += bias->row[i];
    return put(b, bias->part, b->values, size, err);
}

static const placed_bias *bias_at(const baking *b, size_t part, int64_t tensor) {
    for (uint32_t K = 1; K < b->vector->layer_count; K++) {
        const placed_bias *bias = &b->biases[K];
        if (bias->row && bias->part == part && bias->tensor == tensor) return bias;
    }
    return NULL;
}

static bool write_part(baking *b, size_t part, tt_error *err) {
    const struct gguf_context *meta = b->file->parts[part].meta;
    tt_output *output = &b->outputs[part];
    bool ok = tt_gguf_write_meta(output, meta, err) && advance(b, output->written, err);
    for (int64_t i = 0; ok && i < tt_gguf_tensor_count(&b->file->parts[part]); i++) {
        const placed_bias *bias = bias_at(b, part, i);
        ok = bias ? put_bias(b, bias, err) : copy_tensor(b, part, i, err);
        const uint64_t before = output->written;
        ok = ok && tt_gguf_write_padding(output, meta, err) && advance(b, output->written - before, err);
    }
    return ok;
}

/* ==== Files ==== */

static bool same_file(const char *path, int fd) {
    struct stat a, b;
    return !stat(path, &a) && !fstat(fd, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* Names the outputs, and opens them under temporary names. */
static bool open_outputs(baking *b, const char *output, tt_baked *baked, tt_error *err) {
    const size_t count = b->file->part_count;
    if (!(baked->paths = tt_alloc(count, sizeof *baked->paths, err))) return false;
    for (size_t p = 0; p < count; p++) {
        char *path = count > 1 ? tt_model_part_path(output, p, count, err) : tt_strdup(output, err);
        if (!path) return false;
        baked->paths[baked->path_count++] = path;
        for (size_t q = 0; q < count; q++) {
            if (same_file(path, b->file->parts[q].fd))
                return tt_fail(err, TT_ERROR_USAGE, "'%s' is the model itself: give the baked one another name", path);
        }
        if (!tt_output_open(&b->outputs[p], path, err)) return false;
    }
    return true;
}

static bool write_parts(baking *b, tt_error *err) {
    for (size_t p = 0; p < b->file->part_count; p++) {
        if (!write_part(b, p, err)) return false;
    }
    for (size_t p = 0; p < b->file->part_count; p++) {
        if (!tt_output_commit(&b->outputs[p], err)) return false;
    }
    return true;
}

static bool bake(baking *b, const char *output, tt_baked *baked, tt_error *err) {
    size_t added = 0;
    b->biases = tt_alloc(b->file->layer_count, sizeof *b->biases, err);
    b->outputs = tt_alloc(b->file->part_count, sizeof *b->outputs, err);
    b->buffer = tt_alloc(BUFFER_BYTES, 1, err);
    b->values = tt_alloc(b->file->width, sizeof *b->values, err);
    if (!b->biases || !b->outputs || !b->buffer || !b->values) return false;
    if (!check_model(b->file, b->vector, err) || !place_biases(b, err) || !prepare_headers(b, &added, err)) return false;
    b->total = b->file->bytes + added * b->file->width * sizeof(float);
    if (!open_outputs(b, output, baked, err) || !write_parts(b, err)) return false;
    baked->bytes = b->done;
    for (uint32_t K = 1; K < b->vector->layer_count; K++) baked->biases += b->biases[K].row != NULL;
    return true;
}

bool tt_bake_check(tt_model_file *file, const tt_vector *vector, tt_error *err) {
    baking b = {.file = file, .vector = vector};
    b.biases = tt_alloc(file->layer_count, sizeof *b.biases, err);
    const bool ok = b.biases && check_model(file, vector, err) && place_biases(&b, err);
    free(b.biases);
    return ok;
}

bool tt_bake(tt_model_file *file, const tt_vector *vector, const char *output, const tt_bake_options *options,
             tt_baked *baked, tt_error *err) {
    baking b = {.file = file, .vector = vector, .options = options};
    *baked = (tt_baked){0};
    const bool ok = bake(&b, output, baked, err);
    for (size_t p = 0; b.outputs && p < file->part_count; p++) tt_output_abort(&b.outputs[p]);
    free(b.biases);
    free(b.outputs);
    free(b.buffer);
    free(b.values);
    if (!ok) tt_baked_free(baked);
    return ok;
}

void tt_baked_free(tt_baked *baked) {
    for (size_t i = 0; i < baked->path_count; i++) free(baked->paths[i]);
    free(baked->paths);
    *baked = (tt_baked){0};
}
