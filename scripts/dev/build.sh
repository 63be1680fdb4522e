# shellcheck shell=bash
# Part of dev: building.

build() { # build PRESET [TARGET...]
  local preset=$1 folder=$project/build/$1
  shift
  # A build made with another root's compiler and libraries is of no use.
  if [[ $(cat "$folder/.root" 2>/dev/null) != "$root" ]]; then
    rm -rf "$folder" && mkdir -p "$folder" && printf '%s' "$root" >"$folder/.root"
  fi
  local here=$PWD
  cd "$project"
  exec 9>"$folder/.lock" # two ninjas in one folder would spoil each other's work
  flock 9
  wait_llama_source
  [[ -e $folder/build.ninja ]] || step "configuring ($preset)" inside "$root" cmake --preset "$preset" -DLLAMA_CPP_SOURCE="$llama_source" || exit 1
  step "building ($preset)" inside "$root" cmake --build --preset "$preset" ${1:+--target "$@"} || exit 1
  exec 9>&-
  cd "$here"
}
