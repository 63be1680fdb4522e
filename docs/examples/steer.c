/* steer.c: writes a text with control vectors applied; given an axis, trains its vectors first.
 *
 *     steer MODEL FOLDER MIX PROMPT [AXIS SAMPLES TOLERANCE] */
#include <stdio.h>
#include <stdlib.h>
#include <trimtab.h>

int main(int count, char **words) {
    trimtab_error error = {TRIMTAB_OK, ""};
    trimtab_train_options training = trimtab_train_defaults();
    trimtab_generate_options writing = trimtab_generate_defaults();
    trimtab_answer *answer = NULL;
    trimtab_sampling *sampling;
    trimtab *t;

    if (count != 5 && count != 8) {
        fputs("usage: steer MODEL FOLDER MIX PROMPT [AXIS SAMPLES TOLERANCE]\n", stderr);
        return 2;
    }
    t = trimtab_open(words[1], NULL, &error);
    if (!error.status && count == 8) {
        training.axes = (const char *const *)&words[5];
        training.axis_count = 1;
        training.samples = (uint64_t)atol(words[6]);
        training.tolerance = atof(words[7]);
        trimtab_train(t, words[2], &training, NULL, &error);
    }
    if (!error.status) trimtab_steer(t, words[2], words[3], 0, &error);
    sampling = error.status ? NULL : trimtab_sampling_new(&error);
    if (sampling) trimtab_sampling_set(sampling, "seed", "1", &error);
    writing.sampling = sampling;
    writing.limit = 100;
    if (!error.status && !trimtab_generate(t, words[4], &writing, &answer, &error)) puts(answer->text);
    if (error.status) fprintf(stderr, "steer: %s\n", error.message);
    trimtab_answer_free(answer);
    trimtab_sampling_free(sampling);
    trimtab_close(t);
    return error.status ? 1 : 0;
}
