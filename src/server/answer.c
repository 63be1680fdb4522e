/* answer.c: see answer.h */
#include "server/answer.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

bool tt_answer_open(tt_answer *answer, const tt_model *model, const tt_request *request, size_t index,
                    const tt_tokens *prompt, tt_error *err) {
    *answer = (tt_answer){.model = model, .request = request, .pieces = {.shown = &request->thinking.shown}};
    tt_sampling sampling = request->sampling;
    if (sampling.seed >= 0) sampling.seed = (sampling.seed + (int64_t)index) % (int64_t)UINT32_MAX;
    answer->sampler = tt_sampler_open(model, &sampling, err);
    if (!answer->sampler) return false;
    tt_sampler_read(answer->sampler, prompt);
    return true;
}

void tt_answer_free(tt_answer *answer) {
    tt_sampler_close(answer->sampler);
    tt_pieces_free(&answer->pieces);
    tt_text_free(&answer->text);
    free(answer->reports);
    *answer = (tt_answer){0};
}

/* Where the first stop text begins, at or behind `from`; SIZE_MAX: nowhere. */
static size_t find_stop(const tt_answer *answer, size_t from) {
    size_t first = SIZE_MAX;
    for (size_t i = 0; i < answer->request->stop_count && answer->text.data; i++) {
        const char *stop = answer->request->stops[i];
        const size_t length = strlen(stop), back = from > length - 1 ? length - 1 : from;
        const char *found = strstr(answer->text.data + from - back, stop);
        if (found && (size_t)(found - answer->text.data) < first) first = (size_t)(found - answer->text.data);
    }
    return first;
}

/* How many of the text's last bytes may be the beginning of a stop text. */
static size_t waiting_length(const tt_answer *answer) {
    size_t waiting = 0;
    for (size_t i = 0; i < answer->request->stop_count; i++) {
        const char *stop = answer->request->stops[i];
        size_t length = strlen(stop) - 1;
        if (length > answer->text.length) length = answer->text.length;
        while (length > waiting && memcmp(answer->text.data + answer->text.length - length, stop, length) != 0) length--;
        if (length > waiting) waiting = length;
    }
    return waiting;
}

/* The answer ends: what waits is told, unless a stop text cut it off. */
static void finish(tt_answer *answer, tt_finish how) {
    answer->finish = how;
    answer->told = answer->text.length;
}

static bool add_text(tt_answer *answer, const char *piece, size_t length, tt_error *err) {
    const size_t before = answer->text.length;
    tt_text_add_bytes(&answer->text, piece, length);
    if (!tt_text_ok(&answer->text, err)) return false;
    const size_t stop = find_stop(answer, before);
    if (stop != SIZE_MAX) {
        answer->text.length = stop;
        answer->text.data[stop] = '\0';
        finish(answer, TT_FINISH_STOP);
    } else {
        answer->told = answer->text.length - waiting_length(answer);
    }
    return true;
}

/* The text ends; a character left incomplete is told as U+FFFD. */
static bool end_text(tt_answer *answer, tt_finish how, tt_error *err) {
    size_t length;
    const char *rest = tt_pieces_end(&answer->pieces, &length, err);
    if (!rest || !add_text(answer, rest, length, err)) return false;
    finish(answer, how);
    return true;
}

static bool add_report(tt_answer *answer, const float *logits, int32_t token, tt_error *err) {
    if (answer->request->top_tokens < 0) return true;
    if (!tt_grow(&answer->reports, &answer->report_capacity, answer->report_count, sizeof *answer->reports, err))
        return false;
    tt_token_report *report = &answer->reports[answer->report_count++];
    *report = (tt_token_report){.text_offset = answer->text.length};
    report->length = tt_token_bytes(answer->model, token, true, report->bytes);
    tt_likeliest(logits, tt_vocabulary_size(answer->model), report->top, (size_t)answer->request->top_tokens, token,
                 &report->log_probability);
    return true;
}

bool tt_answer_choose(tt_answer *answer, const float *logits, int32_t *token, tt_error *err) {
    if (answer->request->limit >= 0 && answer->written >= answer->request->limit)
        return end_text(answer, TT_FINISH_LENGTH, err);
    *token = tt_sampler_choose(answer->sampler, logits);
    if (*token == TT_NOT_A_NUMBER)
        return tt_fail(err, TT_ERROR_INPUT, "the model computes no numbers any more%s",
                       answer->request->steering ? ": it is steered too strongly; use smaller values" : "");
    if (*token == TT_NO_TOKEN || tt_token_ends(answer->model, *token)) return end_text(answer, TT_FINISH_STOP, err);
    answer->written++;
    if (!add_report(answer, logits, *token, err)) return false;
    size_t length;
    const char *piece = tt_pieces_add(&answer->pieces, answer->model, *token, &length, err);
    if (!piece || !add_text(answer, piece, length, err)) return false;
    if (answer->finish == TT_FINISH_NOT_YET && answer->request->limit >= 0 && answer->written >= answer->request->limit)
        return end_text(answer, TT_FINISH_LENGTH, err);
    return true;
}

bool tt_answer_cut(tt_answer *answer, tt_error *err) { return end_text(answer, TT_FINISH_LENGTH, err); }
