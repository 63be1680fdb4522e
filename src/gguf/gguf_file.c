/* gguf_file.c: see gguf_file.h. gguf.h describes the layout. */
#include "gguf/gguf_file.h"
#include "base/file.h"
#include "base/memory.h"
#include "gguf/disguise.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MAX_ENTRIES = 16384, /* keys, and tensors: models have some thousands; libggml compares every pair */
    MAX_KEY = 65535,     /* bytes, by the format's definition */
    WINDOW = 1 << 16,
};

/* Reads the file front to back through one buffer. */
typedef struct cursor {
    const tt_gguf *file;
    uint64_t position;
    uint64_t start; /* of the window, in the file */
    size_t length;  /* in the window */
    unsigned char window[WINDOW];
} cursor;

/* The names of keys or tensors that the walk collects, to find duplicates. */
typedef struct names {
    char **items;
    size_t count, capacity;
} names;

static void names_free(names *list) {
    for (size_t i = 0; i < list->count; i++) free(list->items[i]);
    free(list->items);
}

static int compare_names(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* Fills the window from `position` on. */
static bool fill(cursor *at, tt_error *err) {
    const uint64_t left = at->file->size - at->position;
    const size_t wanted = left < WINDOW ? (size_t)left : WINDOW;
    at->start = at->position;
    at->length = 0;
    if (!tt_pread_all(at->file->fd, at->window, wanted, (off_t)at->start, at->file->path, err)) return false;
    at->length = wanted;
    return true;
}

static bool need(const cursor *at, uint64_t size, tt_error *err) {
    if (size <= at->file->size - at->position) return true;
    return tt_fail(err, TT_ERROR_INPUT, "'%s' is cut short or damaged: its header tells of more than the file holds",
                   at->file->path);
}

static bool take(cursor *at, void *output, size_t size, tt_error *err) {
    if (!need(at, size, err)) return false;
    for (size_t done = 0; done < size;) {
        const bool inside = at->position >= at->start && at->position < at->start + at->length;
        if (!inside && !fill(at, err)) return false;
        const size_t offset = (size_t)(at->position - at->start), ready = at->length - offset;
        const size_t step = ready < size - done ? ready : size - done;
        memcpy((char *)output + done, at->window + offset, step);
        done += step;
        at->position += step;
    }
    return true;
}

static bool skip(cursor *at, uint64_t count, uint64_t size, tt_error *err) {
    if (size && count > UINT64_MAX / size) return need(at, UINT64_MAX, err);
    if (!need(at, count * size, err)) return false;
    at->position += count * size;
    return true;
}

/* A key or tensor name, at most `longest` bytes; it belongs to `list`. NULL on failure. */
static const char *take_name(cursor *at, const char *what, size_t longest, names *list, tt_error *err) {
    uint64_t length = 0;
    if (!take(at, &length, sizeof length, err) || !need(at, length, err)) return NULL;
    if (length == 0 || length > longest) {
        tt_fail(err, TT_ERROR_INPUT, "'%s' is damaged: the name of a %s has %" PRIu64 " bytes, not 1 to %zu", at->file->path,
                what, length, longest);
        return NULL;
    }
    if (!tt_grow(&list->items, &list->capacity, list->count, sizeof *list->items, err)) return NULL;
    char *name = tt_alloc((size_t)length + 1, 1, err);
    if (!name) return NULL;
    list->items[list->count++] = name;
    if (!take(at, name, (size_t)length, err)) return NULL;
    if (strlen(name) == length) return name;
    tt_fail(err, TT_ERROR_INPUT, "'%s' is damaged: the name of a %s holds a zero byte", at->file->path, what);
    return NULL;
}

static bool no_doubles(const cursor *at, const char *what, names *list, tt_error *err) {
    if (list->count) qsort(list->items, list->count, sizeof *list->items, compare_names);
    for (size_t i = 1; i < list->count; i++) {
        if (!strcmp(list->items[i - 1], list->items[i]))
            return tt_fail(err, TT_ERROR_INPUT, "'%s' is damaged: it holds the %s '%s' twice", at->file->path, what,
                           list->items[i]);
    }
    return true;
}

/* Bytes of one value of a fixed-size type, 0 for the others. */
static size_t value_size(uint32_t type) {
    switch (type) {
    case GGUF_TYPE_UINT8:
    case GGUF_TYPE_INT8:
    case GGUF_TYPE_BOOL:
        return 1;
    case GGUF_TYPE_UINT16:
    case GGUF_TYPE_INT16:
        return 2;
    case GGUF_TYPE_UINT32:
    case GGUF_TYPE_INT32:
    case GGUF_TYPE_FLOAT32:
        return 4;
    case GGUF_TYPE_UINT64:
    case GGUF_TYPE_INT64:
    case GGUF_TYPE_FLOAT64:
        return 8;
    default:
        return 0;
    }
}

/* Skips the value of `key`; records it if it is the alignment. */
static bool walk_value(cursor *at, const char *key, uint32_t *alignment, tt_error *err) {
    uint32_t type;
    uint64_t count = 1;
    if (!take(at, &type, sizeof type, err)) return false;
    const bool is_array = type == GGUF_TYPE_ARRAY;
    if (is_array && (!take(at, &type, sizeof type, err) || !take(at, &count, sizeof count, err))) return false;
    if (!strcmp(key, GGUF_KEY_GENERAL_ALIGNMENT)) {
        if (is_array || type != GGUF_TYPE_UINT32)
            return tt_fail(err, TT_ERROR_INPUT, "'%s' is damaged: its key %s has a wrong type", at->file->path, key);
        if (!take(at, alignment, sizeof *alignment, err)) return false;
        const bool power_of_two = *alignment && (*alignment & (*alignment - 1)) == 0;
        return power_of_two || tt_fail(err, TT_ERROR_INPUT, "'%s' is damaged: its alignment %" PRIu32 " is no power of two",
                                       at->file->path, *alignment);
    }
    if (value_size(type)) return skip(at, count, value_size(type), err);
    if (type != GGUF_TYPE_STRING)
        return tt_fail(err, TT_ERROR_INPUT, "'%s' is damaged: its key '%.200s' has the unknown type %" PRIu32,
                       at->file->path, key, type);
    if (count > at->file->size / sizeof(uint64_t)) return need(at, UINT64_MAX, err);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t length;
        if (!take(at, &length, sizeof length, err) || !skip(at, length, 1, err)) return false;
    }
    return true;
}

static bool bad_tensor(const cursor *at, const char *name, const char *why, tt_error *err) {
    return tt_fail(err, TT_ERROR_INPUT, "'%s' is damaged: its tensor '%s' %s", at->file->path, name, why);
}

/* Skips the description of the tensor `name`, whose data must begin at `*end`, and moves `*end` past it. */
static bool walk_tensor(cursor *at, const char *name, uint32_t alignment, uint64_t *end, uint64_t *last, tt_error *err) {
    uint32_t dimensions, type;
    uint64_t offset, elements = 1, first = 1;
    if (!take(at, &dimensions, sizeof dimensions, err)) return false;
    if (dimensions > GGML_MAX_DIMS) return bad_tensor(at, name, "has too many dimensions", err);
    for (uint32_t i = 0; i < dimensions; i++) {
        int64_t extent;
        if (!take(at, &extent, sizeof extent, err)) return false;
        if (extent <= 0) return bad_tensor(at, name, "has a dimension that is not positive", err);
        if (elements > INT64_MAX / (uint64_t)extent) return bad_tensor(at, name, "is larger than the file", err);
        elements *= (uint64_t)extent;
        if (i == 0) first = (uint64_t)extent;
    }
    if (!take(at, &type, sizeof type, err) || !take(at, &offset, sizeof offset, err)) return false;
    if (type >= GGML_TYPE_COUNT || ggml_blck_size((enum ggml_type)type) <= 0 || !ggml_type_size((enum ggml_type)type))
        return bad_tensor(at, name, "has a type that the installed libggml does not know", err);
    const uint64_t block = (uint64_t)ggml_blck_size((enum ggml_type)type);
    if (first % block) return bad_tensor(at, name, "has rows that are no whole number of blocks", err);
    if (offset != *end) return bad_tensor(at, name, "does not begin where the one before it ends", err);
    const uint64_t blocks = elements / block, size = ggml_type_size((enum ggml_type)type);
    if (blocks > at->file->size / size)
        return tt_fail(err, TT_ERROR_INPUT, "'%s' is cut short or damaged: its tensor '%s' is larger than the file",
                       at->file->path, name);
    *last = *end + blocks * size;
    *end = (*last + alignment - 1) / alignment * alignment;
    return true;
}

/* A key takes at least 13 bytes (an empty name, the type, one byte), a tensor 24. */
static bool check_counts(const cursor *at, uint64_t tensors, uint64_t keys, tt_error *err) {
    if (keys > at->file->size / 13 || tensors > at->file->size / 24)
        return tt_fail(err, TT_ERROR_INPUT,
                       "'%s' is damaged: it claims %" PRIu64 " tensors and %" PRIu64
                       " keys, so its header counts more than the file can hold",
                       at->file->path, tensors, keys);
    if (tensors > MAX_ENTRIES || keys > MAX_ENTRIES)
        return tt_fail(err, TT_ERROR_INPUT,
                       "'%s' claims %" PRIu64 " tensors and %" PRIu64 " keys, more than the %d that any model has",
                       at->file->path, tensors, keys, MAX_ENTRIES);
    return true;
}

static bool walk_head(cursor *at, uint64_t *tensors, uint64_t *keys, tt_error *err) {
    const char *path = at->file->path;
    char magic[4];
    uint32_t version;
    if (at->file->size < sizeof magic + sizeof version + 16) {
        char why[64];
        snprintf(why, sizeof why, ": its %" PRIu64 " bytes are too short to be a GGUF file", at->file->size);
        return tt_fail_not_gguf(at->file->fd, at->file->size, path, why, err);
    }
    if (!take(at, magic, sizeof magic, err) || !take(at, &version, sizeof version, err)) return false;
    if (memcmp(magic, GGUF_MAGIC, sizeof magic) != 0)
        return tt_fail_not_gguf(at->file->fd, at->file->size, path,
                                " (llama.cpp's convert_hf_to_gguf.py makes one of a model in another format)", err);
    if ((version & 0xffff) == 0)
        return tt_fail(err, TT_ERROR_INPUT,
                       "'%s' was written for machines of the other byte order; convert it with gguf-convert-endian", path);
    if (version < 2 || version > GGUF_VERSION)
        return tt_fail(err, TT_ERROR_INPUT, "'%s' is of version %" PRIu32 " of GGUF; only versions 2 to %d can be read",
                       path, version, GGUF_VERSION);
    return take(at, tensors, sizeof *tensors, err) && take(at, keys, sizeof *keys, err) &&
           check_counts(at, *tensors, *keys, err);
}

static bool walk(cursor *at, names *keys, names *tensors, tt_error *err) {
    uint64_t tensor_count = 0, key_count = 0;
    uint32_t alignment = GGUF_DEFAULT_ALIGNMENT;
    if (!walk_head(at, &tensor_count, &key_count, err)) return false;
    for (uint64_t i = 0; i < key_count; i++) {
        const char *key = take_name(at, "key", MAX_KEY, keys, err);
        if (!key || !walk_value(at, key, &alignment, err)) return false;
    }
    uint64_t end = 0, last = 0;
    for (uint64_t i = 0; i < tensor_count; i++) {
        const char *name = take_name(at, "tensor", GGML_MAX_NAME - 1, tensors, err);
        if (!name || !walk_tensor(at, name, alignment, &end, &last, err)) return false;
    }
    const uint64_t begin = (at->position + alignment - 1) / alignment * alignment;
    if (tensor_count && (begin > at->file->size || last > at->file->size - begin))
        return tt_fail(err, TT_ERROR_INPUT,
                       "'%s' is cut short: its tensors need %" PRIu64 " bytes, and it has %" PRIu64 "; download it again",
                       at->file->path, begin + last, at->file->size);
    return no_doubles(at, "key", keys, err) && no_doubles(at, "tensor", tensors, err);
}

/* libggml reads through the same window, from wherever it asks. Errors end the read early, and libggml returns NULL. */
static size_t read_for_ggml(void *userdata, void *output, uint64_t offset, size_t length) {
    cursor *at = userdata;
    if (offset > at->file->size) return 0;
    at->position = offset;
    const uint64_t left = at->file->size - offset;
    const size_t size = length < left ? length : (size_t)left;
    return take(at, output, size, NULL) ? size : 0;
}

static bool parse(tt_gguf *file, tt_error *err) {
    cursor *at = tt_alloc(1, sizeof *at, err);
    if (!at) return false;
    at->file = file;
    names keys = {0}, tensors = {0};
    bool ok = walk(at, &keys, &tensors, err);
    names_free(&keys);
    names_free(&tensors);
    if (ok) {
        const struct gguf_init_params params = {.no_alloc = true};
        file->meta = gguf_init_from_callback(read_for_ggml, at, 0, file->size, params);
        ok = file->meta || tt_fail(err, TT_ERROR_INPUT, "'%s' is damaged: libggml cannot read its header", file->path);
    }
    free(at);
    return ok;
}

bool tt_gguf_open(tt_gguf *file, const char *path, tt_error *err) {
    *file = (tt_gguf){.fd = -1};
    if (!(file->path = tt_strdup(path, err))) return false;
    /* O_NONBLOCK: a named pipe is opened and refused instead of blocking. */
    do file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    while (file->fd < 0 && errno == EINTR);
    struct stat status;
    bool ok = file->fd >= 0 && fstat(file->fd, &status) == 0;
    if (!ok)
        tt_fail_errno(err, "cannot open '%s'", path);
    else if (!S_ISREG(status.st_mode))
        ok = tt_fail(err, TT_ERROR_INPUT, "'%s' is not a file but a folder or device", path);
    if (ok) {
        file->size = (uint64_t)status.st_size;
        ok = parse(file, err);
    }
    if (!ok) tt_gguf_close(file);
    return ok;
}

void tt_gguf_close(tt_gguf *file) {
    if (file->meta) gguf_free(file->meta);
    if (file->path && file->fd >= 0) close(file->fd);
    free(file->path);
    *file = (tt_gguf){.fd = -1};
}

uint64_t tt_gguf_tensor_offset(const tt_gguf *file, int64_t index) {
    return (uint64_t)gguf_get_data_offset(file->meta) + gguf_get_tensor_offset(file->meta, index);
}

uint64_t tt_gguf_tensor_size(const tt_gguf *file, int64_t index) { return gguf_get_tensor_size(file->meta, index); }

static bool wrong_type(const tt_gguf *file, const char *key, tt_error *err) {
    return tt_fail(err, TT_ERROR_INPUT, "'%s' is damaged: its key '%s' has a wrong type or value", file->path, key);
}

bool tt_gguf_string(const tt_gguf *file, const char *key, const char **value, tt_error *err) {
    const int64_t id = gguf_find_key(file->meta, key);
    if (id < 0) return true;
    if (gguf_get_kv_type(file->meta, id) != GGUF_TYPE_STRING) return wrong_type(file, key, err);
    *value = gguf_get_val_str(file->meta, id);
    return true;
}

/* The integer of `id` widened to 64 bits; `*negative` if it is below 0. False for other types. */
static bool widen(const struct gguf_context *meta, int64_t id, uint64_t *value, bool *negative) {
    int64_t number;
    switch (gguf_get_kv_type(meta, id)) {
    case GGUF_TYPE_UINT64:
        *value = gguf_get_val_u64(meta, id);
        return true;
    case GGUF_TYPE_UINT32:
        *value = gguf_get_val_u32(meta, id);
        return true;
    case GGUF_TYPE_UINT16:
        *value = gguf_get_val_u16(meta, id);
        return true;
    case GGUF_TYPE_UINT8:
        *value = gguf_get_val_u8(meta, id);
        return true;
    case GGUF_TYPE_INT64:
        number = gguf_get_val_i64(meta, id);
        break;
    case GGUF_TYPE_INT32:
        number = gguf_get_val_i32(meta, id);
        break;
    case GGUF_TYPE_INT16:
        number = gguf_get_val_i16(meta, id);
        break;
    case GGUF_TYPE_INT8:
        number = (int64_t)gguf_get_val_i8(meta, id);
        break;
    default:
        return false;
    }
    *negative = number < 0;
    *value = (uint64_t)number;
    return true;
}

bool tt_gguf_count(const tt_gguf *file, const char *key, uint64_t highest, uint64_t *value, tt_error *err) {
    const int64_t id = gguf_find_key(file->meta, key);
    if (id < 0) return true;
    uint64_t number = 0;
    bool negative = false;
    if (!widen(file->meta, id, &number, &negative) || negative || number > highest) return wrong_type(file, key, err);
    *value = number;
    return true;
}

bool tt_gguf_array(const tt_gguf *file, const char *key, enum gguf_type type, const void **values, size_t *count,
                   tt_error *err) {
    const int64_t id = gguf_find_key(file->meta, key);
    if (id < 0) return true;
    if (gguf_get_kv_type(file->meta, id) != GGUF_TYPE_ARRAY || gguf_get_arr_type(file->meta, id) != type)
        return wrong_type(file, key, err);
    *values = gguf_get_arr_data(file->meta, id);
    *count = gguf_get_arr_n(file->meta, id);
    return true;
}
