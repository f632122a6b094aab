# Tries to change what it is given, and everything else that is not its outputs, its logs or its /tmp.
import ctypes
import shutil

libc = ctypes.CDLL(None, use_errno=True)
MS_REMOUNT, MS_BIND = 32, 4096


def write(path):
    with open(path, "w") as file:
        file.write("changed")
    return f"wrote {path}"


def done(what, action):
    def run():
        action()
        return what

    attempt(what, run)


def mount(*args):
    if libc.mount(*args) != 0:
        raise OSError(ctypes.get_errno(), "mount")
    return "mounted"


DATASET = settings["dataset"]
attempt("write the dataset", lambda: write(DATASET))
attempt("append to the dataset", lambda: open(DATASET, "a").write("x"))
done("truncate the dataset", lambda: os.truncate(DATASET, 0))
done("remove the dataset", lambda: os.remove(DATASET))
done("rename the dataset", lambda: os.rename(DATASET, DATASET + ".old"))
done("open the dataset to all", lambda: os.chmod(DATASET, 0o777))
done("take the dataset", lambda: os.chown(DATASET, os.getuid(), os.getgid()))
done("date the dataset back", lambda: os.utime(DATASET, (1, 1)))
done("link the dataset into the outputs", lambda: os.link(DATASET, "/data/outputs/hard"))
done("move the inputs away", lambda: os.rename("/data/inputs", "/data/gone"))
done("remove the inputs", lambda: shutil.rmtree("/data/inputs"))
attempt("replace the algorithm", lambda: write("/data/transformations/algorithm"))
for folder in ("/data", "/data/inputs", "/data/transformations", "/data/ddos", "/data/seal", "/", "/etc", "/usr/bin", "/var", "/proc/sys/kernel", "/sys", "/dev"):
    attempt(f"write into {folder}", lambda f=folder: write(f"{f}/attack-mark"))
attempt("mount the inputs writable", lambda: mount(b"none", b"/data/inputs", None, MS_REMOUNT | MS_BIND, None))
attempt("mount over the inputs", lambda: mount(b"tmpfs", b"/data/inputs", b"tmpfs", 0, None))
attempt("read the dataset afterwards, changed", lambda: open(DATASET).read() != settings["content"])
for folder in ("/data/outputs", "/data/logs", "/tmp"):
    try:
        write(f"{folder}/fine")
    except OSError as error:
        attempt(f"its own {folder} must be writable", lambda e=error: f"it is not: {e}")
finish()
