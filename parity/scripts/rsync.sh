rsync -a --stats d/ copy/ | grep -E 'Number of (regular|created)|Total file size'; rsync -ain d/ copy/; echo more >>d/a; touch -d @1000000000 d/h; rm d/e/g
rsync -a --delete --itemize-changes d/ copy/ | cut -c1-11,12-; diff -r d copy && echo same; rsync -a --include='*/' --include='*.sh' --exclude='*' d/ only/; find only | sort; rsync nowhere/ x 2>&1 | tail -1 | sed 's/ at .*//'
