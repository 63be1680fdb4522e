/* model_file.h: a model's GGUF file, or all the parts of a split one, opened for what control vectors need of it. */
#pragma once

#include "gguf/gguf_file.h"

enum { TT_MODEL_PARTS_MOST = 1024 };

typedef struct tt_model_file {
    tt_gguf *parts;
    size_t part_count;
    char *architecture, *name;   /* general.architecture; general.name or "" */
    uint32_t width, layer_count; /* d, L */
    uint64_t bytes;              /* of all parts */
} tt_model_file;

/* Opens `path`, and with the first part of a split model (NAME-00001-of-0000N.gguf) all others. Refuses what is no model of
 * text, and parts that are missing or do not belong together. */
bool tt_model_file_open(tt_model_file *file, const char *path, tt_error *err);
void tt_model_file_close(tt_model_file *file); /* harmless on `{0}` */

/* The name of part `index` (from 0) of `count` of the model `path`: "NAME-00001-of-00003.gguf" for "NAME.gguf", or for
 * another part's own name. The caller frees. */
char *tt_model_part_path(const char *path, size_t index, size_t count, tt_error *err);
