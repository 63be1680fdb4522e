/* fuzz_model.c: model files from anywhere, as they are read before libllama gets to see them. What is taken has facts, and
 * no tensor of it lies beyond the file's end. */
#include "gguf/facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds) {
    if (!holds) abort();
}

static void look_at(const tt_model_file *file) {
    demand(file->part_count >= 1 && *file->architecture && file->bytes >= file->parts[0].size);
    for (size_t p = 0; p < file->part_count; p++) {
        const tt_gguf *part = &file->parts[p];
        for (int64_t i = 0; i < gguf_get_n_tensors(part->meta); i++) {
            const uint64_t begin = tt_gguf_tensor_offset(part, i), length = tt_gguf_tensor_size(part, i);
            demand(begin <= part->size && length <= part->size - begin);
        }
    }
    tt_gguf_facts facts;
    tt_error err = {0};
    demand(tt_gguf_facts_of(&facts, file, &err));
    demand(strlen(facts.fingerprint) > 8 && strlen(facts.content_hash) > 8);
    tt_gguf_facts_free(&facts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const int fd = memfd_create("input", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size) abort();
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    tt_error err = {0};
    tt_model_file file;
    if (tt_model_file_open(&file, path, &err))
        look_at(&file);
    else
        demand(err.message[0] && !strchr(err.message, '\n') && file.parts == NULL);
    tt_model_file_close(&file);
    close(fd);
    return 0;
}
