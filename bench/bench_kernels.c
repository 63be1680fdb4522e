/* bench_kernels.c: does what one of ggml's CPU libraries computes for a token depend on where the token lies in a batch, and
 * on how many come together?
 *
 * Matrix products of every format of weights (also with experts), attention over every kind of cache, and what is computed
 * for each row alone (norms and the like) are computed for batches of 1 to 64 rows that begin at different rows, with one
 * thread and sometimes with two; each row's result is compared, bit for bit, with what it was in the batch of all. The
 * answer is the smallest group: if batches have a multiple of so many rows, a row's result is always the same. 1 means that
 * it never depends on company, 0 that no multiple of 32 or less makes it so. Weights lie where libllama would put them: in
 * one of the extra buffer types (ggml repacks them there) where that can compute the product, and in plain memory too. Cells
 * of the cache lie close together, or with others in between that are masked.
 *
 * usage: bench_kernels --where             prints the path of the library that ggml chooses on this machine
 *        bench_kernels LIBRARY.so [OP]     prints a JSON array: op, format, place, shape and group of each (of one op
 * alone); status 2 if this processor cannot run that library */
#include <ggml-alloc.h>
#include <ggml-backend.h>
#include <ggml.h>
#include <link.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 64, EXPERTS = 4, USED = 2, GRAPH_NODES = 32, ARENA = 1 << 20 };
enum { HEADS = 4, KV_HEADS = 2, HEAD = 64, CELLS = 128 }; /* of attention; row r sees cells 0 .. r + CELLS - ROWS */

static const int groups[] = {1, 2, 4, 8, 16, 32};

typedef struct machine {
    ggml_backend_dev_t device;
    ggml_backend_t backend;
    ggml_backend_set_n_threads_t set_threads;
    ggml_backend_buffer_type_t *extra; /* NULL-terminated */
    uint64_t dice;
    bool first;       /* no object has been printed yet */
    const char *only; /* op; NULL: all */
} machine;

enum kind { MATRIX, EXPERT_MATRICES, ATTENTION, ROW_WISE };

static const char *const ops[] = {"mul_mat", "mul_mat_id", "flash_attn_ext", "row by row"};

/* What is computed for each row of `input`. */
typedef struct job {
    enum kind kind;
    enum ggml_type type; /* of the weights, or of keys; values have `values` */
    enum ggml_type values;
    const char *place;
    int64_t width, outputs;      /* floats of a row of input, and of its result (times USED with experts) */
    struct ggml_tensor *weights; /* of matrices */
    float *input, *cells;        /* ROWS x width; CELLS x KV_HEADS x HEAD */
} job;

static bool is_wanted(const machine *m, enum kind kind) { return !m->only || strcmp(m->only, ops[kind]) == 0; }

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

/* What a graph reads besides the rows; filled once it has memory. */
struct extras {
    struct ggml_tensor *ids, *positions, *keys, *values, *mask, *scale;
};

static struct ggml_tensor *attend(struct ggml_context *context, const job *j, struct ggml_tensor *input, int rows, int cells,
                                  struct extras *extras) {
    struct ggml_tensor *queries = ggml_reshape_3d(context, input, HEAD, HEADS, rows);
    extras->keys = ggml_new_tensor_3d(context, j->type, HEAD, cells, KV_HEADS);
    extras->values = ggml_new_tensor_3d(context, j->values, HEAD, cells, KV_HEADS);
    extras->mask = ggml_new_tensor_2d(context, GGML_TYPE_F16, cells, rows);
    return ggml_flash_attn_ext(context, ggml_permute(context, queries, 0, 2, 1, 3), extras->keys, extras->values,
                               extras->mask, 0.125F, 0, 0);
}

static struct ggml_tensor *compute_row_wise(struct ggml_context *context, const job *j, struct ggml_tensor *input, int rows,
                                            struct extras *extras) {
    extras->scale = ggml_new_tensor_1d(context, GGML_TYPE_F32, j->width);
    extras->positions = ggml_new_tensor_1d(context, GGML_TYPE_I32, rows);
    struct ggml_tensor *norm = ggml_mul(context, ggml_rms_norm(context, input, 1e-5F), extras->scale);
    struct ggml_tensor *turned =
        ggml_rope(context, ggml_reshape_3d(context, norm, HEAD, j->width / HEAD, rows), extras->positions, HEAD, 0);
    struct ggml_tensor *flat = ggml_reshape_2d(context, turned, j->width, rows);
    struct ggml_tensor *gated = ggml_mul(context, ggml_gelu(context, flat), ggml_silu(context, flat));
    return ggml_soft_max(context, ggml_add(context, ggml_norm(context, gated, 1e-5F), input));
}

static struct ggml_tensor *build(struct ggml_context *context, const job *j, struct ggml_tensor *input, int rows, int cells,
                                 struct extras *extras) {
    switch (j->kind) {
    case MATRIX:
        return ggml_mul_mat(context, j->weights, input);
    case EXPERT_MATRICES:
        extras->ids = ggml_new_tensor_2d(context, GGML_TYPE_I32, USED, rows);
        return ggml_mul_mat_id(context, j->weights, ggml_reshape_3d(context, input, j->width, 1, rows), extras->ids);
    case ATTENTION:
        return attend(context, j, input, rows, cells, extras);
    default:
        return compute_row_wise(context, j, input, rows, extras);
    }
}

/* Row `i` of the batch is row `row` of all. Its experts are always the same two, and the last one is
 * asked for seldom. */
static void fill_row(const job *j, struct ggml_tensor *input, const struct extras *extras, int i, int row) {
    const size_t bytes = (size_t)j->width * sizeof(float);
    ggml_backend_tensor_set(input, j->input + (size_t)row * (size_t)j->width, (size_t)i * bytes, bytes);
    if (extras->ids) {
        const int32_t first = row % 6 ? row % (EXPERTS - 1) : EXPERTS - 1,
                      chosen[USED] = {first, (first + 1) % (EXPERTS - 1)};
        ggml_backend_tensor_set(extras->ids, chosen, (size_t)i * sizeof chosen, sizeof chosen);
    }
    if (extras->positions) ggml_backend_tensor_set(extras->positions, &row, (size_t)i * sizeof row, sizeof row);
    for (int64_t cell = 0; extras->mask && cell < extras->mask->ne[0]; cell++) {
        const int64_t step = extras->mask->ne[0] / CELLS;
        const bool seen = cell % step == 0 && cell / step <= row + CELLS - ROWS;
        const ggml_fp16_t value = ggml_fp32_to_fp16(seen ? 0 : -INFINITY);
        ggml_backend_tensor_set(extras->mask, &value, (size_t)i * extras->mask->nb[1] + (size_t)cell * sizeof value,
                                sizeof value);
    }
}

/* Cell c lies at c, or at 2 c with a copy behind it that nobody sees. */
static void fill_cells(const job *j, struct ggml_tensor *tensor) {
    const int64_t step = tensor->ne[1] / CELLS;
    const size_t bytes = ggml_row_size(tensor->type, HEAD);
    char *row = need(1, bytes);
    for (int64_t head = 0; head < KV_HEADS; head++)
        for (int64_t cell = 0; cell < tensor->ne[1]; cell++) {
            const float *values = j->cells + (size_t)((cell / step * KV_HEADS + head) * HEAD);
            ggml_quantize_chunk(tensor->type, values, row, 0, 1, HEAD, NULL);
            ggml_backend_tensor_set(tensor, row, (size_t)head * tensor->nb[2] + (size_t)cell * tensor->nb[1], bytes);
        }
    free(row);
}

/* The results of rows from .. from + rows, of a ring of ROWS, into `output`. An odd number finds the cells spread out. */
static void compute(const machine *m, const job *j, int from, int rows, int threads, float *output) {
    struct ggml_context *context = arena();
    struct extras extras = {0};
    struct ggml_tensor *input = ggml_new_tensor_2d(context, GGML_TYPE_F32, j->width, rows);
    struct ggml_tensor *result = build(context, j, input, rows, rows % 2 ? 2 * CELLS : CELLS, &extras);
    struct ggml_cgraph *graph = ggml_new_graph_custom(context, GRAPH_NODES, false);
    ggml_build_forward_expand(graph, result);
    ggml_backend_buffer_t buffer = ggml_backend_alloc_ctx_tensors(context, m->backend);
    if (!buffer) give_up("out of memory");
    if (extras.keys) {
        fill_cells(j, extras.keys);
        fill_cells(j, extras.values);
    }
    if (extras.scale) ggml_backend_tensor_set(extras.scale, j->input, 0, ggml_nbytes(extras.scale));
    for (int i = 0; i < rows; i++) fill_row(j, input, &extras, i, (from + i) % ROWS);
    m->set_threads(m->backend, threads);
    if (ggml_backend_graph_compute(m->backend, graph) != GGML_STATUS_SUCCESS) give_up("ggml cannot compute a graph");
    ggml_backend_tensor_get(result, output, 0, ggml_nbytes(result));
    ggml_backend_buffer_free(buffer);
    ggml_free(context);
}

/* ==== Groups ==== */

/* Marks in `bad` the numbers of rows with which any row's result differs from what it is in the batch of all. Up to 33 every
 * number is tried, then multiples of eight. */
static void find_bad(const machine *m, const job *j, bool bad[ROWS + 1]) {
    const size_t row = (size_t)j->outputs * (j->kind == EXPERT_MATRICES ? USED : 1);
    float *expected = need(ROWS * row, sizeof *expected), *found = need(ROWS * row, sizeof *found);
    compute(m, j, 0, ROWS, 1, expected);
    for (int rows = 1; rows <= ROWS; rows = rows < 33 ? rows + 1 : rows == 33 ? 40 : rows + 8)
        for (int turn = 0; turn < 2; turn++) {
            const int from = turn * 13;
            compute(m, j, from, rows, 1 + (rows % 24 == 0 && turn), found);
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

static void report(machine *m, const job *j) {
    bool bad[ROWS + 1] = {false};
    find_bad(m, j, bad);
    char format[64];
    snprintf(format, sizeof format, "%s%s%s", ggml_type_name(j->type), j->kind == ATTENTION ? " and " : "",
             j->kind == ATTENTION ? ggml_type_name(j->values) : "");
    printf(
        "%s\n  {\"op\": \"%s\", \"format\": \"%s\", \"place\": \"%s\", \"width\": %lld, \"outputs\": %lld, \"group\": %d}",
        m->first ? "" : ",", ops[j->kind], format, j->place, (long long)j->width, (long long)j->outputs,
        smallest_group(bad));
    m->first = false;
    fflush(stdout);
}

/* ==== Matrices ==== */

static void fill_weights(machine *m, const job *j) {
    const int64_t rows = j->outputs * (j->kind == EXPERT_MATRICES ? EXPERTS : 1);
    float *values = roll_many(m, (size_t)(rows * j->width)), *importance = need((size_t)j->width, sizeof *importance);
    for (int64_t i = 0; i < j->width; i++) importance[i] = 1;
    const size_t bytes = ggml_row_size(j->type, j->width) * (size_t)rows;
    void *data = need(1, bytes);
    ggml_quantize_chunk(j->type, values, data, 0, rows, j->width, importance);
    ggml_backend_tensor_set(j->weights, data, 0, bytes);
    free(values);
    free(importance);
    free(data);
}

/* Whether weights in that type of buffer can be multiplied by. libllama asks in the same way: with a buffer of no bytes. */
static bool suits(const machine *m, const job *j, ggml_backend_buffer_type_t type) {
    struct ggml_context *context = arena();
    struct extras extras;
    struct ggml_tensor *input = ggml_new_tensor_2d(context, GGML_TYPE_F32, j->width, ROWS);
    struct ggml_tensor *op = build(context, j, input, ROWS, 0, &extras);
    j->weights->buffer = ggml_backend_buft_alloc_buffer(type, 0);
    const bool supported = ggml_backend_dev_supports_op(m->device, op);
    ggml_backend_buffer_free(j->weights->buffer);
    j->weights->buffer = NULL;
    ggml_free(context);
    return supported;
}

static void try_in(machine *m, job j, ggml_backend_buffer_type_t type) {
    struct ggml_context *context = arena();
    j.place = ggml_backend_buft_name(type);
    j.weights = j.kind == EXPERT_MATRICES ? ggml_new_tensor_3d(context, j.type, j.width, j.outputs, EXPERTS)
                                          : ggml_new_tensor_2d(context, j.type, j.width, j.outputs);
    if (suits(m, &j, type)) {
        ggml_backend_buffer_t buffer = ggml_backend_alloc_ctx_tensors_from_buft(context, type);
        if (!buffer) give_up("out of memory");
        fill_weights(m, &j);
        j.input = roll_many(m, (size_t)(ROWS * j.width));
        report(m, &j);
        free(j.input);
        ggml_backend_buffer_free(buffer);
    }
    ggml_free(context);
}

static void try_format(machine *m, enum ggml_type type) {
    /* Widths and outputs as models have them: whole blocks of 256 or of 32 alone; multiples of 16, of 8, of 4. */
    static const int64_t shapes[][2] = {{512, 32}, {1024, 24}, {576, 16}, {256, 36}};
    for (enum kind kind = MATRIX; kind <= EXPERT_MATRICES; kind++)
        for (size_t s = 0; s < (kind == EXPERT_MATRICES ? 1 : sizeof shapes / sizeof *shapes); s++) {
            const job j = {.kind = kind, .type = type, .width = shapes[s][0], .outputs = shapes[s][1]};
            if (!is_wanted(m, kind) || j.width % ggml_blck_size(type)) continue;
            for (ggml_backend_buffer_type_t *extra = m->extra; extra && *extra; extra++) try_in(m, j, *extra);
            try_in(m, j, ggml_backend_dev_buffer_type(m->device));
        }
}

/* ==== The rest ==== */

static void try_attention(machine *m, enum ggml_type keys, enum ggml_type values) {
    if (!is_wanted(m, ATTENTION)) return;
    job j = {.kind = ATTENTION, .type = keys, .values = values, .width = HEADS * HEAD, .outputs = HEADS * HEAD};
    j.place = "CPU";
    j.input = roll_many(m, (size_t)(ROWS * j.width));
    j.cells = roll_many(m, CELLS * KV_HEADS * HEAD);
    report(m, &j);
    free(j.input);
    free(j.cells);
}

static void try_row_wise(machine *m) {
    if (!is_wanted(m, ROW_WISE)) return;
    job j = {.kind = ROW_WISE, .type = GGML_TYPE_F32, .place = "CPU", .width = 576, .outputs = 576};
    j.input = roll_many(m, (size_t)(ROWS * j.width));
    report(m, &j);
    free(j.input);
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
    if (count != 2 && count != 3) give_up("usage: bench_kernels --where | LIBRARY.so [OP]");
    if (strcmp(arguments[1], "--where") == 0) return print_where();
    machine m = {.only = count == 3 ? arguments[2] : NULL};
    if (!open_machine(&m, arguments[1])) return 2;
    printf("[");
    for (int type = 0; type < GGML_TYPE_COUNT; type++) {
        const bool integer = type >= GGML_TYPE_I8 && type <= GGML_TYPE_F64;
        if (ggml_blck_size(type) == 0 || integer || type == GGML_TYPE_Q8_1 || type == GGML_TYPE_Q8_K) continue;
        try_format(&m, type);
    }
    try_attention(&m, GGML_TYPE_F16, GGML_TYPE_F16);
    try_attention(&m, GGML_TYPE_F32, GGML_TYPE_F32);
    try_attention(&m, GGML_TYPE_F16, GGML_TYPE_BF16);
    try_row_wise(&m);
    printf("\n]\n");
    ggml_backend_free(m.backend);
    return 0;
}
