/* bench_kernels.c: does what one of ggml's CPU libraries computes for a token depend on where the token lies in a batch, and on
 * how many come together?
 *
 * For every weight format, matrix products are computed for batches of 1 to 64 rows that begin at different rows, with one
 * thread and with three, and each row's result is compared, bit for bit, with what it was in the batch of all. The answer is
 * the smallest group: if batches have a multiple of so many rows, a row's result is always the same. 1 means that it never
 * depends on company, 0 that none of the groups tried makes it so. The weights lie where libllama would put them: in the
 * first of the extra buffer types (ggml repacks them there) that can compute the product, and in plain memory too.
 *
 * usage: bench_kernels --where        prints the path of the library that ggml chooses on this machine
 *        bench_kernels LIBRARY.so     prints a JSON object: format, place, shape and group of each product; status 2 if this
 *                                     processor cannot run that library */
#include <ggml-alloc.h>
#include <ggml-backend.h>
#include <ggml.h>
#include <link.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 64, EXPERTS = 6, USED = 2, GRAPH_NODES = 16, ARENA = 1 << 20 };

static const int groups[] = {1, 2, 4, 8, 16, 32};
static const int thread_counts[] = {1, 3};

typedef struct machine {
    ggml_backend_dev_t device;
    ggml_backend_t backend;
    ggml_backend_set_n_threads_t set_threads;
    ggml_backend_buffer_type_t *extra; /* NULL-terminated */
    uint64_t dice;
    bool first; /* no object has been printed yet */
} machine;

/* What is computed: one tensor of weights, and a function that says what is done with it to `rows` rows. */
typedef struct product {
    const char *name, *place;
    enum ggml_type type;
    int64_t width, outputs;
    bool experts;
    struct ggml_tensor *weights;
    float *input; /* ROWS x width */
} product;

static void give_up(const char *why) {
    fprintf(stderr, "bench_kernels: %s\n", why);
    exit(1);
}

static void *need(size_t count, size_t size) {
    void *memory = calloc(count, size);
    if (!memory) give_up("out of memory");
    return memory;
}

/* Uniform in [-1, 1), by xorshift: numbers whose sums need rounding. */
static float roll(machine *m) {
    m->dice ^= m->dice << 13;
    m->dice ^= m->dice >> 7;
    m->dice ^= m->dice << 17;
    return (float)((double)(m->dice >> 11) / (double)(UINT64_C(1) << 52) - 1);
}

static float *roll_many(machine *m, size_t count) {
    float *values = need(count, sizeof *values);
    for (size_t i = 0; i < count; i++) values[i] = roll(m);
    return values;
}

static struct ggml_context *arena(void) {
    struct ggml_context *context = ggml_init((struct ggml_init_params){.mem_size = ARENA, .no_alloc = true});
    if (!context) give_up("out of memory");
    return context;
}

/* ==== One graph ==== */

static void compute(const machine *m, struct ggml_context *context, struct ggml_tensor *result, int threads) {
    struct ggml_cgraph *graph = ggml_new_graph_custom(context, GRAPH_NODES, false);
    ggml_build_forward_expand(graph, result);
    m->set_threads(m->backend, threads);
    if (ggml_backend_graph_compute(m->backend, graph) != GGML_STATUS_SUCCESS) give_up("ggml cannot compute a graph");
}

/* The experts that row `row` asks for: always the same two, different ones for different rows. */
static void choose_experts(int32_t *ids, int row) {
    ids[0] = (row * 7 + row / 5) % EXPERTS;
    ids[1] = (ids[0] + 1 + row % (EXPERTS - 1)) % EXPERTS;
}

/* weights * input[from .. from + rows), into `output`: rows x the floats of one row's result. */
static void multiply(const machine *m, const product *p, int from, int rows, int threads, float *output) {
    struct ggml_context *context = arena();
    struct ggml_tensor *ids = NULL, *result, *input;
    if (p->experts) {
        input = ggml_new_tensor_3d(context, GGML_TYPE_F32, p->width, 1, rows);
        ids = ggml_new_tensor_2d(context, GGML_TYPE_I32, USED, rows);
        result = ggml_mul_mat_id(context, p->weights, input, ids);
    } else {
        input = ggml_new_tensor_2d(context, GGML_TYPE_F32, p->width, rows);
        result = ggml_mul_mat(context, p->weights, input);
    }
    ggml_backend_buffer_t buffer = ggml_backend_alloc_ctx_tensors(context, m->backend);
    if (!buffer) give_up("out of memory");
    /* ROWS of them in a ring, so that any row can come first. */
    for (int i = 0; i < rows; i++) {
        const int row = (from + i) % ROWS;
        const size_t bytes = (size_t)p->width * sizeof(float);
        ggml_backend_tensor_set(input, p->input + (size_t)row * (size_t)p->width, (size_t)i * bytes, bytes);
        if (!ids) continue;
        int32_t chosen[USED];
        choose_experts(chosen, row);
        ggml_backend_tensor_set(ids, chosen, (size_t)i * sizeof chosen, sizeof chosen);
    }
    compute(m, context, result, threads);
    ggml_backend_tensor_get(result, output, 0, ggml_nbytes(result));
    ggml_backend_buffer_free(buffer);
    ggml_free(context);
}

/* ==== Groups ==== */

/* Marks in `bad` the numbers of rows with which any row's result differs from what it is in the batch of all. */
static void find_bad(const machine *m, const product *p, bool bad[ROWS + 1]) {
    const size_t row = (size_t)p->outputs * (p->experts ? USED : 1);
    float *expected = need(ROWS * row, sizeof *expected), *found = need(ROWS * row, sizeof *found);
    multiply(m, p, 0, ROWS, 1, expected);
    for (size_t t = 0; t < sizeof thread_counts / sizeof *thread_counts; t++)
        for (int rows = 1; rows <= ROWS; rows++)
            for (int from = 0; from < ROWS; from += 13) {
                multiply(m, p, from, rows, thread_counts[t], found);
                for (int i = 0; i < rows; i++) {
                    const float *same = expected + (size_t)((from + i) % ROWS) * row;
                    if (memcmp(found + (size_t)i * row, same, row * sizeof *same) != 0) bad[rows] = true;
                }
            }
    free(expected);
    free(found);
}

static int smallest_group(const bool bad[ROWS + 1]) {
    for (size_t g = 0; g < sizeof groups / sizeof *groups; g++) {
        bool holds = true;
        for (int rows = groups[g]; rows <= ROWS; rows += groups[g]) holds = holds && !bad[rows];
        if (holds) return groups[g];
    }
    return 0;
}

static void report(machine *m, const product *p) {
    bool bad[ROWS + 1] = {false};
    find_bad(m, p, bad);
    printf("%s\n  {\"op\": \"%s\", \"format\": \"%s\", \"place\": \"%s\", \"width\": %lld, \"outputs\": %lld, \"group\": %d}",
           m->first ? "" : ",", p->experts ? "mul_mat_id" : "mul_mat", ggml_type_name(p->type), p->place,
           (long long)p->width, (long long)p->outputs, smallest_group(bad));
    m->first = false;
}

/* ==== Weights ==== */

static void *quantize(machine *m, const product *p, size_t *bytes) {
    const int64_t rows = p->outputs * (p->experts ? EXPERTS : 1);
    float *values = roll_many(m, (size_t)(rows * p->width)), *importance = need((size_t)p->width, sizeof *importance);
    for (int64_t i = 0; i < p->width; i++) importance[i] = 1;
    *bytes = ggml_row_size(p->type, p->width) * (size_t)rows;
    void *data = need(1, *bytes);
    ggml_quantize_chunk(p->type, values, data, 0, rows, p->width, importance);
    free(values);
    free(importance);
    return data;
}

/* Whether weights in `type` of buffer can be multiplied by. libllama asks in the same way: with a buffer of no bytes. */
static bool suits(const machine *m, const product *p, ggml_backend_buffer_type_t type, struct ggml_context *context) {
    struct ggml_tensor *input =
        p->experts ? ggml_new_tensor_3d(context, GGML_TYPE_F32, p->width, USED, ROWS)
                   : ggml_new_tensor_4d(context, GGML_TYPE_F32, p->width, ROWS, 1, 1);
    struct ggml_tensor *op =
        p->experts ? ggml_mul_mat_id(context, p->weights, input, ggml_new_tensor_2d(context, GGML_TYPE_I32, USED, ROWS))
                   : ggml_mul_mat(context, p->weights, input);
    p->weights->buffer = ggml_backend_buft_alloc_buffer(type, 0);
    const bool supported = ggml_backend_dev_supports_op(m->device, op);
    ggml_backend_buffer_free(p->weights->buffer);
    p->weights->buffer = NULL;
    return supported;
}

static void try_in(machine *m, product p, ggml_backend_buffer_type_t type) {
    struct ggml_context *context = arena(), *scratch = arena();
    p.weights = p.experts ? ggml_new_tensor_3d(context, p.type, p.width, p.outputs, EXPERTS)
                          : ggml_new_tensor_2d(context, p.type, p.width, p.outputs);
    if (suits(m, &p, type, scratch)) {
        p.place = ggml_backend_buft_name(type);
        ggml_backend_buffer_t buffer = ggml_backend_alloc_ctx_tensors_from_buft(context, type);
        if (!buffer) give_up("out of memory");
        size_t bytes;
        void *data = quantize(m, &p, &bytes);
        ggml_backend_tensor_set(p.weights, data, 0, bytes);
        free(data);
        p.input = roll_many(m, (size_t)(ROWS * p.width));
        report(m, &p);
        free(p.input);
        ggml_backend_buffer_free(buffer);
    }
    ggml_free(scratch);
    ggml_free(context);
}

static void try_format(machine *m, enum ggml_type type) {
    /* Widths and outputs as models have them: whole blocks of 256, of 32 alone, and outputs of which no 8 or 16 make all. */
    static const int64_t shapes[][2] = {{512, 96}, {2048, 72}, {576, 64}, {256, 36}};
    for (int experts = 0; experts < 2; experts++)
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
            const product p = {.type = type, .width = shapes[s][0], .outputs = shapes[s][1], .experts = experts};
            if (p.width % ggml_blck_size(type)) continue;
            for (ggml_backend_buffer_type_t *extra = m->extra; extra && *extra; extra++) try_in(m, p, *extra);
            try_in(m, p, ggml_backend_dev_buffer_type(m->device));
        }
}

/* ==== The library ==== */

static int print_loaded(struct dl_phdr_info *info, size_t, void *found) {
    if (!strstr(info->dlpi_name, "ggml-cpu")) return 0;
    puts(info->dlpi_name);
    *(bool *)found = true;
    return 1;
}

static int print_where(void) {
    ggml_backend_load_all();
    bool found = false;
    dl_iterate_phdr(print_loaded, &found);
    if (!found) give_up("ggml's CPU backend is no library of its own here");
    return 0;
}

static bool open_machine(machine *m, const char *library) {
    ggml_backend_reg_t registry = ggml_backend_load(library);
    if (!registry) return false;
    m->device = ggml_backend_reg_dev_get(registry, 0);
    m->backend = ggml_backend_dev_init(m->device, NULL);
    m->set_threads = (ggml_backend_set_n_threads_t)ggml_backend_reg_get_proc_address(registry, "ggml_backend_set_n_threads");
    ggml_backend_dev_get_extra_bufts_t extra =
        (ggml_backend_dev_get_extra_bufts_t)ggml_backend_reg_get_proc_address(registry, "ggml_backend_dev_get_extra_bufts");
    m->extra = extra ? extra(m->device) : NULL;
    m->dice = 88172645463325252;
    m->first = true;
    return m->backend && m->set_threads;
}

static void be_quiet(enum ggml_log_level, const char *, void *) {}

int main(int count, char **arguments) {
    ggml_log_set(be_quiet, NULL);
    if (count != 2) give_up("usage: bench_kernels --where | LIBRARY.so");
    if (strcmp(arguments[1], "--where") == 0) return print_where();
    machine m;
    if (!open_machine(&m, arguments[1])) return 2;
    printf("[");
    for (int type = 0; type < GGML_TYPE_COUNT; type++) {
        const bool integer = type >= GGML_TYPE_I8 && type <= GGML_TYPE_F64;
        if (ggml_blck_size(type) == 0 || integer || type == GGML_TYPE_Q8_1 || type == GGML_TYPE_Q8_K) continue;
        try_format(&m, type);
    }
    printf("\n]\n");
    ggml_backend_free(m.backend);
    return 0;
}
