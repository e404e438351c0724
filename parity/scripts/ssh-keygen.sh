# Keys of each kind: made, shown, used to sign and to verify.
for kind in ed25519 ecdsa; do
  ssh-keygen -q -t $kind -N '' -C me -f $kind
  ssh-keygen -y -f $kind | cmp - <(cut -d' ' -f1-3 $kind.pub) && echo "$kind: the same public key"
  ssh-keygen -Y sign -q -n file -f $kind <a >$kind.sig
  echo "me $(cat $kind.pub)" >allowed
  ssh-keygen -Y verify -f allowed -I me -n file -s $kind.sig <a | cut -d: -f1 | sed 's/ with.*//'
  ssh-keygen -p -q -P '' -N secret -f $kind >/dev/null; ssh-keygen -y -P wrong -f $kind 2>&1 | sed 's/"[^"]*"/FILE/'
done
rm -f ed25519* ecdsa* allowed
