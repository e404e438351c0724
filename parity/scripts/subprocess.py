import os, signal, subprocess

print(subprocess.run(["sort", "-r"], input=b"a\nc\nb\n", capture_output=True).stdout)
print(subprocess.check_output("echo $((6 * 7)) | tr 4 x", shell=True, text=True))
done = subprocess.run(["sh", "-c", "echo out; echo err >&2; exit 9"], capture_output=True, text=True)
print(done.returncode, done.stdout, done.stderr)
with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as cat:
    out, _ = cat.communicate(open("a", "rb").read())
    print(len(out), cat.returncode)
try:
    subprocess.run(["sleep", "100"], timeout=0.1)
except subprocess.TimeoutExpired as error:
    print(error.cmd, 0.09 < error.timeout < 0.2)
try:
    subprocess.run(["no-such-program"])
except FileNotFoundError as error:
    print(error)
p = subprocess.Popen(["sleep", "100"])
p.send_signal(signal.SIGTERM)
print(p.wait(), p.poll())
children = [subprocess.Popen(["python3.11", "-c", f"print(sum(range({n})))"], stdout=subprocess.PIPE, text=True) for n in (10, 100, 1000)]
print([c.communicate()[0].strip() for c in children])
r, w = os.pipe()
pid = os.fork()
if pid == 0:
    os.write(w, b"from the child")
    os._exit(5)
print(os.read(r, 100), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
pid = os.posix_spawnp("echo", ["echo", "spawned"], {"PATH": os.environ["PATH"]})
os.waitpid(pid, 0)
subprocess.run(["sh", "-c", "cat <&3"], pass_fds=[], close_fds=True, stderr=subprocess.DEVNULL)
print(subprocess.run(["pwd"], cwd="/usr", capture_output=True).stdout, subprocess.run(["env"], env={"A": "b", "PATH": os.environ["PATH"]}, capture_output=True).stdout.count(b"A=b\n"))
