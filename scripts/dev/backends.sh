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

# Hides what `inside` is not meant to see unless it is asked for: with a GPU in sight much is computed elsewhere, and by other kernels.
hide_vulkan() { [[ $root == native || -z $(backend_folder) ]] || show_backends 'cpu-*' rpc; }

# Mesa's lavapipe, a processor's Vulkan, becomes a GPU for ggml, and the only one. ggml takes it only where it is named, and its
# cooperative matrices compute wrongly where a matrix or a batch is no multiple of their tiles. docs/gpu.md has the measurements.
show_vulkan() {
  local base='' driver
  [[ $root == native ]] || base=$root
  driver=$(compgen -G "$base/usr/share/vulkan/icd.d/lvp_icd*.json" | head -n 1 || true)
  if [[ -z $driver ]] || ! compgen -G "$base/usr/lib/*/ggml/backends*/libggml-vulkan.so" >/dev/null; then
    die "this system lacks ggml's Vulkan backend or Mesa's lavapipe (Debian: libggml0-backend-vulkan, mesa-vulkan-drivers); TRIMTAB_NATIVE=0 makes a root that has both"
  fi
  show_backends 'cpu-*' rpc vulkan
  export VK_DRIVER_FILES=${driver#"$base"} GGML_VK_VISIBLE_DEVICES=0 TRIMTAB_LAVAPIPE=1
  export GGML_VK_DISABLE_COOPMAT=1 GGML_VK_DISABLE_F16=1 # the latter: rounding in single precision, which tests can hold it to
  export MESA_SHADER_CACHE_DIR=$cache/shaders # compiling them takes longer than all that is computed
}

# The CPU libraries of ggml that run on this machine, the best first (which ggml takes), one a line.
processors() {
  local folder
  folder=$(backend_folder)
  [[ -n $folder ]] || die "the backends of this system's ggml are built in: there is none to choose"
  inside "$root" python3 "$project/scripts/processors" "$folder"
}
