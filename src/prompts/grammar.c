/* grammar.c: see grammar.h */
#include "prompts/grammar.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"
#include "prompts/source.h"

#include <stdckdint.h>
#include <stdlib.h>
#include <string.h>

/* A rule's text must not be longer than a reasonable writing prompt, nor nested so deep that expanding it (recursively)
 * needs much stack. */
enum { LONGEST = 1 << 16, DEEPEST = 100 };

typedef struct grammar_part { /* of an alternative: a literal, or a reference to a rule */
    const char *text;         /* in the document; for a reference, the name between the braces */
    size_t length;
    bool is_reference;
    size_t rule; /* of a reference, once resolved */
} grammar_part;

typedef struct grammar_alternative {
    yyjson_val *value; /* in the document */
    size_t part;       /* the first of its parts */
    size_t part_count;
} grammar_alternative;

typedef enum visit { UNVISITED, OPEN, DONE } visit;

typedef struct grammar_rule {
    yyjson_val *key; /* in the document */
    const char *name;
    size_t alternative; /* the first of its alternatives */
    size_t alternative_count;
    visit visit;      /* used by the search for cycles */
    size_t height;    /* the depth of nested rules, this one included */
    size_t longest;   /* bound for the length of its text, plus one for each rule expanded on the way */
    uint64_t spelled; /* the number of ways to spell it out, saturated */
} grammar_rule;

struct tt_grammar {
    yyjson_doc *doc;     /* owns all text */
    grammar_rule *rules; /* by name */
    size_t rule_count;
    grammar_alternative *alternatives;
    size_t alternative_count, alternative_capacity;
    grammar_part *parts;
    size_t part_count, part_capacity;
    size_t start;
};

void tt_grammar_free(tt_grammar *grammar) {
    if (!grammar) return;
    yyjson_doc_free(grammar->doc);
    free(grammar->rules);
    free(grammar->alternatives);
    free(grammar->parts);
    free(grammar);
}

/* ==== Reading the rules ==== */

static bool add_part(tt_grammar *grammar, grammar_alternative *owner, const char *text, size_t length, bool is_reference) {
    if (!length && !is_reference) return true;
    if (!tt_grow(&grammar->parts, &grammar->part_capacity, grammar->part_count, sizeof *grammar->parts, NULL)) return false;
    grammar->parts[grammar->part_count++] = (grammar_part){.text = text, .length = length, .is_reference = is_reference};
    owner->part_count++;
    return true;
}

/* Cuts "Write {piece} now." into "Write ", piece, " now.". */
static void split_alternative(const tt_source *source, tt_grammar *grammar, grammar_alternative *owner) {
    const char *at = yyjson_get_str(owner->value);
    const size_t line = tt_source_line(source, owner->value);
    while (*at) {
        const size_t literal = strcspn(at, "{}");
        bool ok = add_part(grammar, owner, at, literal, false);
        at += literal;
        if (*at == '}') {
            tt_findings_error(source->findings, line, "a '}' has no '{' before it; write {RULE}, or remove it");
            return;
        }
        if (*at == '{') {
            const size_t name = strcspn(at + 1, "{}");
            if (at[1 + name] != '}') {
                tt_findings_error(source->findings, line, "a '{' has no '}' behind it; write {RULE}, or remove it");
                return;
            }
            ok = ok && add_part(grammar, owner, at + 1, name, true);
            at += name + 2;
        }
        source->findings->failed = source->findings->failed || !ok;
    }
}

static void read_rule(const tt_source *source, tt_grammar *grammar, grammar_rule *rule, yyjson_val *value) {
    const size_t line = tt_source_line(source, rule->key);
    char quote[TT_QUOTE];
    if (!yyjson_is_arr(value) || !yyjson_arr_size(value)) {
        tt_findings_error(source->findings, line,
                          "the rule \"%s\" has no alternatives; write \"%s\": [\"TEXT\", ...], or remove it",
                          tt_quote(rule->name, quote), quote);
        return;
    }
    rule->alternative = grammar->alternative_count;
    size_t index, size;
    yyjson_val *text;
    yyjson_arr_foreach(value, index, size, text) {
        if (!tt_source_text(source, text, "the alternative")) continue;
        if (!tt_grow(&grammar->alternatives, &grammar->alternative_capacity, grammar->alternative_count,
                     sizeof *grammar->alternatives, NULL)) {
            source->findings->failed = true;
            return;
        }
        grammar_alternative *owner = &grammar->alternatives[grammar->alternative_count++];
        *owner = (grammar_alternative){.value = text, .part = grammar->part_count};
        split_alternative(source, grammar, owner);
        rule->alternative_count++;
    }
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const grammar_rule *)a)->name, ((const grammar_rule *)b)->name);
}

static yyjson_val *rules_of(const tt_source *source) {
    static const char remedy[] = "write \"rules\": {\"NAME\": [\"TEXT with {OTHER_NAME}\", ...], ...}";
    yyjson_val *rules = yyjson_obj_get(source->root, "rules");
    if (!rules)
        tt_findings_error(source->findings, 1, "the key \"rules\" is missing; %s", remedy);
    else if (!yyjson_is_obj(rules) || !yyjson_obj_size(rules))
        tt_findings_error(source->findings, tt_source_line(source, rules), "\"rules\" holds no rules; %s", remedy);
    else
        return rules;
    return NULL;
}

/* Fills grammar->rules, sorted by name. */
static bool read_names(const tt_source *source, tt_grammar *grammar, yyjson_val *rules) {
    const size_t count = yyjson_obj_size(rules);
    yyjson_val **keys = tt_alloc(count, sizeof *keys, NULL);
    grammar->rules = tt_alloc(count, sizeof *grammar->rules, NULL);
    if (!keys || !grammar->rules) {
        source->findings->failed = true;
        free(keys);
        return false;
    }
    size_t index, size;
    yyjson_val *key, *value;
    yyjson_obj_foreach(rules, index, size, key, value) {
        const char *name = tt_source_phrase(source, key, "the rule's name");
        if (!name) continue;
        if (strpbrk(name, "{}"))
            tt_findings_error(source->findings, tt_source_line(source, key), "a rule's name holds a brace; leave it out");
        keys[grammar->rule_count] = key;
        grammar->rules[grammar->rule_count++] = (grammar_rule){.key = key, .name = name};
    }
    tt_source_check_unique(source, keys, grammar->rule_count, "rule");
    free(keys);
    if (grammar->rule_count) qsort(grammar->rules, grammar->rule_count, sizeof *grammar->rules, by_name);
    return true;
}

/* ==== Checking the structure ==== */

/* The index of the rule of that name; otherwise SIZE_MAX and a finding, in which `what` says who refers to it. */
static size_t find_rule(const tt_source *source, const tt_grammar *grammar, const char *name, size_t length, size_t line) {
    char *copy = tt_strndup(name, length, NULL);
    const grammar_rule wanted = {.name = copy};
    const grammar_rule *found = copy ? bsearch(&wanted, grammar->rules, grammar->rule_count, sizeof wanted, by_name) : NULL;
    const bool may_suggest =
        grammar->rule_count <= 1000; /* searching a hostile file's rules for the nearest name would take long */
    const char **names = found || !copy ? NULL : tt_alloc(grammar->rule_count, sizeof *names, NULL);
    if (names) {
        for (size_t i = 0; i < grammar->rule_count; i++) names[i] = grammar->rules[i].name;
        const char *near = may_suggest ? tt_nearest(copy, names, grammar->rule_count) : NULL;
        char quote[TT_QUOTE], near_quote[TT_QUOTE];
        tt_findings_error(source->findings, line, "there is no rule \"%s\"; %s%s%s", tt_quote(copy, quote),
                          near ? "did you mean \"" : "add it to \"rules\"", near ? tt_quote(near, near_quote) : "",
                          near ? "\"?" : "");
    } else if (!found) {
        source->findings->failed = true;
    }
    free(names);
    free(copy);
    return found ? (size_t)(found - grammar->rules) : SIZE_MAX;
}

/* Finds the rule of each reference. A file full of wrong references need not be read to its end. */
static void resolve(const tt_source *source, tt_grammar *grammar) {
    for (size_t i = 0; i < grammar->alternative_count; i++) {
        const grammar_alternative *owner = &grammar->alternatives[i];
        for (size_t j = 0; j < owner->part_count && source->findings->error_count < TT_FINDINGS_LIMIT; j++) {
            grammar_part *reference = &grammar->parts[owner->part + j];
            if (!reference->is_reference) continue;
            reference->rule =
                find_rule(source, grammar, reference->text, reference->length, tt_source_line(source, owner->value));
        }
    }
}

static size_t add_bounded(size_t a, size_t b) { return a + b > LONGEST ? LONGEST + 1 : a + b; }

static uint64_t times(uint64_t a, uint64_t b) {
    uint64_t product;
    return ckd_mul(&product, a, b) ? UINT64_MAX : product;
}

static uint64_t plus(uint64_t a, uint64_t b) {
    uint64_t sum;
    return ckd_add(&sum, a, b) ? UINT64_MAX : sum;
}

/* Measures a rule whose references have all been measured. */
static void measure(const tt_source *source, tt_grammar *grammar, grammar_rule *rule) {
    rule->height = 1;
    for (size_t i = 0; i < rule->alternative_count; i++) {
        const grammar_alternative *choice = &grammar->alternatives[rule->alternative + i];
        size_t longest = 1;
        uint64_t spelled = 1;
        for (size_t j = 0; j < choice->part_count; j++) {
            const grammar_part *part = &grammar->parts[choice->part + j];
            const struct grammar_rule *below = part->is_reference ? &grammar->rules[part->rule] : NULL;
            longest = add_bounded(longest, below ? below->longest : part->length);
            if (!below) continue;
            spelled = times(spelled, below->spelled);
            if (below->height >= rule->height) rule->height = below->height + 1;
        }
        if (longest > rule->longest) rule->longest = longest;
        rule->spelled = plus(rule->spelled, spelled);
    }
    char quote[TT_QUOTE];
    const size_t line = tt_source_line(source, rule->key);
    if (rule->longest > LONGEST)
        tt_findings_error(source->findings, line,
                          "the rule \"%s\" could grow to more than %d KiB of text; let it refer to less",
                          tt_quote(rule->name, quote), LONGEST >> 10);
    if (rule->height > DEEPEST)
        tt_findings_error(source->findings, line, "the rule \"%s\" has more than %d rules below one another; nest them less",
                          tt_quote(rule->name, quote), DEEPEST);
}

/* One rule on the path down from the start: `part` is its next part, `end` the one after its last. */
typedef struct grammar_step {
    size_t rule, part, end;
} grammar_step;

static grammar_step step_into(tt_grammar *grammar, size_t index) {
    grammar_rule *rule = &grammar->rules[index];
    rule->visit = OPEN;
    const grammar_alternative *first = &grammar->alternatives[rule->alternative];
    grammar_step step = {.rule = index, .part = rule->alternative_count ? first->part : 0};
    step.end = step.part;
    for (size_t i = 0; i < rule->alternative_count; i++) step.end += first[i].part_count;
    return step;
}

/* "a -> b -> a": the cycle that the last step of `path` closes by referring to `rule` again. */
static void report_circle(const tt_source *source, const tt_grammar *grammar, const grammar_step *path, size_t depth,
                          size_t rule) {
    tt_text way = {0};
    size_t first = depth - 1;
    while (path[first].rule != rule) first--;
    for (size_t i = first; i < depth && way.length < 200; i++)
        tt_text_addf(&way, "%s -> ", grammar->rules[path[i].rule].name);
    char quote[TT_QUOTE];
    tt_findings_error(source->findings, tt_source_line(source, grammar->rules[rule].key),
                      "the rule \"%s\" leads back to itself (%s%s); let one of these not refer to the next",
                      tt_quote(grammar->rules[rule].name, quote), way.data ? way.data : "", grammar->rules[rule].name);
    tt_text_free(&way);
}

/* Searches depth first from `start`, and measures each rule on the way up. False if there is a cycle. `path` has room for
 * all rules. */
static bool explore(const tt_source *source, tt_grammar *grammar, size_t start, grammar_step *path) {
    size_t depth = 0;
    path[depth++] = step_into(grammar, start);
    while (depth) {
        grammar_step *here = &path[depth - 1];
        if (here->part == here->end) {
            grammar->rules[here->rule].visit = DONE;
            measure(source, grammar, &grammar->rules[here->rule]);
            depth--;
            continue;
        }
        const grammar_part *part = &grammar->parts[here->part++];
        if (!part->is_reference || grammar->rules[part->rule].visit == DONE) continue;
        if (grammar->rules[part->rule].visit == OPEN) {
            report_circle(source, grammar, path, depth, part->rule);
            return false;
        }
        path[depth++] = step_into(grammar, part->rule);
    }
    return true;
}

static void check_structure(const tt_source *source, tt_grammar *grammar) {
    grammar_step *path = tt_alloc(grammar->rule_count, sizeof *path, NULL);
    if (!path) {
        source->findings->failed = true;
        return;
    }
    bool ok = explore(source, grammar, grammar->start, path);
    for (size_t i = 0; i < grammar->rule_count && ok; i++) {
        if (grammar->rules[i].visit == DONE) continue;
        char quote[TT_QUOTE];
        tt_findings_warning(source->findings, tt_source_line(source, grammar->rules[i].key),
                            "the rule \"%s\" is never used; refer to it, or remove it",
                            tt_quote(grammar->rules[i].name, quote));
        ok = explore(source, grammar, i, path);
    }
    free(path);
}

static void read_grammar(const tt_source *source, tt_grammar *grammar) {
    static const char *const known[] = {"start", "rules", "description"};
    tt_source_check_keys(source, known, sizeof known / sizeof *known);
    yyjson_val *rules = rules_of(source);
    if (!rules || !read_names(source, grammar, rules)) return;
    size_t index, size;
    yyjson_val *key, *value;
    yyjson_obj_foreach(rules, index, size, key, value) {
        const grammar_rule wanted = {.name = yyjson_get_str(key)};
        grammar_rule *rule = bsearch(&wanted, grammar->rules, grammar->rule_count, sizeof wanted, by_name);
        if (rule && rule->key == key) read_rule(source, grammar, rule, value);
    }
    yyjson_val *start = yyjson_obj_get(source->root, "start");
    const char *name = start ? tt_source_phrase(source, start, "\"start\"") : NULL;
    if (!start) tt_findings_error(source->findings, 1, "the key \"start\" is missing; name the rule to begin with");
    if (!name || !grammar->rule_count) return;
    grammar->start = find_rule(source, grammar, name, strlen(name), tt_source_line(source, start));
    resolve(source, grammar);
    if (!source->findings->error_count && !source->findings->failed) check_structure(source, grammar);
}

tt_grammar *tt_grammar_parse(const char *file, const char *json, size_t length, tt_error *err) {
    tt_findings findings = {0};
    tt_source source;
    tt_grammar *grammar = tt_alloc(1, sizeof *grammar, err);
    if (!grammar) return NULL;
    if (tt_source_open(&source, json, length, &findings)) {
        read_grammar(&source, grammar);
        grammar->doc = source.doc; /* its text is referred to */
        source.doc = NULL;
        tt_source_close(&source);
    }
    tt_findings_sort(&findings);
    const bool ok = tt_findings_ok(&findings, file, err);
    tt_findings_free(&findings);
    if (ok) return grammar;
    tt_grammar_free(grammar);
    return NULL;
}

/* ==== Drawing ==== */

uint64_t tt_grammar_count(const tt_grammar *grammar) { return grammar->rules[grammar->start].spelled; }

typedef struct grammar_draw {
    uint64_t key;
    uint64_t slot; /* one for each choice made so far */
    tt_text text;
} grammar_draw;

/* Recurses at most DEEPEST times, as check_structure has verified. */
static void spell_out(const tt_grammar *grammar, size_t index, grammar_draw *draw) {
    const grammar_rule *rule = &grammar->rules[index];
    const uint64_t pick = tt_random_below(draw->key, 0, 0, draw->slot++, rule->alternative_count);
    const grammar_alternative *choice = &grammar->alternatives[rule->alternative + pick];
    for (size_t i = 0; i < choice->part_count; i++) {
        const grammar_part *part = &grammar->parts[choice->part + i];
        if (part->is_reference)
            spell_out(grammar, part->rule, draw);
        else
            tt_text_add_bytes(&draw->text, part->text, part->length);
    }
}

char *tt_grammar_expand(const tt_grammar *grammar, uint64_t key, tt_error *err) {
    grammar_draw draw = {.key = key};
    spell_out(grammar, grammar->start, &draw);
    char *text = tt_text_take(&draw.text, err);
    if (!text) return NULL;
    size_t length = strlen(text);
    while (length && text[length - 1] == ' ') text[--length] = '\0';
    const size_t blank = strspn(text, " ");
    memmove(text, text + blank, length - blank + 1);
    return text;
}
