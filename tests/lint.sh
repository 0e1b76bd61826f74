#!/bin/sh
# lint.sh: the rules of the house that a machine can check, on the tree and on the release objects.
# A tool that is not installed is named and passed over. Exits 1 when anything is wrong.
set -u
cd "$(dirname "$0")/.." || exit 1
wrong=0
scratch=$(mktemp) || exit 1
trap 'rm -f "$scratch"' EXIT

# report TITLE: prints what the check before it left in $scratch, if anything.
report() {
  if [ -s "$scratch" ]; then
    echo "lint: $1:"
    sed 's/^/  /' "$scratch"
    wrong=$((wrong + 1))
  fi
  : >"$scratch"
}
has() {
  command -v "$1" >/dev/null 2>&1 || { echo "lint: $1 is not installed, its checks are left out"; false; }
}

core='base tensor kernel grad op layer loss optim io plot'
order="$core bind host"
core_files=$(for d in $core; do find "src/$d" -name '*.[ch]' 2>/dev/null; done | sort)
core_objects=$(for d in $core; do find "build/release/src/$d" -name '*.o' 2>/dev/null; done | sort)
c_files=$(find src tests -name '*.[ch]' | sort)
lua_files=$(find lua examples spec tests -name '*.lua' 2>/dev/null | sort)

# shellcheck disable=SC2086
awk -v order="$order" '
  BEGIN { n = split(order, names, " "); for (i = 1; i <= n; i++) rank[names[i]] = i }
  /^[ \t]*#[ \t]*include[ \t]*"/ {
    split(FILENAME, own, "/"); split($0, part, "\""); split(part[2], other, "/")
    if (part[2] == "sonames.h") next # made by the Makefile
    if (!(other[1] in rank)) { print FILENAME ":" FNR ": \"" part[2] "\" is not a path below src/"; next }
    if (rank[other[1]] > rank[own[2]]) print FILENAME ":" FNR ": " own[2] " includes " part[2]
  }' $(find src -name '*.[ch]') >"$scratch"
report 'includes point only towards the base'

# shellcheck disable=SC2086
grep -nE '#[ ]*include[ ]*[<"](lua|lauxlib|lualib)\.h' $core_files >"$scratch" 2>/dev/null
report 'only bind and host see Lua'

grep -nE '\b(cblas_|openblas_|LAPACK)' $(find src -name '*.[ch]' ! -path 'src/kernel/blas*') \
  >"$scratch" 2>/dev/null
report 'only kernel/blas names BLAS and LAPACK'

# The linker's view: whatever macro or header hides it, a call is an undefined symbol.
banned='malloc|calloc|realloc|free|aligned_alloc|posix_memalign|strdup|strndup|exit|_exit|abort'
banned="$banned|printf|vprintf|puts|putchar|putc|perror|stdout|stderr"
for object in $core_objects; do
  case $object in */base/memory.o) continue ;; esac
  nm -u "$object" | awk -v re="^($banned)$" -v o="$object" '$2 ~ re { print o ": " $2 }'
done >"$scratch"
report 'the core takes memory by base/memory.c, and neither prints nor exits'

# Variables that can change: all data but constants (.rodata, and .data.rel.ro for tables of pointers).
for object in $core_objects; do
  objdump -t "$object" | awk -v o="$object" '
    $0 ~ / O / && match($0, /(\.data|\.bss|\.tdata|\.tbss|\*COM\*)[^ \t]*/) {
      section = substr($0, RSTART, RLENGTH)
      if (section !~ /^\.data\.(rel\.ro|opened)/ && $NF !~ /^nn_(interrupted|stop_asked|batch_yields)$/)
        print o ": " $NF
    }'
done >"$scratch"
report 'no variables at file scope in the core, nor static ones in functions'

# Each entry of a list is the descriptor at the end of the file of that name, and the reverse.
check_list() { # folder list macro descriptor
  [ -f "src/$1/$2" ] || return 0
  sed -nE "s/^ *$3\(([a-z0-9_]+)\).*/\1/p" "src/$1/$2" | while read -r name; do
    grep -qE "^const $4[a-z_]* nn_$1_$name = " "src/$1/$name.c" 2>/dev/null ||
      echo "src/$1/$2: $name has no descriptor nn_$1_$name in src/$1/$name.c"
  done
  grep -oE "^const $4[a-z_]* nn_$1_[a-z0-9_]+ = " "src/$1"/*.c /dev/null |
    sed -E "s/^([^:]*):.* nn_$1_([a-z0-9_]+) = /\1 \2/" | while read -r file name; do
    grep -qE "^ *$3\($name\)" "src/$1/$2" || echo "$file: $name is not in src/$1/$2"
    [ "$file" = "src/$1/$name.c" ] || echo "$file: the file of $name should be src/$1/$name.c"
  done
}
{
  check_list op ops.def NN_OP nn_op
  check_list layer layers.def NN_LAYER nn_layer
  check_list loss losses.def NN_LOSS nn_loss
  check_list optim optims.def NN_OPTIM nn_optim
} >"$scratch"
report 'lists and descriptors agree'

# A definition starts in column 1 and ends with a brace there.
# shellcheck disable=SC2086
awk '
  FNR == 1 { start = 0 }
  /^[A-Za-z_].*\)[ ]*\{$/ && !/=/ { start = FNR; name = $0 }
  /^\}/ { if (start && FNR - start + 1 > 60) print FILENAME ":" start ": " FNR - start + 1 " lines: " name
          start = 0 }' $c_files >"$scratch"
report 'functions have at most 60 lines'

for file in $c_files $lua_files; do
  lines=$(wc -l <"$file")
  [ "$lines" -le 600 ] || echo "$file: $lines lines"
done >"$scratch"
report 'files have at most 600 lines'

# shellcheck disable=SC2086
grep -nE '[[:space:]]+$' $c_files $lua_files Makefile tests/*.sh tests/run .ci/* >"$scratch"
report 'no spaces at the ends of lines'

if has clang-format; then
  case $(clang-format --version) in
    *' 14.'*)
      # shellcheck disable=SC2086
      clang-format --dry-run $c_files 2>&1 | grep 'warning:' |
        sed 's/:.*//' | uniq | head -n 40 >"$scratch"
      report 'clang-format (make format mends it)' ;;
    *) echo 'lint: clang-format is not version 14, its check is left out' ;;
  esac
fi

flags="-std=c11 -D_GNU_SOURCE -fopenmp -Isrc -I. -Itests -Ibuild/release/gen"
flags="$flags $(pkg-config --cflags lua5.4 2>/dev/null || echo -I/usr/include/lua5.4)"
flags="$flags $(pkg-config --cflags openblas 2>/dev/null)"
for pc in libzip jansson libpng libjpeg cairo libedit; do
  flags="$flags $(pkg-config --cflags-only-I $pc 2>/dev/null)"
done
sources=$(find src -name '*.c' | sort)
cores=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)

if has clang-tidy; then
  # shellcheck disable=SC2086
  printf '%s\n' $sources | xargs -P "$cores" -n 8 sh -c '
    flags=$0; clang-tidy --quiet "$@" -- $flags 2>/dev/null' "$flags" |
    grep -E '(warning|error):' | sort -u >"$scratch"
  report clang-tidy
fi

if has cppcheck; then
  # shellcheck disable=SC2086
  cppcheck -q -j "$cores" --std=c11 -Isrc --enable=warning,performance,portability \
    --inline-suppr --suppress=missingInclude --suppress=unknownMacro \
    --template='{file}:{line}: {id}: {message}' src 2>"$scratch" >/dev/null
  report cppcheck
fi

if has luacheck; then
  # shellcheck disable=SC2086
  [ -z "$lua_files" ] || luacheck -q --no-color $lua_files 2>&1 | grep -E ':[0-9]+:' >"$scratch"
  report luacheck
fi

if [ "$wrong" -gt 0 ]; then
  echo "lint: $wrong rules broken"
  exit 1
fi
echo 'lint: clean'
