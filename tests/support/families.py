"""families.py: the families that tests/test_families.py goes through: how each one's model is made, whose models it stands for,
and how its maker lays out a conversation.

A layout is given twice: as the Jinja template in the tiny model (tests/support/tiny_model_*.c, what a real model file carries),
and here as text, with {s} for the system message and {u} for the user's. Both must yield the same, and so must trimtab.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Family:
    layout: str  # what make_tiny_model calls it
    architecture: str
    models: str  # whose models it stands for
    user: str  # a user message alone, ready for the answer
    system: str = ""  # a system message before it; "" where the maker's template refuses one
    begin: str = ""  # the token at the beginning of every text
    steerable: bool = True


CHATML = "<|im_start|>user\n{u}<|im_end|>\n<|im_start|>assistant\n"
CHATML_SYSTEM = "<|im_start|>system\n{s}<|im_end|>\n" + CHATML
COHERE = "<|START_OF_TURN_TOKEN|><|USER_TOKEN|>{u}<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>"
LLAMA_3 = "<|start_header_id|>user<|end_header_id|>\n\n{u}<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"
GEMMA = "<start_of_turn>user\n{u}<end_of_turn>\n<start_of_turn>model\n"

FAMILIES = (
    Family("llama-2", "llama", "Llama 2, miqu-1-70b; WizardLM-2-7B, Nous-Capybara-34B", "[INST] {u} [/INST]",
           "[INST] <<SYS>>\n{s}\n<</SYS>>\n\n{u} [/INST]", "<s>"),
    Family("llama-3", "llama", "Llama 3, Athene-70B, Llama-3-Instruct-8B-SPPO; Llama 3.1", LLAMA_3,
           "<|start_header_id|>system<|end_header_id|>\n\n{s}<|eot_id|>" + LLAMA_3, "<|begin_of_text|>"),
    Family("llama", "llama", "Yi-34B, Yi-1.5 (and 16K)", CHATML, CHATML_SYSTEM, "<s>"),
    Family("mistral", "llama", "Mistral-7B v0.3, Mistral-Large-2407; Mistral-7B v0.2 and its SPPO", "[INST] {u}[/INST]", "", "<s>"),
    Family("mistral-nemo", "llama", "Mistral-Nemo-2407 (head size not d / heads)", "[INST]{u}[/INST]", "", "<s>"),
    Family("mixtral", "llama", "Mixtral-8x7B, Mixtral-8x22B; WizardLM-2-8x22B", " [INST] {u} [/INST]",
           " [INST] {s}\n\n{u} [/INST]", "<s>"),
    Family("deepseek-llm", "llama", "deepseek-llm-67b-chat", "User: {u}\n\nAssistant:", "{s}\n\nUser: {u}\n\nAssistant:",
           "<｜begin▁of▁sentence｜>"),
    Family("qwen2", "qwen2", "Qwen1.5, Qwen2, magnum-v2-32b", "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n" + CHATML,
           CHATML_SYSTEM),
    Family("command-r", "command-r", "c4ai-command-r v01 and 08-2024, aya-23", COHERE,
           "<|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>{s}<|END_OF_TURN_TOKEN|>" + COHERE, "<BOS_TOKEN>"),
    Family("command-r-plus", "command-r", "c4ai-command-r-plus and its 08-2024 (norms of queries and keys)", COHERE,
           "<|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>{s}<|END_OF_TURN_TOKEN|>" + COHERE, "<BOS_TOKEN>"),
    Family("gemma-2", "gemma2", "gemma-2 9b and 27b, SimPO, SPPO-Iter3", GEMMA, "", "<bos>"),
    Family("internlm2", "internlm2", "internlm2_5-20b-chat", CHATML, CHATML_SYSTEM, "<s>"),
    Family("qwen3", "qwen3", "Qwen3", CHATML, CHATML_SYSTEM),
    Family("qwen3-moe", "qwen3moe", "Qwen3 with experts", CHATML, CHATML_SYSTEM),
    Family("gemma-3", "gemma3", "gemma-3", GEMMA, "<start_of_turn>user\n{s}\n\n{u}<end_of_turn>\n<start_of_turn>model\n", "<bos>"),
    Family("glm4", "glm4", "GLM-4", "[gMASK]<sop><|user|>\n{u}<|assistant|>\n",
           "[gMASK]<sop><|system|>\n{s}<|user|>\n{u}<|assistant|>\n"),
    Family("gpt-oss", "gpt-oss", "gpt-oss", "<|start|>user<|message|>{u}<|end|><|start|>assistant",
           "<|start|>system<|message|>{s}<|end|><|start|>user<|message|>{u}<|end|><|start|>assistant"),
    Family("mistral-3", "mistral3", "Mistral-Small 3, Ministral 3", "[INST]{u}[/INST]", "[SYSTEM_PROMPT]{s}[/SYSTEM_PROMPT][INST]{u}[/INST]",
           "<s>"),
    Family("lfm2", "lfm2", "LFM2 (short convolutions and attention)", CHATML, CHATML_SYSTEM, "<|startoftext|>"),
    Family("mamba2", "mamba2", "Mamba-Codestral-7B (states alone)", "[INST] {u}[/INST]", "", "<s>"),
    Family("plamo2", "plamo2", "PLaMo 2 (states and attention)", CHATML, CHATML_SYSTEM, "<s>", steerable=False),
)
