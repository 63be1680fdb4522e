/* card_options.h: what the user says of vectors that are published. */
#pragma once

typedef struct tt_card_options {
    const char *license;    /* as Hugging Face calls it: "apache-2.0" */
    const char *base_model; /* the model's name there: "HuggingFaceTB/SmolLM2-135M-Instruct"; NULL: left out */
} tt_card_options;
