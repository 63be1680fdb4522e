/* builtin.c: see builtin.h */
#include "prompts/builtin.h"

static const unsigned char language[] = {
#embed "axes/language.json"
};
static const unsigned char storytelling[] = {
#embed "axes/storytelling.json"
};
static const unsigned char character_focus[] = {
#embed "axes/character_focus.json"
};
static const unsigned char empathy_vs_sociopathy[] = {
#embed "axes/empathy_vs_sociopathy.json"
};
static const unsigned char honesty_vs_machiavellianism[] = {
#embed "axes/honesty_vs_machiavellianism.json"
};
static const unsigned char humility_vs_narcissism[] = {
#embed "axes/humility_vs_narcissism.json"
};
static const unsigned char compassion_vs_sadism[] = {
#embed "axes/compassion_vs_sadism.json"
};
static const unsigned char optimism_vs_nihilism[] = {
#embed "axes/optimism_vs_nihilism.json"
};
static const unsigned char stems[] = {
#embed "axes/stems.json"
};
static const unsigned char writing_prompts[] = {
#embed "axes/writing_prompts.json"
};
static const unsigned char passages[] = {
#embed "axes/passages.json"
};

#define BUILTIN(id) {.name = #id, .file = "axes/" #id ".json", .bytes = (const char *)(id), .length = sizeof(id)}

static const tt_builtin axes[] = {
    BUILTIN(language),
    BUILTIN(storytelling),
    BUILTIN(character_focus),
    BUILTIN(empathy_vs_sociopathy),
    BUILTIN(honesty_vs_machiavellianism),
    BUILTIN(humility_vs_narcissism),
    BUILTIN(compassion_vs_sadism),
    BUILTIN(optimism_vs_nihilism),
};
static const tt_builtin stems_file = BUILTIN(stems);
static const tt_builtin writing_prompts_file = BUILTIN(writing_prompts);
static const tt_builtin passages_file = BUILTIN(passages);

size_t tt_builtin_axis_count(void) { return sizeof axes / sizeof *axes; }
const tt_builtin *tt_builtin_axis(size_t index) { return &axes[index]; }
const tt_builtin *tt_builtin_stems(void) { return &stems_file; }
const tt_builtin *tt_builtin_writing_prompts(void) { return &writing_prompts_file; }
const tt_builtin *tt_builtin_passages(void) { return &passages_file; }
