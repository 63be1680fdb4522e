/* progress.c: see progress.h */
#include "base/progress.h"
#include "base/clock.h"
#include "base/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>

enum { TT_LINE = 512, TT_BAR_LEAST = 8, TT_BAR_MOST = 40 };
static const double redraw_seconds = 0.1;             /* on a terminal */
static const double line_seconds = 5, line_long = 60; /* elsewhere: after 5 s and a tenth of the work, or after a minute */
static const double rate_memory = 30;                 /* seconds after which an old rate has the weight 1/e */

void tt_progress_begin(tt_progress *progress, FILE *stream, bool terminal, const char *what, const char *unit,
                       uint64_t total, uint64_t done) {
    double (*const clock)(void) = progress->clock ? progress->clock : tt_seconds;
    const double now = clock();
    *progress = (tt_progress){
        .stream = stream,
        .terminal = terminal,
        .what = what,
        .unit = unit,
        .total = total,
        .done = done,
        .clock = clock,
        .done_at_begin = done,
        .begin = now,
        .last_shown = terminal ? now - redraw_seconds : now, /* the bar appears at once */
        .last_advance = now,
        .last_shown_done = done,
        .last_advance_done = done,
    };
    tt_progress_set(progress, done);
}

static double rate_of(const tt_progress *progress) {
    return progress->rate_weight > 0 ? progress->rate_sum / progress->rate_weight : 0;
}

/* At most four significant digits: "0.032", "4.1", "117". */
static void format_rate(double rate, char text[static 32]) {
    const int decimals = rate >= 100 ? 0 : rate >= 1 ? 1 : 3;
    snprintf(text, 32, "%.*f/s", decimals, rate);
}

static int width_of(FILE *stream) {
    struct winsize size = {0};
    return ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/* Appends `part` to a line of at most `room` columns if it fits, with two spaces before it. */
static void append_part(char *line, const char *part, int room) {
    const size_t length = strlen(line);
    const char *gap = length ? "  " : "";
    if ((int)(length + strlen(gap) + strlen(part)) <= room) snprintf(line + length, TT_LINE - length, "%s%s", gap, part);
}

static void append_bar(char *line, double share, int room) {
    const int length = (int)strlen(line);
    int width = room - length - 4; /* two spaces before it, two brackets */
    if (width < TT_BAR_LEAST) return;
    if (width > TT_BAR_MOST) width = TT_BAR_MOST;
    const int filled = (int)(share * width);
    char bar[TT_BAR_MOST + 1] = {0};
    for (int i = 0; i < width; i++) bar[i] = i < filled ? '=' : i == filled ? '>' : ' ';
    snprintf(line + length, TT_LINE - (size_t)length, "%s[%s]", length ? "  " : "", bar);
}

/* The parts in order of importance: those that do not fit are left out, and the bar takes the remaining room. */
static void describe(const tt_progress *progress, int room, bool with_bar, char line[static TT_LINE]) {
    char percent[32], count[96], rate_text[32], left[64], duration[32];
    const double rate = rate_of(progress);
    const double share = progress->total ? fmin(1, (double)progress->done / (double)progress->total) : 0;
    line[0] = '\0';
    snprintf(percent, sizeof percent, "%3.0f%%", floor(100 * share));
    if (progress->total) append_part(line, with_bar ? percent : percent + strspn(percent, " "), room);
    append_part(line, progress->what, room);
    if (progress->total)
        snprintf(count, sizeof count, "%" PRIu64 "/%" PRIu64 " %.40s", progress->done, progress->total, progress->unit);
    else
        snprintf(count, sizeof count, "%" PRIu64 " %.40s", progress->done, progress->unit);
    if (rate > 0 && progress->total > progress->done) {
        snprintf(left, sizeof left, "%s left",
                 tt_duration_text((double)(progress->total - progress->done) / rate, duration));
        append_part(line, left, room);
    }
    const bool counts = strcmp(progress->unit, "%") != 0; /* a count in percent has been shown already */
    if (counts) append_part(line, count, room);
    format_rate(rate, rate_text);
    if (counts && rate > 0) append_part(line, rate_text, room);
    if (with_bar && progress->total) append_bar(line, share, room);
}

static void draw(tt_progress *progress) {
    char line[TT_LINE];
    /* One column less than the width: a terminal may wrap when the last one is filled. */
    describe(progress, width_of(progress->stream) - 1, true, line);
    fprintf(progress->stream, "\r\033[K%s", line);
    fflush(progress->stream);
    progress->drawn = true;
}

static void undraw(tt_progress *progress) {
    if (progress->drawn) fputs("\r\033[K", progress->stream);
    fflush(progress->stream);
    progress->drawn = false;
}

static void print_line(tt_progress *progress) {
    char line[TT_LINE];
    describe(progress, TT_LINE - 1, false, line);
    fprintf(progress->stream, "%s\n", line);
    fflush(progress->stream);
}

/* Counts an advance towards the rate, weighted by how long it took and less the longer ago it was. */
static void note_rate(tt_progress *progress, uint64_t done, double now) {
    const double elapsed = now - progress->last_advance;
    progress->done = done;
    if (done <= progress->last_advance_done || elapsed <= 0) return;
    const double fade = exp(-elapsed / rate_memory);
    progress->rate_sum = progress->rate_sum * fade + (1 - fade) * ((double)(done - progress->last_advance_done) / elapsed);
    progress->rate_weight = progress->rate_weight * fade + (1 - fade);
    progress->last_advance_done = done;
    progress->last_advance = now;
}

void tt_progress_set(tt_progress *progress, uint64_t done) {
    if (!progress->stream) return;
    const double now = progress->clock();
    note_rate(progress, done, now);
    const double since = now - progress->last_shown;
    if (progress->terminal) {
        if (since < redraw_seconds) return;
        draw(progress);
    } else {
        const uint64_t more = progress->done - progress->last_shown_done;
        const bool tenth = progress->total && more * 10.0 >= progress->total;
        if (since < line_seconds || (!tenth && since < line_long)) return;
        print_line(progress);
    }
    progress->last_shown = now;
    progress->last_shown_done = progress->done;
}

void tt_progress_note(tt_progress *progress, const char *format, ...) {
    if (!progress->stream) return;
    const bool drawn = progress->drawn;
    undraw(progress);
    va_list args;
    va_start(args, format);
    vfprintf(progress->stream, format, args);
    va_end(args);
    fputc('\n', progress->stream);
    if (drawn) draw(progress);
}

void tt_progress_end(tt_progress *progress) {
    if (!progress->stream) return;
    undraw(progress);
    const bool any = progress->done > progress->done_at_begin; /* not if work failed or stopped at once */
    if (!progress->terminal && any) {
        char duration[32], rate[32];
        const double seconds = progress->clock() - progress->begin;
        const uint64_t made = progress->done - progress->done_at_begin;
        format_rate(seconds > 0 ? (double)made / seconds : 0, rate);
        fprintf(progress->stream, "%s: %" PRIu64 " %s in %s (%s)\n", progress->what, made, progress->unit,
                tt_duration_text(seconds, duration), rate);
        fflush(progress->stream);
    }
    progress->stream = NULL;
}
