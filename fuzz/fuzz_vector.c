/* fuzz_vector.c: control-vector files from anywhere. What is taken is as vector.h promises it, and survives being written
 * and read again. */
#include "vectors/vector.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds) {
    if (!holds) abort();
}

static void look_at(const tt_vector *vector) {
    demand(vector->width > 0 && vector->layer_count > 1 && vector->layer_count <= TT_LAYERS_MOST);
    demand((vector->rows[0] == NULL || vector->from_zero) && vector->figure_count <= TT_LAYERS_MOST);
    bool any = false;
    for (uint32_t K = 1; K < vector->layer_count; K++) {
        const float *row = vector->rows[K];
        any = any || row;
        for (uint32_t i = 0; row && i < vector->width; i++) demand(isfinite(row[i]));
    }
    demand(any);
}

/* The files' names: memory that looks like a file, and a scratch file for what is written. */
static void round_trip(const tt_vector *vector) {
    char path[64];
    snprintf(path, sizeof path, "/tmp/trimtab-fuzz-%d.gguf", (int)getpid());
    tt_error err = {0};
    tt_vector again;
    demand(tt_vector_write(vector, path, &err));
    demand(tt_vector_read(&again, path, &err));
    demand(again.layer_count == vector->layer_count || !vector->layer_count_given);
    demand(strcmp(again.axis, vector->axis) == 0 && again.role == vector->role);
    demand(again.samples == vector->samples &&
           (!vector->samples || again.seed == vector->seed)); /* no seed without samples */
    for (uint32_t K = 1; K < again.layer_count && K < vector->layer_count; K++) {
        demand((again.rows[K] != NULL) == (vector->rows[K] != NULL));
        if (again.rows[K]) demand(!memcmp(again.rows[K], vector->rows[K], again.width * sizeof(float)));
    }
    tt_vector_free(&again);
    unlink(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const int fd = memfd_create("input", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size) abort();
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    tt_error err = {0};
    tt_vector vector;
    if (tt_vector_read(&vector, path, &err)) {
        look_at(&vector);
        if (!vector.from_zero && vector.layer_count < 64 && vector.width < 256)
            round_trip(&vector); /* small ones only: this is about speed */
    } else {
        demand(err.message[0] && !strchr(err.message, '\n') && vector.rows == NULL);
    }
    tt_vector_free(&vector);
    close(fd);
    return 0;
}
