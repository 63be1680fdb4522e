/* token.c: see token.h */
#include "model/token.h"
#include "model/internal.h"
#include "model/largest.h"
#include "model/softmax.h"

size_t tt_token_bytes(const tt_model *model, int32_t token, bool special, char bytes[static TT_TOKEN_BYTES]) {
    const int32_t count = llama_token_to_piece(model->vocabulary, token, bytes, TT_TOKEN_BYTES, 0, special);
    return count > 0 ? (size_t)count : 0;
}

bool tt_token_ends(const tt_model *model, int32_t token) { return llama_vocab_is_eog(model->vocabulary, token); }

int32_t tt_token_beginning(const tt_model *model) {
    const int32_t begin = llama_vocab_bos(model->vocabulary);
    return begin >= 0 ? begin : llama_vocab_eos(model->vocabulary);
}

size_t tt_vocabulary_size(const tt_model *model) { return (size_t)llama_vocab_n_tokens(model->vocabulary); }

void tt_likeliest(const float *logits, size_t vocabulary, tt_likely_token *tokens, size_t count, int32_t token,
                  float *log_probability) {
    int32_t ids[TT_TOP_TOKENS_MOST];
    tt_largest(logits, vocabulary, ids, count);
    tt_largest_sort(logits, ids, count);
    const double all = tt_log_sum_exp(logits, vocabulary);
    for (size_t i = 0; i < count; i++) tokens[i] = (tt_likely_token){ids[i], (float)((double)logits[ids[i]] - all)};
    *log_probability = (float)((double)logits[token] - all);
}
