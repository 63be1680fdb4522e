# shellcheck shell=bash
# Part of dev: llama.cpp's source, out of a package on PyPI, by its checksum.

# llama.cpp's chat code (its version 0.5.0), which the source of this package carries.
llama_package='llama-cpp-python==0.3.36'
llama_sha256=832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e

# The source of its chat code, of which only what is compiled is kept: sets llama_source. It begins in the background, as
# making the root takes longer (begin_llama_source), and is waited for before anything is configured.
llama_source=${LLAMA_CPP_SOURCE:-$cache/llama.cpp-${llama_package##*=}}
fetching=''

begin_llama_source() {
  [[ -z $fetching && ! -e $llama_source/common/chat.h ]] || return 0
  [[ -z ${LLAMA_CPP_SOURCE:-} ]] || die "LLAMA_CPP_SOURCE: there is no common/chat.h in $llama_source"
  command -v pip3 >/dev/null || python3 -m pip --version >/dev/null 2>&1 || need_tools pip3=python3-pip
  mkdir -p "$cache"
  leftovers+=("$cache/source.$$")
  fetch_llama_source "$cache/source.$$" >"$cache/source.$$.log" 2>&1 </dev/null &
  fetching=$!
}

fetch_llama_source() { # fetch_llama_source FOLDER: runs beside other steps, so it says nothing
  local archive pip=(pip3)
  command -v pip3 >/dev/null || pip=(python3 -m pip)
  mkdir -p "$1/out"
  "${pip[@]}" download --quiet --no-deps --no-binary :all: -d "$1" "$llama_package" || return
  archive=$(echo "$1"/*.tar.gz)
  sha256_is "$archive" $llama_sha256 || { echo "the package $llama_package is not the one expected: its checksum is wrong"; return 1; }
  tar -xzf "$archive" -C "$1/out" --strip-components=3 --wildcards \
    '*/vendor/llama.cpp/common' '*/vendor/llama.cpp/vendor/nlohmann' '*/vendor/llama.cpp/CMakeLists.txt' '*/vendor/llama.cpp/LICENSE' || return
  [[ -e $llama_source/common/chat.h ]] || mv -T "$1/out" "$llama_source"
}

wait_llama_source() {
  begin_llama_source
  [[ -n $fetching ]] || return 0
  step "downloading llama.cpp's chat code from PyPI" tail --pid="$fetching" -f /dev/null || true
  wait "$fetching" || { tail -n 25 "$cache/source.$$.log" >&2; die "could not get $llama_package; start again once the network is there, or name a llama.cpp source with LLAMA_CPP_SOURCE=DIR"; }
  rm -rf "$cache/source.$$.log" "$cache/source.$$"
  fetching=''
}
