/* foreign.c: see foreign.h */
#include "vectors/foreign.h"
#include "base/memory.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static bool is_known(const char *key) {
    static const char *const known[] = {"general.architecture", "general.alignment", "controlvector.model_hint",
                                        "controlvector.layer_count"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(key, known[i])) return true;
    return strncmp(key, "trimtab.", 8) == 0;
}

/* ==== How it is meant to be applied ==== */

/* Keys by which other tools say how a direction is applied. */
static const char *const operation_keys[] = {"controlvector.operation", "controlvector.mode", "dspark.operation",
                                             "dspark.mode"};
static const char magnitude_key[] = "controlvector.magnitude"; /* the hidden state is rescaled to this length */

static bool means_adding(const char *operation) {
    static const char *const words[] = {"", "add", "added", "addition", "additive", "sum", "linear", "steer", "steering"};
    char lower[32] = "";
    for (size_t i = 0; operation[i] && i + 1 < sizeof lower; i++) lower[i] = (char)tolower((unsigned char)operation[i]);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(lower, words[i])) return true;
    return false;
}

static bool read_operation(tt_vector *vector, tt_error *err) {
    for (size_t i = 0; i < tt_gguf_keys_count(vector->foreign); i++) {
        const char *name = tt_gguf_keys_name(vector->foreign, i);
        bool found = !strcmp(name, magnitude_key);
        tt_text value = {0};
        for (size_t k = 0; !found && k < sizeof operation_keys / sizeof *operation_keys; k++) {
            if (strcmp(name, operation_keys[k]) != 0) continue;
            tt_gguf_keys_value(vector->foreign, i, &value);
            found = !means_adding(value.data ? value.data : "");
        }
        char *operation =
            found ? tt_format(err, "%s%s%s", name, value.length ? " = " : "", value.length ? value.data : "") : NULL;
        tt_text_free(&value);
        if (!found) continue;
        if (!operation) return false;
        free(vector->operation);
        vector->operation = operation;
        return true;
    }
    return true;
}

bool tt_foreign_read(tt_vector *vector, const tt_gguf *file, tt_error *err) {
    vector->foreign = tt_gguf_keys_take(file, is_known);
    return read_operation(vector, err);
}
