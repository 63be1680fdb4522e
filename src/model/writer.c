/* writer.c: see writer.h */
#include "model/writer.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

void tt_writer_free(tt_writer *writer) {
    tt_pieces_free(&writer->pieces);
    tt_text_free(&writer->text);
    free(writer->reports);
    *writer = (tt_writer){0};
}

/* Where the first stop text begins, at or after `from`; SIZE_MAX: nowhere. */
static size_t find_stop(const tt_writer *writer, size_t from) {
    size_t first = SIZE_MAX;
    for (size_t i = 0; i < writer->how.stop_count && writer->text.data; i++) {
        const char *stop = writer->how.stops[i];
        const size_t length = strlen(stop), back = from > length - 1 ? length - 1 : from;
        const char *found = strstr(writer->text.data + from - back, stop);
        if (found && (size_t)(found - writer->text.data) < first) first = (size_t)(found - writer->text.data);
    }
    return first;
}

/* How many of the text's last bytes may begin a stop text. */
static size_t waiting_length(const tt_writer *writer) {
    size_t waiting = 0;
    for (size_t i = 0; i < writer->how.stop_count; i++) {
        const char *stop = writer->how.stops[i];
        size_t length = strlen(stop) - 1;
        if (length > writer->text.length) length = writer->text.length;
        while (length > waiting && memcmp(writer->text.data + writer->text.length - length, stop, length) != 0) length--;
        if (length > waiting) waiting = length;
    }
    return waiting;
}

/* Ends the text: releases what waits, unless a stop text cut it off. */
static void finish(tt_writer *writer, tt_finish how) {
    writer->finish = how;
    writer->told = writer->text.length;
}

static bool add_text(tt_writer *writer, const char *piece, size_t length, tt_error *err) {
    const size_t before = writer->text.length;
    tt_text_add_bytes(&writer->text, piece, length);
    if (!tt_text_ok(&writer->text, err)) return false;
    const size_t stop = find_stop(writer, before);
    if (stop != SIZE_MAX) {
        writer->text.length = stop;
        writer->text.data[stop] = '\0';
        finish(writer, TT_FINISH_STOP);
    } else {
        writer->told = writer->text.length - waiting_length(writer);
    }
    return true;
}

/* Ends the text; an incomplete character becomes U+FFFD. */
static bool end_text(tt_writer *writer, tt_finish how, tt_error *err) {
    size_t length;
    const char *rest = tt_pieces_end(&writer->pieces, &length, err);
    if (!rest || !add_text(writer, rest, length, err)) return false;
    finish(writer, how);
    return true;
}

static bool add_report(tt_writer *writer, const float *logits, int32_t token, tt_error *err) {
    if (writer->how.top_tokens < 0) return true;
    if (!tt_grow(&writer->reports, &writer->report_capacity, writer->report_count, sizeof *writer->reports, err))
        return false;
    tt_token_report *report = &writer->reports[writer->report_count++];
    *report = (tt_token_report){.text_offset = writer->text.length};
    report->length = tt_token_bytes(writer->model, token, true, report->bytes);
    tt_likeliest(logits, tt_vocabulary_size(writer->model), report->top, (size_t)writer->how.top_tokens, token,
                 &report->log_probability);
    return true;
}

bool tt_writer_choose(tt_writer *writer, const float *logits, int32_t *token, tt_error *err) {
    if (writer->how.limit >= 0 && writer->written >= writer->how.limit) return end_text(writer, TT_FINISH_LENGTH, err);
    *token = tt_sampler_choose(writer->sampler, logits);
    if (*token == TT_NOT_A_NUMBER)
        return tt_fail(err, TT_ERROR_MODEL, "the model computes no numbers any more%s",
                       writer->how.steered ? ": it is steered too strongly; use smaller values" : "");
    if (*token == TT_NO_TOKEN || tt_token_ends(writer->model, *token)) return end_text(writer, TT_FINISH_STOP, err);
    writer->written++;
    if (!add_report(writer, logits, *token, err)) return false;
    size_t length;
    const char *piece = tt_pieces_add(&writer->pieces, writer->model, *token, &length, err);
    if (!piece || !add_text(writer, piece, length, err)) return false;
    if (writer->finish == TT_FINISH_NOT_YET && writer->how.limit >= 0 && writer->written >= writer->how.limit)
        return end_text(writer, TT_FINISH_LENGTH, err);
    return true;
}

bool tt_writer_cut(tt_writer *writer, tt_error *err) { return end_text(writer, TT_FINISH_LENGTH, err); }
