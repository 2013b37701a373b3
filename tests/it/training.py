"""Data loader workers, shared memory, a loopback all-reduce, a checkpoint: what a training program does, without its libraries."""
import hashlib, multiprocessing as mp, os, socket, struct, sys, tempfile, threading
from multiprocessing import shared_memory

def load(args):
    name, index, count = args
    block = shared_memory.SharedMemory(name=name)
    for at in range(count):
        struct.pack_into("<d", block.buf, (index * count + at) * 8, float(index * count + at))
    block.close()
    return os.getpid()

def reduce_rank(rank, world, port, queue):
    value = float(rank + 1)
    if rank == 0:
        total = value
        server = socket.create_server(("127.0.0.1", port))
        queue.put("up")
        peers = [server.accept()[0] for _ in range(world - 1)]
        for peer in peers:
            total += struct.unpack("<d", peer.recv(8, socket.MSG_WAITALL))[0]
        for peer in peers:
            peer.sendall(struct.pack("<d", total)); peer.close()
    else:
        peer = socket.create_connection(("localhost", port))
        peer.sendall(struct.pack("<d", value))
        total = struct.unpack("<d", peer.recv(8, socket.MSG_WAITALL))[0]
    queue.put(total)

if __name__ == "__main__":
    for method in ("fork", "spawn", "forkserver"):
        ctx = mp.get_context(method)
        block = shared_memory.SharedMemory(create=True, size=8 * 4 * 1000)
        with ctx.Pool(4) as pool:
            pids = set(pool.map(load, [(block.name, i, 1000) for i in range(4)]))
        total = sum(struct.unpack_from("<4000d", block.buf))
        block.close(); block.unlink()
        assert total == sum(range(4000)), total
        print(method, "loaded by other processes:", os.getpid() not in pids)
    ctx = mp.get_context("fork")
    queue = ctx.Queue()
    probe = socket.create_server(("127.0.0.1", 0)); port = probe.getsockname()[1]; probe.close()
    first = ctx.Process(target=reduce_rank, args=(0, 3, port, queue)); first.start()
    assert queue.get() == "up"
    rest = [ctx.Process(target=reduce_rank, args=(r, 3, port, queue)) for r in (1, 2)]
    [p.start() for p in rest]
    print("reduced", sorted(queue.get() for _ in range(3)))
    [p.join() for p in [first, *rest]]
    a, b = socket.socketpair(); a.sendall(b"x"); assert b.recv(1) == b"x"
    unix = tempfile.mktemp(); s = socket.socket(socket.AF_UNIX); s.bind(unix); s.listen(); c = socket.socket(socket.AF_UNIX); c.connect(unix); s.accept()
    sem = ctx.Semaphore(2); sem.acquire(); sem.release()
    os.makedirs("checkpoints", exist_ok=True)
    with open("checkpoints/step-1.bin", "wb") as f: f.write(os.urandom(1 << 20)); f.flush(); os.fsync(f.fileno())
    os.rename("checkpoints/step-1.bin", "checkpoints/last.bin")
    threads = [threading.Thread(target=lambda: hashlib.sha256(b"x" * 1000000).digest()) for _ in range(8)]
    [t.start() for t in threads]; [t.join() for t in threads]
    print("checkpoint", os.path.getsize("checkpoints/last.bin"), "by", threading.active_count(), "thread")
