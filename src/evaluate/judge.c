/* judge.c: see judge.h */
#include "evaluate/judge.h"
#include "base/memory.h"
#include "base/text.h"
#include "prompts/partition.h"
#include "prompts/plan.h"

#include <stdlib.h>
#include <string.h>

/* ==== Forms ==== */

enum kind {
    CHOICE,  /* between {A} and {B}, the classes, asked in both orders */
    OPEN,    /* the classes are not named, but looked for in the answer */
    YES_NO,  /* whether it is {A}, of each class */
    PHRASES, /* the same of each side of a few pairs of phrases */
};

enum { PHRASE_PAIRS = 1, PARTS_MOST = 2, PROBES_MOST = 4 * PARTS_MOST };

/* A form is a question, or the weighted mean of two. */
struct part {
    enum kind kind;
    const char *question;
    double share;
};

static const char about[] = "Is this passage about {A} or about {B}? Answer with one word.",
                  open[] = "Describe this passage with one word.";

static const struct form {
    const char *name;
    struct part parts[PARTS_MOST];
} forms[] = {
    /* The usual one: see docs/quality.md. The scores of "open" scatter more than twice as much; the shares make up for it.
     */
    {"about + open", {{CHOICE, about, 0.7}, {OPEN, open, 0.3}}},
    {"about", {{CHOICE, about, 1}}},
    {"open", {{OPEN, open, 1}}},
    {"word", {{CHOICE, "Which word describes this passage better, \"{A}\" or \"{B}\"? Answer with one word.", 1}}},
    {"pick",
     {{CHOICE,
       "If you had to sort this passage under one of two headings, {A} or {B}, which would it be? Answer with one word.",
       1}}},
    {"yes or no", {{YES_NO, "Would you call this passage an example of {A}? Answer with yes or no.", 1}}},
    {"phrases", {{PHRASES, "Could this passage be by an author {A}? Answer with yes or no.", 1}}},
};

size_t tt_judging_count(void) { return sizeof forms / sizeof *forms; }
const char *tt_judging_name(size_t form) { return forms[form].name; }
size_t tt_judging_usual(void) { return 0; }

/* ==== Questions ==== */

/* A probe in words. */
struct asking {
    char *question;
    const char *answer;
    double weight;
};

struct list {
    struct asking items[PROBES_MOST];
    size_t count;
};

/* `form` with {A} and {B} filled in; underscores become spaces. The caller frees. */
static char *fill(const char *form, const char *a, const char *b, tt_error *err) {
    tt_text text = {0};
    for (const char *at = form; *at; at++) {
        const char *word = !strncmp(at, "{A}", 3) ? a : !strncmp(at, "{B}", 3) ? b : NULL;
        tt_text_add_bytes(&text, word ? word : at, word ? strlen(word) : 1);
        if (word) at += 2;
    }
    return tt_text_take(&text, err);
}

static bool ask(struct list *list, char *question, const char *const answers[2], double weight, tt_error *err) {
    char *again = question ? tt_strdup(question, err) : NULL;
    list->items[list->count++] = (struct asking){question, answers[TT_POSITIVE], weight};
    list->items[list->count++] = (struct asking){again, answers[TT_NEGATIVE], -weight};
    return again != NULL;
}

static bool ask_yes_no(struct list *list, const char *question, const char *const sides[2], double weight, tt_error *err) {
    static const char *const answers[2] = {"No", "Yes"};
    for (int class = 0; class < 2; class++)
        if (!ask(list, fill(question, sides[class], NULL, err), answers, class == TT_POSITIVE ? weight : -weight, err))
            return false;
    return true;
}

/* Of the phrases that are trained with: texts are asked for by those that are held out, and none is to be judged by the very
 * phrase that it was written with. */
static bool ask_about_phrases(struct list *list, const char *question, const tt_axis *axis, double weight, tt_error *err) {
    uint64_t *keys = tt_alloc(axis->pair_count, sizeof *keys, err);
    for (size_t i = 0; keys && i < axis->pair_count; i++)
        keys[i] = tt_partition_pair_key(axis->pairs[i].side[0], axis->pairs[i].side[1]);
    tt_partition partition = {0};
    bool ok = keys && tt_partition_make(&partition, keys, axis->pair_count, TT_PLAN_HELD_OUT, "pairs", err);
    const size_t known = partition.count[TT_SPLIT_TRAINING], count = known < PHRASE_PAIRS ? known : PHRASE_PAIRS;
    for (size_t i = 0; ok && i < count; i++) {
        const tt_pair *pair = &axis->pairs[partition.indices[TT_SPLIT_TRAINING][i]];
        const char *const sides[2] = {pair->side[0], pair->side[1]};
        ok = ask_yes_no(list, question, sides, weight / (double)count, err);
    }
    tt_partition_free(&partition);
    free(keys);
    return ok;
}

/* Whatever the kind, an answer counts as much for the one class as the opposite answer for the other; `share` of the whole.
 */
static bool list_part(struct list *list, const struct part *part, const tt_axis *axis, tt_error *err) {
    const double share = part->share;
    const char *const classes[2] = {axis->classes[0], axis->classes[1]};
    switch (part->kind) {
    case CHOICE:
        return ask(list, fill(part->question, classes[0], classes[1], err), classes, share / 2, err) &&
               ask(list, fill(part->question, classes[1], classes[0], err), classes, share / 2, err);
    case OPEN:
        return ask(list, fill(part->question, NULL, NULL, err), classes, share, err);
    case YES_NO:
        return ask_yes_no(list, part->question, classes, share / 2, err);
    case PHRASES:
        break;
    }
    return ask_about_phrases(list, part->question, axis, share / 2, err);
}

static bool list_questions(struct list *list, const struct form *form, const tt_axis *axis, tt_error *err) {
    for (size_t i = 0; i < PARTS_MOST && form->parts[i].question; i++)
        if (!list_part(list, &form->parts[i], axis, err)) return false;
    return true;
}

/* ==== In the layout ==== */

static const char marker[] = "passage-5f2c"; /* stands for the text; a template shows it once */

/* What follows the text in a rendered conversation, as tokens. */
static bool tokenize_tail(const tt_chat *chat, const char *rendered, tt_tokens *tokens, tt_error *err) {
    const char *found = strstr(rendered, marker);
    if (!found)
        return tt_fail(err, TT_ERROR_MODEL,
                       "the chat template leaves out what the model has said before, so it cannot be asked about its texts");
    const char *tail = found + strlen(marker);
    return tt_tokenize_part(tt_chat_model(chat), tail, strlen(tail), false, true, tokens, err);
}

static bool lay_out(tt_judge *judge, const struct list *list, const tt_chat *chat, tt_error *err) {
    tt_message messages[PROBES_MOST][3];
    tt_dialogue dialogues[PROBES_MOST];
    char *rendered[PROBES_MOST] = {0};
    for (size_t i = 0; i < list->count; i++) {
        messages[i][0] = (tt_message){"user", "Write."};
        messages[i][1] = (tt_message){"assistant", marker};
        messages[i][2] = (tt_message){"user", list->items[i].question};
        dialogues[i] = (tt_dialogue){messages[i], 3};
    }
    bool ok = tt_chat_render_all(chat, dialogues, list->count, rendered, err);
    for (size_t i = 0; ok && i < list->count; i++) {
        tt_probe *probe = &judge->probes[i];
        probe->weight = list->items[i].weight;
        ok = tokenize_tail(chat, rendered[i], &probe->question, err) &&
             tt_tokenize_part(tt_chat_model(chat), list->items[i].answer, strlen(list->items[i].answer), false, false,
                              &probe->answer, err);
    }
    for (size_t i = 0; i < list->count; i++) free(rendered[i]);
    return ok;
}

bool tt_judge_make(tt_judge *judge, const tt_chat *chat, const tt_axis *axis, size_t form, tt_error *err) {
    struct list list = {0};
    *judge = (tt_judge){0};
    bool ok = list_questions(&list, &forms[form], axis, err);
    if (ok) ok = (judge->probes = tt_alloc(list.count, sizeof *judge->probes, err)) != NULL;
    if (ok) judge->count = list.count;
    ok = ok && lay_out(judge, &list, chat, err);
    for (size_t i = 0; i < list.count; i++) free(list.items[i].question);
    if (!ok) tt_judge_free(judge);
    return ok;
}

void tt_judge_free(tt_judge *judge) {
    for (size_t i = 0; i < judge->count; i++) {
        tt_tokens_free(&judge->probes[i].question);
        tt_tokens_free(&judge->probes[i].answer);
    }
    free(judge->probes);
    *judge = (tt_judge){0};
}

/* ==== Scoring ==== */

bool tt_judge_texts(const tt_judge *judge, const tt_tokens *prompt, const tt_tokens *response, tt_score_text *texts,
                    tt_error *err) {
    for (size_t i = 0; i < judge->count; i++) {
        const tt_tokens parts[] = {*prompt, *response, judge->probes[i].question};
        tt_tokens whole = {.ids = tt_alloc(prompt->count + response->count + parts[2].count, sizeof *whole.ids, err)};
        for (size_t part = 0; whole.ids && part < 3; part++) {
            if (parts[part].count) memcpy(whole.ids + whole.count, parts[part].ids, parts[part].count * sizeof *whole.ids);
            whole.count += parts[part].count;
        }
        texts[i] = (tt_score_text){whole, judge->probes[i].answer};
        if (whole.ids) continue;
        while (i) tt_tokens_free(&texts[--i].prompt);
        return false;
    }
    return true;
}

double tt_judge_score(const tt_judge *judge, const double *log_likelihoods) {
    double score = 0;
    for (size_t i = 0; i < judge->count; i++) score += judge->probes[i].weight * log_likelihoods[i];
    return score;
}
