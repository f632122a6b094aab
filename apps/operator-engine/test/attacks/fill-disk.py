# Fills the outputs until it is stopped; what it got is more than its volume holds.
import errno

written = 0
block = b"x" * (1024 * 1024)
refused = None
try:
    with open("/data/outputs/big", "wb", buffering=0) as file:
        while written < settings["bytes"] * 4:
            written += file.write(block)
except OSError as error:
    refused = errno.errorcode.get(error.errno)
attempt(f"write more than it may ({written} bytes, then {refused})", lambda: written if written > settings["bytes"] else None)
attempt("fill it with names", lambda: [open(f"/data/outputs/{i}", "w").write("x" * 4096) for i in range(20)] and None)
finish(3)
