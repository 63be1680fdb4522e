/* facts.c: see facts.h
 *
 * The fingerprint is SHA-256 over the architecture and the one-dimensional F32 tensors (the norms' weights, and biases where
 * a model has them): converters keep these as they are whatever the large matrices are quantised to, so a vector made with
 * the Q4_0 file of a model is recognised as belonging to its Q8_0 file, while another fine-tune's norms differ. */
#include "gguf/facts.h"
#include "base/file.h"
#include "base/memory.h"
#include "gguf/disguise.h"

#include <errno.h>
#include <fcntl.h>
#include <gguf.h>
#include <llama.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    DATA_SAMPLES = 64,             /* places of a part's data that the content hash covers, */
    DATA_SAMPLE_BYTES = 64 * 1024, /* each of this size */
    LONGEST_NORM = 1 << 20,        /* values; a longer one-dimensional tensor is no norm */
};

/* One part of a model: an open file and its parsed header. */
typedef struct part {
    char path[4096];
    int fd;
    uint64_t bytes;
    struct gguf_context *header;
} part;

static void part_close(part *p) {
    if (p->header) gguf_free(p->header);
    if (p->fd >= 0) close(p->fd);
    p->header = NULL;
    p->fd = -1;
}

static const char *text_key(const struct gguf_context *header, const char *key) {
    const int64_t id = gguf_find_key(header, key);
    return id >= 0 && gguf_get_kv_type(header, id) == GGUF_TYPE_STRING ? gguf_get_val_str(header, id) : NULL;
}

static int64_t count_key(const struct gguf_context *header, const char *key) {
    const int64_t id = gguf_find_key(header, key);
    if (id < 0) return 0;
    switch (gguf_get_kv_type(header, id)) {
    case GGUF_TYPE_UINT16:
        return gguf_get_val_u16(header, id);
    case GGUF_TYPE_UINT32:
        return gguf_get_val_u32(header, id);
    case GGUF_TYPE_INT32:
        return gguf_get_val_i32(header, id);
    case GGUF_TYPE_UINT64:
        return (int64_t)gguf_get_val_u64(header, id);
    default:
        return 0;
    }
}

/* Refuses what ggml's parser would take for granted: a GGUF header of a known version and sane counts. */
static bool check_magic(const part *p, tt_error *err) {
    struct {
        char magic[4];
        uint32_t version;
        uint64_t tensors, keys;
    } head;
    static_assert(sizeof head == 24);
    if (p->bytes < sizeof head)
        return tt_fail(err, TT_ERROR_INPUT, "'%s' is not a GGUF file: it has only %llu bytes", p->path,
                       (unsigned long long)p->bytes);
    if (!tt_pread_all(p->fd, &head, sizeof head, 0, p->path, err)) return false;
    if (memcmp(head.magic, "GGUF", 4) != 0)
        return tt_fail_not_gguf(p->fd, p->bytes, p->path, "; convert the model with llama.cpp's convert_hf_to_gguf.py", err);
    if (head.version == 0 || head.version > 0xffff)
        return tt_fail(err, TT_ERROR_INPUT, "'%s' is a GGUF file of the other byte order, which this machine cannot read",
                       p->path);
    /* A key takes at least 13 bytes (empty name, type, one byte), a tensor 24: more cannot be in a file of this size. */
    if (head.keys > p->bytes / 13 || head.tensors > p->bytes / 24)
        return tt_fail(err, TT_ERROR_INPUT, "'%s' is damaged: its header counts more than the file can hold", p->path);
    return true;
}

/* Every tensor's data must lie within the file. */
static bool check_extents(const part *p, tt_error *err) {
    const uint64_t begin = gguf_get_data_offset(p->header);
    for (int64_t i = 0; i < gguf_get_n_tensors(p->header); i++) {
        const uint64_t end = begin + gguf_get_tensor_offset(p->header, i) + gguf_get_tensor_size(p->header, i);
        if (end > p->bytes)
            return tt_fail(
                err, TT_ERROR_INPUT,
                "'%s' is cut short: its tensor '%s' ends at byte %llu, but the file has only %llu; download it again",
                p->path, gguf_get_tensor_name(p->header, i), (unsigned long long)end, (unsigned long long)p->bytes);
    }
    return true;
}

static bool part_open(part *p, tt_error *err) {
    p->header = NULL;
    do p->fd = open(p->path, O_RDONLY | O_CLOEXEC);
    while (p->fd < 0 && errno == EINTR);
    if (p->fd < 0) {
        if (errno == ENOENT)
            return tt_fail(err, TT_ERROR_INPUT, "there is no model '%s'; name a GGUF file with -m FILE or in TRIMTAB_MODEL",
                           p->path);
        return tt_fail_errno(err, "cannot open the model '%s'", p->path);
    }
    struct stat status;
    if (fstat(p->fd, &status)) return tt_fail_errno(err, "cannot read the model '%s'", p->path);
    if (S_ISDIR(status.st_mode)) return tt_fail(err, TT_ERROR_INPUT, "'%s' is a folder; name the GGUF file in it", p->path);
    p->bytes = (uint64_t)status.st_size;
    if (!check_magic(p, err)) return false;
    p->header = gguf_init_from_file(p->path, (struct gguf_init_params){.no_alloc = true});
    if (!p->header)
        return tt_fail(err, TT_ERROR_INPUT, "'%s' is a GGUF file with a damaged or cut-short header; download it again",
                       p->path);
    return check_extents(p, err);
}

/* Of a split model's parts only the first one has the model's keys. */
static bool check_first(const part *p, tt_error *err) {
    const int64_t parts = count_key(p->header, "split.count");
    if (parts <= 1 || count_key(p->header, "split.no") == 0) return true;
    return tt_fail(err, TT_ERROR_INPUT,
                   "'%s' is one part of a split model: name the first part, which ends in -00001-of-%05lld.gguf", p->path,
                   (long long)parts);
}

/* Is this a model that can write text? Control vectors, adapters, projectors, vocabularies and encoders are not. */
static bool check_kind(const part *p, tt_error *err) {
    const char *architecture = text_key(p->header, "general.architecture");
    const char *type = text_key(p->header, "general.type");
    if (!architecture)
        return tt_fail(err, TT_ERROR_INPUT, "'%s' is a GGUF file that names no architecture: it is not a model", p->path);
    if (!strcmp(architecture, "controlvector"))
        return tt_fail(err, TT_ERROR_INPUT, "'%s' is a control vector, not a model: -m takes the model that it is for",
                       p->path);
    if (type && !strcmp(type, "adapter"))
        return tt_fail(err, TT_ERROR_INPUT, "'%s' is a LoRA adapter, not a model: -m takes the model that it is for",
                       p->path);
    if (!strcmp(architecture, "clip") || (type && !strcmp(type, "mmproj")))
        return tt_fail(err, TT_ERROR_INPUT, "'%s' is the image part of a model: -m takes its text part", p->path);
    static const char *const encoders[] = {"bert",      "modern-bert",     "nomic-bert",      "nomic-bert-moe",
                                           "neo-bert",  "jina-bert-v2",    "jina-bert-v3",    "eurobert",
                                           "t5encoder", "gemma-embedding", "wavtokenizer-dec"};
    for (size_t i = 0; i < sizeof encoders / sizeof *encoders; i++)
        if (!strcmp(architecture, encoders[i]))
            return tt_fail(err, TT_ERROR_INPUT, "'%s' is an encoder (%s), which writes no text: there is nothing to steer",
                           p->path, architecture);
    if (gguf_get_n_tensors(p->header) == 0 && count_key(p->header, "split.count") <= 1)
        return tt_fail(err, TT_ERROR_INPUT, "'%s' holds a vocabulary alone, without weights: -m takes a whole model",
                       p->path);
    return true;
}

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

static bool add_norm(collection *all, const part *p, int64_t tensor, tt_error *err) {
    const int64_t *shape = gguf_get_tensor_ne(p->header, tensor);
    if (gguf_get_tensor_type(p->header, tensor) != GGML_TYPE_F32 || shape[1] != 1 || shape[0] > LONGEST_NORM) return true;
    const char *name = gguf_get_tensor_name(p->header, tensor);
    if (!strncmp(name, "rope_", 5)) return true; /* computed by some converters, left out by others */
    const size_t bytes = gguf_get_tensor_size(p->header, tensor);
    void *data = tt_alloc(bytes, 1, err);
    if (!data) return false;
    const off_t offset = (off_t)(gguf_get_data_offset(p->header) + gguf_get_tensor_offset(p->header, tensor));
    bool ok = tt_pread_all(p->fd, data, bytes, offset, p->path, err) &&
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

/* Header bytes whole, data bytes at evenly spread places. */
static bool hash_content(tt_hash *hash, const part *p, tt_error *err) {
    char *buffer = tt_alloc(DATA_SAMPLE_BYTES, 1, err);
    if (!buffer) return false;
    bool ok = true;
    const uint64_t begin = gguf_get_data_offset(p->header);
    tt_hash_u64(hash, p->bytes);
    for (uint64_t at = 0; ok && at < begin && at < p->bytes; at += DATA_SAMPLE_BYTES) {
        const uint64_t end = begin < p->bytes ? begin : p->bytes;
        const size_t size = end - at < DATA_SAMPLE_BYTES ? (size_t)(end - at) : DATA_SAMPLE_BYTES;
        ok = tt_pread_all(p->fd, buffer, size, (off_t)at, p->path, err);
        tt_hash_bytes(hash, buffer, size);
    }
    for (uint64_t i = 0; ok && begin < p->bytes && i < DATA_SAMPLES; i++) {
        const uint64_t at = begin + (p->bytes - begin) / DATA_SAMPLES * i;
        const size_t size = p->bytes - at < DATA_SAMPLE_BYTES ? (size_t)(p->bytes - at) : DATA_SAMPLE_BYTES;
        ok = tt_pread_all(p->fd, buffer, size, (off_t)at, p->path, err);
        tt_hash_bytes(hash, buffer, size);
    }
    free(buffer);
    return ok;
}

static bool read_part(part *p, collection *norms, tt_hash *content, uint64_t *bytes, tt_error *err) {
    *bytes += p->bytes;
    for (int64_t i = 0; i < gguf_get_n_tensors(p->header); i++)
        if (!add_norm(norms, p, i, err)) return false;
    return hash_content(content, p, err);
}

/* The further parts of a split model whose first part is `first`. */
static bool read_further_parts(const part *first, collection *norms, tt_hash *content, uint64_t *bytes, tt_error *err) {
    const int64_t parts = count_key(first->header, "split.count");
    if (parts <= 1) return true;
    if (parts > 9999)
        return tt_fail(err, TT_ERROR_INPUT, "'%s' is damaged: it counts %lld parts", first->path, (long long)parts);
    char prefix[4096];
    if (llama_split_prefix(prefix, sizeof prefix, first->path, 0, (int32_t)parts) <= 0)
        return tt_fail(err, TT_ERROR_INPUT,
                       "'%s' is one part of a split model: give it a name that ends in -00001-of-%05lld.gguf again, so that "
                       "the others can be found by it",
                       first->path, (long long)parts);
    for (int32_t i = 1; i < parts; i++) {
        part p = {.fd = -1};
        llama_split_path(p.path, sizeof p.path, prefix, i, (int32_t)parts);
        const bool ok = part_open(&p, err) && read_part(&p, norms, content, bytes, err);
        part_close(&p);
        if (!ok) return false;
    }
    return true;
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

bool tt_gguf_facts_read(tt_gguf_facts *facts, const char *path, tt_error *err) {
    *facts = (tt_gguf_facts){0};
    part first = {.fd = -1};
    if (strlen(path) >= sizeof first.path) return tt_fail(err, TT_ERROR_INPUT, "the model's path is too long");
    snprintf(first.path, sizeof first.path, "%s", path);
    collection norms = {0};
    tt_hash content;
    tt_hash_begin(&content);
    bool ok = part_open(&first, err) && check_first(&first, err) && check_kind(&first, err);
    if (ok) {
        const char *name = text_key(first.header, "general.name");
        facts->architecture = tt_strdup(text_key(first.header, "general.architecture"), err);
        facts->name = tt_strdup(name ? name : "", err);
        ok = facts->architecture && facts->name && read_part(&first, &norms, &content, &facts->bytes, err) &&
             read_further_parts(&first, &norms, &content, &facts->bytes, err);
    }
    if (ok) {
        finish_fingerprint(facts, &norms);
        tt_hash_end(&content, facts->content_hash);
    }
    free(norms.norms);
    part_close(&first);
    if (!ok) tt_gguf_facts_free(facts);
    return ok;
}

void tt_gguf_facts_free(tt_gguf_facts *facts) {
    free(facts->architecture);
    free(facts->name);
    *facts = (tt_gguf_facts){0};
}
