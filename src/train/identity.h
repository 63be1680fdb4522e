/* identity.h: everything that a run's contributions depend on, as JSON in the states file's header.
 *
 * Two runs with the same identity capture the same numbers, so one can continue where the other stopped. The identity
 * also holds what the vectors' keys need, so that directions can be computed from a states file alone. */
#pragma once

#include "train/options.h"

typedef struct tt_identity {
    char *model_name, *architecture, *fingerprint, *content_hash;
    char *chat_template;
    char *chat_digest;                /* tt_chat_digest of a conversation in it; "" if an older trimtab wrote this */
    char *chat_digest_before;         /* the same in an older trimtab's layout; not stored; may be NULL */
    char *plan;                       /* tt_plan_hash */
    char *rpc_servers, *tensor_split; /* where the blocks are: tt_model_rpc_servers, tt_model_tensor_split */
    uint64_t parameters;              /* of the model; 0 if an older trimtab wrote this */
    uint64_t samples, seed, prompts_per_system;
    double held_out;
    uint32_t blocks, width, ubatch;
    uint32_t rounding; /* TT_CAPTURE_ROUNDING of the trimtab that wrote this */
    int gpu_layers;    /* -1: all */
    bool separate_system_message, plain, flash_attention_off;
    size_t axis_count;
    struct tt_identity_axis {
        char *name, *classes[2], *hash;
    } *axes;
} tt_identity;

/* `name` is the model's name in file names; axes and plan are the run's. The caller frees it with tt_identity_free. */
bool tt_identity_of_run(tt_identity *identity, const tt_model *model, const char *name, const tt_chat *chat,
                        const tt_axis *axes, size_t axis_count, const tt_plan *plan, const tt_train_options *options,
                        tt_error *err);

/* To JSON text (the caller frees) and back. */
char *tt_identity_write(const tt_identity *identity, tt_error *err);
bool tt_identity_read(tt_identity *identity, const char *json, const char *file, tt_error *err);

/* Fails with a sentence that names the first difference between a states file and the present run. */
bool tt_identity_match(const tt_identity *stored, const tt_identity *present, const char *file, tt_error *err);

void tt_identity_free(tt_identity *identity);
