# Fills what is not its volume: /tmp, shared memory, its log folder's node. It is killed, evicted or refused.
import time

for folder in ("/dev/shm", "/tmp"):
    written = 0
    try:
        with open(f"{folder}/big", "wb", buffering=0) as file:
            while written < settings["bytes"]:
                written += file.write(b"x" * (1024 * 1024))
    except OSError:
        pass
    print(f"{folder}: {written} bytes", flush=True)
time.sleep(settings.get("seconds", 60))
attempt("fill /tmp past its size and live", lambda: "alive" if written >= settings["bytes"] else None)
finish()
