# shellcheck shell=bash
# Part of dev: building.

presets() { grep -oP '"name": "\K[^"]+(?=", "configurePreset")' "$project/CMakePresets.json" | sort -u; }

# What the build depends on, as one line: the root, the build's files (not what is in scripts, which are read when they run), and
# where libllama is. Another line than at the last build means that there may be something to build.
sources_now() {
  printf '%s %s ' "$root" "${llama:-}"
  local parts=(CMakeLists.txt CMakePresets.json cmake src include axes web tests bench fuzz)
  (cd "$project" && { find "${parts[@]}" -name __pycache__ -prune -o -type f \
    \( -name '*.py' -printf '%p\n' -o -printf '%p %T@ %s\n' \) 2>/dev/null || true; } | sort | sha256sum)
}

is_built() { [[ $(cat "$built/.built" 2>/dev/null) == "$(sources_now)" ]]; } # in `built`

# Builds in build/PRESET, or in FOLDER, and keeps every other dev from building there until this script ends. While another one runs
# what is there, this one goes on at once if there is nothing to build, and else waits. Sets `built`.
build() { # build PRESET [FOLDER]
  local preset=$1 lock said=''
  built=${2:-$project/build/$preset}
  grep -qx -e "$preset" < <(presets) || misused "there is no preset '$preset'; there are: $(presets | paste -sd' ')"
  while :; do
    open_lock "$project/build/.${built##*/}.lock"
    if flock --nonblock --exclusive "$lock"; then
      if lock_is "$project/build/.${built##*/}.lock"; then
        make_build "$preset"
        flock --shared "$lock" # in the moment between, another dev may have taken its turn
        if is_built; then return; fi
      fi
    elif flock --nonblock --shared "$lock" && is_built; then return; else
      flock --unlock "$lock"
      [[ -n $said ]] || say "dev: waiting for another dev, which uses ${built#"$project/"}"
      said=1
      flock --exclusive "$lock"
    fi
    drop_lock
  done
}

make_build() { # make_build PRESET: in `built`, whose lock is held
  local sources here=$PWD
  sources=$(sources_now)
  # A build made with another root's compiler and libraries is of no use.
  if [[ $(cat "$built/.root" 2>/dev/null) != "$root" ]]; then
    rm -rf "$built" && mkdir -p "$built" && printf '%s' "$root" >"$built/.root"
  fi
  rm -f "$built/.built"
  local step_log=$built/failed.log name=${built##*/}
  cd "$project"
  wait_llama_source
  [[ -e $built/build.ninja ]] ||
    step "configuring ($name)" inside "$root" cmake --preset "$1" -B "$built" -DLLAMA_CPP_SOURCE="$llama_source" || exit 1
  step "building ($name)" inside "$root" cmake --build "$built" || exit 1
  cd "$here"
  printf '%s\n' "$sources" >"$built/.built"
}
