/* model_file.c: see model_file.h */
#include "gguf/model_file.h"
#include "base/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { LAYERS_MOST = 4096 }; /* more than any model has: the limit for a file */

static const char extension[] = ".gguf";

/* ==== Names of parts ==== */

/* The length of NAME in "NAME-00001-of-00003.gguf" or "NAME.gguf"; of the whole `path` without such an ending. */
static size_t stem_length(const char *path) {
    size_t length = strlen(path);
    const size_t extension_length = sizeof extension - 1;
    if (length < extension_length || strcmp(path + length - extension_length, extension) != 0) return length;
    length -= extension_length;
    const size_t part_length = strlen("-00001-of-00003");
    if (length <= part_length) return length;
    unsigned number, count;
    int read = 0;
    const char *part = path + length - part_length;
    if (sscanf(part, "-%5u-of-%5u%n", &number, &count, &read) != 2 || (size_t)read != part_length) return length;
    return length - part_length;
}

char *tt_model_part_path(const char *path, size_t index, size_t count, tt_error *err) {
    return tt_format(err, "%.*s-%05zu-of-%05zu%s", (int)stem_length(path), path, index + 1, count, extension);
}

/* ==== What kind of file it is ==== */

static bool refuse(const tt_gguf *part, const char *why, tt_error *err) {
    return tt_fail(err, TT_ERROR_INPUT, "'%s' %s", part->path, why);
}

/* Is this a model that can write text? Control vectors, adapters, projectors, vocabularies and encoders are not. */
static bool check_kind(const tt_gguf *part, const char *architecture, uint64_t part_count, tt_error *err) {
    static const char *const encoders[] = {"bert",      "modern-bert",     "nomic-bert",      "nomic-bert-moe",
                                           "neo-bert",  "jina-bert-v2",    "jina-bert-v3",    "eurobert",
                                           "t5encoder", "gemma-embedding", "wavtokenizer-dec"};
    const char *type = "";
    if (!tt_gguf_string(part, "general.type", &type, err)) return false;
    if (!*architecture) return refuse(part, "is a GGUF file that names no architecture: it is not a model", err);
    if (!strcmp(architecture, "controlvector"))
        return refuse(part, "is a control vector, not a model: -m takes the model that it is for", err);
    if (!strcmp(type, "adapter"))
        return refuse(part, "is a LoRA adapter, not a model: -m takes the model that it is for", err);
    if (!strcmp(architecture, "clip") || !strcmp(type, "mmproj"))
        return refuse(part, "is the image part of a model: -m takes its text part", err);
    for (size_t i = 0; i < sizeof encoders / sizeof *encoders; i++)
        if (!strcmp(architecture, encoders[i]))
            return tt_fail(err, TT_ERROR_INPUT, "'%s' is an encoder (%s), which writes no text: there is nothing to steer",
                           part->path, architecture);
    if (gguf_get_n_tensors(part->meta) == 0 && part_count <= 1)
        return refuse(part, "holds a vocabulary alone, without weights: -m takes a whole model", err);
    return true;
}

/* The length of one of the tokenizer's arrays, of strings or of numbers; 0 if it is absent. */
static bool check_array(const tt_gguf *part, const char *key, enum gguf_type type, size_t *count, tt_error *err) {
    const int64_t id = gguf_find_key(part->meta, key);
    *count = 0;
    if (id < 0) return true;
    if (gguf_get_kv_type(part->meta, id) != GGUF_TYPE_ARRAY || gguf_get_arr_type(part->meta, id) != type)
        return tt_fail(err, TT_ERROR_INPUT, "'%s' is damaged: its key '%s' has a wrong type", part->path, key);
    *count = gguf_get_arr_n(part->meta, id);
    return true;
}

/* libllama assumes that each token has a score and a type. */
static bool check_vocabulary(const tt_gguf *part, tt_error *err) {
    size_t tokens, merges, scores, types;
    if (!check_array(part, "tokenizer.ggml.tokens", GGUF_TYPE_STRING, &tokens, err) ||
        !check_array(part, "tokenizer.ggml.merges", GGUF_TYPE_STRING, &merges, err) ||
        !check_array(part, "tokenizer.ggml.scores", GGUF_TYPE_FLOAT32, &scores, err) ||
        !check_array(part, "tokenizer.ggml.token_type", GGUF_TYPE_INT32, &types, err))
        return false;
    if ((scores && scores < tokens) || (types && types < tokens))
        return tt_fail(err, TT_ERROR_INPUT, "'%s' is damaged: it has %zu tokens, and scores or types of fewer", part->path,
                       tokens);
    return true;
}

/* ==== The first part, with the model's keys ==== */

static bool copy_string(const tt_gguf *part, const char *key, char **field, tt_error *err) {
    const char *value = "";
    return tt_gguf_string(part, key, &value, err) && (*field = tt_strdup(value, err)) != NULL;
}

/* A count whose key begins with the architecture ("llama.block_count"); 0 if it is absent. */
static bool read_count(const tt_gguf *part, const char *architecture, const char *name, uint64_t highest, uint32_t *count,
                       tt_error *err) {
    uint64_t value = 0;
    char *key = tt_format(err, "%s.%s", architecture, name);
    const bool ok = key && tt_gguf_count(part, key, highest, &value, err);
    free(key);
    *count = (uint32_t)value;
    return ok;
}

static bool read_first(tt_model_file *file, uint64_t part_count, tt_error *err) {
    const tt_gguf *part = &file->parts[0];
    return copy_string(part, "general.architecture", &file->architecture, err) &&
           copy_string(part, "general.name", &file->name, err) && check_kind(part, file->architecture, part_count, err) &&
           check_vocabulary(part, err) &&
           read_count(part, file->architecture, "block_count", LAYERS_MOST, &file->layer_count, err) &&
           read_count(part, file->architecture, "embedding_length", INT32_MAX, &file->width, err);
}

bool tt_model_file_check_shape(const tt_model_file *file, tt_error *err) {
    if (file->width && file->layer_count) return true;
    return tt_fail(err, TT_ERROR_INPUT, "'%s' is no model that writes text: it has no key '%s.%s'", file->parts[0].path,
                   file->architecture, file->layer_count ? "embedding_length" : "block_count");
}

/* ==== All parts ==== */

static bool check_path(const char *path, tt_error *err) {
    struct stat status;
    if (stat(path, &status)) {
        if (errno != ENOENT) return tt_fail_errno(err, "cannot open the model '%s'", path);
        return tt_fail(err, TT_ERROR_INPUT, "there is no model '%s'; name a GGUF file with -m FILE or in TRIMTAB_MODEL",
                       path);
    }
    if (S_ISDIR(status.st_mode)) return tt_fail(err, TT_ERROR_INPUT, "'%s' is a folder; name the GGUF file in it", path);
    return true;
}

static bool add_part(tt_model_file *file, const char *path, tt_error *err) {
    if (!check_path(path, err) || !tt_gguf_open(&file->parts[file->part_count], path, err)) return false;
    file->bytes += file->parts[file->part_count++].size;
    return true;
}

/* Opens the parts after the first, and checks that each has the right number. */
static bool add_other_parts(tt_model_file *file, const char *path, uint64_t count, tt_error *err) {
    for (uint64_t i = 1; i < count; i++) {
        char *other = tt_model_part_path(path, i, count, err);
        const bool ok = other && add_part(file, other, err);
        free(other);
        if (!ok) return false;
        uint64_t number = 0, total = 0;
        const tt_gguf *part = &file->parts[i];
        if (!tt_gguf_count(part, "split.no", TT_MODEL_PARTS_MOST, &number, err) ||
            !tt_gguf_count(part, "split.count", TT_MODEL_PARTS_MOST, &total, err))
            return false;
        if (number != i || total != count)
            return tt_fail(err, TT_ERROR_INPUT, "'%s' is not part %" PRIu64 " of %" PRIu64 " of the model", part->path,
                           i + 1, count);
    }
    return true;
}

/* The first part's name gives the names of the others. */
static bool check_first_name(const char *path, uint64_t count, tt_error *err) {
    char *own = tt_model_part_path(path, 0, count, err);
    const bool same = own && !strcmp(own, path);
    if (own && !same)
        tt_fail(err, TT_ERROR_INPUT,
                "'%s' is one part of a split model: give it a name that ends in -00001-of-%05" PRIu64
                ".gguf again, so that the others can be found by it",
                path, count);
    free(own);
    return same;
}

static bool open_parts(tt_model_file *file, const char *path, tt_error *err) {
    uint64_t count = 1, number = 0;
    if (!(file->parts = tt_alloc(1, sizeof *file->parts, err)) || !add_part(file, path, err) ||
        !tt_gguf_count(&file->parts[0], "split.count", TT_MODEL_PARTS_MOST, &count, err) ||
        !tt_gguf_count(&file->parts[0], "split.no", TT_MODEL_PARTS_MOST, &number, err))
        return false;
    if (number && count > 1)
        return tt_fail(err, TT_ERROR_INPUT,
                       "'%s' is one part of a split model: name the first part, which ends in -00001-of-%05" PRIu64 ".gguf",
                       path, count);
    if (!read_first(file, count, err)) return false;
    if (count <= 1) return true;
    return check_first_name(path, count, err) && tt_resize(&file->parts, count, sizeof *file->parts, err) &&
           add_other_parts(file, path, count, err);
}

bool tt_model_file_open(tt_model_file *file, const char *path, tt_error *err) {
    *file = (tt_model_file){0};
    if (open_parts(file, path, err)) return true;
    tt_model_file_close(file);
    return false;
}

void tt_model_file_close(tt_model_file *file) {
    for (size_t i = 0; i < file->part_count; i++) tt_gguf_close(&file->parts[i]);
    free(file->parts);
    free(file->architecture);
    free(file->name);
    *file = (tt_model_file){0};
}
