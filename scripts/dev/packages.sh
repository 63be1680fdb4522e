# shellcheck shell=bash
# Part of dev: the Debian packages of the private root, by tier; each tier holds the ones before it.

# What the build and the demo need. Everything beyond that waits until it is first asked for.
packages_build=(
  ca-certificates gcc g++ libc6-dev cmake ninja-build pkgconf python3-minimal
  libllama-dev libggml-dev libopenblas-pthread-dev liblapacke-dev
  libyyjson-dev libmicrohttpd-dev libcmocka-dev nettle-dev libunistring-dev libedit-dev node-uplot
)
packages_test=(
  clang clang-format clang-tidy libclang-rt-dev gdb valgrind git man-db shellcheck gcovr procps file
  bash-completion zsh fish tmux curl wrk iproute2
  llama.cpp-tools llama.cpp-tools-extra python3-gguf python3-numpy python3-jinja2 python3-jsonschema python3-openai python3-selenium
  chromium chromium-driver libopenmpi-dev openmpi-bin
  libggml0-backend-rpc
  libggml0-backend-vulkan mesa-vulkan-drivers
)
packages_bench=(python3-torch python3-transformers)
