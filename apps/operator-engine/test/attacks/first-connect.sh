# The very first instruction connects, before anything else is loaded; then again and again for a second.
got=''
i=0
while [ $i -lt 10 ]; do
  for address in $FIRST_CONNECT; do
    if (exec 3<>"/dev/tcp/${address%:*}/${address##*:}") 2>/dev/null; then got="$address in round $i"; break 2; fi
  done
  i=$((i + 1))
  [ $i -gt 1 ] && sleep 0.1
done
[ -z "$got" ] && got=null || got="\"$got\""
printf '\nATTACK {"tries":[{"what":"connect with the first instruction","got":%s}]}\n' "$got"
