# Every way up that a container leaves open by mistake.
import ctypes
import glob
import stat
import subprocess

libc = ctypes.CDLL(None, use_errno=True)


def call(name, *args):
    if getattr(libc, name)(*args) == -1:
        raise OSError(ctypes.get_errno(), name)
    return f"{name} worked"


def syscall(number, *args):
    if libc.syscall(number, *args) == -1:
        raise OSError(ctypes.get_errno(), f"syscall {number}")
    return f"syscall {number} worked"


def status(field):
    for line in open("/proc/self/status"):
        if line.startswith(field + ":"):
            return line.split(":")[1].strip()
    return None


def set_id_programs():
    for folder in ("/usr/bin", "/usr/sbin", "/bin", "/sbin", "/usr/local/bin"):
        for path in glob.glob(folder + "/*"):
            try:
                if os.stat(path).st_mode & (stat.S_ISUID | stat.S_ISGID):
                    yield path
            except OSError:
                pass


def set_id_shell():
    with open("/bin/sh", "rb") as shell, open("/tmp/sh", "wb") as copy:
        copy.write(shell.read())
    os.chmod("/tmp/sh", 0o6755)
    out = subprocess.run(["/tmp/sh", "-p", "-c", "id -u"], capture_output=True, text=True).stdout.strip()
    return "root" if out == "0" else None


def by_program(path):
    name = os.path.basename(path)
    arguments = {"su": ["-c", "id -u"], "sudo": ["-n", "id", "-u"], "newgrp": []}.get(name)
    if arguments is None:
        return None
    out = subprocess.run([path, *arguments], capture_output=True, text=True, timeout=5, stdin=subprocess.DEVNULL).stdout
    return "root" if out.strip() == "0" else None


attempt("be root from the start", lambda: os.geteuid() == 0)
for way in (lambda: os.setuid(0), lambda: os.seteuid(0), lambda: os.setgid(0), lambda: os.setgroups([0])):
    attempt("set its own ids", lambda w=way: (w(), "worked")[1])
attempt("hold a capability", lambda: int(status("CapEff"), 16) or int(status("CapPrm"), 16) or None)
attempt("be allowed new privileges", lambda: status("NoNewPrivs") == "0")
attempt("run a set-id shell of its own", set_id_shell)
for path in sorted(set(set_id_programs())):
    attempt(f"climb by {path}", lambda p=path: by_program(p))
CLONE = {"user": 0x10000000, "mount": 0x20000, "network": 0x40000000, "pid": 0x20000000, "uts": 0x4000000}
for name, flag in CLONE.items():
    pid = os.fork()
    if pid == 0:
        try:
            call("unshare", flag)
            if name == "user":
                open("/proc/self/uid_map", "w").write(f"0 {os.getuid()} 1")
            os._exit(0)
        except BaseException:
            os._exit(1)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    # A sandbox with a kernel of its own may give namespaces of that kernel; they lead nowhere.
    attempt(f"make a {name} namespace", lambda c=code: c == 0 and not settings.get("ownKernel") or None)
attempt("mount a file system", lambda: call("mount", b"tmpfs", b"/tmp", b"tmpfs", 0, None))
attempt("change its root", lambda: call("chroot", b"/tmp"))
attempt("make a device", lambda: os.mknod("/tmp/disk", 0o600 | stat.S_IFBLK, os.makedev(8, 0)) or "made")
attempt("load a program into the kernel", lambda: syscall(321, 0, 0, 0))
attempt("use the kernel's keys", lambda: syscall(250, 0, -1, 0) if settings.get("seccomp") and not settings.get("ownKernel") else None)
attempt("handle page faults of the kernel", lambda: syscall(323, 0) if settings.get("seccomp") and not settings.get("ownKernel") else None)
attempt("open a file by its handle", lambda: syscall(304, -100, 0, 0))
attempt("set the host's name", lambda: call("sethostname", b"attack", 6))
attempt("set the clock", lambda: call("settimeofday", ctypes.create_string_buffer(16), None))
attempt("restart the machine", lambda: call("reboot", 0x1234567))
for path in ("/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/proc/sys/vm/drop_caches", "/sys/kernel/uevent_helper"):
    attempt(f"write {path}", lambda p=path: open(p, "w").write("1"))
attempt("take memory out of the reach of limits", lambda: open("/sys/fs/cgroup/memory.max", "w").write("max"))
finish()
