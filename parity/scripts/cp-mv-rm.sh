set -e
mkdir -p x/y/z
cp a x/a
cp -p x/a x/y/b
ln x/a x/hard
ln -s ../a x/y/link
ln -s nowhere x/dangling
mv x/y/b x/y/z/c
cat x/y/link | head -n 2
readlink x/dangling
[ x/a -ef x/hard ] && echo same
mv x/hard x/a && echo moved over itself
touch -d '2001-02-03 04:05:06 UTC' x/y/z/c
stat -c '%n %Y %s' x/y/z/c
chmod 640 x/y/z/c
truncate -s 10 x/y/z/c
truncate -s 100000 x/y/z/c
rmdir x/y 2>&1 || echo not empty
rm -r x/y
mkdir -m 700 w
(cd w && mkfifo p && (echo through the pipe >p &) && cat p && rm p)
mktemp -d w/XXXXXX >/dev/null && rm -r w/??????
ls -R x w
test ! -e x/y && echo gone
