# Leaves outputs whose names, kinds and links mean something else to whoever carries them out.
import socket
import stat

os.chdir("/data/outputs")


def make(what, action):
    # Making them is allowed: nothing is won before somebody follows them.
    try:
        action()
    except (OSError, ValueError) as error:
        print(f"could not make {what}: {error}", flush=True)


make("fine", lambda: open("fine.txt", "w").write("fine"))
make("link to the dataset", lambda: os.symlink(settings["dataset"], "link-input"))
make("link to the host", lambda: os.symlink("/etc/passwd", "link-host"))
make("link to our files", lambda: os.symlink("/step-files/report.json", "link-secret"))
make("link upwards", lambda: os.symlink("../../..", "link-up"))
make("link to itself", lambda: os.symlink("loop", "loop"))
make("linked folder", lambda: os.symlink("/data/adminlogs", "folder"))
make("pipe", lambda: os.mkfifo("pipe"))
make("socket", lambda: socket.socket(socket.AF_UNIX).bind("socket"))
make("device", lambda: os.mknod("device", 0o600 | stat.S_IFCHR, os.makedev(1, 5)))
make("newline", lambda: open("new\nline", "w").close())
make("option", lambda: open("--checkpoint-action=exec=sh", "w").close())
make("escape", lambda: open("..\\..\\evil", "w").close())
make("control", lambda: open("\x1b[2J", "w").close())
make("no text", lambda: open(b"\xff\xfe", "w").close())
make("long", lambda: open("n" * 255, "w").close())
make("sparse", lambda: (open("sparse", "w").close(), os.truncate("sparse", 1 << 50)))
make("set-id", lambda: (open("set-id", "w").close(), os.chmod("set-id", 0o6777)))
make("closed", lambda: (os.mkdir("closed"), open("closed/x", "w").close(), os.chmod("closed", 0)))


def deep():
    for _ in range(300):
        os.mkdir("d")
        os.chdir("d")


make("deep", deep)
os.chdir("/data/outputs")
attempt("link the dataset hard", lambda: os.link(settings["dataset"], "hard") or "linked")
finish()
