/* directions.c: see directions.h */
#include "evaluate/directions.h"
#include "base/random.h"
#include "vectors/sum.h"

#include <math.h>

static bool add_up(tt_vector *sum, const tt_model *model, const tt_evaluate_axis *axis, double value, tt_error *err) {
    const tt_model_facts *facts = tt_model_facts_of(model);
    const tt_vector *side = axis->sides[value > 0 ? TT_POSITIVE : TT_NEGATIVE];
    const tt_summand parts[] = {{axis->debias, 1}, {side, fabs(value)}}; /* as apply/blend.c adds them up */
    return tt_vector_init(sum, facts->blocks, facts->width, err) &&
           tt_vector_sum(sum, parts, value == 0 ? 1 : 2, 1, UINT32_MAX, err);
}

static tt_steering *steer_by(const tt_model *model, const tt_vector *sum, char digest[static TT_HASH_TEXT], tt_error *err) {
    tt_hash hash;
    tt_hash_begin(&hash);
    for (uint32_t K = 1; K < sum->layer_count; K++) {
        tt_hash_u64(&hash, sum->rows[K] ? K : 0);
        if (sum->rows[K]) tt_hash_bytes(&hash, sum->rows[K], sum->width * sizeof *sum->rows[K]);
    }
    tt_hash_end(&hash, digest);
    const tt_steering_term term = {.rows = sum->rows, .row_count = sum->layer_count, .width = sum->width};
    return tt_steering_make(model, &term, 1, err);
}

tt_steering *tt_axis_steering(const tt_model *model, const tt_evaluate_axis *axis, double value,
                              char digest[static TT_HASH_TEXT], tt_error *err) {
    tt_vector sum = {0};
    tt_steering *steering = add_up(&sum, model, axis, value, err) ? steer_by(model, &sum, digest, err) : NULL;
    tt_vector_free(&sum);
    return steering;
}

/* A number of the normal distribution, by Box and Muller (1958). */
static double normal(uint64_t seed, uint64_t stream, uint64_t index, uint64_t slot) {
    const double u = ((double)(tt_random_bits(seed, stream, index, 2 * slot) >> 11) + 0.5) * 0x1p-53;
    const double v = ((double)(tt_random_bits(seed, stream, index, 2 * slot + 1) >> 11) + 0.5) * 0x1p-53;
    return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

/* Normal numbers in all places, brought to the row's length, are a direction without any preference. */
static void turn(float *row, uint32_t width, double length, uint64_t seed, uint32_t K) {
    const uint64_t stream = tt_random_stream("random direction");
    double square = 0;
    for (uint32_t i = 0; i < width; i++) {
        row[i] = (float)normal(seed, stream, K, i);
        square += (double)row[i] * (double)row[i];
    }
    for (uint32_t i = 0; i < width; i++) row[i] = (float)((double)row[i] * length / sqrt(square));
}

tt_steering *tt_random_steering(const tt_model *model, const tt_evaluate_axis *axis, double value, uint64_t seed,
                                char digest[static TT_HASH_TEXT], tt_error *err) {
    tt_vector sum = {0};
    bool ok = add_up(&sum, model, axis, value, err);
    for (uint32_t K = 1; ok && K < sum.layer_count; K++)
        if (sum.rows[K]) turn(sum.rows[K], sum.width, tt_vector_row_norm(&sum, K), seed, K);
    tt_steering *steering = ok ? steer_by(model, &sum, digest, err) : NULL;
    tt_vector_free(&sum);
    return steering;
}
