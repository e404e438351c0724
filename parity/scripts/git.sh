# A repository from the first commit to a merge and a pack. Nothing that Git starts a further program for: that one would be the host's.
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_DATE='1000000000 +0000' GIT_COMMITTER_DATE='1000000000 +0000'
git -c init.defaultBranch=main init -q r && cd r || exit
git config gc.auto 0 && git config maintenance.auto false && git config core.pager cat
cp ../a text && mkdir d && echo one >d/one && git add . && git commit -qm first && git tag v1
git checkout -q -b side && sed -i '5,8d' text && git commit -qam side
git checkout -q main && echo two >d/two && sed -i 's/quaest/QUAEST/' text && git add -A && git commit -qm 'second: a | pipe'
git merge -q side -m merge; git status --short; git log --oneline --graph --stat | cat
git diff v1 -- text | head -40
git grep -n -c QUAEST | cat; git blame -s d/one; git cat-file -p HEAD^{tree}; git ls-files -s
git rev-list --objects HEAD | cut -d' ' -f1 | git pack-objects -q --window=5 --threads=2 ../pack >/dev/null && git fsck --strict 2>&1
git archive --format=tar HEAD | sha256sum; git rev-parse HEAD
git show-index <"$(ls ../pack-*.idx)" | wc -l; cd .. && rm -rf r pack-*
