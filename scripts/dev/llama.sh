# shellcheck shell=bash
# Part of dev: building with a llama.cpp that is installed in a folder of its own, instead of the packaged one.

llama=''

# Sets `llama`, and leads pkg-config there.
use_llama() { # use_llama DIR
  local found
  [[ -d $1 ]] || misused "there is no folder '$1'; --llama takes the one that llama.cpp is installed in (cmake --install BUILD --prefix DIR)"
  llama=$(realpath -- "$1")
  found=$(find "$llama" -name llama.pc -printf '%h\n' -quit)
  [[ -n $found ]] || misused "no llama.cpp is installed in '$1', since no llama.pc is below it; --llama takes the folder of cmake --install BUILD --prefix DIR"
  export PKG_CONFIG_PATH=$found
}

# The name of its build folder, below build/.
llama_folder() { printf 'llama-%s' "$(printf '%s' "$llama" | sha256sum | cut -c1-8)"; }
