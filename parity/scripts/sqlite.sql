.mode box
create table city (id integer primary key, name text not null, country text, people integer check (people > 0));
insert into city values (1, 'Aber', 'X', 1000), (2, 'Bree', 'Y', 25000), (3, 'Cork', 'X', 70000), (4, 'Dorn', NULL, 12);
create index by_country on city(country, people desc);
select country, count(*), sum(people), group_concat(name) from city group by country order by 1;
explain query plan select name from city where country = 'X' order by people desc;
with recursive n(i) as (select 1 union all select i + 1 from n where i < 20) select sum(i * i), avg(i), max(i) from n;
begin; update city set people = people * 2 where country = 'X'; rollback;
begin; delete from city where id = 4; commit;
select name, rank() over (order by people) as r, lag(name) over (order by people) as before from city;
insert into city values (5, NULL, 'Z', 1);
insert into city values (6, 'Zero', 'Z', 0);
select * from no_such_table;
create virtual table notes using fts5(body);
insert into notes values ('the quick brown fox'), ('lazy dogs and a quick cat');
select rowid, highlight(notes, 0, '[', ']') from notes where notes match 'quick' order by rank;
select json_extract('{"a": [1, 2, {"b": 3}]}', '$.a[2].b'), hex(x'00ff'), printf('%.5f', 2.0 / 3), date(0, 'unixepoch');
pragma journal_mode = wal;
insert into city select id + 100, name, country, people + 1 from city;
pragma wal_checkpoint(truncate);
pragma journal_mode = delete;
vacuum;
pragma integrity_check;
.dump city
