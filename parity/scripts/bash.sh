declare -A colour=([red]=1 [green]=2 [blue]=3)
for key in $(printf '%s\n' "${!colour[@]}" | sort); do echo "$key=${colour[$key]}"; done
list=("$@" three)
list+=(four)
echo "${#list[@]} ${list[1]} ${list[*]:1:2} ${list[-1]}"
[[ "2024-05-06" =~ ^([0-9]+)-([0-9]+)-([0-9]+)$ ]] && echo "${BASH_REMATCH[2]}/${BASH_REMATCH[3]}"
text="The quick brown fox"
echo "${text^^} ${text,,} ${text//o/0} ${text:4:5} ${text/%fox/dog}"
sieve() {
  local -i limit=$1 i j
  local -a composite
  for ((i = 2; i * i <= limit; i++)); do
    ((composite[i])) && continue
    for ((j = i * i; j <= limit; j += i)); do composite[j]=1; done
  done
  for ((i = 2; i <= limit; i++)); do ((composite[i])) || printf '%d ' "$i"; done
  echo
}
sieve 2000 | fold -w 72
mapfile -t lines < <(seq 10 20)
echo "${lines[@]: -3}"
printf -v padded '%08.3f' 3.14159
echo "$padded $((16#ff)) $((2#1010)) $((7 ** 20))"
coproc CAT { cat; }
echo "to the coprocess" >&"${CAT[1]}"
read -r answer <&"${CAT[0]}"
echo "$answer back"
eval "exec ${CAT[1]}>&-"
wait
read -r -t 0.05 nothing < <(sleep 1) || echo "read timed out"
shopt -s nullglob extglob
echo @(a|b)* "none" *.none
select_output=$(echo 2 | (select x in a b c; do echo "chose $x"; break; done) 2>/dev/null)
echo "$select_output"
caller_of() { echo "${FUNCNAME[1]}"; }
outer() { caller_of; }
outer
exec {fd}<<<"from a here string"
read -r -u "$fd" line
echo "$line"
