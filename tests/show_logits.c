/* show_logits.c: the logits of the token behind a text, for the tests that are scripts: for a model as it is, and steered by
 * each of some control vectors alone.
 *
 *   show_logits MODEL TEXT [VECTOR]...        prints a JSON array for the model, then one for each vector, a line each */
#include "apply/steering.h"
#include "model/generate.h"

#include <stdio.h>
#include <string.h>

static bool show(tt_generator *generator, const tt_model *model, const tt_tokens *tokens, tt_error *err) {
    if (!tt_generator_read(generator, tokens, NULL, err)) return false;
    const float *logits = tt_generator_logits(generator);
    for (uint32_t i = 0; i < tt_model_facts_of(model)->vocabulary; i++) printf("%s%.9g", i ? ", " : "[", (double)logits[i]);
    printf("]\n");
    return true;
}

static bool show_steered(tt_generator *generator, const tt_model *model, const tt_tokens *tokens, const char *path,
                         tt_error *err) {
    tt_vector vector = {0};
    bool ok = tt_vector_read(&vector, path, err);
    if (ok) {
        tt_steering *steering = tt_steering_of_vector(model, &vector, err);
        ok = steering && tt_generator_steer(generator, steering, err) && show(generator, model, tokens, err);
        tt_steering_release(steering);
    }
    tt_vector_free(&vector);
    return ok;
}

static bool show_all(tt_model *model, const char *text, char **vectors, tt_error *err) {
    tt_tokens tokens = {0};
    tt_generator *generator = tt_generator_open(model, 0, err);
    bool ok = generator && tt_tokenize(model, text, strlen(text), &tokens, err) && show(generator, model, &tokens, err);
    for (; ok && *vectors; vectors++) ok = show_steered(generator, model, &tokens, *vectors, err);
    tt_tokens_free(&tokens);
    tt_generator_close(generator);
    return ok;
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: show_logits MODEL TEXT [VECTOR]...\n");
        return 2;
    }
    tt_error err = {0};
    tt_engine *engine = tt_engine_start(&(tt_engine_options){0}, &err);
    tt_model *model = engine ? tt_model_open(engine, &(tt_model_options){.path = argv[1], .threads = 1}, &err) : NULL;
    const bool ok = model && show_all(model, argv[2], argv + 3, &err);
    if (!ok) fprintf(stderr, "show_logits: %s\n", err.message);
    tt_model_close(model);
    tt_engine_stop(engine);
    return ok ? 0 : 1;
}
