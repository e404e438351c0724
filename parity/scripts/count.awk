{ for (i = 2; i <= NF; i++) { seen[$i]++; letters += length($i) } }
END {
  for (word in seen) if (seen[word] > best || (seen[word] == best && word < which)) { best = seen[word]; which = word }
  n = 0
  for (word in seen) n++
  printf "%d lines, %d words, %d different, %d letters, %.3f on average\n", NR, words(), n, letters, letters / words()
  print which, best
  print toupper(substr(which, 1, 3)), index($0, "a"), 2 ^ 40, sin(1), exp(1), int(-3.7)
  while (("sort -r | head -n 3" | getline line) > 0) print "never"
  print substr("standard error", 1) > "/dev/stderr"
  for (i = 0; i < 5; i++) print i * i > "squares"
}
function words(  total, word) { total = 0; for (word in seen) total += seen[word]; return total }
