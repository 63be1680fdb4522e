# shellcheck shell=bash
# Part of dev: running the tests.

do_test() {
  local preset=release argument status=0
  local -a choice=(-LE slow) rest=()
  for argument; do
    case $argument in
      --asan | --tsan | --coverage) preset=${argument#--} ;;
      --valgrind) preset=valgrind rest+=(-L program) ;; # not Python, and not what the scripts start
      --all) choice=() ;;
      -R | -L | -LE) choice=() rest+=("$argument") ;; # a choice of one's own wins
      *) rest+=("$argument") ;;
    esac
  done
  prepare test
  if [[ $preset == valgrind ]]; then # a real model would take hours: what needs one says that it is skipped
    unset TRIMTAB_MODEL
  else
    fetch_model
    fetch_second_model
    export TRIMTAB_MODEL=$model TRIMTAB_SECOND_MODEL=$second_model
  fi
  build "$preset"
  cd "$project"
  inside "$root" ctest --preset "$preset" --output-on-failure "${choice[@]}" "${rest[@]}" || status=$?
  # What was left out, by a whole test or within one, and why.
  grep -ohE "skipped: .+|skipped ['\"].+['\"]$" "build/$preset/Testing/Temporary/LastTest.log" | sort -u | sed 's/^/dev: /' >&2 || true
  if [[ $preset == coverage ]]; then
    inside "$root" gcovr --root "$project" --filter 'src/' --exclude-throw-branches --print-summary \
      --sort uncovered-percent --sort-reverse --fail-under-line 90 --gcov-ignore-errors=no_working_dir_found build/coverage || status=1
  fi
  return $status
}
