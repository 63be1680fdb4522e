# shellcheck shell=bash
# Part of dev: running the tests.

do_test() {
  local preset=release argument processor='' prefix='' vulkan='' status=0
  local -a choice=(-LE slow) rest=()
  while (($#)); do
    argument=$1
    shift
    case $argument in
      --asan | --tsan | --coverage) preset=${argument#--} ;;
      --valgrind) preset=valgrind rest+=(-L program) ;; # not Python, and not what the scripts start
      --all) choice=() ;;
      --vulkan) vulkan=1 choice=(-L device) ;;
      --processor | --llama | -R | -L | -LE | -E)
        (($#)) || misused "$argument takes a value; ./dev test --help says which"
        case $argument in
          --processor) processor=$1 ;;
          --llama) prefix=$1 ;;
          *) choice=() rest+=("$argument" "$1") ;; # a choice of one's own wins
        esac
        shift
        ;;
      *) rest+=("$argument") ;;
    esac
  done
  [[ -z $prefix || -z $processor ]] || misused "--processor chooses among the libraries of the packaged ggml, so it does not go with --llama"
  [[ -z $vulkan || -z $prefix$processor ]] || misused "--vulkan goes neither with --processor nor with --llama"
  # What these are about: with one of ggml's CPU libraries, the tests that compute; with another libllama, those in C.
  if [[ -n $processor ]] && ((${#choice[@]} || ${#rest[@]} == 0)); then rest+=(-L computes); fi
  if [[ -n $prefix ]] && ((${#choice[@]} || ${#rest[@]} == 0)); then rest+=(-L program); fi
  [[ -z $prefix ]] || use_llama "$prefix"
  prepare test
  if [[ $processor == list ]]; then say_processors; return; fi
  test_models "$preset"
  build "$preset" ${prefix:+"$project/build/$(llama_folder)"}
  cd "$project"
  [[ -z $vulkan ]] || show_vulkan
  if [[ -z $processor ]]; then run_tests || status=$?; else on_processors "$processor" || status=$?; fi
  if [[ $preset == coverage ]]; then
    inside "$root" gcovr --root "$project" --filter 'src/' --exclude-throw-branches --print-summary \
      --sort uncovered-percent --sort-reverse --fail-under-line 90 --gcov-ignore-errors=no_working_dir_found build/coverage || status=1
  fi
  return $status
}

test_models() { # test_models PRESET
  if [[ $1 == valgrind ]]; then # a real model would take hours: what needs one says that it is skipped
    unset TRIMTAB_MODEL
    return
  fi
  fetch_model
  fetch_second_model
  export TRIMTAB_MODEL=$model TRIMTAB_SECOND_MODEL=$second_model
}

# The tests of `choice` and `rest` in `built`; then what was left out, by a whole test or within one, and why.
run_tests() {
  local status=0 log
  log=$(mktemp)
  leftovers+=("$log")
  inside "$root" ctest --test-dir "$built" --output-on-failure --output-log "$log" "${choice[@]}" "${rest[@]}" || status=$?
  grep -ohE "skipped: .+|skipped ['\"].+['\"]$" "$log" "$built/Testing/Temporary/LastTest.log" | sort -u | sed 's/^/dev: /' >&2 || true
  return $status
}

# The same with one of ggml's CPU libraries alone visible, or with each in turn that this machine can run.
on_processors() { # on_processors NAME|all
  local name status=0 able
  able=$(processors) || die "could not ask ggml's CPU libraries which of them this machine can run"
  if [[ $1 != all ]]; then
    grep -qxF -e "$1" <<<"$able" || misused "ggml has no CPU library '$1' that this machine can run; it has: $(paste -sd' ' <<<"$able")"
    able=$1
  fi
  for name in $able; do
    say "dev: with ggml's CPU library for $name alone"
    show_backends "cpu-$name" rpc
    TRIMTAB_PROCESSOR=$name run_tests || status=$?
    ((status <= 128)) || return $status # Ctrl-C
  done
  return $status
}

say_processors() {
  local able
  able=$(processors) || die "could not ask ggml's CPU libraries which of them this machine can run"
  printf '%s\n' "$able"
  say "dev: ggml takes the first of these by itself"
}
