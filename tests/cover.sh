#!/bin/sh
# cover.sh: line coverage of src/ from the counts that the tests left in build/cover.
set -u
cd "$(dirname "$0")/.." || exit 1
find build/cover/src -name '*.gcno' | LC_ALL=C sort | while read -r notes; do
  gcov -n -o "${notes%/*}" "$notes" 2>/dev/null
done | awk '
  /^File / { file = $2; gsub("\047", "", file) }
  /^Lines executed:/ && file ~ /^src\/.*\.c$/ {
    split($0, part, /[:% ]+/)
    percent = part[3]; lines = $NF
    # A source that includes itself, or is included, shows up again: the best count is the truth.
    if (!(file in total) || percent * lines > hit[file]) { hit[file] = percent * lines; total[file] = lines }
    file = ""
  }
  END {
    for (f in total) { print sprintf("%6.2f %% of %5d  %s", hit[f] / total[f], total[f], f) | "sort -k4"
      h += hit[f]; t += total[f] }
    close("sort -k4")
    if (t == 0) { print "no counts: run the tests in MODE=cover first"; exit 1 }
    printf "%6.2f %% of %5d  lines in src/\n", h / t, t
  }'
