/* tiny_tokenizer.c: two small vocabularies that take any text, one of each kind that libllama's families use most.
 *
 * SentencePiece: unknown, begin, end, 256 bytes, control tokens, single characters, merged pieces with scores.
 * Byte pairs: 256 bytes in GPT-2's letters, merges, beginning, end, then the control tokens.
 * The control tokens are the family's own (struct tt_tiny_tokenizer). */
#include "support/tiny_model.h"

#include <gguf.h>
#include <stdio.h>
#include <string.h>

/* Every piece is two shorter ones joined, so that merging reaches it; "_" stands for a space in front of a word. */
static const char *const merged[] = {
    "th", "he", "in",  "er",  "an",  "re",  "on",  "at",  "en",   "nd",  "or",   "ou",   "es",
    "st", "is", "it",  "_t",  "_a",  "_s",  "_w",  "_b",  "_o",   "_c",  "_i",   "_m",   "_y",
    "_f", "_p", "_th", "_an", "ing", "_in", "_of", "_to", "_you", "and", "_the", "_and",
};
enum { MERGED = sizeof merged / sizeof *merged };

/* LLAMA_TOKEN_TYPE_*, as in tokenizer.ggml.token_type */
enum { NORMAL = 1, UNKNOWN = 2, SPECIAL = 3, BYTE = 6 };

constexpr uint32_t capacity = 1024;
enum { PIECE = 32 }; /* bytes of the longest piece, with its zero */

/* ==== The numbers of the first token of each kind ==== */

static uint32_t controls(const struct tt_tiny_tokenizer *tokenizer) {
    uint32_t count = 0;
    while (count < sizeof tokenizer->control / sizeof *tokenizer->control && tokenizer->control[count]) count++;
    return count;
}

constexpr uint32_t sp_control = 3 + 256;
constexpr uint32_t sp_characters = 1 + ('~' - ' '); /* the space and printable ASCII */
constexpr uint32_t bp_merged = 256;
constexpr uint32_t bp_special = bp_merged + MERGED;

/* Byte pairs: the end of the text; its beginning, where there is one of its own, stands before it. */
static uint32_t bp_end(const struct tt_tiny_tokenizer *tokenizer) { return bp_special + (tokenizer->begin ? 1 : 0); }

static uint32_t first_control(const struct tt_tiny_tokenizer *tokenizer) {
    return tokenizer->kind == TT_TINY_SENTENCEPIECE ? sp_control : bp_end(tokenizer) + 1;
}

uint32_t tt_tiny_vocabulary(const struct tt_tiny_tokenizer *tokenizer) {
    const uint32_t count = first_control(tokenizer) + controls(tokenizer);
    return tokenizer->kind == TT_TINY_SENTENCEPIECE ? count + sp_characters + MERGED : count;
}

/* GPT-2's order of bytes: the printable ones first, each as itself; the others are given letters from U+0100 on. */
static bool stands_for_itself(unsigned byte) {
    return (byte >= '!' && byte <= '~') || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
}

bool tt_tiny_token_is_text(const struct tt_tiny_tokenizer *tokenizer, uint32_t id) {
    if (tokenizer->kind == TT_TINY_SENTENCEPIECE) return id >= sp_control + controls(tokenizer);
    return id < '~' - '!' + 1 || (id >= bp_merged && id < bp_special);
}

/* ==== The vocabularies ==== */

struct vocabulary {
    uint32_t count;
    char pieces[capacity][PIECE];
    const char *texts[capacity];
    float scores[capacity];
    int32_t types[capacity];
};

static void add(struct vocabulary *vocabulary, const char *piece, float score, int32_t type) {
    const uint32_t id = vocabulary->count++;
    snprintf(vocabulary->pieces[id], PIECE, "%s", piece);
    vocabulary->texts[id] = vocabulary->pieces[id];
    vocabulary->scores[id] = score;
    vocabulary->types[id] = type;
}

/* `piece` with its "_" replaced by `space`. */
static const char *spaced(char buffer[PIECE], const char *piece, const char *space) {
    snprintf(buffer, PIECE, "%s%s", *piece == '_' ? space : "", *piece == '_' ? piece + 1 : piece);
    return buffer;
}

static void write_arrays(struct gguf_context *gguf, struct vocabulary *vocabulary) {
    gguf_set_arr_str(gguf, "tokenizer.ggml.tokens", vocabulary->texts, vocabulary->count);
    gguf_set_arr_data(gguf, "tokenizer.ggml.token_type", GGUF_TYPE_INT32, vocabulary->types, vocabulary->count);
}

static void add_controls(struct vocabulary *vocabulary, const struct tt_tiny_tokenizer *tokenizer) {
    for (uint32_t i = 0; i < controls(tokenizer); i++) add(vocabulary, tokenizer->control[i], 0, SPECIAL);
}

static void write_sentencepiece(struct gguf_context *gguf, struct vocabulary *vocabulary,
                                const struct tt_tiny_tokenizer *tokenizer) {
    char piece[PIECE];
    add(vocabulary, "<unk>", 0, UNKNOWN);
    add(vocabulary, tokenizer->begin ? tokenizer->begin : "<s>", 0, SPECIAL);
    add(vocabulary, tokenizer->end ? tokenizer->end : "</s>", 0, SPECIAL);
    for (unsigned byte = 0; byte < 256; byte++) {
        snprintf(piece, sizeof piece, "<0x%02X>", byte);
        add(vocabulary, piece, 0, BYTE);
    }
    add_controls(vocabulary, tokenizer);
    add(vocabulary, "\u2581", -1000, NORMAL);
    for (int character = '!'; character <= '~'; character++)
        add(vocabulary, (char[2]){(char)character}, -1000 - (float)character, NORMAL);
    for (int i = 0; i < MERGED; i++) add(vocabulary, spaced(piece, merged[i], "\u2581"), (float)-i, NORMAL);
    write_arrays(gguf, vocabulary);
    gguf_set_val_str(gguf, "tokenizer.ggml.model", "llama");
    gguf_set_arr_data(gguf, "tokenizer.ggml.scores", GGUF_TYPE_FLOAT32, vocabulary->scores, vocabulary->count);
    gguf_set_val_u32(gguf, "tokenizer.ggml.unknown_token_id", 0);
    gguf_set_val_u32(gguf, "tokenizer.ggml.bos_token_id", 1);
    gguf_set_val_u32(gguf, "tokenizer.ggml.eos_token_id", 2);
    gguf_set_val_bool(gguf, "tokenizer.ggml.add_space_prefix", !tokenizer->without_leading_space);
}

/* The first of two tokens that `piece` is made of: all but its last letter, if that is one; else the longest that is. */
static size_t split_of(const struct vocabulary *vocabulary, const char *piece) {
    for (size_t length = strlen(piece) - 1; length > 0; length--) {
        if (((unsigned char)piece[length] & 0xc0) == 0x80) continue; /* not between the bytes of one letter */
        bool left = false, right = false;
        for (uint32_t id = 0; id < vocabulary->count; id++) {
            left |= strlen(vocabulary->texts[id]) == length && strncmp(vocabulary->texts[id], piece, length) == 0;
            right |= strcmp(vocabulary->texts[id], piece + length) == 0;
        }
        if (left && right) return length;
    }
    return 0;
}

static bool write_byte_pairs(struct gguf_context *gguf, struct vocabulary *vocabulary,
                             const struct tt_tiny_tokenizer *tokenizer) {
    char piece[PIECE], merges[MERGED][PIECE];
    const char *merge_texts[MERGED];
    unsigned other = 0x100;
    for (int pass = 0; pass < 2; pass++)
        for (unsigned byte = 0; byte < 256; byte++) {
            if (stands_for_itself(byte) == (pass == 1)) continue;
            const unsigned letter = pass == 0 ? byte : other++;
            if (letter < 0x80)
                snprintf(piece, sizeof piece, "%c", letter);
            else
                snprintf(piece, sizeof piece, "%c%c", 0xc0 | letter >> 6, 0x80 | (letter & 0x3f));
            add(vocabulary, piece, 0, NORMAL);
        }
    for (int i = 0; i < MERGED; i++) {
        spaced(piece, merged[i], "\u0120"); /* GPT-2's letter for the space */
        const size_t length = split_of(vocabulary, piece);
        if (length == 0) return false;
        snprintf(merges[i], sizeof merges[i], "%.*s %.20s", (int)length, piece, piece + length);
        merge_texts[i] = merges[i];
        add(vocabulary, piece, 0, NORMAL);
    }
    if (tokenizer->begin) add(vocabulary, tokenizer->begin, 0, SPECIAL);
    add(vocabulary, tokenizer->end, 0, SPECIAL);
    add_controls(vocabulary, tokenizer);
    write_arrays(gguf, vocabulary);
    gguf_set_val_str(gguf, "tokenizer.ggml.model", "gpt2");
    gguf_set_arr_str(gguf, "tokenizer.ggml.merges", merge_texts, MERGED);
    gguf_set_val_u32(gguf, "tokenizer.ggml.bos_token_id", bp_special); /* the end's, where there is no beginning */
    gguf_set_val_u32(gguf, "tokenizer.ggml.eos_token_id", bp_end(tokenizer));
    return true;
}

bool tt_tiny_tokenizer_write(struct gguf_context *gguf, const struct tt_tiny_tokenizer *tokenizer) {
    static_assert(sizeof(struct vocabulary) < 65536); /* on the stack */
    struct vocabulary vocabulary = {0};
    gguf_set_val_str(gguf, "tokenizer.ggml.pre", tokenizer->pre ? tokenizer->pre : "default");
    gguf_set_val_bool(gguf, "tokenizer.ggml.add_bos_token", tokenizer->adds_begin);
    if (controls(tokenizer))
        gguf_set_val_u32(gguf, "tokenizer.ggml.eot_token_id", first_control(tokenizer) + tokenizer->end_of_turn);
    if (tokenizer->kind == TT_TINY_SENTENCEPIECE)
        write_sentencepiece(gguf, &vocabulary, tokenizer);
    else if (!write_byte_pairs(gguf, &vocabulary, tokenizer))
        return false;
    return vocabulary.count == tt_tiny_vocabulary(tokenizer);
}
