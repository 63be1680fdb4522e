/* metrics.c: see metrics.h */
#include "server/metrics.h"

static const double bounds[TT_BUCKETS] = {0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60};

void tt_histogram_add(tt_histogram *histogram, double seconds) {
    size_t bucket = 0;
    while (bucket < TT_BUCKETS && seconds > bounds[bucket]) bucket++;
    atomic_fetch_add(&histogram->buckets[bucket], 1);
    atomic_fetch_add(&histogram->microseconds, seconds > 0 ? (uint64_t)(seconds * 1e6) : 0);
}

static void head(tt_text *text, const char *name, const char *kind, const char *help) {
    tt_text_addf(text, "# HELP trimtab_%s %s\n# TYPE trimtab_%s %s\n", name, help, name, kind);
}

static void number(tt_text *text, const char *name, const char *kind, const char *help, uint64_t value) {
    head(text, name, kind, help);
    tt_text_addf(text, "trimtab_%s %llu\n", name, (unsigned long long)value);
}

static void histogram_out(tt_text *text, const char *name, const char *help, const tt_histogram *histogram) {
    head(text, name, "histogram", help);
    uint64_t total = 0;
    for (size_t i = 0; i <= TT_BUCKETS; i++) {
        total += atomic_load(&histogram->buckets[i]);
        if (i < TT_BUCKETS)
            tt_text_addf(text, "trimtab_%s_bucket{le=\"%g\"} %llu\n", name, bounds[i], (unsigned long long)total);
        else
            tt_text_addf(text, "trimtab_%s_bucket{le=\"+Inf\"} %llu\n", name, (unsigned long long)total);
    }
    tt_text_addf(text, "trimtab_%s_sum %.6f\ntrimtab_%s_count %llu\n", name,
                 1e-6 * (double)atomic_load(&histogram->microseconds), name, (unsigned long long)total);
}

void tt_metrics_write(const tt_metrics *metrics, uint32_t slots, tt_text *text) {
    head(text, "requests_total", "counter", "Requests answered, by the class of their status.");
    for (int i = 1; i < 6; i++)
        tt_text_addf(text, "trimtab_requests_total{status=\"%dxx\"} %llu\n", i,
                     (unsigned long long)atomic_load(&metrics->answered[i]));
    number(text, "prompt_tokens_total", "counter", "Tokens of prompts that were computed.",
           atomic_load(&metrics->read_tokens));
    number(text, "prompt_tokens_reused_total", "counter", "Tokens of prompts that had been computed before.",
           atomic_load(&metrics->reused_tokens));
    number(text, "written_tokens_total", "counter", "Tokens written.", atomic_load(&metrics->written_tokens));
    number(text, "decodes_total", "counter", "Batches that went through the model.", atomic_load(&metrics->decodes));
    number(text, "steered_requests_total", "counter", "Requests that were steered.", atomic_load(&metrics->steered));
    number(text, "departures_total", "counter", "Clients that went away before their answer was complete.",
           atomic_load(&metrics->departures));
    number(text, "slots", "gauge", "Conversations that can be computed at once.", slots);
    number(text, "slots_busy", "gauge", "Conversations that are being computed.", atomic_load(&metrics->busy_slots));
    number(text, "requests_waiting", "gauge", "Requests that wait for a slot.", atomic_load(&metrics->queued));
    number(text, "connections", "gauge", "Open connections.", atomic_load(&metrics->connections));
    histogram_out(text, "first_token_seconds", "Time from a request's arrival to its first token.", &metrics->first_token);
    histogram_out(text, "request_seconds", "Time from a request's arrival to the end of its answer.", &metrics->whole);
}
