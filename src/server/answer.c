/* answer.c: see answer.h */
#include "server/answer.h"

bool tt_answer_open(tt_answer *answer, const tt_model *model, const tt_request *request, size_t index,
                    const tt_tokens *prompt, tt_error *err) {
    *answer = (tt_answer){.model = model,
                          .how = {.limit = request->limit,
                                  .stops = request->stops,
                                  .stop_count = request->stop_count,
                                  .top_tokens = request->top_tokens,
                                  .steered = request->steering != NULL},
                          .pieces = {.shown = &request->thinking.shown}};
    tt_sampling sampling = request->sampling;
    if (sampling.seed >= 0) sampling.seed = (sampling.seed + (int64_t)index) % (int64_t)UINT32_MAX;
    answer->sampler = tt_sampler_open(model, &sampling, err);
    if (!answer->sampler) return false;
    tt_sampler_read(answer->sampler, prompt);
    return true;
}

void tt_answer_free(tt_answer *answer) {
    tt_sampler_close(answer->sampler);
    tt_writer_free(answer);
}

bool tt_answer_choose(tt_answer *answer, const float *logits, int32_t *token, tt_error *err) {
    if (tt_writer_choose(answer, logits, token, err)) return true;
    if (answer->how.steered && err->kind == TT_ERROR_MODEL) err->kind = TT_ERROR_INPUT;
    return false;
}
