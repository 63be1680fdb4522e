/* prompt_scores.c: see prompt_scores.h */
#include "server/prompt_scores.h"
#include "base/memory.h"

#include <stdlib.h>

bool tt_prompt_scores_open(tt_prompt_scores *scores, const tt_model *model, const tt_tokens *prompt, int top_count,
                           tt_error *err) {
    *scores = (tt_prompt_scores){.model = model, .prompt = prompt, .top_count = top_count};
    scores->log_probabilities = tt_alloc(prompt->count, sizeof *scores->log_probabilities, err);
    scores->likeliest = tt_alloc(prompt->count * (size_t)top_count, sizeof *scores->likeliest, err);
    if (scores->log_probabilities && scores->likeliest) return true;
    tt_prompt_scores_free(scores);
    return false;
}

void tt_prompt_scores_free(tt_prompt_scores *scores) {
    free(scores->log_probabilities);
    free(scores->likeliest);
    *scores = (tt_prompt_scores){0};
}

void tt_prompt_scores_hear(void *data, size_t position, const float *logits) {
    tt_prompt_scores *scores = data;
    const size_t next = position + 1, top = (size_t)scores->top_count;
    if (next >= scores->prompt->count) return;
    tt_likeliest(logits, tt_vocabulary_size(scores->model), scores->likeliest + next * top, top, scores->prompt->ids[next],
                 &scores->log_probabilities[next]);
}
