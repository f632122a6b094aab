# Looks for what is not its own: other jobs' data, the workflow, tokens and Secrets, the host behind /proc.
from pathlib import Path

# Handed over backwards, so that finding it is no finding of its own settings.
MARKER = settings["marker"][::-1].encode()
TOO_LARGE = 1024 * 1024


def holds_marker(path):
    if os.path.getsize(path) > TOO_LARGE:
        return None
    with open(path, "rb") as file:
        return path if MARKER in file.read() else None


def search(root):
    for folder, folders, files in os.walk(root, onerror=lambda error: None):
        folders[:] = [name for name in folders if os.path.join(folder, name) not in ("/proc", "/sys", "/usr")]
        for name in files:
            path = os.path.join(folder, name)
            try:
                if os.path.isfile(path) and holds_marker(path):
                    return path
            except OSError:
                pass
    return None


def read(path):
    with open(path, "rb") as file:
        return file.read(64) or None


def listing(path):
    return os.listdir(path) or None


attempt("find the marker of others anywhere", lambda: search("/"))
for path in ("/data", "/data/..", "/data/inputs/..", "/data/outputs/.."):
    attempt(
        f"see another folder of the volume in {path}",
        lambda p=path: [n for n in os.listdir(p) if n in ("adminlogs", "seal", "workflow.json", "control")] or None,
    )
for path in (
    "/var/run/secrets/kubernetes.io/serviceaccount/token",
    "/run/secrets/kubernetes.io/serviceaccount/token",
    "/step-files/report.json",
    "/step-files/workflow.json",
    "/etc/shadow",
    "/proc/kcore",
    "/proc/kmsg",
    "/dev/mem",
    "/dev/kmsg",
    "/dev/sda",
    "/dev/vda",
    "/dev/loop0",
):
    attempt(f"read {path}", lambda p=path: read(p))
for path in ("/step-files", "/data/seal", "/data/adminlogs", "/var/lib/kubelet", "/host"):
    attempt(f"list {path}", lambda p=path: listing(p))
for path in ("/var/run/docker.sock", "/run/containerd/containerd.sock", "/run/crio/crio.sock"):
    attempt(f"find {path}", lambda p=path: os.stat(p))


def environments():
    for pid in filter(str.isdigit, os.listdir("/proc")):
        for name in ("environ", "cmdline"):
            try:
                if MARKER in Path(f"/proc/{pid}/{name}").read_bytes():
                    return f"/proc/{pid}/{name}"
            except OSError:
                pass
    return None


def foreign_processes():
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if any(word in line for word in ("kubelet", "containerd", "systemd", "etcd", "postgres", "step-runner", "pod.mjs")):
            found.append(line[:60])
    return found or None


def through_proc(path):
    for pid in filter(str.isdigit, os.listdir("/proc")):
        for way in ("root", "cwd"):
            try:
                if os.path.exists(f"/proc/{pid}/{way}{path}"):
                    return f"/proc/{pid}/{way}{path}"
            except OSError:
                pass
    return None


attempt("find the marker in a process", environments)
attempt("see processes of the host", foreign_processes)
attempt("walk through /proc to the host's files", lambda: through_proc(settings.get("hostFile", "/nowhere")))
attempt("find a variable of ours", lambda: [n for n in os.environ if n.startswith(("C2D_", "SEAL_", "DATABASE", "STEP_FILES"))] or None)
finish()
