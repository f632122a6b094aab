# The very first instruction connects, before anything else is loaded; then again and again for a second.
for _ in 1 2 3 4 5; do
  for address in $FIRST_CONNECT; do
    { exec 3<>"/dev/tcp/${address%:*}/${address##*:}" && echo "$address" >>/tmp/got; } 2>/dev/null &
  done
  sleep 0.2
done
sleep 0.5
read -r got 2>/dev/null </tmp/got && got="\"$got\"" || got=null
printf '\nATTACK {"tries":[{"what":"connect with the first instruction","got":%s}]}\n' "$got"
# Those that still wait for an answer are not waited for.
kill -9 $(jobs -p) 2>/dev/null
exit 0
