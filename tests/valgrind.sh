#!/bin/sh
# valgrind.sh [mode]: the C tests and smoke.lua under memcheck, one thread, with a BLAS kernel that
# valgrind knows. The last line is `N passed, N failed`, counting programs.
set -u
cd "$(dirname "$0")/.." || exit 1
mode=${1:-debug}
export OPENBLAS_CORETYPE=Haswell OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1
export CMOCKA_MESSAGE_OUTPUT=TAP NN_VALGRIND=1
passed=0
failed=0
mkdir -p "build/$mode/log"

check() { # name command...
  log=build/$mode/log/valgrind-$1.log
  name=$1
  shift
  if valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite \
    --suppressions=tests/valgrind.supp \
    --show-leak-kinds=definite "$@" >"$log" 2>&1 </dev/null; then
    passed=$((passed + 1))
    echo "valgrind $name: ok"
  else
    failed=$((failed + 1))
    cat "$log"
    echo "valgrind $name: failed"
  fi
}

for source in tests/test_*.c; do
  name=${source##*/}
  name=${name%.c}
  [ -x "build/$mode/tests/$name" ] && check "$name" "build/$mode/tests/$name"
done
check smoke "build/$mode/nnlua" --threads 1 tests/smoke.lua
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
