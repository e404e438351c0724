-- A table of about 50 MB, an index over it, queries, an update, and the check of it all.
pragma journal_mode = memory;
pragma synchronous = off;
create table t (id integer primary key, k integer, pad text);
insert into t
  with recursive n(i) as (select 1 union all select i + 1 from n where i < 250000)
  select i, (i * 7919) % 1000003, printf('%0190d', i) from n;
create index by_k on t(k);
select count(*), sum(k), min(k), max(k) from t;
select id, k from t where k between 500000 and 500020 order by k;
select k % 10 as digit, count(*), avg(id) from t group by digit order by digit;
update t set k = k + 1 where id % 1000 = 0;
delete from t where id % 500 = 1;
select count(*), sum(k) from t;
select a.id, b.id from t a join t b on b.k = a.k + 1 where a.id < 300 order by 1, 2 limit 10;
pragma integrity_check;
pragma page_count;
