/* device_check.c: see device_check.h */
#include "train/device_check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

enum { COMPARED = 3 /* prompts: a baseline and its two classes, which every run has */ };

/* Processors quantise activations where GPUs round them to half precision: 1% to 5% apart is usual. The faults seen so far
 * put some block off by 85% or more. */
static const double LARGEST_DIFFERENCE = 0.5;

/* The contributions of the prompts as `model` computes them: COMPARED x blocks x width; the caller frees. */
static float *capture(tt_run *run, tt_model *model, const tt_tokens *tokens, tt_error *err) {
    const tt_model_facts *facts = tt_model_facts_of(model);
    float *contributions = tt_alloc((size_t)COMPARED * facts->blocks * facts->width, sizeof *contributions, err);
    tt_capture *capture = contributions ? tt_capture_open(model, &(tt_capture_options){0}, err) : NULL;
    const bool ok = capture && tt_capture_run(capture, tokens, COMPARED, run->options->cancel, contributions, err);
    tt_capture_close(capture);
    if (ok) return contributions;
    free(contributions);
    return NULL;
}

static float *capture_on_processor(tt_run *run, const tt_tokens *tokens, tt_error *err) {
    tt_model *model = tt_model_open_on_processor(run->model, err);
    float *contributions = model ? capture(run, model, tokens, err) : NULL;
    tt_model_close(model);
    return contributions;
}

/* How far apart a block's contributions are, as a share of their size. */
static double difference_at(const float *there, const float *here, size_t block, size_t blocks, size_t width) {
    double difference = 0, size = 0;
    for (size_t prompt = 0; prompt < COMPARED; prompt++) {
        const size_t at = (prompt * blocks + block) * width;
        for (size_t k = at; k < at + width; k++) {
            difference += pow((double)there[k] - here[k], 2);
            size += pow((double)here[k], 2);
        }
    }
    return size > 0 ? sqrt(difference / size) : difference > 0 ? INFINITY : 0;
}

static bool judge(const tt_run *run, const float *there, const float *here, double begin, tt_error *err) {
    const tt_model_facts *facts = tt_model_facts_of(run->model);
    double largest = 0, sum = 0;
    size_t worst = 0;
    for (size_t block = 0; block < facts->blocks; block++) {
        const double difference = difference_at(there, here, block, facts->blocks, facts->width);
        sum += difference;
        if (!(difference > largest)) continue;
        largest = difference;
        worst = block;
    }
    if (largest > LARGEST_DIFFERENCE)
        return tt_fail(
            err, TT_ERROR_MODEL,
            "the GPU or the --rpc servers do not compute what the processor does: at block %zu the states of %d "
            "prompts differ by %.0f%%, and vectors made of them would be wrong; update the driver or the server, "
            "set GGML_VK_DISABLE_COOPMAT=1 and GGML_VK_DISABLE_F16=1 where it is Vulkan, or compute on the processor "
            "with -ngl 0",
            worst, COMPARED, 100 * largest);
    tt_run_note(
        run,
        "compared with the processor: %d prompts' states differ by %.2g%% on average, at most by %.2g%% (block %zu); "
        "this took %.1f s",
        COMPARED, 100 * sum / facts->blocks, 100 * largest, worst, tt_seconds() - begin);
    return true;
}

static bool fits_memory(const tt_run *run) {
    const uint64_t present = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    const uint64_t needed = tt_model_facts_of(run->model)->bytes;
    if (needed < present) return true;
    char a[32], b[32];
    tt_run_note(run, "not compared with the processor: the model's %s do not fit this machine's memory of %s",
                tt_bytes_text((double)needed, a), tt_bytes_text((double)present, b));
    return false;
}

bool tt_device_check(tt_run *run, tt_error *err) {
    if (!tt_model_uses_gpu(run->model) || !fits_memory(run)) return true;
    const double begin = tt_seconds();
    const size_t rows = tt_gather_rows(run->axis_count);
    tt_tokens *tokens = tt_alloc(rows, sizeof *tokens, err);
    const tt_gather gather = tt_run_gather(run);
    if (!tokens || !tt_gather_tokens(&gather, TT_SPLIT_TRAINING, 0, tokens, err)) {
        free(tokens);
        return false;
    }
    float *there = capture(run, run->model, tokens, err);
    float *here = there ? capture_on_processor(run, tokens, err) : NULL;
    const bool ok = here && judge(run, there, here, begin, err);
    free(there);
    free(here);
    for (size_t i = 0; i < rows; i++) tt_tokens_free(&tokens[i]);
    free(tokens);
    return ok;
}
