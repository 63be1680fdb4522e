/* model_file.h: a model's GGUF file, or all the parts of a split one, opened and checked before libllama sees them.
 *
 * libllama aborts the process on some broken files, reads past the end of a vocabulary's arrays if their lengths differ,
 * and says little about others. Here such files are refused with a sentence. */
#pragma once

#include "gguf/gguf_file.h"

enum { TT_MODEL_PARTS_MOST = 9999 };

typedef struct tt_model_file {
    tt_gguf *parts;
    size_t part_count;
    char *architecture, *name;   /* general.architecture; general.name or "" */
    uint32_t width, layer_count; /* d, L; 0 if the file does not say */
    uint64_t bytes;              /* of all parts */
} tt_model_file;

/* Opens `path`, and for the first part of a split model (NAME-00001-of-0000N.gguf) all the others. Refuses files that are
 * not text-generating models, and parts that are missing or do not belong together. */
bool tt_model_file_open(tt_model_file *file, const char *path, tt_error *err);
void tt_model_file_close(tt_model_file *file); /* harmless on `{0}` */

/* Refuses a model that does not state its width and layers, since no vector can be checked against it. */
bool tt_model_file_check_shape(const tt_model_file *file, tt_error *err);

/* The name of part `index` (from 0) of `count` of the model `path`: "NAME-00001-of-00003.gguf" for "NAME.gguf", or for
 * the name of another part. The caller frees it. */
char *tt_model_part_path(const char *path, size_t index, size_t count, tt_error *err);
