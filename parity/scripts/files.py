import errno, fcntl, glob, mmap, os, pathlib, select, shutil, sqlite3, stat, tarfile, tempfile, zipfile

root = pathlib.Path("tree")
for i in range(30):
    d = root / f"d{i % 3}"
    d.mkdir(parents=True, exist_ok=True)
    (d / f"f{i:02}").write_bytes(bytes([i]) * (i * 1000))
print(sorted(str(p) for p in root.rglob("f*5")), sum(p.stat().st_size for p in root.rglob("f*")))
for folder, folders, files in sorted(os.walk("tree")):
    print(folder, sorted(folders), len(files))
os.rename("tree/d0/f00", "tree/zero")
os.link("tree/d0/f03", "tree/hard")
print(os.stat("tree/hard").st_nlink, os.path.samefile("tree/hard", "tree/d0/f03"))
os.unlink("tree/hard")
os.symlink("d1/f01", "tree/link")
print(os.readlink("tree/link"), os.path.getsize("tree/link"), os.path.islink("tree/link"))
for call in (lambda: os.rmdir("tree/d0"), lambda: open("nothing"), lambda: os.mkdir("tree"), lambda: os.listdir("tree/zero"), lambda: os.open("tree/link", os.O_RDONLY | os.O_NOFOLLOW)):
    try:
        call()
    except OSError as error:
        print(errno.errorcode[error.errno], error.strerror)
with open("mapped", "w+b") as f:
    f.truncate(200_000)
    with mmap.mmap(f.fileno(), 0) as m:
        m[0:5] = b"start"
        m[150_000:150_003] = b"mid"
        m[-3:] = b"end"
        m.flush()
        print(m.find(b"mid"), len(m))
    f.seek(150_000)
    print(f.read(3), os.pread(f.fileno(), 3, 199_997))
    fcntl.lockf(f, fcntl.LOCK_EX)
    fcntl.flock(f, fcntl.LOCK_SH)
    print(os.lseek(f.fileno(), 0, os.SEEK_END), fcntl.fcntl(f, fcntl.F_GETFL) & os.O_ACCMODE)
fd = os.open("sparse", os.O_CREAT | os.O_RDWR, 0o640)
os.pwrite(fd, b"x", 1_000_000)
os.posix_fallocate(fd, 0, 4096)
os.writev(fd, [b"one", b"two"])
print(os.fstat(fd).st_size, stat.filemode(os.fstat(fd).st_mode), os.sendfile(os.open("copy", os.O_CREAT | os.O_WRONLY, 0o600), fd, 0, 6))
with tarfile.open("t.tar", "w") as t:
    for p in sorted(root.rglob("*")):
        info = t.gettarinfo(p)
        info.mtime = info.uid = info.gid = 0
        info.uname = info.gname = ""
        t.addfile(info, open(p, "rb") if info.isreg() else None)
with zipfile.ZipFile("z.zip", "w", zipfile.ZIP_DEFLATED) as z:
    z.writestr(zipfile.ZipInfo("a"), b"a" * 10000)
print(zipfile.ZipFile("z.zip").testzip(), len(tarfile.open("t.tar").getnames()))
db = sqlite3.connect("db")
db.execute("create table t (a integer primary key, b text)")
db.executemany("insert into t values (?, ?)", ((i, str(i * i)) for i in range(2000)))
db.commit()
print(db.execute("select count(*), max(length(b)), sum(a) from t where b like '%1'").fetchone())
db.close()
shutil.copytree("tree", "again", symlinks=True)
shutil.rmtree("tree")
print(sorted(os.listdir("again")), glob.glob("again/d*/f*7") != [])
with tempfile.TemporaryFile() as t:
    t.write(b"temporary")
    t.seek(0)
    print(t.read())
r, w = os.pipe()
print(select.select([r], [w], [], 0)[1] == [w])
p = select.epoll()
p.register(r, select.EPOLLIN)
os.write(w, b"1")
print([(f == r, e) for f, e in p.poll(1)])
os.umask(0o077)
open("private", "w").close()
os.chmod("private", 0o604)
os.utime("private", (1, 2))
print(os.stat("private").st_mtime, oct(os.stat("private").st_mode), os.access("private", os.W_OK), os.statvfs(".").f_namemax)
print(os.path.realpath("/proc/self/cwd") == os.getcwd(), len(os.listdir("/proc/self/fd")) > 3, open("/proc/self/comm").read().strip() != "")
