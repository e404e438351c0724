import asyncio, os, socket

async def client(path, n):
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(f"hello {n}\n".encode())
    line = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return line.decode().strip()

async def serve(reader, writer):
    line = await reader.readline()
    await asyncio.sleep(0.01)
    writer.write(line.upper())
    await writer.drain()
    writer.close()

async def main():
    server = await asyncio.start_unix_server(serve, "socket")
    print(await asyncio.gather(*(client("socket", n) for n in range(10))))
    server.close()
    tcp = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = tcp.sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"over tcp\n")
    print(await reader.read())
    writer.close()
    tcp.close()
    try:
        await asyncio.wait_for(asyncio.sleep(10), 0.05)
    except asyncio.TimeoutError:
        print("timed out")
    child = await asyncio.create_subprocess_exec("tr", "a-z", "A-Z", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
    print((await child.communicate(b"through a child"))[0], child.returncode)
    loop = asyncio.get_running_loop()
    print(await loop.run_in_executor(None, sum, range(1000)))
    queue = asyncio.Queue(2)
    async def produce():
        for i in range(5):
            await queue.put(i)
        await queue.put(None)
    task = asyncio.create_task(produce())
    while (item := await queue.get()) is not None:
        print(item, end=" ")
    await task
    print()

asyncio.run(main())
a, b = socket.socketpair()
a.sendall(b"x" * 1000)
print(len(b.recv(5000, socket.MSG_WAITALL if False else 0)), a.getsockname())
b.close()
try:
    a.sendall(b"y")
except BrokenPipeError as error:
    print(error)
os.unlink("socket") if os.path.exists("socket") else None
