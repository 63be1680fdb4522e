"""published_way.py: the benchmark `torch`: what trimtab replaces, the way published training scripts do it, on a CPU.

They load the model into PyTorch in BF16 and call it with one prompt at a time, 24 for each sample of all eight axes (three
classes an axis), asking for every block's hidden state. Here that is a Llama of the demo model's shape with random weights,
which cost as much as real ones. Called as a program, in a process of its own, it prints the speed:

    python3 published_way.py MODEL.gguf LENGTH PROMPTS THREADS

LENGTH is the tokens of a prompt, as many as trimtab's own prompts have on average. Solving is not counted for this peer.
"""
import importlib.util
import json
import os
import sys
import time

from measure import Figure, NotMeasured
from training import ALL_AXES_SAMPLES, train_all_axes

PROMPTS = 48


def torch(bench):
    """All eight axes at full size, against the time that PyTorch takes for the same prompts one by one."""
    for module in ("torch", "transformers", "gguf"):
        if not importlib.util.find_spec(module):
            raise NotMeasured(f"python3 has no {module} here; './dev bench torch' brings it")
    forecast = bench.train("--samples", ALL_AXES_SAMPLES, "--dry-run", "--tokens-per-second", 1)[1]
    length = round(forecast["plain_tokens"] / forecast["plain_prompts"])
    theirs = []
    for turn in bench.turns("torch"):
        command = [sys.executable, __file__, bench.model(), length, PROMPTS, bench.threads]
        theirs.append(forecast["plain_tokens"] / bench.run(command).json()["tokens_per_second"])
        if turn == bench.repetitions // 2:  # in the middle of the peer's turns: it is long, and measured once
            ours = train_all_axes(bench)[0].seconds
    name = f"all axes, {ALL_AXES_SAMPLES} samples"
    return [Figure(name, "s", [ours] * len(theirs), "PyTorch, one prompt a call", theirs, (">=", 3), inverse=True)]


# ==== The peer, in its own process ====


def shape_of(path):
    """The arguments of transformers' LlamaConfig for a GGUF model of that architecture."""
    import gguf

    fields = gguf.GGUFReader(path).fields

    def key(name):
        return fields[f"llama.{name}"].contents()

    if fields["general.architecture"].contents() != "llama":
        raise SystemExit("published_way.py: the model is not of the llama architecture")
    return {
        "vocab_size": len(fields["tokenizer.ggml.tokens"].data),
        "hidden_size": key("embedding_length"),
        "intermediate_size": key("feed_forward_length"),
        "num_hidden_layers": key("block_count"),
        "num_attention_heads": key("attention.head_count"),
        "num_key_value_heads": key("attention.head_count_kv"),
        "max_position_embeddings": key("context_length"),
        "tie_word_embeddings": True,
    }


def main(path, length, prompts, threads):
    import torch as pytorch
    import transformers

    pytorch.set_num_threads(threads)
    pytorch.manual_seed(1)
    config = transformers.LlamaConfig(**shape_of(path))
    model = transformers.LlamaForCausalLM(config).to(pytorch.bfloat16).eval()

    def ask():
        tokens = pytorch.randint(3, config.vocab_size, (1, length))
        hidden = model(tokens, use_cache=False, output_hidden_states=True).hidden_states
        return [(after - before)[0, -1].float() for before, after in zip(hidden, hidden[1:])]

    with pytorch.inference_mode():
        for _ in range(2):  # the first calls choose kernels and touch memory
            ask()
        begin = time.monotonic()
        for _ in range(prompts):
            ask()
        seconds = time.monotonic() - begin
    print(json.dumps({"tokens_per_second": prompts * length / seconds, "length": length, "model": os.path.basename(path)}))


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:5]))
