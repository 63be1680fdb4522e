/* facts.c: see facts.h
 *
 * The fingerprint is SHA-256 over the architecture and the one-dimensional F32 tensors (the norms' weights, and biases if
 * a model has them). Converters leave these unchanged, whatever the large matrices are quantised to, so a vector made
 * with a model's Q4_0 file also fits its Q8_0 file, while another fine-tune's norms differ. */
#include "gguf/facts.h"
#include "base/file.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    DATA_SAMPLES = 64,             /* places of a part's data that the content hash covers, */
    DATA_SAMPLE_BYTES = 64 * 1024, /* each of this size */
    LONGEST_NORM = 1 << 20,        /* values; a longer one-dimensional tensor is not a norm */
};

/* A one-dimensional F32 tensor, by name, for the fingerprint. */
typedef struct norm {
    char name[GGML_MAX_NAME];
    int64_t length;
    char hash[TT_HASH_TEXT];
} norm;

static int by_name(const void *a, const void *b) { return strcmp(((const norm *)a)->name, ((const norm *)b)->name); }

typedef struct collection {
    norm *norms;
    size_t count, capacity;
} collection;

static bool add_norm(collection *all, const tt_gguf *part, int64_t tensor, tt_error *err) {
    const int64_t *shape = gguf_get_tensor_ne(part->meta, tensor);
    if (gguf_get_tensor_type(part->meta, tensor) != GGML_TYPE_F32 || shape[1] != 1 || shape[0] > LONGEST_NORM) return true;
    const char *name = gguf_get_tensor_name(part->meta, tensor);
    if (!strncmp(name, "rope_", 5)) return true; /* computed by some converters, left out by others */
    const size_t bytes = tt_gguf_tensor_size(part, tensor);
    void *data = tt_alloc(bytes, 1, err);
    if (!data) return false;
    const off_t offset = (off_t)tt_gguf_tensor_offset(part, tensor);
    bool ok = tt_pread_all(part->fd, data, bytes, offset, part->path, err) &&
              tt_grow(&all->norms, &all->capacity, all->count, sizeof *all->norms, err);
    if (ok) {
        norm *n = &all->norms[all->count++];
        snprintf(n->name, sizeof n->name, "%s", name);
        n->length = shape[0];
        tt_hash hash;
        tt_hash_begin(&hash);
        tt_hash_bytes(&hash, data, bytes);
        tt_hash_end(&hash, n->hash);
    }
    free(data);
    return ok;
}

/* All bytes of the header, and data at evenly spaced places. */
static bool hash_content(tt_hash *hash, const tt_gguf *part, tt_error *err) {
    char *buffer = tt_alloc(DATA_SAMPLE_BYTES, 1, err);
    if (!buffer) return false;
    bool ok = true;
    const uint64_t begin = gguf_get_data_offset(part->meta);
    tt_hash_u64(hash, part->size);
    for (uint64_t at = 0; ok && at < begin && at < part->size; at += DATA_SAMPLE_BYTES) {
        const uint64_t end = begin < part->size ? begin : part->size;
        const size_t size = end - at < DATA_SAMPLE_BYTES ? (size_t)(end - at) : DATA_SAMPLE_BYTES;
        ok = tt_pread_all(part->fd, buffer, size, (off_t)at, part->path, err);
        tt_hash_bytes(hash, buffer, size);
    }
    for (uint64_t i = 0; ok && begin < part->size && i < DATA_SAMPLES; i++) {
        const uint64_t at = begin + (part->size - begin) / DATA_SAMPLES * i;
        const size_t size = part->size - at < DATA_SAMPLE_BYTES ? (size_t)(part->size - at) : DATA_SAMPLE_BYTES;
        ok = tt_pread_all(part->fd, buffer, size, (off_t)at, part->path, err);
        tt_hash_bytes(hash, buffer, size);
    }
    free(buffer);
    return ok;
}

static void finish_fingerprint(tt_gguf_facts *facts, collection *norms) {
    if (norms->count) qsort(norms->norms, norms->count, sizeof *norms->norms, by_name);
    tt_hash hash;
    tt_hash_begin(&hash);
    tt_hash_text(&hash, facts->architecture);
    for (size_t i = 0; i < norms->count; i++) {
        tt_hash_text(&hash, norms->norms[i].name);
        tt_hash_u64(&hash, (uint64_t)norms->norms[i].length);
        tt_hash_text(&hash, norms->norms[i].hash);
    }
    tt_hash_end(&hash, facts->fingerprint);
}

bool tt_gguf_facts_of(tt_gguf_facts *facts, const tt_model_file *file, tt_error *err) {
    *facts = (tt_gguf_facts){.bytes = file->bytes};
    collection norms = {0};
    tt_hash content;
    tt_hash_begin(&content);
    facts->architecture = tt_strdup(file->architecture, err);
    facts->name = facts->architecture ? tt_strdup(file->name, err) : NULL;
    bool ok = facts->name != NULL;
    for (size_t i = 0; ok && i < file->part_count; i++) {
        const tt_gguf *part = &file->parts[i];
        for (int64_t tensor = 0; ok && tensor < gguf_get_n_tensors(part->meta); tensor++)
            ok = add_norm(&norms, part, tensor, err);
        ok = ok && hash_content(&content, part, err);
    }
    if (ok) {
        finish_fingerprint(facts, &norms);
        tt_hash_end(&content, facts->content_hash);
    }
    free(norms.norms);
    if (!ok) tt_gguf_facts_free(facts);
    return ok;
}

bool tt_gguf_facts_read(tt_gguf_facts *facts, const char *path, tt_error *err) {
    tt_model_file file;
    *facts = (tt_gguf_facts){0};
    const bool ok = tt_model_file_open(&file, path, err) && tt_gguf_facts_of(facts, &file, err);
    tt_model_file_close(&file);
    return ok;
}

void tt_gguf_facts_free(tt_gguf_facts *facts) {
    free(facts->architecture);
    free(facts->name);
    *facts = (tt_gguf_facts){0};
}
