/* bench_ruler.c: how a model judges passages whose class is known, by every form of judging (evaluate/judge.h) and by how
 * likely it finds them under messages that ask for one class or the other. bench/ruler.py runs it and counts.
 *
 * usage: bench_ruler MODEL PASSAGES.json MESSAGE-PAIRS DONE [THREADS]
 *
 * DONE: passages to pass over, which an earlier run has done. For each of the others, in the file's order, it prints a line
 * of JSON: {"axis", "pair", "class", "scores": {FORM: nats, ...}, "likelihood": [nats a token by message pair]}. With 0
 * message pairs only questions are asked. */
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "evaluate/judge.h"
#include "model/prompt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FORMS_MOST = 32, PAIRS_MOST = 8, TEXTS_MOST = 256 };
static const char stem[] = "You are an author";

struct bench {
    tt_model *model;
    tt_chat *chat;
    tt_score *score;
    tt_axis axis;
    tt_judge judges[FORMS_MOST];
    size_t message_pairs;
};

static bool take_axis(struct bench *bench, const char *name, tt_error *err) {
    tt_axis_free(&bench->axis);
    for (size_t form = 0; form < tt_judging_count(); form++) tt_judge_free(&bench->judges[form]);
    if (!tt_axis_load(&bench->axis, name, err)) return false;
    for (size_t form = 0; form < tt_judging_count(); form++)
        if (!tt_judge_make(&bench->judges[form], bench->chat, &bench->axis, form, err)) return false;
    return true;
}

/* All forms' questions in one reading of the passage. */
static bool judge(struct bench *bench, const tt_tokens *prompt, const tt_tokens *text, yyjson_mut_doc *doc,
                  yyjson_mut_val *scores, tt_error *err) {
    tt_score_text texts[TEXTS_MOST];
    double sums[TEXTS_MOST];
    size_t count = 0;
    for (size_t form = 0; form < tt_judging_count(); form++) {
        if (!tt_judge_texts(&bench->judges[form], prompt, text, texts + count, err)) return false;
        count += bench->judges[form].count;
    }
    tt_steering *const none = NULL;
    const bool ok = tt_score_run(bench->score, texts, NULL, count, &none, 1, NULL, sums, err);
    for (size_t form = 0, first = 0; ok && form < tt_judging_count(); first += bench->judges[form++].count)
        yyjson_mut_obj_add_real(doc, scores, tt_judging_name(form), tt_judge_score(&bench->judges[form], sums + first));
    for (size_t i = 0; i < count; i++) tt_tokens_free(&texts[i].prompt);
    return ok;
}

/* log p(text; positive message) - log p(text; negative message), a token, for each pair of messages. */
static bool find_likely(struct bench *bench, const char *request, const tt_tokens *text, yyjson_mut_doc *doc,
                        yyjson_mut_val *to, tt_error *err) {
    tt_asked asked[2 * PAIRS_MOST];
    char *messages[2 * PAIRS_MOST];
    tt_tokens prompts[2 * PAIRS_MOST];
    tt_score_text texts[2 * PAIRS_MOST];
    double sums[2 * PAIRS_MOST];
    const size_t count = 2 * bench->message_pairs;
    for (size_t i = 0; i < count; i++) {
        messages[i] = tt_format(err, "%s %s.", stem, bench->axis.pairs[i / 2].side[i % 2]);
        asked[i] = (tt_asked){messages[i], request};
    }
    bool ok = tt_prompt_tokens(bench->chat, asked, count, false, prompts, err);
    for (size_t i = 0; i < count; i++) texts[i] = (tt_score_text){prompts[i], *text};
    tt_steering *const none = NULL;
    ok = ok && tt_score_run(bench->score, texts, NULL, count, &none, 1, NULL, sums, err);
    for (size_t i = 0; ok && i < count; i += 2)
        yyjson_mut_arr_add_real(doc, to, (sums[i + 1] - sums[i]) / (double)text->count);
    for (size_t i = 0; i < count; i++) {
        free(messages[i]);
        tt_tokens_free(&prompts[i]);
    }
    return ok;
}

static bool do_passage(struct bench *bench, const char *request, const char *passage, yyjson_mut_doc *doc,
                       yyjson_mut_val *root, tt_error *err) {
    const tt_message message = {"user", request};
    char *rendered = tt_chat_render(bench->chat, &message, 1, err);
    tt_tokens prompt = {0}, text = {0};
    bool ok = rendered && tt_chat_tokenize(bench->chat, rendered, &prompt, err) &&
              tt_tokenize_part(bench->model, passage, strlen(passage), false, false, &text, err) &&
              judge(bench, &prompt, &text, doc, yyjson_mut_obj_add_obj(doc, root, "scores"), err);
    if (ok && bench->message_pairs)
        ok = find_likely(bench, request, &text, doc, yyjson_mut_obj_add_arr(doc, root, "likelihood"), err);
    free(rendered);
    tt_tokens_free(&prompt);
    tt_tokens_free(&text);
    return ok;
}

static bool do_pair(struct bench *bench, yyjson_val *pair, size_t index, size_t done, size_t *at, tt_error *err) {
    for (size_t class = 0; class < 2; class++) {
        if ((*at)++ < done) continue;
        yyjson_val *passage = yyjson_obj_get(pair, bench->axis.classes[class]);
        yyjson_mut_val *root;
        yyjson_mut_doc *doc = tt_json_object(&root);
        yyjson_mut_obj_add_str(doc, root, "axis", bench->axis.name);
        yyjson_mut_obj_add_uint(doc, root, "pair", index);
        yyjson_mut_obj_add_uint(doc, root, "class", class);
        bool ok = yyjson_is_str(passage) || tt_fail(err, TT_ERROR_INPUT, "a pair of '%s' lacks a passage", bench->axis.name);
        ok =
            ok && do_passage(bench, yyjson_get_str(yyjson_obj_get(pair, "prompt")), yyjson_get_str(passage), doc, root, err);
        char *line = ok ? tt_json_text(doc, YYJSON_WRITE_NOFLAG, NULL, err) : NULL;
        if (line) puts(line);
        fflush(stdout);
        yyjson_mut_doc_free(doc);
        free(line);
        if (!ok) return false;
    }
    return true;
}

static bool do_all(struct bench *bench, const char *path, size_t done, tt_error *err) {
    size_t length, at = 0;
    char *json = tt_file_read(path, 1 << 24, &length, err);
    yyjson_doc *doc = json ? tt_json_parse(path, json, length, err) : NULL;
    free(json);
    bool ok = doc != NULL;
    size_t index, count, pair_index, pair_count;
    yyjson_val *name, *pairs, *pair;
    if (ok) yyjson_obj_foreach(yyjson_doc_get_root(doc), index, count, name, pairs) {
            ok = ok && take_axis(bench, yyjson_get_str(name), err);
            yyjson_arr_foreach(pairs, pair_index, pair_count, pair) ok =
                ok && do_pair(bench, pair, pair_index, done, &at, err);
        }
    yyjson_doc_free(doc);
    return ok;
}

int main(int argc, char **argv) {
    if (argc < 5) {
        fprintf(stderr, "usage: bench_ruler MODEL PASSAGES.json MESSAGE-PAIRS DONE [THREADS]\n");
        return 2;
    }
    tt_error err = {0};
    struct bench bench = {.message_pairs = strtoul(argv[3], NULL, 10)};
    if (bench.message_pairs > PAIRS_MOST) bench.message_pairs = PAIRS_MOST;
    tt_engine *engine = tt_engine_start(&(tt_engine_options){0}, &err);
    if (engine)
        bench.model =
            tt_model_open(engine, &(tt_model_options){.path = argv[1], .threads = argc > 5 ? atoi(argv[5]) : 0}, &err);
    if (bench.model) bench.chat = tt_chat_open(bench.model, &(tt_chat_options){.fixed_date = true}, &err);
    if (bench.chat) bench.score = tt_score_open(bench.model, &err);
    const bool ok = bench.score && do_all(&bench, argv[2], strtoul(argv[4], NULL, 10), &err);
    if (!ok) fprintf(stderr, "bench_ruler: %s\n", err.message);
    for (size_t form = 0; form < tt_judging_count(); form++) tt_judge_free(&bench.judges[form]);
    tt_axis_free(&bench.axis);
    tt_score_close(bench.score);
    tt_chat_close(bench.chat);
    tt_model_close(bench.model);
    tt_engine_stop(engine);
    return ok ? 0 : 1;
}
