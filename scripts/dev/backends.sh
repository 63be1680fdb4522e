# shellcheck shell=bash
# Part of dev: which of ggml's backends what runs inside may see.
#
# ggml's loader looks through one folder, compiled into it, and takes of each kind (cpu, rpc, vulkan, ...) the library that scores
# best on this machine. No setting points it elsewhere, and it passes over what is no library. So backends are hidden by laying /dev/null over
# them, in the mount namespace that the command runs in: trimtab, its tests and llama.cpp's own tools see the same ones.

# The folder with ggml's backends, as it is called inside; empty where ggml has them built in.
backend_folder() {
  local base='' found
  [[ $root == native ]] || base=$root
  found=$(compgen -G "$base/usr/lib/*/ggml/backends*" || compgen -G "$base/usr/lib*/ggml/backends*" || true)
  found=${found%%$'\n'*}
  printf '%s' "${found#"$base"}"
}

# show_backends PATTERN...: `inside` shows those backends only whose name, as in libggml-NAME.so, matches one of them:
# show_backends cpu-haswell rpc; show_backends 'cpu-*' rpc vulkan.
show_backends() {
  local base='' folder file name pattern
  [[ $root == native ]] || base=$root
  folder=$(backend_folder)
  [[ -n $folder ]] || die "the backends of this system's ggml are built in: there is none to choose"
  hidden=()
  for file in "$base$folder"/libggml-*.so; do
    name=${file##*/libggml-}
    name=${name%.so}
    # shellcheck disable=SC2053 # a pattern
    for pattern; do [[ $name != $pattern ]] || continue 2; done
    hidden+=("${file#"$base"}")
  done
}

# The CPU libraries of ggml that run on this machine, the best first (which ggml takes), one a line.
processors() {
  local folder
  folder=$(backend_folder)
  [[ -n $folder ]] || die "the backends of this system's ggml are built in: there is none to choose"
  inside "$root" python3 "$project/scripts/processors" "$folder"
}
