/* model_file.c: see model_file.h */
#include "gguf/model_file.h"
#include "base/memory.h"
#include "vectors/vector.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char extension[] = ".gguf";

/* The length of NAME in "NAME-00001-of-00003.gguf" or "NAME.gguf"; of all of `path` where it has no such ending. */
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

static bool copy_string(const tt_gguf *part, const char *key, char **field, tt_error *err) {
    const char *value = "";
    return tt_gguf_string(part, key, &value, err) && (*field = tt_strdup(value, err)) != NULL;
}

/* A count whose key is the architecture's: "llama.block_count". */
static bool read_count(const tt_gguf *part, const char *architecture, const char *name, uint64_t highest, uint32_t *count,
                       tt_error *err) {
    uint64_t value = 0;
    char *key = tt_format(err, "%s.%s", architecture, name);
    const bool ok = key && tt_gguf_count(part, key, highest, &value, err);
    if (ok && !value) tt_fail(err, TT_ERROR_INPUT, "'%s' is no model that writes text: it has no key '%s'", part->path, key);
    free(key);
    *count = (uint32_t)value;
    return ok && value;
}

static bool read_first(tt_model_file *file, tt_error *err) {
    const tt_gguf *part = &file->parts[0];
    if (!copy_string(part, "general.architecture", &file->architecture, err) ||
        !copy_string(part, "general.name", &file->name, err))
        return false;
    if (!strcmp(file->architecture, "controlvector"))
        return tt_fail(err, TT_ERROR_INPUT, "'%s' is a control vector, not a model", part->path);
    return read_count(part, file->architecture, "block_count", TT_LAYERS_MOST, &file->layer_count, err) &&
           read_count(part, file->architecture, "embedding_length", INT32_MAX, &file->width, err);
}

static bool add_part(tt_model_file *file, const char *path, tt_error *err) {
    if (!tt_gguf_open(&file->parts[file->part_count], path, err)) return false;
    file->bytes += file->parts[file->part_count++].size;
    return true;
}

/* Opens the parts behind the first one, and checks that each says it is that one. */
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

static bool open_parts(tt_model_file *file, const char *path, tt_error *err) {
    uint64_t count = 1, number = 0;
    if (!(file->parts = tt_alloc(1, sizeof *file->parts, err)) || !add_part(file, path, err) ||
        !tt_gguf_count(&file->parts[0], "split.count", TT_MODEL_PARTS_MOST, &count, err) ||
        !tt_gguf_count(&file->parts[0], "split.no", TT_MODEL_PARTS_MOST, &number, err))
        return false;
    if (number)
        return tt_fail(err, TT_ERROR_INPUT, "'%s' is part %" PRIu64 " of a split model: name its first part instead", path,
                       number + 1);
    if (!read_first(file, err)) return false;
    if (count <= 1) return true;
    return tt_resize(&file->parts, count, sizeof *file->parts, err) && add_other_parts(file, path, count, err);
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
